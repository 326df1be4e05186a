// An inverted index of a directory, in segments that are shared out to parts: part p holds the segments
// p, p + parts, p + 2 parts, ... A part is built by one thread; the answers may be asked by any when no
// part is being built. One handle a part holds its table of segments.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/growth/index/segment.h"
#include "bench/growth/workload.h"

namespace acre::bench {

class InvertedIndex {
 public:
  // `files` must outlive the index.
  InvertedIndex(std::span<const SourceFile> files, unsigned parts);

  void start(Mutator& mutator);
  // The positions of a part's segments, 0 to segments(part) - 1.
  std::size_t segments(unsigned part) const { return parts_[part].runs.size(); }
  bool holds(unsigned part, std::size_t position) const;
  // Builds a segment from its files, in place of the one that was there. Returns its bytes.
  std::uint64_t build(Mutator& mutator, unsigned part, std::size_t position, FileTally& tally);
  // Returns the bytes that nothing refers to any more.
  std::uint64_t drop(Mutator& mutator, unsigned part, std::size_t position);
  std::uint64_t table_bytes() const;

  // Throws Corrupt; returns postings looked at.
  std::uint64_t check(Mutator& mutator, unsigned part) const;

  using Count = std::pair<std::string, std::uint64_t>;
  // The most frequent identifiers, by count and then by name; by a merge of all segments in the heap.
  std::vector<Count> top(Mutator& mutator, std::size_t n) const;
  // Every identifier once, with its count over all segments.
  void for_each(Mutator& mutator,
                const std::function<void(std::string_view, std::uint64_t)>& fn) const;

 private:
  struct Part {
    std::vector<std::span<const SourceFile>> runs;  // the files of each segment
    std::unique_ptr<Root> table;                    // Segment*[runs.size()]
  };

  Segment* merged(Mutator& mutator) const;

  std::vector<Part> parts_;
  SegmentKinds kinds_{};
};

}  // namespace acre::bench
