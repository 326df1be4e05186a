// gc/cycle and runtime/inspect: heaps made and ended, and what a monitor reads.

#include <benchmark/benchmark.h>

#include "bench/micro/micro_heap.h"

namespace acre::bench {
namespace {

// acre_heap_create and destroy of a heap that reserves range(0) MiB; mostly the kernel's work.
void create_destroy(benchmark::State& state) {
  Options options = quiet_options();
  options.reserve_bytes = static_cast<std::size_t>(state.range(0)) << 20;
  for (auto _ : state) {
    acre_heap* heap = nullptr;
    check(acre_heap_create(&options, &heap));
    check(acre_heap_destroy(heap));
  }
}

// The same, with a thread attached and one object allocated: the least that a program does.
void first_object(benchmark::State& state) {
  const Options options = quiet_options();
  for (auto _ : state) {
    MicroHeap micro(options);
    benchmark::DoNotOptimize(micro.alloc(64, ACRE_KIND_CONSERVATIVE));
  }
}

// acre_stats_read: the counters of the heap and of one thread's cache, which has gaps in range(0) size
// classes.
void stats_read(benchmark::State& state) {
  MicroHeap micro;
  for (std::int64_t i = 1; i <= state.range(0); ++i) {
    micro.alloc(static_cast<std::size_t>(16 * i), ACRE_KIND_CONSERVATIVE);
  }
  acre_stats stats{};
  stats.struct_size = sizeof(stats);
  for (auto _ : state) {
    acre_stats_read(micro.heap, &stats);
    benchmark::DoNotOptimize(stats);
  }
  if (stats.mallocs != static_cast<std::uint64_t>(state.range(0))) {
    state.SkipWithError("the statistics are wrong");
  }
}

BENCHMARK(create_destroy)
    ->Name("heap/create_destroy/reserve_mib")
    ->Arg(64)
    ->Arg(512 << 10)
    ->UseRealTime();
BENCHMARK(first_object)->Name("heap/create_first_object_destroy")->UseRealTime();
BENCHMARK(stats_read)->Name("stats/read/classes_used")->Arg(0)->Arg(16);

}  // namespace
}  // namespace acre::bench
