// graph: full collections of a heap of nodes that refer to each other at random.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bench/compare/native/arithmetic.h"
#include "bench/compare/native/collections.h"
#include "bench/compare/native/memory.h"
#include "bench/compare/native/program.h"

namespace acre::compare {

template <Memory M>
class Graph {
 public:
  static Outcome run(bool quick) {
    const std::size_t count = std::size_t{1} << (quick ? 20 : 25);
    const Stopwatch watch;
    typename M::Heap heap;
    heap.template declare<Node>();
    heap.template declare<Place>();
    Mutator memory(heap);
    typename M::template Root<Node> first(memory, nullptr);
    build(memory, first, count);
    clear_dead_stack();
    const double setup = watch.read().seconds;

    const Elapsed elapsed = time_collections<M>(memory);
    Fold answer;
    answer.add(walk(first.get()));
    return {answer.get(), elapsed, setup, count * sizeof(Node), heap.collections()};
  }

 private:
  using Mutator = typename M::Mutator;

  struct Node {
    static constexpr typename M::Layout layout{0, 1, 2, 3};
    typename M::template Ref<Node> refs[4] = {};
    std::uint64_t payload[4] = {};
  };

  using Place = Slot<M, Node>;

  // Not inlined: what it had on the stack is gone when the collections are timed.
  [[gnu::noinline]] static void build(Mutator& memory, typename M::template Root<Node>& first,
                                      std::size_t count) {
    typename M::template Root<Place> table(memory, memory.template make_array<Place>(count));
    Place* const nodes = table.get();
    for (std::size_t i = 0; i < count; ++i) {
      Node* node = memory.template make<Node>();
      node->payload[0] = i;
      memory.store(nodes, nodes[i].ref, node);
    }
    Rng rng(3);
    for (std::size_t i = 0; i < count; ++i) {
      Node* const node = nodes[i].ref;
      // The multiplier is 1 modulo 4 and the increment odd: one cycle through all nodes.
      Node* next = nodes[(i * 0x9E3779B5 + 12345) % count].ref;
      memory.store(node, node->refs[0], next);
      for (unsigned k = 1; k < 4; ++k) {
        next = nodes[rng.below(count)].ref;
        memory.store(node, node->refs[k], next);
      }
    }
    first.set(nodes[0].ref);
  }

  static std::uint64_t walk(const Node* node) {
    std::uint64_t sum = 0;
    for (unsigned i = 0; i < 1'000'000; ++i) {
      sum = sum * 31 + node->payload[0];
      node = node->refs[sum & 3];
    }
    return sum;
  }
};

}  // namespace acre::compare
