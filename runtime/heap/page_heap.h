// Owns the page heap: spans made of pages and pages made free again, with the arenas growing below.
//
// The common path of alloc_span:
//   1. a small request is served from the calling thread's page cache, without a lock;
//   2. else, under the page-heap lock, the cache is refilled with a block of 64 pages, or a larger
//      request is served from the page allocator (lowest address first);
//   3. if nothing fits, arenas are mapped: as many as the request needs, one at least; under a lock for
//      growth only, so that others go on meanwhile;
//   4. if pages were taken that held no memory, goal and limits are kept (retention.h): others may go
//      back to the kernel for them, or the request is refused;
//   5. the span's record, bits and page table entries are written, entries last, and it is the caller's.
//
// No system call is made under the page-heap lock.
//
// Invariants: heap_sys = idle + in use, where in use is the pages of all spans, and idle all else
// that is mapped: free pages and those in thread caches.

#ifndef ACRE_RUNTIME_HEAP_PAGE_HEAP_H_
#define ACRE_RUNTIME_HEAP_PAGE_HEAP_H_

#include <atomic>

#include "runtime/arena/space.h"
#include "runtime/base/lock.h"
#include "runtime/heap/retention.h"
#include "runtime/page/page_alloc.h"
#include "runtime/span/span.h"

namespace acre::rt {

struct SpanRequest {
  PageCount pages;
  PageCount align{1};  // power of two
  uint8_t size_class;  // kLargeClass: one object, or a stack
  uint8_t kind;
  uint32_t sweep_gen;
  bool explicitly_freed = false;
  bool stack = false;  // no object but a stack; of class kLargeClass and kind ACRE_KIND_LEAF
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

  // `fixed`: bytes that the heap takes outside the Space. `how`: free pages go back.
  void init(Space* space, ByteCount fixed, ReleaseHow how);

  // NULL: no pages, or the hard limit. Any thread, with its own cache.
  Span* alloc_span(const SpanRequest& request, PageCache& cache);

  // The span's owner gives it up; nothing in it lives. Any thread.
  void free_span(Span& span);
  // The same for a stack, where no object ever was. Its memory goes back to the kernel at once: how much it holds
  // nobody knows. `untouched` of it was told to the Retention.
  void free_stack(Span& span, ByteCount untouched, ReleaseBy who);

  void flush_cache(PageCache& cache);

  Retention& retention() { return retention_; }
  const Retention& retention() const { return retention_; }

  struct Usage {
    ByteCount mapped, in_use, released;
    ByteCount idle() const { return mapped - in_use; }
  };
  Usage usage();

  PageCount pages_in_use() const {
    return PageCount(pages_in_use_.load(std::memory_order_relaxed));
  }

  // Around fork: no pages are on their way to the kernel, none taken or mapped.
  void lock_for_fork();
  void unlock_after_fork();

  // All other threads stopped, no pages on their way to the kernel. Recounts what the page allocator
  // believes.
  bool check(void (*report)(const char*, void*), void* arg);
  // All other threads stopped, no cache holds pages.
  bool is_free(PageId page) { return !pages_.is_allocated(page); }

 private:
  PageRun take_pages(const SpanRequest& request, PageCache& cache);
  PageRun refill_and_take(const SpanRequest& request, PageCache& cache, PageCount* fresh);
  void back_ahead(const PageRun& run, PageCache& cache);
  PageRun take_exactly(const SpanRequest& request);
  PageRun grow_and_take(const SpanRequest& request);
  bool map_for(PageCount wanted, PageId* first, PageCount* pages);
  bool settle(const PageRun& run, PageCount fresh, PageId end);
  void put_back(const PageRun& run);
  PageRun end_span(Span& span);
  Span* make_span(const SpanRequest& request, const PageRun& run);

  Space* space_;
  Lock grow_lock_;
  Lock lock_;
  PageAlloc pages_;
  Retention retention_;
  bool zero_when_released_;
  std::atomic<uint64_t> pages_in_use_;
  std::atomic<bool> refuses_backing_;
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_HEAP_PAGE_HEAP_H_
