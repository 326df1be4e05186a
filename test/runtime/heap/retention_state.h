// A heap's page heap with what tests of retention ask of it: spans made and freed, and the equations of
// retention.h.

#ifndef ACRE_TEST_RUNTIME_HEAP_RETENTION_STATE_H_
#define ACRE_TEST_RUNTIME_HEAP_RETENTION_STATE_H_

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <vector>

#include "test/runtime/heap/heap_state.h"

namespace acre::rt::test {

constexpr ByteCount pages(uint64_t n) { return ByteCount(n * kPageBytes); }

class RetentionState {
 public:
  explicit RetentionState(uint64_t reserve_bytes = 128 * kMiB, FaultPlan* faults = nullptr,
                          bool lazily = false, int huge_pages = ACRE_HUGE_PAGES_NEVER)
      : heap(options(reserve_bytes, lazily, huge_pages), faults) {}
  ~RetentionState() { sane(); }
  RetentionState(const RetentionState&) = delete;
  RetentionState& operator=(const RetentionState&) = delete;

  Retention& operator*() { return heap->pages.retention(); }
  Retention* operator->() { return &heap->pages.retention(); }

  // 16 pages or more: not through the cache. NULL: refused.
  Span* alloc(uint64_t count, uint64_t align = 1) {
    BOOST_REQUIRE(count >= 16);
    const SpanRequest request{.pages = PageCount(count),
                              .align = PageCount(align),
                              .size_class = kLargeClass,
                              .kind = 1,
                              .sweep_gen = 0};
    return heap->pages.alloc_span(request, cache);
  }
  // Every page of it holds memory.
  Span* alloc_touched(uint64_t count) {
    Span* span = alloc(count);
    BOOST_REQUIRE(span != nullptr);
    memset(start(*span), 0x5a, span->size().raw);
    return span;
  }
  void free(Span* span) { heap->pages.free_span(*span); }

  void* start(const Span& span) { return span.start(heap->space).as<void>(); }
  // Of a chunk; what a span says of itself is gone with its pages.
  bool holds_memory(PageId chunk) {
    const ByteCount size = pages(kChunkPages);
    return heap->os.resident(heap->space.address(chunk), size) > ByteCount(0);
  }
  ByteCount in_use() { return bytes_of(heap->pages.pages_in_use()); }

  // No page in a cache or on its way.
  void sane() {
    heap->pages.flush_cache(cache);
    const PageHeap::Usage usage = heap->pages.usage();
    const Retention& retention = heap->pages.retention();
    BOOST_TEST(usage.mapped.raw == heap->space.mapped().raw);
    BOOST_TEST(retention.retained().raw == (usage.mapped - usage.released).raw);
    BOOST_TEST(retention.retained().raw == (usage.in_use + retention.releasable()).raw);
    BOOST_TEST(retention.releasable().raw == (usage.idle() - usage.released).raw);
    BOOST_TEST(retention.accounted().raw ==
               (retention.retained() + Retention::books_of(retention.retained()) +
                heap->space.meta_used() + ByteCount(sizeof(Heap)))
                   .raw);
    BOOST_TEST(heap.complaints() == "");
    BOOST_TEST(heap->os.counters().calls_under_lock == 0u);
  }

  HeapState heap;
  PageCache cache;

 private:
  static acre_options options(uint64_t reserve_bytes, bool lazily, int huge_pages) {
    acre_options options;
    options_defaults(&options);
    options.reserve_bytes = reserve_bytes;
    options.huge_pages = huge_pages;
    options.release_lazily = lazily ? 1 : 0;
    return options;
  }
};

}  // namespace acre::rt::test

#endif  // ACRE_TEST_RUNTIME_HEAP_RETENTION_STATE_H_
