// runtime/heap: acre_free, and acre_realloc as a growing buffer calls it.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>

#include "bench/micro/micro_heap.h"

namespace acre::bench {
namespace {

constexpr std::int64_t kBatchBytes = 16 << 20;

// acre_free alone, of objects of range(0) bytes, in order of address or shuffled. They are made outside
// the time.
void free_batch(benchmark::State& state, bool shuffled) {
  MicroHeap micro;
  const auto bytes = static_cast<std::size_t>(state.range(0));
  const std::int64_t batch = kBatchBytes / state.range(0);
  std::vector<void*> objects(static_cast<std::size_t>(batch));
  std::vector<std::size_t> order(objects.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  if (shuffled) std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
  const auto make = [&] {
    // Small ones: their room comes back with a sweep.
    micro.thread.collect();
    for (void*& object : objects) {
      object = acre_alloc_uninit(micro.thread, bytes, ACRE_KIND_LEAF);
      if (object == nullptr) throw OutOfMemory();
    }
    const std::vector<void*> in_order = objects;
    for (std::size_t i = 0; i < order.size(); ++i) objects[i] = in_order[order[i]];
  };
  make();
  while (state.KeepRunningBatch(batch)) {
    for (void* object : objects) acre_free(micro.thread, object);
    state.PauseTiming();
    if (micro.heap.stats().live_objects != 0) return state.SkipWithError("not all were freed");
    make();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations());
}

// acre_alloc_uninit and acre_free at once, as a container's temporary storage.
void alloc_free(benchmark::State& state) {
  MicroHeap micro;
  const auto bytes = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    void* object = acre_alloc_uninit(micro.thread, bytes, ACRE_KIND_LEAF);
    benchmark::DoNotOptimize(object);
    acre_free(micro.thread, object);
  }
  if (micro.heap.stats().live_objects != 0) state.SkipWithError("not all were freed");
  state.SetItemsProcessed(state.iterations());
}

// The same of an explicit kind, by acre_free_sized: out of the thread's list and into it. range(1) objects are
// taken before the first is freed.
void explicit_alloc_free(benchmark::State& state) {
  MicroHeap micro;
  const acre_kind_info info = {sizeof(info), "explicit", nullptr, nullptr, 0, ACRE_KIND_EXPLICIT};
  acre_kind kind = ACRE_KIND_NONE;
  if (acre_kind_register(micro.heap.get(), &info, &kind) != ACRE_OK) throw OutOfMemory();
  const auto bytes = static_cast<std::size_t>(state.range(0));
  std::vector<void*> objects(static_cast<std::size_t>(state.range(1)));
  while (state.KeepRunningBatch(state.range(1))) {
    for (void*& object : objects) {
      object = acre_alloc_uninit(micro.thread, bytes, kind);
      if (object == nullptr) throw OutOfMemory();
    }
    for (void* object : objects) acre_free_sized(micro.thread, object, bytes, kind);
  }
  if (micro.heap.stats().live_objects != 0) state.SkipWithError("not all were freed");
  state.SetItemsProcessed(state.iterations());
}

// acre_realloc of a buffer from 16 bytes to 64 KiB, by `step`; an item is a call. What that leaves behind
// in small spans is collected outside the time.
template <class Step>
void grow(benchmark::State& state, Step step) {
  constexpr std::size_t kSmallest = 16;
  constexpr std::size_t kLargest = 64 << 10;
  constexpr int kBuffers = 64;
  std::int64_t calls = 0;  // for a buffer
  for (std::size_t bytes = kSmallest; bytes < kLargest; bytes = step(bytes)) ++calls;
  MicroHeap micro;
  while (state.KeepRunningBatch(kBuffers * calls)) {
    for (int i = 0; i < kBuffers; ++i) {
      void* buffer = acre_alloc_uninit(micro.thread, kSmallest, ACRE_KIND_LEAF);
      for (std::size_t bytes = kSmallest; bytes < kLargest && buffer != nullptr;) {
        bytes = step(bytes);
        buffer = acre_realloc(micro.thread, buffer, bytes);
      }
      if (buffer == nullptr) return state.SkipWithError("no memory");
      acre_free(micro.thread, buffer);
    }
    state.PauseTiming();
    micro.thread.collect();
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations());
}

// Each time to the double: a copy each time.
void grow_double(benchmark::State& state) {
  grow(state, [](std::size_t bytes) { return bytes * 2; });
}

// By 16 bytes: mostly in place at first, then a copy each time a size class is full.
void grow_by_16(benchmark::State& state) {
  grow(state, [](std::size_t bytes) { return bytes + 16; });
}

BENCHMARK_CAPTURE(free_batch, in_order, false)
    ->Name("free/in_order")
    ->Arg(64)
    ->Arg(4096)
    ->Arg(64 << 10);
BENCHMARK_CAPTURE(free_batch, shuffled, true)->Name("free/shuffled")->Arg(64)->Arg(64 << 10);
BENCHMARK(alloc_free)->Name("free/alloc_free")->Arg(64)->Arg(64 << 10);
BENCHMARK(explicit_alloc_free)
    ->Name("free/explicit")
    ->Args({64, 1})
    ->Args({64, 1000})
    ->Args({64, 100'000});
BENCHMARK(grow_double)->Name("realloc/double");
BENCHMARK(grow_by_16)->Name("realloc/by_16");

}  // namespace
}  // namespace acre::bench
