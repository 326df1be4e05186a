// Weak, WeakNotify, Ephemeron, WeakMap, finalizers and cleanups as C++ types: each does what its C call does, with its
// type, and ends when its scope does. What they mean is tested in test/gc/api and test/gc/torture.

#include <acre/acre.hpp>
#include <boost/test/unit_test.hpp>
#include <optional>
#include <utility>
#include <vector>

#include "test/include/precise_heap.h"

namespace {

struct Named {
  acre::Member<Named> next;
  int name = 0;
  void trace(acre::Visitor& visitor) { visitor(next); }
};

std::vector<int>& finalized() {
  static std::vector<int> names;
  return names;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(weak_hpp, PreciseHeap)

BOOST_AUTO_TEST_CASE(a_weak_reference_is_cleared_and_moves) {
  acre::Local<Node> node(thread, thread.make<Node>(nullptr, 3L));
  acre::Weak<const Node> weak(thread, node.get());
  acre::Weak<const Node> moved(std::move(weak));
  BOOST_TEST(weak.get(thread) == nullptr);  // NOLINT(bugprone-use-after-move)
  BOOST_TEST(live() == 1u);
  BOOST_TEST(moved.get(thread) == node);
  weak = std::move(moved);
  node = nullptr;
  BOOST_TEST(live() == 0u);
  BOOST_TEST(weak.get(thread) == nullptr);
}

BOOST_AUTO_TEST_CASE(what_is_no_object_is_refused) {
  auto* foreign = reinterpret_cast<Node*>(this);
  BOOST_CHECK_THROW(acre::Weak<Node>(thread, foreign), acre::Error);
  BOOST_TEST(!acre::Weak<Node>::try_new(thread, foreign).has_value());
  BOOST_TEST(thread.last_error() == ACRE_E_INVALID);
  BOOST_TEST(acre::Weak<Node>::try_new(thread).has_value());
  BOOST_CHECK_THROW(acre::WeakNotify(thread, foreign, [] {}), acre::Error);
  BOOST_CHECK_THROW(acre::Cleanup(thread, foreign, [] {}), acre::Error);
  BOOST_CHECK_THROW(acre::set_finalizer(thread, foreign, [](Node&) {}), acre::Error);
}

BOOST_AUTO_TEST_CASE(a_notification_comes_once_and_not_after_its_end) {
  int calls = 0;
  acre::Local<Node> node(thread, thread.make<Node>());
  acre::WeakNotify stays(thread, node.get(), [&calls] { ++calls; });
  {
    acre::WeakNotify ends(thread, node.get(), [&calls] { calls += 100; });
    BOOST_TEST(ends.get(thread) == node);
  }
  node = nullptr;
  thread.collect();
  BOOST_TEST(calls == 0);
  BOOST_TEST(heap.finalizers_waiting() == 1u);
  BOOST_TEST(thread.run_finalizers() == 1u);
  BOOST_TEST(thread.run_finalizers() == 0u);
  BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE(an_ephemeron_holds_its_value_while_the_key_lives) {
  acre::Local<Node> key(thread, thread.make<Node>());
  acre::Local pair(thread, acre::make_ephemeron(thread, key.get(), thread.make<Node>(key.get())));
  BOOST_TEST(live() == 3u);
  BOOST_TEST(pair->key(thread) == key);
  BOOST_TEST(pair->value(thread)->next == key);
  key = nullptr;
  BOOST_TEST(live() == 1u);
  BOOST_TEST(pair->key(thread) == nullptr);
  BOOST_TEST(pair->value(thread) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_map_drops_entries_by_its_mode) {
  acre::Local<Node> kept(thread, thread.make<Node>(nullptr, 1L));
  const auto left = [&](acre::WeakMode mode) {
    acre::Local map(thread, acre::make_weak_map<Node, Node>(thread, mode));
    map->set(thread, kept.get(), thread.make<Node>());  // its value dies
    map->set(thread, thread.make<Node>(), kept.get());  // its key dies
    thread.collect();
    size_t seen = 0;
    map->for_each(thread, [&](Node* key, Node* value) { seen += key == kept || value == kept; });
    BOOST_TEST(seen == map->size(thread));
    return (map->has(thread, kept) ? 1 : 0) + 10 * static_cast<int>(map->size(thread));
  };
  BOOST_TEST(left(acre::WeakMode::kKeys) == 11);
  BOOST_TEST(left(acre::WeakMode::kValues) == 10);
  BOOST_TEST(left(acre::WeakMode::kBoth) == 0);
}

BOOST_AUTO_TEST_CASE(a_map_gets_sets_and_removes) {
  acre::Local map(thread, acre::make_weak_map<const Node, Node>(thread));
  acre::Local<Node> key(thread, thread.make<Node>());
  acre::Local<Node> value(thread, thread.make<Node>());
  BOOST_TEST(map->get(thread, key) == nullptr);
  map->set(thread, key.get(), value.get());
  map->set(thread, key.get(), value.get());
  BOOST_TEST(map->get(thread, key) == value);
  BOOST_TEST(map->size(thread) == 1u);
  BOOST_TEST(map->remove(thread, key));
  BOOST_TEST(!map->remove(thread, key));
  BOOST_TEST(map->try_set(thread, nullptr, value.get()) == ACRE_E_INVALID);
  BOOST_CHECK_THROW(map->set(thread, nullptr, value.get()), acre::Error);
}

BOOST_AUTO_TEST_CASE(an_unordered_finalizer_does_not_wait_for_what_refers_to_its_object) {
  for (const bool unordered : {false, true}) {
    acre::Local<Named> inner(thread, thread.make<Named>(nullptr, 2));
    acre::Local<Named> outer(thread, thread.make<Named>(inner.get(), 1));
    acre::set_finalizer(thread, outer.get(), [](Named&) {});
    acre::set_finalizer(
        thread, inner.get(), [](Named&) {},
        unordered ? acre::FinalizerOrder::kUnordered : acre::FinalizerOrder::kByNeed);
    inner = outer = nullptr;
    thread.collect();
    BOOST_TEST(thread.run_finalizers() == (unordered ? 2u : 1u));
    thread.collect();
    BOOST_TEST(thread.run_finalizers() == (unordered ? 0u : 1u));
  }
}

BOOST_AUTO_TEST_CASE(finalizers_run_in_order_of_need) {
  finalized().clear();
  const auto remember = [](Named& dead) { finalized().push_back(dead.name); };
  acre::Local<Named> last(thread, thread.make<Named>(nullptr, 2));
  acre::Local<Named> first(thread, thread.make<Named>(last.get(), 1));
  acre::set_finalizer(thread, last.get(), remember);
  acre::set_finalizer(thread, first.get(), remember);
  acre::Local<Named> none(thread, thread.make<Named>(nullptr, 4));
  acre::set_finalizer(thread, none.get(), remember);
  acre::set_finalizer(thread, none.get(), nullptr);
  first = last = none = nullptr;
  for (int i = 0; i < 5; ++i) {
    thread.collect();
    thread.run_finalizers();
  }
  BOOST_TEST((finalized() == std::vector<int>{1, 2}));
  BOOST_TEST(live() == 0u);
}

BOOST_AUTO_TEST_CASE(cleanups_run_once_and_not_after_their_end) {
  int calls = 0;
  acre::Local<Node> node(thread, thread.make<Node>());
  acre::Cleanup stays(thread, node.get(), [&calls] { ++calls; });
  {
    acre::Cleanup ends(thread, node.get(), [&calls] { calls += 100; });
  }
  node = nullptr;
  thread.collect();
  BOOST_TEST(thread.run_finalizers() == 1u);
  BOOST_TEST(calls == 1);
}

BOOST_AUTO_TEST_CASE(no_memory_is_null_or_thrown) {
  acre_status status = ACRE_OK;
  BOOST_TEST((acre::try_make_weak_map<Node, Node>(thread, static_cast<acre::WeakMode>(9),
                                                  &status) == nullptr));
  BOOST_TEST(status == ACRE_E_INVALID);
  acre::Local<Node> node(thread, thread.make<Node>());
  acre::Root<Node> rest(thread);
  heap.set_hard_limit(1);
  try {
    for (;;) rest = thread.make<Node>(rest.get());
  } catch (const acre::OutOfMemory&) {
  }
  BOOST_CHECK_EXCEPTION(
      for (;;) rest = reinterpret_cast<Node*>(acre::make_ephemeron(thread, node.get(), rest.get())),
      acre::OutOfMemory, [](const acre::OutOfMemory& e) { return e.status() == ACRE_E_LIMIT; });
  heap.set_hard_limit(ACRE_NO_LIMIT);
}

BOOST_AUTO_TEST_SUITE_END()
