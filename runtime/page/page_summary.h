// Owns the summary of a block of pages: how many free pages it has in a row at its start, at most
// anywhere, and at its end. Three numbers are enough to find a run that crosses blocks without looking
// into them, and to make the summary of eight neighbours out of theirs.
//
//    63  62        42 41        21 20         0
//   +---+------------+------------+------------+
//   | F |    end     |    max     |   start    |     counts of pages, 21 bits each
//   +---+------------+------------+------------+
//
// A block of the top level has 2^21 pages, one more than 21 bits can say. Only one state needs that
// number, all free, in which the three are equal: F alone stands for it. Zero is "nothing free".
//
// Invariants: start <= max, end <= max, and if one of them is the whole block, all three are.

#ifndef ACRE_RUNTIME_PAGE_PAGE_SUMMARY_H_
#define ACRE_RUNTIME_PAGE_PAGE_SUMMARY_H_

#include <cstdint>

#include "runtime/page/page_bits.h"

namespace acre::rt {

class PageSummary {
 public:
  static constexpr unsigned kFieldBits = 21;
  static constexpr uint64_t kMaxPages = uint64_t{1} << kFieldBits;

  constexpr PageSummary() = default;
  static constexpr PageSummary of(uint64_t start, uint64_t max, uint64_t end) {
    if (max == kMaxPages) return PageSummary(kAllFree);
    return PageSummary(start | max << kFieldBits | end << (2 * kFieldBits));
  }
  static constexpr PageSummary all_free(uint64_t pages) { return of(pages, pages, pages); }

  constexpr uint64_t start() const { return field(0); }
  constexpr uint64_t max() const { return field(1); }
  constexpr uint64_t end() const { return field(2); }
  constexpr bool nothing_free() const { return packed_ == 0; }
  constexpr bool operator==(const PageSummary&) const = default;

 private:
  static constexpr uint64_t kAllFree = uint64_t{1} << 63;

  constexpr explicit PageSummary(uint64_t packed) : packed_(packed) {}
  constexpr uint64_t field(unsigned i) const {
    if ((packed_ & kAllFree) != 0) return kMaxPages;
    return packed_ >> (i * kFieldBits) & (kMaxPages - 1);
  }

  uint64_t packed_ = 0;
};
static_assert(sizeof(PageSummary) == 8);

inline constexpr unsigned kSummaryFanOutShift = 3;
inline constexpr unsigned kSummaryFanOut = 1U << kSummaryFanOutShift;

inline PageSummary summarize(const PageBits& free) {
  return PageSummary::of(free.run_at_start(), free.longest_run(), free.run_at_end());
}

// The summary of the block that the eight neighbours at `children` make up, each of `child_pages`.
constexpr PageSummary merge(const PageSummary* children, uint64_t child_pages) {
  uint64_t start = 0;
  uint64_t max = 0;
  uint64_t run = 0;  // free pages in a row up to the current child
  bool open = true;  // everything so far is free, so the block's first run still grows
  for (unsigned i = 0; i < kSummaryFanOut; i++) {
    const PageSummary child = children[i];
    const uint64_t joined = run + child.start();
    if (joined > max) max = joined;
    if (child.max() > max) max = child.max();
    if (child.max() == child_pages) {
      run = joined;
      continue;
    }
    if (open) start = joined;
    open = false;
    run = child.end();
  }
  if (open) start = run;
  if (run > max) max = run;
  return PageSummary::of(start, max, run);
}

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_PAGE_PAGE_SUMMARY_H_
