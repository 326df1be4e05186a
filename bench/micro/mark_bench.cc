// gc/mark: a collection of a heap of 64 MiB in which everything lives, by the shape of what is in it. An
// item is an object that was marked. By wall time, because marking may use other threads; the column CPU
// is that of all threads. The collection is all of it: the stop, the roots, and a sweep that frees nothing.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>

#include "bench/micro/micro_heap.h"

namespace acre::bench {
namespace {

constexpr std::size_t kNodeBytes = 64;
constexpr std::size_t kNodes = (64 << 20) / kNodeBytes;
constexpr std::size_t kReferences = 4;  // the first words of a node
constexpr std::uint64_t kReferenceBits = 0b1111;

using Nodes = std::vector<void**>;

Nodes make_nodes(MicroHeap& micro, acre_kind kind) {
  Nodes nodes(kNodes);
  for (void**& node : nodes) node = micro.alloc(kNodeBytes, kind);
  return nodes;
}

Nodes make_nodes(MicroHeap& micro) {
  return make_nodes(micro, micro.bitmap_kind(kReferenceBits, kNodeBytes / sizeof(void*)));
}

// Collects what `root` reaches, which must be nearly all that was made.
void collect(benchmark::State& state, MicroHeap& micro, void* root) {
  const Root<void> handle(micro.thread, root);
  micro.thread.collect();
  const std::uint64_t objects = micro.heap.stats().live_objects;
  if (objects < kNodes / 10 * 9) return state.SkipWithError("part of the graph is not reached");
  for (auto _ : state) acre_collect(micro.thread);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(objects));
}

// One long list: no two objects can be marked at the same time. In order of address, or shuffled.
void list(benchmark::State& state, bool shuffled) {
  MicroHeap micro;
  Nodes nodes = make_nodes(micro);
  if (shuffled) std::shuffle(nodes.begin(), nodes.end(), std::mt19937_64(1));
  for (std::size_t i = 1; i < kNodes; ++i) {
    acre_store(micro.thread, nodes[i - 1], &nodes[i - 1][0], nodes[i]);
  }
  collect(state, micro, nodes[0]);
}

// A full binary tree, made level by level.
void binary_tree(benchmark::State& state) {
  MicroHeap micro;
  const Nodes nodes = make_nodes(micro);
  for (std::size_t i = 1; i < kNodes; ++i) {
    void** parent = nodes[(i - 1) / 2];
    acre_store(micro.thread, parent, &parent[i % 2], nodes[i]);
  }
  collect(state, micro, nodes[0]);
}

// One array of references to all other objects.
void wide_array(benchmark::State& state) {
  MicroHeap micro;
  const Nodes nodes = make_nodes(micro);
  void** array = micro.alloc(kNodes * sizeof(void*), micro.bitmap_kind(0b1, 1));
  for (std::size_t i = 0; i < kNodes; ++i) {
    acre_store(micro.thread, array, &array[i], nodes[i]);
  }
  collect(state, micro, array);
}

// Four references from each object to any others.
void random_graph(benchmark::State& state, MicroHeap& micro, acre_kind kind) {
  const Nodes nodes = make_nodes(micro, kind);
  std::mt19937_64 random(1);
  for (void** node : nodes) {
    for (std::size_t i = 0; i < kReferences; ++i) {
      acre_store(micro.thread, node, &node[i], nodes[random() % kNodes]);
    }
  }
  collect(state, micro, nodes[0]);
}

// By bitmap: exact references, found by the bits of the kind.
void graph_bitmap(benchmark::State& state) {
  MicroHeap micro;
  random_graph(state, micro, micro.bitmap_kind(kReferenceBits, kNodeBytes / sizeof(void*)));
}

// Conservative: all eight words of each object are looked at.
void graph_conservative(benchmark::State& state) {
  MicroHeap micro;
  random_graph(state, micro, ACRE_KIND_CONSERVATIVE);
}

// By trace function: a call for each object and one for each reference.
void graph_traced(benchmark::State& state) {
  MicroHeap micro;
  acre_kind_info info{};
  info.struct_size = sizeof(info);
  info.trace = [](void* object, size_t, acre_visitor* visitor) {
    void** words = static_cast<void**>(object);
    for (std::size_t i = 0; i < kReferences; ++i) acre_visit(visitor, &words[i]);
  };
  acre_kind kind = ACRE_KIND_NONE;
  check(acre_kind_register(micro.heap, &info, &kind));
  random_graph(state, micro, kind);
}

void collections(benchmark::internal::Benchmark* benchmark) {
  benchmark->MeasureProcessCPUTime()->UseRealTime()->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(list, in_order, false)->Name("mark/list/in_order")->Apply(collections);
BENCHMARK_CAPTURE(list, shuffled, true)->Name("mark/list/shuffled")->Apply(collections);
BENCHMARK(binary_tree)->Name("mark/binary_tree")->Apply(collections);
BENCHMARK(wide_array)->Name("mark/wide_array")->Apply(collections);
BENCHMARK(graph_bitmap)->Name("mark/random_graph/bitmap")->Apply(collections);
BENCHMARK(graph_conservative)->Name("mark/random_graph/conservative")->Apply(collections);
BENCHMARK(graph_traced)->Name("mark/random_graph/traced")->Apply(collections);

}  // namespace
}  // namespace acre::bench
