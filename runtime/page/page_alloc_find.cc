// Owns the search of PageAlloc: the lowest run of n free pages at or after a page. The head of
// page_alloc.h describes the climb and the descent.
//
// Why it is right to go down only once: when an entry is reached, no run that begins before it and does
// not reach it is long enough, and the one that reaches it is known in full, because `run` counts free
// pages up to the entry and `start` those in it. So if that sum is too small, a run of n pages begins
// inside the entry or after it, and `max` tells which.

#include "runtime/base/check.h"
#include "runtime/page/page_alloc.h"

namespace acre::rt {

namespace {

constexpr PageId base_of(unsigned level, uint64_t index) {
  return PageId(index << level_shift(level));
}

}  // namespace

// What the search knows where it stands: at the start of an entry.
struct PageAlloc::Search {
  const PageTables& tables;
  uint64_t need;      // pages
  uint64_t run = 0;   // free pages in a row that end here
  PageId first_free;  // no page of the searched range below it is free; rises along as long as
  bool seen = false;  // none was seen
  PageId page = {};   // the answer

  enum class Step { kFound, kDescend, kPassed };

  // Looks at an entry from its left edge.
  Step step(unsigned level, uint64_t index) {
    const PageSummary summary = tables.level[level][index];
    if (run + summary.start() >= need) {
      page = base_of(level, index) - PageCount(run);
      return Step::kFound;
    }
    if (summary.max() >= need) return Step::kDescend;
    const uint64_t pages = uint64_t{1} << level_shift(level);
    if (!seen) {
      seen = !summary.nothing_free();
      first_free = base_of(level, seen ? index : index + 1);
    }
    run = summary.end() == pages ? run + pages : summary.end();
    return Step::kPassed;
  }

  // Finds the run in an entry whose max says that there is one. Its first child begins where it does,
  // so what the search knows stays true on the way down.
  void descend(unsigned level, uint64_t index) {
    while (level < kLeafLevel) {
      level++;
      index *= kSummaryFanOut;
      const uint64_t end = index + kSummaryFanOut;
      Step what = step(level, index);
      while (what == Step::kPassed) {
        index++;
        ACRE_CHECK(index < end, "a summary promises no more than its children have");
        what = step(level, index);
      }
      if (what == Step::kFound) return;
    }
    descend_into_chunk(index);
  }

  void descend_into_chunk(uint64_t chunk) {
    const PageBits& free = tables.chunks[chunk].free;
    const PageId base(chunk * kChunkPages);
    const unsigned at = free.find_run(static_cast<unsigned>(need), 0);
    ACRE_CHECK(at != PageBits::kNone, "a summary promises no more than its chunk has");
    page = base + PageCount(at);
    if (!seen) first_free = base + PageCount(free.find_run(1, 0));
  }
};

PageAlloc::Fit PageAlloc::find(PageId from, PageCount n) const {
  if (from >= highest_) return Fit{{}, from, false};
  Search search{.tables = tables_, .need = n.raw, .first_free = from};

  // The chunk of `from`: its summary speaks of pages before `from` too, so it only says no.
  const uint64_t chunk = from.raw / kChunkPages;
  const uint64_t skipped = from.raw % kChunkPages;
  const PageSummary here = tables_.level[kLeafLevel][chunk];
  if (here.max() >= n.raw) {
    const PageBits& free = tables_.chunks[chunk].free;
    const unsigned at = free.find_run(static_cast<unsigned>(n.raw), static_cast<unsigned>(skipped));
    if (at != PageBits::kNone) {
      const PageId page(chunk * kChunkPages + at);
      return Fit{page, n.raw == 1 ? page : from, true};
    }
  }
  search.run = here.end() < kChunkPages - skipped ? here.end() : kChunkPages - skipped;
  search.seen = !here.nothing_free();
  if (!search.seen) search.first_free = PageId((chunk + 1) * kChunkPages);

  unsigned level = kLeafLevel;
  uint64_t index = chunk + 1;
  for (;;) {
    while (level > 0 && index % kSummaryFanOut == 0) {
      level--;
      index /= kSummaryFanOut;
    }
    if (base_of(level, index) >= highest_) return Fit{{}, search.first_free, false};
    const Search::Step what = search.step(level, index);
    if (what == Search::Step::kDescend) search.descend(level, index);
    if (what != Search::Step::kPassed) break;
    index++;
  }
  return Fit{search.page, search.first_free, true};
}

}  // namespace acre::rt
