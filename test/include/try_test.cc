// Calls named try_*: a status where their namesakes throw. And the parts of the C++ API that are new objects' shapes:
// tails, arrays of Members, fields with a trace of their own.

#include <acre/acre.hpp>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "test/include/precise_heap.h"

namespace {

struct Text {
  using Tail = char;
  size_t length;
};
struct Vector {  // a word, then references: by a bitmap
  using Tail = acre::Member<Node>;
  size_t count;
};
struct Slot {
  static constexpr acre::Layout layout{0, 2};
  acre::Member<Node> key;
  long hash;
  acre::Member<Node> value;
};
struct Table {
  using Tail = Slot;
  size_t count;
};
struct Closure {
  using Tail = acre::Member<Node>;
  acre::Member<Node> code;
  size_t captured = 0;
  void trace(acre::Visitor& visitor) {
    visitor(code);
    visitor.visit_range(acre::tail(this), captured);
  }
};
struct Inner {
  acre::Member<Node> first;
  long number = 0;
  acre::Member<Node> second;
  void trace(acre::Visitor& visitor) { visitor(first, second); }
};
struct Outer {
  Inner inner;
  Inner grid[2][3];
  Node* raw[2] = {};
  void trace(acre::Visitor& visitor) { visitor(inner, grid, raw); }
};
template <unsigned N>
struct Numbered {
  acre::Member<Node> member;
  void trace(acre::Visitor& visitor) { visitor(member); }
};

template <unsigned... numbers>
unsigned register_until_full(acre::Heap& heap, std::integer_sequence<unsigned, numbers...>) {
  return (unsigned{heap.try_kind<Numbered<numbers>>().has_value()} + ...);
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(try_calls, PreciseHeap)

BOOST_AUTO_TEST_CASE(a_heap_that_cannot_be_is_null_with_a_status) {
  acre_status status = ACRE_E_STATE;
  BOOST_TEST(acre::Heap::try_create(options(), &status) != nullptr);
  BOOST_TEST(status == ACRE_OK);
  acre::Options wrong = options();
  wrong.struct_size = 1;
  BOOST_TEST(acre::Heap::try_create(wrong, &status) == nullptr);
  BOOST_TEST(status == ACRE_E_INVALID);
  BOOST_TEST(acre::Heap::try_create(wrong) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_thread_that_cannot_attach_is_null_with_a_status) {
  std::thread([this] {
    acre_status status = ACRE_E_STATE;
    {
      const std::unique_ptr<acre::Thread> mine = acre::Thread::try_attach(heap, &status);
      BOOST_REQUIRE(mine != nullptr);
      BOOST_TEST(status == ACRE_OK);
      BOOST_TEST(mine->make<Node>(nullptr, 4L)->value == 4);
    }
    BOOST_TEST(acre_thread_current(heap) == nullptr);
    // An interrupted thread says nothing exact.
    BOOST_TEST(acre::Thread::try_attach(heap, &status, acre::Manner::kUncooperative) == nullptr);
    BOOST_TEST(status == ACRE_E_STATE);
  }).join();
}

BOOST_AUTO_TEST_CASE(no_memory_is_null_and_last_error_says_why) {
  heap.set_hard_limit(1);
  BOOST_TEST(thread.try_make_uninit_array<char>(1 << 20) == nullptr);
  BOOST_TEST(thread.last_error() == ACRE_E_LIMIT);
  BOOST_TEST(thread.try_make_tailed<Text>(1 << 20) == nullptr);
  BOOST_CHECK_THROW(thread.make_tailed<Text>(1 << 20), acre::OutOfMemory);
  heap.set_hard_limit(ACRE_NO_LIMIT);
  BOOST_TEST(thread.try_make_uninit_array<double>(SIZE_MAX / 4) == nullptr);
  BOOST_TEST(thread.last_error() == ACRE_E_NOMEM);
  BOOST_TEST(thread.try_make_tailed<Vector>(SIZE_MAX / 4) == nullptr);
  BOOST_TEST(thread.last_error() == ACRE_E_NOMEM);
  BOOST_TEST(thread.try_make_array<acre::Member<Node>>(SIZE_MAX / 4) == nullptr);
  BOOST_TEST(thread.last_error() == ACRE_E_NOMEM);
  BOOST_TEST(thread.try_make_uninit_array<double>(100) != nullptr);
}

BOOST_AUTO_TEST_CASE(a_kind_too_many_is_known_ahead) {
  const unsigned before = static_cast<unsigned>(heap.stats().kinds);
  const unsigned registered =
      register_until_full(heap, std::make_integer_sequence<unsigned, ACRE_MAX_KINDS + 1>());
  BOOST_TEST(registered == ACRE_MAX_KINDS - before);
  acre_status status = ACRE_OK;
  BOOST_TEST(!heap.try_kind<Numbered<ACRE_MAX_KINDS>>(&status).has_value());
  BOOST_TEST(status == ACRE_E_LIMIT);
  BOOST_TEST(heap.try_kind<Numbered<0>>(&status).has_value());
  BOOST_TEST(status == ACRE_OK);
  BOOST_CHECK_THROW(thread.try_make<Numbered<ACRE_MAX_KINDS>>(), acre::Error);
}

BOOST_AUTO_TEST_CASE(a_root_is_had_without_an_exception) {
  std::optional<acre::Root<Node>> root = acre::Root<Node>::try_new(thread, thread.make<Node>());
  BOOST_REQUIRE(root.has_value());
  BOOST_TEST(live() == 1u);
  root.reset();
  BOOST_TEST(live() == 0u);
}

BOOST_AUTO_TEST_CASE(a_fiber_whose_function_cannot_be_moved_is_null) {
  struct Unmovable {
    Unmovable() = default;
    Unmovable(Unmovable&&) { throw 1; }
    void operator()(acre::Fiber&) const {}
  };
  acre_status status = ACRE_OK;
  BOOST_TEST(acre::try_make_fiber(thread, Unmovable(), 0, &status) == nullptr);
  BOOST_TEST(status == ACRE_E_EXCEPTION);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(shapes, PreciseHeap)

BOOST_AUTO_TEST_CASE(a_tail_of_references_is_traced_to_its_end) {
  constexpr size_t kCount = 777;
  acre::Root<Vector> vector(thread, thread.make_tailed<Vector>(kCount, kCount));
  acre::Root<Closure> closure(thread, thread.make_tailed<Closure>(kCount));
  closure->captured = kCount;
  for (size_t i = 0; i < kCount; ++i) {
    acre::tail(vector.get())[i] = thread.make<Node>(nullptr, static_cast<long>(i));
    acre::tail(closure.get())[i] = thread.make<Node>(nullptr, static_cast<long>(i));
  }
  closure->code = thread.make<Node>();
  BOOST_TEST(live() == 2 + 2 * kCount + 1);
  BOOST_TEST(vector->count == kCount);
  BOOST_TEST(acre::tail(vector.get())[kCount - 1]->value == long{kCount} - 1);
  closure->captured = 10;
  BOOST_TEST(live() == 2 + kCount + 10 + 1);
  BOOST_TEST(heap.verify());
}

BOOST_AUTO_TEST_CASE(the_word_before_a_tail_is_no_reference) {
  acre::Root<Vector> vector(thread, thread.make_tailed<Vector>(0, size_t{0}));
  vector->count = reinterpret_cast<size_t>(thread.make<Node>());
  BOOST_TEST(live() == 1u);
}

BOOST_AUTO_TEST_CASE(a_tail_of_larger_elements_may_be_empty) {
  acre::Root<Table> empty(thread, thread.make_tailed<Table>(0, size_t{0}));
  acre::Root<Table> table(thread, thread.make_tailed<Table>(5, size_t{5}));
  acre::tail(table.get())[4].value = thread.make<Node>();
  acre::tail(table.get())[4].hash = reinterpret_cast<long>(thread.make<Node>());
  BOOST_TEST(live() == 3u);
}

BOOST_AUTO_TEST_CASE(a_tail_without_references_makes_a_leaf) {
  acre::Root<Text> text(thread, thread.make_tailed<Text>(100, size_t{100}));
  std::memset(acre::tail(text.get()), 'x', 100);
  BOOST_TEST((heap.kind_of(text) == acre::Kind::leaf()));
  BOOST_TEST(heap.object_size(text) >= sizeof(Text) + 100);
  Text* empty = thread.make_tailed<Text>(0, size_t{0});
  BOOST_TEST(heap.object_base(reinterpret_cast<char*>(empty) + 7) == empty);
  thread.free(empty);
}

BOOST_AUTO_TEST_CASE(arrays_of_members_are_one_kind_for_all_types) {
  acre::Root<acre::Member<Node>> nodes(thread, thread.make_array<acre::Member<Node>>(50));
  acre::Root<acre::Member<Text>> texts(thread, thread.make_array<acre::Member<Text>>(50));
  nodes.get()[49] = thread.make<Node>();
  texts.get()[0] = thread.make_tailed<Text>(9, size_t{9});
  BOOST_TEST(live() == 4u);
  BOOST_TEST((heap.kind_of(nodes) == heap.kind_of(texts)));
}

BOOST_AUTO_TEST_CASE(fields_and_arrays_of_fields_are_visited) {
  acre::Root<Outer> outer(thread, thread.make<Outer>());
  outer->inner.second = thread.make<Node>();
  outer->grid[1][2].first = thread.make<Node>();
  outer->raw[1] = thread.make<Node>();
  outer->grid[0][0].number = reinterpret_cast<long>(thread.make<Node>());
  BOOST_TEST(live() == 4u);
}

BOOST_AUTO_TEST_CASE(arguments_of_make_are_held_while_it_collects) {
  struct Both {
    acre::Member<Node> a, b;
    void trace(acre::Visitor& visitor) { visitor(a, b); }
  };
  acre::Heap tortured(TorturedHeap::options());
  acre::Thread mine(tortured);
  for (long i = 0; i < 50; ++i) {
    Node* first = mine.make<Node>(mine.make<Node>(nullptr, i), i + 1);
    Both* both = mine.make<Both>(first, first->next);
    BOOST_TEST_REQUIRE(both->b->value == i);
    Closure* closure = mine.make_tailed<Closure>(3, both->a.get());
    BOOST_TEST_REQUIRE(closure->code->next->value == i);
    both = mine.try_make<Both>(closure->code.get(), nullptr);
    BOOST_TEST_REQUIRE(both->a->value == i + 1);
  }
  BOOST_TEST(tortured.verify());
}

BOOST_AUTO_TEST_CASE(scanners_and_ranges_are_roots_until_they_end) {
  Node* words[3] = {};
  std::vector<Node*> nodes;
  {
    acre::RootRange range(heap, words, sizeof(words));
    acre::RootScanner scanner(
        heap, [&](acre::Visitor& visitor) { visitor.visit_range(nodes.data(), nodes.size()); });
    words[2] = thread.make<Node>();
    for (int i = 0; i < 5; ++i) nodes.push_back(thread.make<Node>());
    BOOST_TEST(live() == 6u);
    BOOST_CHECK_THROW(acre::RootRange(heap, words, sizeof(words)), acre::Error);
  }
  BOOST_TEST(live() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
