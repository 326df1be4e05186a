// gc/api and runtime/heap: allocation by kind and size, in memory that was used before. What is
// allocated is garbage at once; it is collected between the batches, outside the time.

#include <benchmark/benchmark.h>

#include "bench/micro/micro_heap.h"

namespace acre::bench {
namespace {

// A batch: more than the processor's inner caches hold, as in a program that allocates for real, and so
// many objects that stopping the clock after it does not count (a 20th for the largest, not zeroed).
constexpr std::int64_t kBatchBytes = 16 << 20;

template <class Alloc>
void run(benchmark::State& state, Thread& thread, Alloc alloc) {
  const std::int64_t bytes = state.range(0);
  const std::int64_t batch = kBatchBytes / bytes;
  // The memory's first use is not what is measured.
  for (std::int64_t i = 0; i < batch; ++i) {
    void* object = alloc();
    if (object == nullptr) throw OutOfMemory();
    benchmark::DoNotOptimize(std::memset(object, 1, static_cast<std::size_t>(bytes)));
  }
  thread.collect();
  bool failed = false;
  while (!failed && state.KeepRunningBatch(batch)) {
    for (std::int64_t i = 0; i < batch && !failed; ++i) {
      void* object = alloc();
      failed = object == nullptr;
      benchmark::DoNotOptimize(object);
    }
    state.PauseTiming();
    thread.collect();
    state.ResumeTiming();
  }
  if (failed) state.SkipWithError(acre_strerror(thread.last_error()));
  state.SetItemsProcessed(state.iterations());
  state.SetBytesProcessed(state.iterations() * bytes);
}

void alloc_kind(benchmark::State& state, MicroHeap& micro, acre_kind kind) {
  const auto bytes = static_cast<std::size_t>(state.range(0));
  acre_thread* thread = micro.thread;
  run(state, micro.thread, [=] { return acre_alloc(thread, bytes, kind); });
}

// acre_alloc_uninit, leaf: the gap's cursor moves, nothing is zeroed.
void leaf_uninit(benchmark::State& state) {
  MicroHeap micro;
  const auto bytes = static_cast<std::size_t>(state.range(0));
  acre_thread* thread = micro.thread;
  run(state, micro.thread, [=] { return acre_alloc_uninit(thread, bytes, ACRE_KIND_LEAF); });
}

// acre_alloc, leaf: each object is zeroed when it is handed out.
void leaf_zeroed(benchmark::State& state) {
  MicroHeap micro;
  alloc_kind(state, micro, ACRE_KIND_LEAF);
}

// acre_alloc, conservative: gaps are zeroed a step ahead.
void conservative(benchmark::State& state) {
  MicroHeap micro;
  alloc_kind(state, micro, ACRE_KIND_CONSERVATIVE);
}

// acre_alloc, bitmap: as conservative, with a registered kind.
void bitmap(benchmark::State& state) {
  MicroHeap micro;
  alloc_kind(state, micro, micro.bitmap_kind(0b01, 2));
}

template <std::size_t kBytes>
struct Node {
  Member<Node> next;
  char rest[kBytes - sizeof(void*)];

  Node() {}  // NOLINT: `rest` stays as the heap gives it, zero
  void trace(Visitor& visitor) { visitor(next); }
};
template <>
struct Node<16> {
  Member<Node> next;
  long value;

  Node() {}  // NOLINT: as above
  void trace(Visitor& visitor) { visitor(next); }
};

// acre::Thread::make: the kind's number, acre_alloc, the constructor under a local root.
template <std::size_t kBytes>
void make(benchmark::State& state) {
  MicroHeap micro;
  run(state, micro.thread, [&] { return micro.thread.try_make<Node<kBytes>>(); });
}

void small(benchmark::internal::Benchmark* benchmark) {
  for (const int bytes : {16, 64, 1 << 10, 32 << 10}) benchmark->Arg(bytes);
}

// Large objects take one path whatever their kind: zeroed or not.
void large(benchmark::internal::Benchmark* benchmark) {
  for (const int bytes : {64 << 10, 1 << 20}) benchmark->Arg(bytes);
}

BENCHMARK(leaf_uninit)->Name("alloc/leaf_uninit")->Apply(small)->Apply(large);
BENCHMARK(leaf_zeroed)->Name("alloc/leaf_zeroed")->Apply(small)->Apply(large);
BENCHMARK(conservative)->Name("alloc/conservative")->Apply(small);
BENCHMARK(bitmap)->Name("alloc/bitmap")->Apply(small);
BENCHMARK(make<16>)->Name("alloc/make")->Arg(16);
BENCHMARK(make<64>)->Name("alloc/make")->Arg(64);
BENCHMARK(make<1024>)->Name("alloc/make")->Arg(1024);
BENCHMARK(make<32768>)->Name("alloc/make")->Arg(32768);

}  // namespace
}  // namespace acre::bench
