// StlAllocator under the standard's containers: what they hold lives, where stacks are scanned and where not; what is a
// leaf and what not; equality, and lack of memory.

#include <acre/acre.hpp>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <deque>
#include <forward_list>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include "test/include/precise_heap.h"

namespace {

template <class T>
using Allocator = acre::StlAllocator<T>;
template <class Key, class T>
using Map = std::map<Key, T, std::less<Key>, Allocator<std::pair<const Key, T>>>;
template <class Key, class T>
using HashMap = std::unordered_map<Key, T, std::hash<Key>, std::equal_to<Key>,
                                   Allocator<std::pair<const Key, T>>>;
using String = std::basic_string<char, std::char_traits<char>, Allocator<char>>;

struct Pod {
  double x, y;
};

// The requirement of the standard: there and back is the same type.
template <class A, class U>
constexpr bool rebinds_back =
    std::is_same_v<typename std::allocator_traits<typename std::allocator_traits<
                       A>::template rebind_alloc<U>>::template rebind_alloc<typename A::value_type>,
                   A>;
static_assert(rebinds_back<Allocator<int>, Node> && rebinds_back<Allocator<Node*>, int> &&
              rebinds_back<acre::StlAllocator<Pod, true>, Node> &&
              rebinds_back<Allocator<Pod>, Pod>);

acre::Options scanning() {
  acre::Options options;
  options.clobber_free = 1;
  options.gc_every = 3;
  options.verify = 1;
  options.reserve_bytes = size_t{256} << 20;
  return options;
}

struct Either {
  explicit Either(const acre::Options& options) : heap(options) {}
  Node* node(long value) { return thread.make<Node>(nullptr, value); }

