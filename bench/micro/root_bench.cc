// gc/roots: making and dropping roots.

#include <benchmark/benchmark.h>

#include "bench/micro/micro_heap.h"

namespace acre::bench {
namespace {

// acre_handle_new and drop: the free list's last one again and again.
void handle(benchmark::State& state) {
  MicroHeap micro;
  void* object = micro.alloc(16, ACRE_KIND_LEAF);
  for (auto _ : state) {
    acre_handle* made = acre_handle_new(micro.thread, object);
    benchmark::DoNotOptimize(made);
    acre_handle_drop(made);
  }
  state.SetItemsProcessed(state.iterations());
}

// 4096 handles made, then all dropped, the first one first.
void handles(benchmark::State& state) {
  MicroHeap micro;
  void* object = micro.alloc(16, ACRE_KIND_LEAF);
  std::vector<acre_handle*> made(4096);
  while (state.KeepRunningBatch(static_cast<std::int64_t>(made.size()))) {
    for (acre_handle*& one : made) one = acre_handle_new(micro.thread, object);
    for (acre_handle* one : made) acre_handle_drop(one);
  }
  state.SetItemsProcessed(state.iterations());
}

// acre_local_push and pop.
void local(benchmark::State& state) {
  MicroHeap micro;
  acre_local one{nullptr, micro.alloc(16, ACRE_KIND_LEAF)};
  for (auto _ : state) {
    acre_local_push(micro.thread, &one);
    benchmark::ClobberMemory();
    if (acre_local_pop(micro.thread, &one) != ACRE_OK) state.SkipWithError("not the last one");
  }
  state.SetItemsProcessed(state.iterations());
}

// acre_root_add and remove, with range(0) others registered.
void root_range(benchmark::State& state) {
  MicroHeap micro;
  std::vector<void*> words(static_cast<std::size_t>(state.range(0)) + 1);
  for (std::size_t i = 1; i < words.size(); ++i) {
    check(acre_root_add(micro.heap, &words[i], sizeof(void*), 0));
  }
  for (auto _ : state) {
    check(acre_root_add(micro.heap, &words[0], sizeof(void*), 0));
    check(acre_root_remove(micro.heap, &words[0]));
  }
  state.SetItemsProcessed(state.iterations());
}

BENCHMARK(handle)->Name("root/handle");
BENCHMARK(handles)->Name("root/handle/4096");
BENCHMARK(local)->Name("root/local");
BENCHMARK(root_range)->Name("root/range/others")->Arg(0)->Arg(1000);

}  // namespace
}  // namespace acre::bench
