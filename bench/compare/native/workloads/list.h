// list: full collections of one long list, which no number of markers can share.
#pragma once

#include <cstddef>
#include <cstdint>

#include "bench/compare/native/arithmetic.h"
#include "bench/compare/native/collections.h"
#include "bench/compare/native/memory.h"
#include "bench/compare/native/program.h"

namespace acre::compare {

template <Memory M>
class List {
 public:
  static Outcome run(bool quick) {
    const std::size_t count = std::size_t{1} << (quick ? 20 : 26);
    const Stopwatch watch;
    typename M::Heap heap;
    heap.template declare<Node>();
    Mutator memory(heap);
    typename M::template Root<Node> list(memory, make(memory, count));
    clear_dead_stack();
    const double setup = watch.read().seconds;

    const Elapsed elapsed = time_collections<M>(memory);
    std::uint64_t sum = 0;
    for (const Node* node = list.get(); node != nullptr; node = node->next) sum += node->value;
    Fold answer;
    answer.add(sum);
    return {answer.get(), elapsed, setup, count * sizeof(Node), heap.collections()};
  }

 private:
  using Mutator = typename M::Mutator;

  struct Node {
    static constexpr typename M::Layout layout{0};
    typename M::template Ref<Node> next{};
    std::uint64_t value = 0;
    std::uint64_t pad[2] = {};

    Node(Node* n, std::uint64_t v) : next(n), value(v) {}
  };

  [[gnu::noinline]] static Node* make(Mutator& memory, std::size_t count) {
    Node* list = nullptr;
    for (std::size_t i = 0; i < count; ++i) list = memory.template make<Node>(list, i);
    return list;
  }
};

}  // namespace acre::compare
