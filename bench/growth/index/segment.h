// A segment: the inverted index of a run of files, made of objects of the heap.
//
//   Segment ──► table: Term*[capacity] ──► Term ──► text            (leaf)
//      │                                     └────► PostingChunk ──► PostingChunk ──► ...
//      └──────► documents: char*[n] ──► path                        (leaves)
//
// Segment, Term and the tables are of bitmap kinds, a PostingChunk has a trace function (its postings are
// numbers, only its first word is a reference). The hash table is open addressing with linear probes and
// doubles at 3/4; its old tables are garbage, and so are each file's content and tokens. A term's newest
// chunk of postings comes first, each twice the size of the one before.
//
// A segment never changes once it is built: updating means building it again, as search engines do.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "bench/growth/index/source_files.h"
#include "bench/growth/index/tokens.h"
#include "bench/growth/mutator.h"

namespace acre::bench {

struct Posting {
  std::uint32_t document;
  std::uint32_t line;
};

struct PostingChunk {
  PostingChunk* older;
  std::uint32_t used;
  std::uint32_t capacity;
  Posting* items() { return reinterpret_cast<Posting*>(this + 1); }
  const Posting* items() const { return reinterpret_cast<const Posting*>(this + 1); }
};

struct Term {
  char* text;
  PostingChunk* postings;
  std::uint64_t count;
  std::uint32_t hash;
  std::uint32_t length;

  std::string_view name() const { return {text, length}; }
};

struct Segment {
  Term** table;
  char** documents;
  std::uint64_t capacity;  // of the table: a power of two
  std::uint64_t terms;
  std::uint64_t document_count;
  std::uint64_t bytes;  // asked for, of all objects that the segment keeps alive
};

struct SegmentKinds {
  acre_kind references;
  acre_kind segment;
  acre_kind term;
  acre_kind postings;

  static SegmentKinds register_in(acre_heap* heap);
};

class SegmentBuilder {
 public:
  SegmentBuilder(Mutator& mutator, const SegmentKinds& kinds, std::size_t documents);

  void add_file(const SourceFile& file, FileTally& tally);
  // Adds to a term's count without a posting; `text` is an object already and is shared. For merging.
  void add_count(char* text, std::uint32_t length, std::uint32_t hash, std::uint64_t count);

  Segment* segment() const { return segment_; }

 private:
  Term** find(std::string_view name, std::uint32_t hash) const;
  Term* insert(Term** slot, char* text, std::uint32_t length, std::uint32_t hash);
  void widen();
  char* copy(std::string_view text);
  void add_posting(Term* term, Posting posting);

  // The builder itself is on the stack, so these references are roots.
  Mutator& mutator_;
  const SegmentKinds& kinds_;
  Segment* segment_;
};

// Throws Corrupt unless each term is found by its name, and its postings are as many as its count and
// in order. Returns the number of postings.
std::uint64_t check_segment(const Segment* segment);

}  // namespace acre::bench
