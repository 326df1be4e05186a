// gc/cycle: a collection of a heap with nothing in it, which is the least that a pause takes. Stacks are
// scanned, as by default. By wall time; the column CPU is that of all threads.

#include <benchmark/benchmark.h>

#include <atomic>
#include <thread>

#include "bench/micro/micro_heap.h"

namespace acre::bench {
namespace {

// What another attached thread does meanwhile.
enum class Other { kNone, kPolls, kBlocks };

// acre_collect, and the counter `pause`: how long the world stood still, by acre_stats.
void collect(benchmark::State& state, Other other) {
  Options options = quiet_options();
  options.conservative_stacks = 1;
  MicroHeap micro(options);
  std::atomic<bool> attached{other == Other::kNone};
  std::atomic<bool> done{false};
  std::thread second;
  if (other != Other::kNone) {
    second = std::thread([&] {
      Thread thread(micro.heap);
      if (other == Other::kBlocks) {
        const Blocking blocking(thread);
        attached = true;
        attached.notify_one();
        done.wait(false);
        return;
      }
      attached = true;
      attached.notify_one();
      while (!done.load(std::memory_order_relaxed)) thread.safepoint();
    });
  }
  attached.wait(false);
  const std::uint64_t paused = micro.heap.stats().pause_total_ns;
  for (auto _ : state) acre_collect(micro.thread);
  const auto pauses = static_cast<double>(micro.heap.stats().pause_total_ns - paused);
  state.counters["pause"] = benchmark::Counter(pauses * 1e-9, benchmark::Counter::kAvgIterations);
  done = true;
  done.notify_one();
  // The thread detaches, for which it must not wait for us.
  const Blocking blocking(micro.thread);
  if (second.joinable()) second.join();
}

void collections(benchmark::internal::Benchmark* benchmark) {
  benchmark->MeasureProcessCPUTime()->UseRealTime();
}

BENCHMARK_CAPTURE(collect, alone, Other::kNone)->Name("collect/empty/alone")->Apply(collections);
BENCHMARK_CAPTURE(collect, polls, Other::kPolls)
    ->Name("collect/empty/other_polls")
    ->Apply(collections);
BENCHMARK_CAPTURE(collect, blocks, Other::kBlocks)
    ->Name("collect/empty/other_blocks")
    ->Apply(collections);

}  // namespace
}  // namespace acre::bench
