// binary_trees: many short-lived trees beside a long-lived one.
#pragma once

#include <cstdint>

#include "bench/compare/native/arithmetic.h"
#include "bench/compare/native/memory.h"
#include "bench/compare/native/program.h"

namespace acre::compare {

template <Memory M>
class BinaryTrees {
 public:
  static Outcome run(bool quick) {
    const unsigned depth = quick ? 14 : 20;
    const Stopwatch watch;
    typename M::Heap heap;
    heap.template declare<Node>();
    Mutator memory(heap);
    Fold answer;

    answer.add(made_and_checked(memory, depth + 1));
    typename M::template Root<Node> long_lived(memory, make(memory, depth));
    for (unsigned d = 4; d <= depth; d += 2) {
      const std::uint64_t trees = std::uint64_t{1} << (depth - d + 4);
      std::uint64_t sum = 0;
      for (std::uint64_t i = 0; i < trees; ++i) sum += made_and_checked(memory, d);
      answer.add(sum);
    }
    answer.add(check(long_lived.get()));
    drop(memory, long_lived.get());

    const Elapsed elapsed = watch.read();
    // The first tree is the largest, and as large as the two that are alive later.
    const std::uint64_t live = ((std::uint64_t{2} << (depth + 1)) - 1) * sizeof(Node);
    return {answer.get(), elapsed, 0, live, heap.collections()};
  }

 private:
  using Mutator = typename M::Mutator;

  struct Node {
    static constexpr typename M::Layout layout{0, 1};
    typename M::template Ref<Node> left{};
    typename M::template Ref<Node> right{};

    Node() = default;
    Node(Node* l, Node* r) : left(l), right(r) {}
  };

  static Node* make(Mutator& memory, unsigned depth) {
    if (depth == 0) return escape(memory.template make<Node>());
    Node* left = make(memory, depth - 1);
    Node* right = make(memory, depth - 1);
    return escape(memory.template make<Node>(left, right));
  }

  static std::uint64_t check(const Node* node) {
    if (node->left == nullptr) return 1;
    return 1 + check(node->left) + check(node->right);
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

  static std::uint64_t made_and_checked(Mutator& memory, unsigned depth) {
    Node* tree = make(memory, depth);
    const std::uint64_t nodes = check(tree);
    drop(memory, tree);
    return nodes;
  }
};

}  // namespace acre::compare
