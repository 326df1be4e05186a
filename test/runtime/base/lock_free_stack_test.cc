#include "runtime/base/lock_free_stack.h"

#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

using acre::rt::LockFreeStack;

namespace {

struct Node {
  std::atomic<Node*> next_in_stack{nullptr};
  uint64_t value = 0;  // plain: tsan sees it if the stack does not order its accesses
};

using Stack = LockFreeStack<Node>;

std::vector<Node> numbered_nodes(size_t count) {
  std::vector<Node> nodes(count);
  for (size_t i = 0; i < count; ++i) nodes[i].value = i;
  return nodes;
}

template <class Body>
void run_threads(int count, Body body) {
  std::vector<std::thread> threads;
  threads.reserve(count);
  for (int t = 0; t < count; ++t) threads.emplace_back(body, t);
  for (std::thread& thread : threads) thread.join();
}

// Pops all that is left; every node must be there once, and carry its number.
void require_all_nodes_once(Stack& stack, const std::vector<Node>& nodes) {
  std::vector<bool> seen(nodes.size(), false);
  size_t count = 0;
  while (const Node* node = stack.pop()) {
    const auto index = static_cast<size_t>(node - nodes.data());
    BOOST_REQUIRE(index < nodes.size());
    BOOST_REQUIRE(!seen[index]);
    seen[index] = true;
    ++count;
  }
  BOOST_TEST(count == nodes.size());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(lock_free_stack)

BOOST_AUTO_TEST_CASE(a_new_stack_is_empty) {
  Stack stack;
  BOOST_TEST(stack.empty());
  BOOST_TEST(stack.pop() == nullptr);
  BOOST_TEST(stack.take_all() == nullptr);
}

BOOST_AUTO_TEST_CASE(zeroed_memory_is_an_empty_stack) {
  alignas(Stack) unsigned char memory[sizeof(Stack)];
  std::memset(memory, 0, sizeof(memory));
  auto* stack = reinterpret_cast<Stack*>(memory);
  Node node;
  stack->push(&node);
  BOOST_TEST(stack->pop() == &node);
  BOOST_TEST(stack->empty());
}

BOOST_AUTO_TEST_CASE(the_last_pushed_is_the_first_popped) {
  Stack stack;
  std::vector<Node> nodes = numbered_nodes(3);
  for (Node& node : nodes) stack.push(&node);
  BOOST_TEST(!stack.empty());
  for (size_t i = 3; i-- > 0;) BOOST_TEST(stack.pop() == &nodes[i]);
  BOOST_TEST(stack.empty());
  BOOST_TEST(stack.pop() == nullptr);
}

BOOST_AUTO_TEST_CASE(a_pushed_list_comes_before_what_was_there_in_its_own_order) {
  Stack stack;
  std::vector<Node> nodes = numbered_nodes(4);
  stack.push(&nodes[3]);
  nodes[0].next_in_stack = &nodes[1];
  nodes[1].next_in_stack = &nodes[2];
  stack.push_list(&nodes[0], &nodes[2]);
  for (Node& node : nodes) BOOST_TEST(stack.pop() == &node);
  BOOST_TEST(stack.empty());
}

BOOST_AUTO_TEST_CASE(take_all_gives_a_chain_in_the_order_of_pops) {
  Stack stack;
  std::vector<Node> nodes = numbered_nodes(5);
  for (Node& node : nodes) stack.push(&node);
  const Node* node = stack.take_all();
  BOOST_TEST(stack.empty());
  for (size_t i = 5; i-- > 0; node = node->next_in_stack) BOOST_TEST(node == &nodes[i]);
  BOOST_TEST(node == nullptr);
}

BOOST_AUTO_TEST_CASE(a_node_may_be_pushed_again_by_anyone) {
  Stack first;
  Stack second;
  Node node;
  for (int i = 0; i < 3; ++i) {
    first.push(&node);
    second.push(first.pop());
    BOOST_TEST(second.pop() == &node);
  }
}

BOOST_AUTO_TEST_CASE(a_head_that_changed_and_changed_back_is_noticed) {
  acre::rt::LockFreeStackHead head;
  const auto before = head.read();
  BOOST_TEST(head.replace(before, 64));
  BOOST_TEST(head.replace(head.read(), before.first));
  BOOST_TEST(head.read().first == before.first);
  BOOST_TEST(!head.replace(before, 128));
}

BOOST_AUTO_TEST_CASE(four_threads_that_pop_and_push_lose_and_double_nothing) {
  constexpr int kRounds = 20'000;
  Stack stack;
  std::vector<Node> nodes = numbered_nodes(64);
  for (Node& node : nodes) stack.push(&node);
  run_threads(4, [&](int) {
    for (int i = 0; i < kRounds; ++i) {
      Node* first = stack.pop();
      Node* second = stack.pop();
      // Whoever holds a node may write it; the addition takes itself back.
      if (first != nullptr) first->value += 1, first->value -= 1, stack.push(first);
      if (second != nullptr) stack.push(second);
    }
  });
  for (size_t i = 0; i < nodes.size(); ++i) BOOST_REQUIRE(nodes[i].value == i);
  require_all_nodes_once(stack, nodes);
}

BOOST_AUTO_TEST_CASE(what_producers_push_consumers_pop_once_each) {
  constexpr size_t kEach = 20'000;
  Stack stack;
  std::vector<Node> nodes = numbered_nodes(2 * kEach);
  std::atomic<uint64_t> popped{0};
  std::atomic<uint64_t> sum{0};
  run_threads(4, [&](int t) {
    if (t < 2) {
      for (size_t i = 0; i < kEach; ++i) {
        Node& node = nodes[static_cast<size_t>(t) * kEach + i];
        node.value += 1;
        stack.push(&node);
      }
      return;
    }
    while (popped.load() < nodes.size()) {
      const Node* node = stack.pop();
      if (node == nullptr) continue;
      sum += node->value;
      ++popped;
    }
  });
  const uint64_t n = nodes.size();
  BOOST_TEST(popped.load() == n);
  BOOST_TEST(sum.load() == n * (n - 1) / 2 + n);
  BOOST_TEST(stack.empty());
}

BOOST_AUTO_TEST_CASE(lists_pushed_and_taken_by_four_threads_stay_whole) {
  constexpr int kRounds = 5'000;
  Stack stack;
  std::vector<Node> nodes = numbered_nodes(40);
  for (Node& node : nodes) stack.push(&node);
  run_threads(4, [&](int t) {
    for (int i = 0; i < kRounds; ++i) {
      if ((i + t) % 4 != 0) {
        if (Node* node = stack.pop()) stack.push(node);
        continue;
      }
      Node* first = stack.take_all();
      if (first == nullptr) continue;
      Node* last = first;
      while (Node* next = last->next_in_stack.load()) last = next;
      stack.push_list(first, last);
    }
  });
  require_all_nodes_once(stack, nodes);
}

BOOST_AUTO_TEST_SUITE_END()