  acre::Heap heap;
  acre::Thread thread{heap};
};

constexpr long kCount = 200;

// Fills each container with Nodes that nothing else holds afterwards.
void fill_and_check(Either& with) {
  acre::Thread& thread = with.thread;
  const Allocator<Node*> allocator(thread);
  std::vector<Node*, Allocator<Node*>> vector(allocator);
  std::deque<Node*, Allocator<Node*>> deque(allocator);
  std::list<Node*, Allocator<Node*>> list(allocator);
  std::forward_list<Node*, Allocator<Node*>> forward(allocator);
  std::set<Node*, std::less<Node*>, Allocator<Node*>> set(allocator);
  Map<long, Node*> map(allocator);
  HashMap<long, Node*> hash_map(allocator);
  std::map<String, Node*, std::less<>, Allocator<std::pair<const String, Node*>>> by_name(
      allocator);
  for (long i = 0; i < kCount; ++i) {
    acre::Local<Node> node(thread);  // held until it is in
    vector.push_back(node = with.node(i));
    deque.push_front(node = with.node(i));
    list.push_back(node = with.node(i));
    forward.push_front(node = with.node(i));
    set.insert(node = with.node(i));
    map[i] = node = with.node(i);
    hash_map[i] = node = with.node(i);
    by_name[String("a name that does not fit into a string itself ", allocator) +
            std::to_string(i).c_str()] = node = with.node(i);
  }
  thread.collect();
  long sum = 0;
  for (const Node* node : vector) sum += node->value;
  for (const Node* node : deque) sum += node->value;
  for (const Node* node : list) sum += node->value;
  for (const Node* node : forward) sum += node->value;
  for (const Node* node : set) sum += node->value;
  for (const auto& [key, node] : map) sum += node->value == key ? key : -1;
  for (const auto& [key, node] : hash_map) sum += node->value == key ? key : -1;
  for (const auto& [name, node] : by_name) sum += node->value;
  BOOST_TEST(sum == 8 * kCount * (kCount - 1) / 2);
  BOOST_TEST(by_name.begin()->first == "a name that does not fit into a string itself 0");
  BOOST_TEST(with.heap.verify());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stl_allocator)

BOOST_AUTO_TEST_CASE(containers_on_a_scanned_stack_hold_what_is_in_them) {
  Either with(scanning());
  fill_and_check(with);
}

BOOST_AUTO_TEST_CASE(where_stacks_are_not_scanned_they_hold_it_as_well_and_give_all_back) {
  Either with(TorturedHeap::options());
  fill_and_check(with);
  with.thread.collect();
  BOOST_TEST(with.heap.stats().live_objects == 0u);
  BOOST_TEST(with.heap.stats().handles == 0u);
}

BOOST_AUTO_TEST_CASE(there_a_container_may_be_anywhere) {
  Either with(TorturedHeap::options());
  auto lists = std::make_unique<std::vector<std::list<Node*, Allocator<Node*>>>>();
  for (long i = 0; i < 10; ++i) {
    lists->emplace_back(Allocator<Node*>(with.thread));
    acre::Local<Node> node(with.thread, with.node(i));
    lists->back().push_back(node);
  }
  with.thread.collect();
  for (long i = 0; i < 10; ++i) BOOST_TEST((*lists)[static_cast<size_t>(i)].front()->value == i);
}

BOOST_AUTO_TEST_CASE(only_numbers_and_what_is_said_to_be_are_leaves) {
  Either with(scanning());
  const auto kind = [&](const void* storage) {
    return with.heap.kind_of(with.heap.object_base(storage));
  };
  const auto leaf = acre::Kind::leaf();
  const auto conservative = acre::Kind::conservative();
  using Said = acre::StlAllocator<Pod, true>;
  const Allocator<int> allocator(with.thread);
  const std::vector<int, Allocator<int>> numbers(4, 7, allocator);
  const std::vector<Pod, Allocator<Pod>> pods(4, Pod{}, Allocator<Pod>(with.thread));
  const std::vector<Pod, Said> said(4, Pod{}, Said(with.thread));
  const std::deque<Pod, Said> deque(4, Pod{}, Said(with.thread));
  const std::list<int, Allocator<int>> list(4, 7, allocator);
  const std::vector<unsigned long, acre::StlAllocator<unsigned long, false>> words(
      4, 0, acre::StlAllocator<unsigned long, false>(with.thread));
  BOOST_TEST((kind(numbers.data()) == leaf));
  BOOST_TEST((kind(pods.data()) == conservative));
  BOOST_TEST((kind(said.data()) == leaf));
  BOOST_TEST((kind(&deque.front()) == leaf));
  BOOST_TEST((kind(&list.front()) == conservative));
  BOOST_TEST((kind(words.data()) == conservative));
}

BOOST_AUTO_TEST_CASE(allocators_of_one_thread_are_equal_and_containers_move_their_storage) {
  Either with(PreciseHeap::options());
  Either other(PreciseHeap::options());
  BOOST_TEST((Allocator<int>(with.thread) == Allocator<Node>(with.thread)));
  BOOST_TEST((Allocator<int>(with.thread) != Allocator<int>(other.thread)));
  using Vector = std::vector<int, Allocator<int>>;
  Vector from(100, 3, Allocator<int>(with.thread));
  const int* storage = from.data();
  Vector same{Allocator<int>(with.thread)};
  same = std::move(from);
  BOOST_TEST(same.data() == storage);
  Vector foreign{Allocator<int>(other.thread)};
  foreign = std::move(same);  // element by element: each stays in its own heap
  BOOST_TEST(foreign.data() != storage);
  BOOST_TEST(other.heap.object_base(foreign.data()) != nullptr);
  BOOST_TEST(foreign[99] == 3);
}

BOOST_AUTO_TEST_CASE(alignment_is_the_elements) {
  struct alignas(128) Wide {
    char bytes[128];
  };
  for (const acre::Options& options : {PreciseHeap::options(), scanning()}) {
    Either with(options);
    const std::vector<Wide, Allocator<Wide>> wide(3, Wide{}, Allocator<Wide>(with.thread));
    BOOST_TEST(reinterpret_cast<uintptr_t>(wide.data()) % 128 == 0u);
  }
}

BOOST_AUTO_TEST_CASE(what_cannot_be_had_is_thrown_with_its_reason) {
  for (const acre::Options& options : {PreciseHeap::options(), scanning()}) {
    Either with(options);
    Allocator<long> allocator(with.thread);
    BOOST_CHECK_THROW((void)allocator.allocate(SIZE_MAX / 4), std::bad_array_new_length);
    BOOST_CHECK_EXCEPTION((void)allocator.allocate(size_t{1} << 40), acre::OutOfMemory,
                          [](const acre::OutOfMemory& e) { return e.status() == ACRE_E_NOMEM; });
    std::vector<long, Allocator<long>> numbers(10, 5, allocator);
    with.heap.set_hard_limit(1);
    BOOST_CHECK_EXCEPTION(numbers.resize(1 << 20), acre::OutOfMemory,
                          [](const acre::OutOfMemory& e) { return e.status() == ACRE_E_LIMIT; });
    with.heap.set_hard_limit(ACRE_NO_LIMIT);
    BOOST_TEST((numbers.size() == 10u && numbers[9] == 5));
  }
}

BOOST_AUTO_TEST_SUITE_END()
