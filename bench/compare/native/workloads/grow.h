// grow: a heap grows to 2 GiB of small objects, and all that is made is kept.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bench/compare/native/arithmetic.h"
#include "bench/compare/native/memory.h"
#include "bench/compare/native/program.h"

namespace acre::compare {

inline constexpr std::size_t kGrowChain = 4096;

constexpr std::size_t grow_count(bool quick) { return std::size_t{1} << (quick ? 20 : 25); }

template <Memory M>
class Grow {
 public:
  static Outcome run(bool quick) {
    const std::size_t chains = grow_count(quick) / kGrowChain;
    const Stopwatch watch;
    typename M::Heap heap;
    heap.template declare<Node>();
    heap.template declare<Head>();
    Mutator memory(heap);
    typename M::template Root<Head> root(memory, memory.template make_array<Head>(chains));
    Head* const heads = root.get();
    for (std::size_t c = 0; c < chains; ++c) {
      Node* first = make_chain(memory, c * kGrowChain);
      memory.store(heads, heads[c].ref, first);
    }
    const Elapsed elapsed = watch.read();

    std::uint64_t sum = 0;
    for (std::size_t c = 0; c < chains; ++c) {
      for (Node* node = heads[c].ref; node != nullptr;) {
        Node* const next = node->next;
        sum = sum * 31 + node->value;
        memory.drop(node);
        node = next;
      }
    }
    Fold answer;
    answer.add(sum);
    memory.drop(heads);
    return {answer.get(), elapsed, 0, grow_count(quick) * sizeof(Node), heap.collections()};
  }

 private:
  using Mutator = typename M::Mutator;

  struct Node {
    static constexpr typename M::Layout layout{0};
    typename M::template Ref<Node> next{};
    std::uint64_t value = 0;
    std::uint64_t pad[6];

    Node(Node* n, std::uint64_t v) : next(n), value(v), pad{v, v, v, v, v, v} {}
  };

  using Head = Slot<M, Node>;

  // Values from `value` on, in order.
  static Node* make_chain(Mutator& memory, std::uint64_t value) {
    Node* const first = memory.template make<Node>(nullptr, value);
    Node* last = first;
    for (std::size_t n = 1; n < kGrowChain; ++n) {
      Node* node = memory.template make<Node>(nullptr, value + n);
      memory.store(last, last->next, node);
      last = node;
    }
    return first;
  }
};

}  // namespace acre::compare
