// Owns up to 64 free pages that one thread took from the page allocator at once, so that most small
// spans are made without the page-heap lock.
//
//   base (a multiple of 64)
//   free       bit i: page base + i is here and free
//   scavenged  bit i: and it is known to be zero; a subset of `free`
//   backed     bit i: of a scavenged page: it has memory all the same, see take_ahead
//
// PageAlloc counts the pages of a cache as allocated. Pages that leave a cache by alloc() go back by
// PageAlloc::free, like all others; pages that are still in it go back by flush().
//
// Threads: a cache belongs to one thread and needs no lock, but for flush() and for being filled
// (PageAlloc::alloc_to_cache), which need the page-heap lock. When to fill and how large a request may
// be is decided above (runtime/heap).

#ifndef ACRE_RUNTIME_PAGE_PAGE_CACHE_H_
#define ACRE_RUNTIME_PAGE_PAGE_CACHE_H_

#include <cstdint>

#include "runtime/base/units.h"

namespace acre::rt {

class PageAlloc;

// Pages in a row. `scavenged` says how many of them were known to be zero: all of them only if it
// equals `pages`.
struct PageRun {
  PageId page;
  PageCount pages;
  PageCount scavenged;

  bool ok() const { return pages.raw != 0; }
};

class PageCache {
 public:
  static constexpr unsigned kPages = 64;
  static constexpr unsigned kAhead = 8;  // 64 KiB: more saves nothing more

  PageCache() = default;
  PageCache(PageId base, uint64_t free, uint64_t scavenged)
      : base_(base), free_(free), scavenged_(scavenged) {}

  bool empty() const { return free_ == 0; }
  PageId base() const { return base_; }
  uint64_t free_mask() const { return free_; }
  uint64_t scavenged_mask() const { return scavenged_; }
  PageCount free_pages() const;
  PageCount scavenged_pages() const;

  // The lowest run of n pages; !ok() when there is none, as always for n > 64. 1 <= n.
  PageRun alloc(PageCount n);

  // The kernel backs pages in a row for less than one by one. For a run that alloc() gave, all of it
  // scavenged: how many pages from its start are worth backing at once, the run and free ones behind
  // it; 0 if the run has its memory already. The cache takes it that they are backed.
  PageCount take_ahead(const PageRun& run);

  // Gives all pages back, with what is known about them, and leaves the cache empty. Under the
  // page-heap lock.
  void flush(PageAlloc& pages);

 private:
  PageId base_;
  uint64_t free_ = 0;
  uint64_t scavenged_ = 0;
  uint64_t backed_ = 0;
};
static_assert(sizeof(PageCache) == 32);

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_PAGE_PAGE_CACHE_H_
