// RootVector and Locals hold what is in them and nothing else, while they grow, and when they cannot.

#include <acre/acre.hpp>
#include <boost/test/unit_test.hpp>
#include <cstddef>
#include <optional>
#include <vector>

#include "test/include/precise_heap.h"

namespace {

// A word with a tag above which nothing is known.
struct Value {
  acre::Member<void> word;
  void trace(acre::Visitor& visitor) { visitor(word); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(root_vector, PreciseHeap)

BOOST_AUTO_TEST_CASE(what_is_in_it_lives_and_what_was_popped_does_not) {
  acre::RootVector<Node> stack(thread, 3);
  for (long i = 0; i < 100; ++i) stack.push_back(thread, thread.make<Node>(nullptr, i));
  BOOST_TEST(live() == 101u);  // with its storage
  for (size_t i = 0; i < 100; ++i) BOOST_TEST_REQUIRE(stack[i]->value == static_cast<long>(i));
  BOOST_TEST(stack.pop_back()->value == 99);
  stack.truncate(10);
  BOOST_TEST(stack.back()->value == 9);
  BOOST_TEST(live() == 11u);
  stack.clear();
  BOOST_TEST(stack.empty());
  BOOST_TEST(live() == 1u);
}

BOOST_AUTO_TEST_CASE(a_frame_takes_what_was_pushed_in_it) {
  acre::RootVector<Node> stack(thread);
  stack.push_back(thread, thread.make<Node>());
  {
    acre::RootVector<Node>::Frame frame(stack);
    BOOST_TEST(frame.base() == 1u);
    for (long i = 0; i < 40; ++i) stack.push_back(thread, thread.make<Node>());
    BOOST_TEST(live() == 42u);
  }
  BOOST_TEST(stack.size() == 1u);
  BOOST_TEST(live() == 2u);
}

BOOST_AUTO_TEST_CASE(locals_end_with_their_scope_and_nest_with_others) {
  acre::Local<Node> before(thread, thread.make<Node>());
  {
    acre::Locals<Node> some(thread, 1);
    acre::Local<Node> between(thread, thread.make<Node>());
    for (long i = 0; i < 10; ++i) some.push_back(thread, thread.make<Node>(nullptr, i));
    BOOST_TEST(live() == 13u);
    long sum = 0;
    for (const acre::Member<Node>& node : some) sum += node->value;
    BOOST_TEST(sum == 45);
  }
  BOOST_TEST(live() == 1u);
}

BOOST_AUTO_TEST_CASE(when_there_is_no_memory_to_grow_it_stays_as_it_was) {
  constexpr size_t kCount = 1 << 17;
  acre::RootVector<Node> stack(thread, kCount);
  acre::Root<Node> one(thread, thread.make<Node>(nullptr, 1L));
  while (stack.size() < kCount) stack.push_back(thread, one.get());
  acre::Root<Node> another(thread, thread.make<Node>());
  heap.set_hard_limit(1);
  BOOST_TEST(!stack.try_push_back(thread, another.get()));
  BOOST_TEST(thread.last_error() == ACRE_E_LIMIT);
  BOOST_CHECK_EXCEPTION(stack.push_back(thread, another.get()), acre::OutOfMemory,
                        [](const acre::OutOfMemory& e) { return e.status() == ACRE_E_LIMIT; });
  heap.set_hard_limit(ACRE_NO_LIMIT);
  another = nullptr;
  BOOST_TEST(stack.size() == kCount);
  BOOST_TEST(stack.back() == one);
  BOOST_TEST(live() == 2u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(root_vector_torture, TorturedHeap)

BOOST_AUTO_TEST_CASE(an_element_that_nothing_else_holds_survives_the_growing) {
  acre::RootVector<Node> stack(thread, 0);
  for (long i = 0; i < 70; ++i) stack.push_back(thread, thread.make<Node>(nullptr, i));
  acre::LocalsOf<Value> values(thread, 0);
  for (long i = 0; i < 70; ++i) values.push_back(thread, Value{thread.make<Node>(nullptr, i)});
  for (size_t i = 0; i < 70; ++i) {
    BOOST_TEST_REQUIRE(stack[i]->value == static_cast<long>(i));
    BOOST_TEST_REQUIRE(static_cast<Node*>(values[i].word.get())->value == static_cast<long>(i));
  }
}

BOOST_AUTO_TEST_CASE(a_fiber_holds_its_locals_and_leaves_none_behind) {
  acre::Local<acre::Fiber> fiber(thread, acre::make_fiber(thread, [](acre::Fiber& self) {
                                   acre::Locals<Node> mine(self.thread(), 2);
                                   for (long i = 0;; ++i) {
                                     mine.push_back(self.thread(),
                                                    self.thread().make<Node>(nullptr, i));
                                     self.yield(mine.back());
                                   }
                                 }));
  for (long i = 0; i < 20; ++i) {
    BOOST_TEST_REQUIRE(static_cast<Node*>(fiber->resume(thread))->value == i);
  }
  fiber = nullptr;
  thread.collect();
  BOOST_TEST(heap.stats().live_objects == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
