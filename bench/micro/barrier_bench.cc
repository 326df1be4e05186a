// include/acre: the write barrier while no collection is on its way. The first is the limit: what the
// store costs without it.

#include <benchmark/benchmark.h>

#include "bench/micro/micro_heap.h"

namespace acre::bench {
namespace {

constexpr std::size_t kWords = 512;

// Stores into the words of one object, round and round.
template <class Store>
void store_words(benchmark::State& state, Store store) {
  MicroHeap micro;
  void** object = micro.alloc(kWords * sizeof(void*), ACRE_KIND_CONSERVATIVE);
  std::size_t i = 0;
  for (auto _ : state) {
    store(micro.thread.get(), object, &object[i], object);
    benchmark::ClobberMemory();
    i = (i + 1) % kWords;
  }
  state.SetItemsProcessed(state.iterations());
}

// A plain store.
void plain(benchmark::State& state) {
  store_words(state, [](acre_thread*, void*, void** slot, void* value) { *slot = value; });
}

// acre_store.
void barrier(benchmark::State& state) { store_words(state, acre_store); }

// acre_store_range of range(0) words, to another object, or a step up in the same one.
void range(benchmark::State& state, bool overlapping) {
  MicroHeap micro;
  const auto words = static_cast<std::size_t>(state.range(0));
  void** source = micro.alloc((kWords + 1) * sizeof(void*), ACRE_KIND_CONSERVATIVE);
  void** other = micro.alloc((kWords + 1) * sizeof(void*), ACRE_KIND_CONSERVATIVE);
  for (std::size_t i = 0; i < words; ++i) source[i] = other;
  void** destination = overlapping ? source + 1 : other;
  void** object = overlapping ? source : other;
  for (auto _ : state) {
    acre_store_range(micro.thread, object, destination, source, words);
    benchmark::ClobberMemory();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

BENCHMARK(plain)->Name("barrier/plain_store");
BENCHMARK(barrier)->Name("barrier/store");
BENCHMARK_CAPTURE(range, apart, false)->Name("barrier/store_range")->Arg(8)->Arg(512);
BENCHMARK_CAPTURE(range, overlapping, true)->Name("barrier/store_range/overlapping")->Arg(512);

}  // namespace
}  // namespace acre::bench
