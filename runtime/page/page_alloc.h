// Owns which pages of the heap's range are free, and which of the free ones hold no memory: the page
// allocator. It knows page numbers only; the pages themselves, their addresses and the kernel belong to
// runtime/arena and runtime/os, spans to runtime/heap.
//
// GOAL. Find the lowest run of n free pages (address-ordered first fit: what is old stays together at
// the bottom, what is free collects at the top, where the scavenger takes it), in time that depends on
// neither the heap's size nor its fragmentation.
//
// STRUCTURE. Two bits a page (free, scavenged) in chunks of 512 pages, and above the free bits a tree of
// summaries (page_summary.h), eight children to an entry, all of it flat arrays:
//
//   level 0   2^21 pages (16 GiB) an entry, at most 32 entries: the top, read from left to right
//   level 1   2^18 pages           \.
//   level 2   2^15 pages            \ entry i has the children 8i .. 8i+7 of the next level
//   level 3   2^12 pages            /
//   level 4   2^9  pages (4 MiB)   /  entry i summarizes chunk i
//   chunk i   free 64 bytes, scavenged 64 bytes
//
// A PAGE is, and becomes:
//   never grown       grow: free, scavenged
//   free, scavenged   alloc: allocated
//   free              alloc, take_for_release: allocated
//   allocated         free: free;  give_back: free, scavenged if it was released
//
// COMMON PATH, alloc(n):
//   1. Begin at the hint: no page below it is free. Look into its chunk.
//   2. Climb: go right from entry to entry, up a level whenever a whole parent lies ahead. Carry the
//      length of the free run that ends where the next entry begins; if that and the entry's `start`
//      make n, the place is found without going down (any n, over any number of chunks).
//   3. If an entry's `max` is n or more, descend into it, left to right, and finish in a chunk's bits.
//      At most 8 entries a level each way, and 32 at the top.
//   4. Clear the bits, count how many were scavenged, recompute the summaries of the touched chunks and
//      of their parents, up to the first level where nothing changed.
//   5. Raise the hint over what the search saw to be full.
//
// INVARIANTS, the ones that check() recounts:
//   scavenged => free => grown;   no page below the hint is free
//   grown = free + allocated;     free_pages, scavenged_pages = popcounts of the bits
//   every summary = a recount of its bits or children; entries of chunks never grown are zero
//   state[c].in_use + popcount(free of c) = 512; c is in `candidates` iff c has free unscavenged pages
//
// THREADS. None of it locks: the caller holds the page-heap lock around every call, the const ones too.
// A run out for release (take_for_release) is allocated as far as anyone can see, so the lock may be
// dropped while the kernel works on it.
//
// NOT HERE. When to grow and where (runtime/arena, runtime/heap), when to release and how much
// (runtime/scavenge), reserving and backing the tables. The memory of the tables must read as zero, may
// be backed lazily, and is touched only where chunks were grown.
//
// From Go's page allocator (mpagealloc.go); flat where Go is sparse, because the range is one piece.

#ifndef ACRE_RUNTIME_PAGE_PAGE_ALLOC_H_
#define ACRE_RUNTIME_PAGE_PAGE_ALLOC_H_

#include <cstdint>

#include "runtime/base/units.h"
#include "runtime/page/page_cache.h"
#include "runtime/page/page_tables.h"

namespace acre::rt {

// Which free pages take_for_release may choose, beyond its two limits. The default: any.
struct ReleaseRule {
  // Take whole aligned groups of this many pages only (the kernel's page where it is larger than
  // ours). A power of two, at most 64.
  PageCount granularity{1};
  // Do not begin inside a huge page of this many pages that lies in the run as a whole: begin where it
  // begins, even if that is more than the maximum. A power of two, at most 512; 1 for no huge pages.
  PageCount huge_page{1};
  // Leave out chunks that are in use almost as a whole, or were when this generation began: their few
  // free pages will be wanted again soon, and taking them would cut huge pages.
  bool skip_dense = false;
  // Take what is scavenged, too, for which there is no index: chunk by chunk.
  bool scavenged_too = false;
};

class PageAlloc {
 public:
  // A chunk with this many pages in use is dense: 31/32. Higher releases more, and cuts more huge pages;
  // lower leaves more free pages in memory.
  static constexpr unsigned kDensePages = kChunkPages - kChunkPages / 32;

