// runtime/heap: the central list, and how a thread cache that used up its span gets another one.

#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "bench/micro/bare_heap.h"
#include "runtime/base/bits.h"

namespace acre::bench {
namespace {

constexpr std::int64_t kSpans = 2048;

std::unique_ptr<BareHeap> shared_heap;  // of the threads of take_put

// Central::take_with_room of a swept span and put, by one thread and by two that contend.
void take_put(benchmark::State& state) {
  constexpr std::uint8_t kClass = rt::class_for(64);
  if (state.thread_index() == 0) {
    shared_heap = std::make_unique<BareHeap>(64 * rt::kMiB);
    for (int i = 0; i < 64; ++i) shared_heap->put_with_room(shared_heap->new_span(kClass));
  }
  // The loop begins when all threads have come here, and ends for all together.
  for (auto _ : state) {
    rt::Span* span = shared_heap->take_with_room(kClass);
    benchmark::DoNotOptimize(span);
    shared_heap->put_with_room(span);
  }
  state.SetItemsProcessed(state.iterations());
  if (state.thread_index() == 0) shared_heap.reset();
}

// ThreadCache::alloc_slow where each object needs a span: give up the old one, take one of the page
// heap's through the page cache.
void refill_fresh(benchmark::State& state) {
  BareHeap heap(256 * rt::kMiB);
  while (state.KeepRunningBatch(kSpans)) {
    for (std::int64_t i = 0; i < kSpans; ++i) {
      void* object = heap.alloc_leaf(rt::kPageBytes);  // one slot a span
      if (object == nullptr) return state.SkipWithError("no memory");
      benchmark::DoNotOptimize(object);
    }
    state.PauseTiming();
    heap.cache().flush();
    heap.begin_sweep();
    heap.finish_sweep();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations());
}

enum class Swept { kBefore, kByTheTaker };

// The same where the central list has spans with one slot of two free; swept before, or by the taker.
void refill_partial(benchmark::State& state, Swept swept) {
  BareHeap heap(256 * rt::kMiB);
  constexpr std::uint64_t kBytes = rt::kPageBytes / 2;
  std::vector<rt::Addr> survivors;
  for (std::int64_t i = 0; i < 2 * kSpans; ++i) {
    const rt::Addr object(heap.alloc_leaf(kBytes));
    if (i % 2 == 0) survivors.push_back(object);
  }
  const auto collect = [&] {
    heap.cache().flush();
    heap.finish_sweep();
    for (const rt::Addr object : survivors) {
      rt::bits::set(heap.space().mark_words(), heap.space().granule_of(object));
    }
    heap.begin_sweep();
    if (swept == Swept::kBefore) heap.finish_sweep();
  };
  collect();
  const rt::PageCount in_use = heap.core().pages.pages_in_use();
  while (state.KeepRunningBatch(kSpans)) {
    for (std::int64_t i = 0; i < kSpans; ++i) {
      void* object = heap.alloc_leaf(kBytes);
      benchmark::DoNotOptimize(object);
    }
    state.PauseTiming();
    if (heap.core().pages.pages_in_use() != in_use) {
      return state.SkipWithError("the objects did not go into the spans with room");
    }
    collect();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(take_put)->Name("central/take_put")->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK(refill_fresh)->Name("cache_refill/fresh_span");
BENCHMARK_CAPTURE(refill_partial, swept, Swept::kBefore)->Name("cache_refill/partial_span");
BENCHMARK_CAPTURE(refill_partial, unswept, Swept::kByTheTaker)->Name("cache_refill/unswept_span");

}  // namespace
}  // namespace acre::bench
