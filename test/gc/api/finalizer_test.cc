// Finalizers: that each runs once, in which order, and what they may do.

#include <algorithm>

#include "test/gc/api/mortal_fixture.h"

namespace acre::test {
namespace {

BOOST_AUTO_TEST_SUITE(finalizer)

BOOST_FIXTURE_TEST_CASE(a_finalizer_runs_once_and_its_object_is_whole_until_then, Mortal) {
  void** object = cell();
  void* content = alloc(100);
  memset(content, 7, 100);
  refer(object, content);
  const auto look = [](void* given, void*) {
    const auto* bytes = static_cast<unsigned char*>(*static_cast<void**>(given));
    current_log->text += std::to_string(std::count(bytes, bytes + 100, 7));
  };
  BOOST_TEST(acre_finalizer_set(thread, object, look, nullptr) == ACRE_OK);
  BOOST_TEST(stats().finalizers == 1u);
  collect();
  collect();
  BOOST_TEST(live() == 2u);
  BOOST_TEST(stats().finalizers == 0u);
  BOOST_TEST(stats().finalizers_waiting == 1u);
  BOOST_TEST(run() == "100");
  BOOST_TEST(run() == "");
  BOOST_TEST(stats().finalizers_run == 1u);
  collect();
  BOOST_TEST(live() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_finalizer_is_replaced_or_taken_away, Mortal) {
  void* object = alloc(16);
  finalize(object, 1);
  finalize_unordered(object, 2);
  void* other = alloc(16);
  finalize(other, 3);
  BOOST_TEST(acre_finalizer_set(thread, other, nullptr, nullptr) == ACRE_OK);
  BOOST_TEST(stats().finalizers == 1u);
  collect();
  BOOST_TEST(live() == 1u);
  BOOST_TEST(run() == "f2");
}

BOOST_FIXTURE_TEST_CASE(order_of_need, Mortal) {
  void** first = cell();
  void** second = cell();
  void** third = cell();
  refer(first, second);
  refer(second, third);
  finalize(third, 3);
  finalize(first, 1);
  finalize(second, 2);
  std::string seen;
  for (int i = 0; i < 5; ++i) {
    collect();
    seen += run() + ".";
  }
  BOOST_TEST(seen == "f1.f2.f3...");
  BOOST_TEST(live() == 0u);
}

BOOST_FIXTURE_TEST_CASE(unordered_ones_do_not_wait_for_each_other, Mortal) {
  void** first = cell();
  void** second = cell();
  void** third = cell();
  refer(first, second);
  refer(second, third);
  finalize(first, 1);
  finalize_unordered(second, 2);
  finalize_unordered(third, 3);
  collect();
  std::string seen = run();
  std::sort(seen.begin(), seen.end());
  BOOST_TEST(seen == "123fff");
}

BOOST_FIXTURE_TEST_CASE(circles_come_to_an_end, Mortal) {
  void** self = cell();
  refer(self, self);
  finalize(self, 1);
  collect();
  BOOST_TEST(run() == "f1");
  void** one = cell();
  void** two = cell();
  void** between = cell();
  refer(one, between);
  refer(between, two);
  refer(two, one);
  finalize(one, 1);
  finalize(two, 2);
  std::string seen;
  for (int i = 0; i < 3; ++i) {
    collect();
    seen += run() + ".";
  }
  BOOST_TEST((seen == "f1.f2.." || seen == "f2.f1.."));
  BOOST_TEST(live() == 0u);
}

void* saved = nullptr;  // a root

BOOST_FIXTURE_TEST_CASE(a_finalizer_may_bring_its_object_back, Mortal) {
  BOOST_REQUIRE(acre_root_add(heap, &saved, sizeof(saved), 0) == ACRE_OK);
  void** object = cell();
  void** other = cell();
  refer(object, other);
  acre_weak* weak = acre_weak_new(thread, object);
  acre_weak* weak_other = acre_weak_new(thread, other);
  clean(object, 9);
  const auto save = [](void* given, void*) { saved = given; };
  BOOST_TEST(acre_finalizer_set(thread, object, save, nullptr) == ACRE_OK);
  collect();
  BOOST_TEST(acre_weak_get(thread, weak) == nullptr);
  BOOST_TEST(acre_weak_get(thread, weak_other) == nullptr);
  BOOST_TEST(acre_run_finalizers(thread) == 1u);
  collect();
  BOOST_TEST(saved == object);
  BOOST_TEST(holds(other));
  BOOST_TEST(run() == "");
  // It has none any more, unless it gets a new one.
  finalize(object, 4);
  saved = nullptr;
  collect();
  BOOST_TEST(run() == "f4");
  BOOST_TEST(live() == 2u);
  collect();
  BOOST_TEST(run() == "c9");
  BOOST_TEST(live() == 0u);
  acre_weak_drop(weak);
  acre_weak_drop(weak_other);
  BOOST_REQUIRE(acre_root_remove(heap, &saved) == ACRE_OK);
}

BOOST_FIXTURE_TEST_CASE(a_finalizer_may_allocate_collect_and_run_others, Mortal) {
  struct Arg {
    Mortal* mortal;
    int depth;
  } arg{this, 0};
  const auto busy = [](void* object, void* given) {
    auto& it = *static_cast<Arg*>(given);
    ++it.depth;
    for (int i = 0; i < 100; ++i) (void)it.mortal->cell();
    acre_collect(it.mortal->thread);
    BOOST_TEST(it.mortal->holds(object));
    acre_run_finalizers(it.mortal->thread);
  };
  for (int i = 0; i < 5; ++i) {
    BOOST_REQUIRE(acre_finalizer_set(thread, alloc(16), busy, &arg) == ACRE_OK);
  }
  collect();
  BOOST_TEST(acre_run_finalizers(thread) == 1u);
  BOOST_TEST(arg.depth == 5);
  collect();
  BOOST_TEST(live() == 0u);
}

BOOST_FIXTURE_TEST_CASE(many_finalizers_run_once_each, Mortal) {
  constexpr uintptr_t kMany = 1'000'000;
  static std::vector<unsigned char> runs;
  runs.assign(kMany, 0);
  const auto count = [](void*, void* arg) { ++runs[reinterpret_cast<uintptr_t>(arg)]; };
  for (uintptr_t i = 0; i < kMany; ++i) {
    void* object = alloc(16 + 16 * (i % 5));
    const auto set = i % 3 == 0 ? &acre_finalizer_set_unordered : &acre_finalizer_set;
    if (set(thread, object, count, id(i)) != ACRE_OK) BOOST_FAIL("no room");
  }
  collect();
  BOOST_TEST(acre_finalizers_waiting(heap) == kMany);
  BOOST_TEST(acre_run_finalizers(thread) == kMany);
  BOOST_TEST(std::count(runs.begin(), runs.end(), 1) == static_cast<long>(kMany));
  collect();
  BOOST_TEST(live() == 0u);
}

// By way of an ephemeron and by tables of its own: that is no order to wait for.
BOOST_FIXTURE_TEST_CASE(what_leads_back_to_itself_through_ephemerons_is_finalized, Mortal) {
  const auto table = [&](int mode) {
    void* made = nullptr;
    BOOST_REQUIRE(acre_weak_table_new(thread, mode, &made) == ACRE_OK);
    return made;
  };
  void** objects[3] = {cell(), cell(), cell()};
  for (uintptr_t i = 0; i < 3; ++i) {
    void** object = objects[i];
    object[1] = alloc(16);
    finalize(object, i + 1);
  }
  BOOST_REQUIRE(acre_ephemeron_new(thread, objects[0][1], objects[0], &objects[0][0]) == ACRE_OK);
  objects[1][0] = table(ACRE_WEAK_KEYS);
  BOOST_REQUIRE(acre_weak_table_set(thread, objects[1][0], objects[1][1], objects[1]) == ACRE_OK);
  objects[2][0] = table(ACRE_WEAK_VALUES);
  BOOST_REQUIRE(acre_weak_table_set(thread, objects[2][0], objects[2], objects[2][1]) == ACRE_OK);
  collect();
  std::string ran = run();
  std::sort(ran.begin(), ran.end());
  BOOST_TEST(ran == "123fff");
  collect();
  BOOST_TEST(live() == 0u);
}

BOOST_FIXTURE_TEST_CASE(what_an_object_has_as_a_value_for_its_own_key_comes_after_it, Mortal) {
  void** object = cell();
  object[1] = alloc(16);
  void* value = cell();
  BOOST_REQUIRE(acre_ephemeron_new(thread, object[1], value, &object[0]) == ACRE_OK);
  finalize(value, 2);
  finalize(object, 1);
  collect();
  BOOST_TEST(run() == "f1");
  collect();
  BOOST_TEST(run() == "f2");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
