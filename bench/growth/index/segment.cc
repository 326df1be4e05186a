#include "bench/growth/index/segment.h"

#include <algorithm>
#include <cstring>

namespace acre::bench {
namespace {

constexpr std::uint64_t kFirstTable = 1024;
constexpr std::uint32_t kFirstChunk = 2;
constexpr std::uint32_t kLargestChunk = 1024;

void trace_postings(void* object, std::size_t, acre_visitor* visitor) {
  acre_visit(visitor, reinterpret_cast<void**>(&static_cast<PostingChunk*>(object)->older));
}

// The slot of a term, or the empty one where it would go.
Term** probe(Term** table, std::uint64_t capacity, std::string_view name, std::uint32_t hash) {
  for (std::uint64_t at = hash & (capacity - 1);; at = (at + 1) & (capacity - 1)) {
    Term* term = table[at];
    if (term == nullptr || (term->hash == hash && term->name() == name)) return &table[at];
  }
}

std::size_t chunk_bytes(std::uint32_t capacity) {
  return sizeof(PostingChunk) + capacity * sizeof(Posting);
}

}  // namespace

SegmentKinds SegmentKinds::register_in(acre_heap* heap) {
  return {.references = register_bitmap_kind(heap, "index references", 1, 1),
          .segment = register_bitmap_kind(heap, "index segment", 0b11, sizeof(Segment) / 8),
          .term = register_bitmap_kind(heap, "index term", 0b11, sizeof(Term) / 8),
          .postings = register_traced_kind(heap, "index postings", trace_postings)};
}

SegmentBuilder::SegmentBuilder(Mutator& mutator, const SegmentKinds& kinds, std::size_t documents)
    : mutator_(mutator), kinds_(kinds), segment_(mutator.make<Segment>(kinds.segment)) {
  const std::size_t table_bytes = kFirstTable * sizeof(Term*);
  const std::size_t document_bytes = documents * sizeof(char*);
  auto** table = static_cast<Term**>(mutator.alloc(table_bytes, kinds.references));
  mutator.store(segment_, &segment_->table, table);
  auto** names = static_cast<char**>(mutator.alloc(document_bytes, kinds.references));
  mutator.store(segment_, &segment_->documents, names);
  segment_->capacity = kFirstTable;
  segment_->bytes = sizeof(Segment) + table_bytes + document_bytes;
}

void SegmentBuilder::add_file(const SourceFile& file, FileTally& tally) {
  Tokens tokens;
  if (!read_tokens(mutator_, file, tally, tokens)) return;
  const auto document = static_cast<std::uint32_t>(segment_->document_count++);
  char** documents = segment_->documents;
  mutator_.store(documents, &documents[document], copy(file.path));
  for (std::size_t i = 0; i < tokens.count; ++i) {
    const Token& token = tokens.items[i];
    const std::string_view name(tokens.content + token.offset, token.length);
    Term** slot = find(name, token.hash);
    Term* term = *slot;
    if (term == nullptr) term = insert(slot, copy(name), token.length, token.hash);
    ++term->count;
    add_posting(term, {document, token.line});
  }
}

void SegmentBuilder::add_count(char* text, std::uint32_t length, std::uint32_t hash,
                               std::uint64_t count) {
  Term** slot = find({text, length}, hash);
  Term* term = *slot != nullptr ? *slot : insert(slot, text, length, hash);
  term->count += count;
}

Term** SegmentBuilder::find(std::string_view name, std::uint32_t hash) const {
  return probe(segment_->table, segment_->capacity, name, hash);
}

Term* SegmentBuilder::insert(Term** slot, char* text, std::uint32_t length, std::uint32_t hash) {
  Term* term = mutator_.make<Term>(kinds_.term);
  mutator_.store(term, &term->text, text);
  term->length = length;
  term->hash = hash;
  mutator_.store(segment_->table, slot, term);
  segment_->bytes += sizeof(Term);
  if (++segment_->terms > segment_->capacity / 4 * 3) widen();
  return term;
}

void SegmentBuilder::widen() {
  const std::uint64_t capacity = segment_->capacity;
  const std::size_t bytes = capacity * sizeof(Term*);
  auto** wide = static_cast<Term**>(mutator_.alloc(2 * bytes, kinds_.references));
  Term** table = segment_->table;
  for (std::uint64_t i = 0; i < capacity; ++i) {
    if (table[i] == nullptr) continue;
    Term** slot = probe(wide, 2 * capacity, table[i]->name(), table[i]->hash);
    mutator_.store(wide, slot, table[i]);
  }
  mutator_.store(segment_, &segment_->table, wide);
  segment_->capacity = 2 * capacity;
  segment_->bytes += bytes;
}

char* SegmentBuilder::copy(std::string_view text) {
  char* object = static_cast<char*>(mutator_.alloc_uninit(text.size()));
  std::memcpy(object, text.data(), text.size());
  segment_->bytes += text.size();
  return object;
}

void SegmentBuilder::add_posting(Term* term, Posting posting) {
  PostingChunk* chunk = term->postings;
  if (chunk == nullptr || chunk->used == chunk->capacity) {
    const std::uint32_t capacity =
        chunk == nullptr ? kFirstChunk : std::min(2 * chunk->capacity, kLargestChunk);
    const std::size_t bytes = chunk_bytes(capacity);
    auto* fresh = static_cast<PostingChunk*>(mutator_.alloc(bytes, kinds_.postings));
    fresh->capacity = capacity;
    mutator_.store(fresh, &fresh->older, chunk);
    mutator_.store(term, &term->postings, fresh);
    segment_->bytes += bytes;
    chunk = fresh;
  }
  chunk->items()[chunk->used++] = posting;
}

namespace {

std::uint64_t check_term(const Segment* segment, const Term* term) {
  std::uint64_t postings = 0;
  Posting later{UINT32_MAX, UINT32_MAX};
  for (const PostingChunk* chunk = term->postings; chunk != nullptr; chunk = chunk->older) {
    if (chunk->used == 0 || chunk->used > chunk->capacity) throw Corrupt("index: a bad chunk");
    for (std::uint32_t i = chunk->used; i-- > 0;) {
      const Posting here = chunk->items()[i];
      const bool ordered = here.document < later.document ||
                           (here.document == later.document && here.line <= later.line);
      if (!ordered || here.document >= segment->document_count) {
        throw Corrupt("index: postings out of order");
      }
      later = here;
    }
    postings += chunk->used;
  }
  if (postings != term->count) throw Corrupt("index: postings are missing");
  return postings;
}

}  // namespace

std::uint64_t check_segment(const Segment* segment) {
  std::uint64_t postings = 0;
  std::uint64_t terms = 0;
  for (std::uint64_t i = 0; i < segment->capacity; ++i) {
    Term* term = segment->table[i];
    if (term == nullptr) continue;
    ++terms;
    const bool sound = term->text != nullptr && hash_of(term->text, term->length) == term->hash;
    if (!sound || *probe(segment->table, segment->capacity, term->name(), term->hash) != term) {
      throw Corrupt("index: a term is not found by its name");
    }
    postings += check_term(segment, term);
  }
  if (terms != segment->terms) throw Corrupt("index: terms are missing");
  return postings;
}

}  // namespace acre::bench
