// gcbench: trees built from the top and from the bottom, beside a long-lived tree and a large array.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "bench/compare/native/arithmetic.h"
#include "bench/compare/native/memory.h"
#include "bench/compare/native/program.h"

namespace acre::compare {

template <Memory M>
class GcBench {
 public:
  static Outcome run(bool quick) {
    const unsigned stretch = quick ? 14 : 20;
    const unsigned longest = quick ? 12 : 18;  // of the long-lived tree, and of the last ones
    const std::size_t doubles = quick ? 100'000 : 4'000'000;
    const Stopwatch watch;
    typename M::Heap heap;
    heap.template declare<Node>();
    Mutator memory(heap);
    Fold answer;

    drop(memory, make_bottom_up(memory, stretch));
    typename M::template Root<Node> long_lived(memory, make_top_down(memory, longest));
    typename M::template Root<double> array(memory, memory.template make_array<double>(doubles));
    double* const elements = array.get();
    for (std::size_t i = 1; i < doubles / 2; ++i) elements[i] = 1.0 / static_cast<double>(i);
    escape(elements);

    std::uint64_t total = 0;
    for (unsigned depth = 4; depth <= longest; depth += 2) {
      const std::uint64_t trees = 2 * tree_size(stretch) / tree_size(depth);
      for (std::uint64_t i = 0; i < trees; ++i) drop(memory, make_top_down(memory, depth));
      for (std::uint64_t i = 0; i < trees; ++i) drop(memory, make_bottom_up(memory, depth));
      total += 2 * trees * tree_size(depth);
    }
    answer.add(count(long_lived.get()));
    answer.add(total);
    answer.add(std::bit_cast<std::uint64_t>(array.get()[1000]));
    drop(memory, long_lived.get());
    memory.drop(array.get());

    const Elapsed elapsed = watch.read();
    const std::uint64_t late = 2 * tree_size(longest) * sizeof(Node) + doubles * sizeof(double);
    const std::uint64_t live = std::max(tree_size(stretch) * sizeof(Node), late);
    return {answer.get(), elapsed, 0, live, heap.collections()};
  }

 private:
  using Mutator = typename M::Mutator;

  struct Node {
    static constexpr typename M::Layout layout{0, 1};
    typename M::template Ref<Node> left{};
    typename M::template Ref<Node> right{};
    std::int64_t i = 0;
    std::int64_t j = 0;

    Node() = default;
    Node(Node* l, Node* r) : left(l), right(r) {}
  };

  static constexpr std::uint64_t tree_size(unsigned depth) {
    return (std::uint64_t{2} << depth) - 1;
  }

  static Node* make_bottom_up(Mutator& memory, unsigned depth) {
    if (depth == 0) return escape(memory.template make<Node>());
    Node* left = make_bottom_up(memory, depth - 1);
    Node* right = make_bottom_up(memory, depth - 1);
    return escape(memory.template make<Node>(left, right));
  }

  static Node* make_top_down(Mutator& memory, unsigned depth) {
    Node* root = escape(memory.template make<Node>());
    populate(memory, depth, root);
    return root;
  }

  static void populate(Mutator& memory, unsigned depth, Node* node) {
    if (depth == 0) return;
    memory.store(node, node->left, escape(memory.template make<Node>()));
    memory.store(node, node->right, escape(memory.template make<Node>()));
    populate(memory, depth - 1, node->left);
    populate(memory, depth - 1, node->right);
  }

  static std::uint64_t count(const Node* node) {
    return node == nullptr ? 0 : 1 + count(node->left) + count(node->right);
  }

  static void drop(Mutator& memory, Node* node) {
    if constexpr (M::kFrees) {
      if (node->left != nullptr) {
        drop(memory, node->left);
        drop(memory, node->right);
      }
      memory.drop(node);
    }
  }
};

}  // namespace acre::compare