  PageAlloc() = default;
  PageAlloc(const PageAlloc&) = delete;
  PageAlloc& operator=(const PageAlloc&) = delete;

  // Capacity: the pages of the reservation, a power of two from 64 MiB to 512 GiB of them. A multiple
  // of 4 KiB; `zeroed_tables` must be aligned to a cache line at least.
  static ByteCount table_bytes(PageCount capacity) { return PageTables::bytes(capacity); }
  void init(void* zeroed_tables, PageCount capacity);

  // Pages [base, base + n), never grown before, become free and scavenged (known zero). Whole chunks,
  // anywhere within the capacity.
  void grow(PageId base, PageCount n);

  // The lowest run of n pages, 1 <= n; !ok() when there is none. The pages' scavenged bits are cleared
  // and counted in the result.
  PageRun alloc(PageCount n);
  // The lowest run that begins at a multiple of `align` pages, a power of two. Nothing around it is
  // touched. Costs one search for each run of n pages below it that is not aligned.
  PageRun alloc_aligned(PageCount n, PageCount align);
  // Pages go back as free and not scavenged. Any part of what was allocated, in any order.
  void free(PageId page, PageCount n);

  // The free pages of the first aligned block of 64 that has one; empty when no page is free.
  PageCache alloc_to_cache();

  // Takes out the highest run of free, unscavenged pages that ends at or below `below`, its upper `max`
  // pages if it is longer; !ok() when there is none. A run does not cross a chunk, so it is 4 MiB at
  // most. The pages are allocated until give_back.
  PageRun take_for_release(PageId below, PageCount max, ReleaseRule rule = {});
  // Ends what take_for_release began: free again, and known zero if they were released.
  void give_back(PageId page, PageCount n, bool released);
  // All pages of the page's chunk if they are free and scavenged, else !ok(). Allocated until give_back.
  PageRun take_free_chunk(PageId page);
  // The lowest chunk at or above the page's that is dense, and whose free pages all hold memory: a huge
  // page there takes no memory more. Looks at `most` chunks; `*next` is where to go on.
  PageRun find_dense_chunk(PageId from, unsigned most, PageId* next) const;
  // A collection cycle begins: what is dense now stays hidden from ReleaseRule::skip_dense until the
  // next call, if it is touched in between.
  void begin_generation();

  PageCount capacity() const { return capacity_; }
  PageCount grown_pages() const { return grown_; }
  PageCount free_pages() const { return free_; }
  PageCount scavenged_pages() const { return scavenged_; }  // a part of free_pages
  // Grown and not free. Pages in a PageCache and pages out for release are.
  bool is_allocated(PageId page) const;
  bool is_scavenged(PageId page) const;
  // All grown pages are in [lowest, highest), but not all of it need be grown. Both 0 at first.
  PageId lowest() const { return lowest_; }
  PageId highest() const { return highest_; }
  // No page below it is free.
  PageId hint() const { return hint_; }

  // Recounts all invariants, slowly. Calls report (may be null) for each that does not hold.
  bool check(void (*report)(const char* message, void* arg), void* arg) const;

 private:
  friend class PageCache;

  struct Fit {
    PageId page;
    PageId first_free;  // no page from where the search began up to here is free
    bool found;
  };
  struct Search;
  struct Checker;

  // page_alloc_find.cc
  Fit find(PageId from, PageCount n) const;

  // page_alloc.cc
  PageCount take(PageId page, PageCount n);  // free -> allocated; how many were scavenged
  void put(PageId page, PageCount n, bool scavenged);
  void put_block(PageId base, uint64_t free, uint64_t scavenged);
  void change_counts(uint64_t chunk, int in_use, int scavenged);
  void update_summaries(uint64_t first_chunk, uint64_t last_chunk);
  void require_grown(PageId page, PageCount n) const;

  // page_release.cc
  bool is_dense(const ChunkState& state) const;

  PageTables tables_;
  PageCount capacity_;
  PageCount grown_;
  PageCount free_;
  PageCount scavenged_;
  PageId lowest_;
  PageId highest_;
  PageId hint_;
  uint16_t generation_ = 1;  // never 0, see ChunkState
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_PAGE_PAGE_ALLOC_H_
