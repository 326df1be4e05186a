// Owns the page heap: spans made of pages and pages made free again, with the arenas growing below.
//
// The common path of alloc_span:
//   1. a small request is served from the calling thread's page cache, without a lock;
//   2. else, under the page-heap lock, the cache is refilled with a block of 64 pages, or a larger
//      request is served from the page allocator (lowest address first);
//   3. if nothing fits, arenas are mapped: as many as the request needs, one at least;
//   4. the span's record, bits and page table entries are written, entries last, and it is the caller's.
//
// The system call of step 3 is made under the lock: at most one mprotect for 64 MiB of growth, and
// no other thread could go on without pages anyway.
//
// Invariants: heap_sys = idle + in use, where in use is the pages of all spans, and idle all else
// that is mapped: free pages and those in thread caches.

#ifndef ACRE_RUNTIME_HEAP_PAGE_HEAP_H_
#define ACRE_RUNTIME_HEAP_PAGE_HEAP_H_

#include <atomic>

#include "runtime/arena/space.h"
#include "runtime/base/lock.h"
#include "runtime/page/page_alloc.h"
#include "runtime/span/span.h"

namespace acre::rt {

struct SpanRequest {
  PageCount pages;
  PageCount align{1};  // power of two
  uint8_t size_class;  // kLargeClass: one object
  uint8_t kind;
  uint32_t sweep_gen;
};

class PageHeap {
 public:
  // Requests of this many pages or more do not go through the cache, as in Go.
  static constexpr PageCount kCacheLimit{PageCache::kPages / 4};

  // Above this address fresh pages are backed by the kernel several at a time. A heap that stays below
  // takes page by page what it touches.
  static constexpr PageId kBackAheadFrom{16 * kMiB >> kPageShift};

  // The sizes of the tables that this layer keeps in the Space.
  static TableSizes table_sizes(PageCount capacity);

  void init(Space* space);

  // NULL: no pages. Any thread, with its own cache.
  Span* alloc_span(const SpanRequest& request, PageCache& cache);

  // The span's owner gives it up; nothing in it lives. Any thread.
  void free_span(Span& span);

  void flush_cache(PageCache& cache);

  // Gives all free pages back to the kernel, highest first, and what the books hold on them,
  // without holding the lock while the kernel works. Returns what was given back, books not counted.
  ByteCount release_all();

  struct Usage {
    ByteCount mapped, in_use, released;
    ByteCount idle() const { return mapped - in_use; }
  };
  Usage usage();

  PageCount pages_in_use() const {
    return PageCount(pages_in_use_.load(std::memory_order_relaxed));
  }

  // All other threads stopped. Recounts what the page allocator believes.
  bool check(void (*report)(const char*, void*), void* arg);
  // All other threads stopped, no cache holds pages.
  bool is_free(PageId page) { return !pages_.is_allocated(page); }

 private:
  PageRun take_pages(const SpanRequest& request, PageCache& cache);
  void back_ahead(const PageRun& run, PageCache& cache);
  PageRun take_or_grow(const SpanRequest& request);
  bool grow(PageCount wanted);
  Span* make_span(const SpanRequest& request, const PageRun& run);

  Space* space_;
  Lock lock_;
  PageAlloc pages_;
  std::atomic<uint64_t> pages_in_use_;
  std::atomic<bool> refuses_backing_;
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_HEAP_PAGE_HEAP_H_
