// runtime/heap: allocation into a fragmented heap, where each gap is one slot: each object takes the slow
// way to the next gap, and often to the next span. What fills the gaps is garbage at once, and is
// collected between the batches, outside the time.

#include <benchmark/benchmark.h>

#include "bench/micro/micro_heap.h"

namespace acre::bench {
namespace {

constexpr std::size_t kBytes = 64;
constexpr std::size_t kSlots = (16 << 20) / kBytes;

// Spans of 64-byte objects in which every range(0)-th slot is free.
template <class Alloc>
void fill_gaps(benchmark::State& state, MicroHeap& micro, acre_kind kind, Alloc alloc) {
  const auto every = static_cast<std::size_t>(state.range(0));
  const auto gaps = static_cast<std::int64_t>(kSlots / every);
  std::vector<void*> survivors;
  for (std::size_t i = 0; i < kSlots; ++i) {
    void* object = micro.alloc(kBytes, kind);
    if (i % every != 0) survivors.push_back(object);
  }
  const RootRange roots(micro.heap, survivors);
  micro.thread.collect();
  const std::uint64_t in_use = micro.heap.stats().heap_inuse;
  bool failed = false;
  while (!failed && state.KeepRunningBatch(gaps)) {
    for (std::int64_t i = 0; i < gaps; ++i) {
      void* object = alloc();
      benchmark::DoNotOptimize(object);
    }
    state.PauseTiming();
    // One object that failed, or one span more, and it was not the gaps that we measured.
    const acre_stats stats = micro.heap.stats();
    failed = stats.heap_inuse != in_use || stats.live_objects != kSlots;
    micro.thread.collect();
    state.ResumeTiming();
  }
  if (failed) state.SkipWithError("the objects did not go into the gaps");
  state.SetItemsProcessed(state.iterations());
}

// acre_alloc_uninit, leaf: next gap, next span from the central list, the old one put back.
void leaf_uninit(benchmark::State& state) {
  MicroHeap micro;
  fill_gaps(state, micro, ACRE_KIND_LEAF,
            [&] { return acre_alloc_uninit(micro.thread, kBytes, ACRE_KIND_LEAF); });
}

// acre_alloc, bitmap: the same, and each gap is zeroed.
void bitmap(benchmark::State& state) {
  MicroHeap micro;
  const acre_kind kind = micro.bitmap_kind(0b01, 2);
  fill_gaps(state, micro, kind, [&] { return acre_alloc(micro.thread, kBytes, kind); });
}

void half_and_eighth(benchmark::internal::Benchmark* benchmark) {
  benchmark->ArgName("free_1_of")->Arg(2)->Arg(8);
}

BENCHMARK(leaf_uninit)->Name("gaps/leaf_uninit")->Apply(half_and_eighth);
BENCHMARK(bitmap)->Name("gaps/bitmap")->Apply(half_and_eighth);

}  // namespace
}  // namespace acre::bench
