// Weak references and cleanups: what each sees of an object's end, and that each comes once.

#include <algorithm>

#include "test/gc/api/mortal_fixture.h"

namespace acre::test {
namespace {

BOOST_AUTO_TEST_SUITE(weak)

BOOST_FIXTURE_TEST_CASE(a_weak_reference_is_there_while_its_object_is, Mortal) {
  void* object = alloc(40);
  Handle handle(thread, object);
  acre_weak* weak = acre_weak_new(thread, object);
  BOOST_REQUIRE(weak != nullptr);
  collect();
  BOOST_TEST(acre_weak_get(thread, weak) == object);
  BOOST_TEST(stats().weak_references == 1u);
  handle.set(nullptr);
  BOOST_TEST(acre_weak_get(thread, weak) == object);
  collect();
  BOOST_TEST(acre_weak_get(thread, weak) == nullptr);
  BOOST_TEST(live() == 0u);
  BOOST_TEST(stats().weak_references == 0u);
  acre_weak_drop(weak);
}

BOOST_FIXTURE_TEST_CASE(what_a_weak_reference_gives_out_is_held_by_who_has_it, Mortal) {
  acre_weak* weak = acre_weak_new(thread, alloc(40));
  Handle handle(thread, acre_weak_get(thread, weak));
  collect();
  BOOST_TEST(acre_weak_get(thread, weak) == handle.get());
  BOOST_TEST(live() == 1u);
  acre_weak_drop(weak);
}

BOOST_FIXTURE_TEST_CASE(misuse_is_a_reason_and_changes_nothing, Mortal) {
  void* object = alloc(40);
  Handle handle(thread, object);
  int local = 0;
  for (void* none :
       {static_cast<void*>(&local), static_cast<void*>(static_cast<char*>(object) + 8)}) {
    BOOST_TEST(acre_weak_new(thread, none) == nullptr);
    BOOST_TEST(last_error() == ACRE_E_INVALID);
    BOOST_TEST(acre_finalizer_set(thread, none, &note_object, nullptr) == ACRE_E_INVALID);
    acre_cleanup* cleanup = reinterpret_cast<acre_cleanup*>(&local);
    BOOST_TEST(acre_cleanup_add(thread, none, &note_cleanup, nullptr, &cleanup) == ACRE_E_INVALID);
    BOOST_TEST(cleanup == nullptr);
  }
  BOOST_TEST(acre_finalizer_set(thread, nullptr, &note_object, nullptr) == ACRE_E_INVALID);
  BOOST_TEST(acre_finalizer_set(nullptr, object, &note_object, nullptr) == ACRE_E_INVALID);
  BOOST_TEST(acre_cleanup_add(thread, object, nullptr, nullptr, nullptr) == ACRE_E_INVALID);
  BOOST_TEST(acre_weak_new(nullptr, object) == nullptr);
  BOOST_TEST(acre_weak_get(thread, nullptr) == nullptr);
  acre_weak_drop(nullptr);
  acre_cleanup_cancel(nullptr);
  BOOST_TEST(acre_run_finalizers(nullptr) == 0u);
  BOOST_TEST(acre_finalizers_waiting(nullptr) == 0u);
  // Dropped twice: said on stderr.
  acre_weak* weak = acre_weak_new(thread, nullptr);
  BOOST_TEST(acre_weak_get(thread, weak) == nullptr);
  acre_weak_drop(weak);
  acre_weak_drop(weak);
  BOOST_TEST(acre_finalizer_set(thread, object, nullptr, nullptr) == ACRE_OK);
}

BOOST_FIXTURE_TEST_CASE(in_a_blocking_region_nothing_runs, Mortal) {
  clean(alloc(16), 1);
  collect();
  acre_blocking_begin(thread);
  BOOST_TEST(acre_run_finalizers(thread) == 0u);
  acre_blocking_end(thread);
  BOOST_TEST(last_error() == ACRE_E_STATE);
  BOOST_TEST(run() == "c1");
}

BOOST_FIXTURE_TEST_CASE(a_notification_comes_once_and_not_after_a_drop, Mortal) {
  acre_weak* one = acre_weak_new_notify(thread, alloc(16), &note_weak, id(1));
  acre_weak* two = acre_weak_new_notify(thread, alloc(16), &note_weak, id(2));
  acre_weak* three = acre_weak_new_notify(thread, alloc(16), &note_weak, id(3));
  BOOST_TEST(run() == "");
  acre_weak_drop(two);
  collect();
  BOOST_TEST(acre_finalizers_waiting(heap) == 2u);
  acre_weak_drop(three);
  BOOST_TEST(run() == "w1");
  collect();
  BOOST_TEST(run() == "");
  BOOST_TEST(acre_finalizers_waiting(heap) == 0u);
  acre_weak_drop(one);
}

BOOST_FIXTURE_TEST_CASE(a_notification_may_drop_its_reference, Mortal) {
  const auto drop = [](acre_weak* weak, void*) { acre_weak_drop(weak); };
  acre_weak* weak = acre_weak_new_notify(thread, alloc(16), drop, nullptr);
  collect();
  BOOST_TEST(acre_run_finalizers(thread) == 1u);
  // The record is free again.
  BOOST_TEST(acre_weak_new(thread, nullptr) == weak);
  acre_weak_drop(weak);
}

BOOST_FIXTURE_TEST_CASE(cleanups_come_when_the_object_has_gone, Mortal) {
  void* object = alloc(64);
  Handle handle(thread, object);
  clean(object, 1);
  clean(object, 2);
  acre_cleanup* cancelled = nullptr;
  BOOST_REQUIRE(acre_cleanup_add(thread, object, &note_cleanup, id(3), &cancelled) == ACRE_OK);
  acre_cleanup* late = nullptr;
  BOOST_REQUIRE(acre_cleanup_add(thread, object, &note_cleanup, id(4), &late) == ACRE_OK);
  acre_cleanup* owned = nullptr;
  BOOST_REQUIRE(acre_cleanup_add(thread, object, &note_cleanup, id(5), &owned) == ACRE_OK);
  collect();
  BOOST_TEST(run() == "");
  acre_cleanup_cancel(cancelled);
  BOOST_TEST(stats().cleanups == 4u);
  handle.set(nullptr);
  collect();
  BOOST_TEST(live() == 0u);
  acre_cleanup_cancel(late);
  std::string seen = run();
  BOOST_TEST(seen.size() == 6u);
  for (const char* each : {"c1", "c2", "c5"}) BOOST_TEST(seen.find(each) != std::string::npos);
  acre_cleanup_cancel(owned);
  BOOST_TEST(run() == "");
}

BOOST_FIXTURE_TEST_CASE(freeing_by_hand_clears_and_forgets, Mortal) {
  for (size_t bytes : {size_t{48}, size_t{100000}}) {
    void* object = alloc(bytes);
    acre_weak* weak = acre_weak_new_notify(thread, object, &note_weak, id(1));
    finalize(object, 2);
    clean(object, 3);
    acre_free(thread, object);
    BOOST_TEST(acre_weak_get(thread, weak) == nullptr);
    collect();
    std::string seen = run();
    BOOST_TEST((seen == "w1c3" || seen == "c3w1"));
    acre_weak_drop(weak);
  }
  BOOST_TEST(stats().finalizers == 0u);
  // The address is another object's then.
  void* again = alloc(48);
  collect();
  BOOST_TEST(run() == "");
  BOOST_TEST(!holds(again));
}

// Were that quadratic, it would take many minutes.
BOOST_FIXTURE_TEST_CASE(an_object_may_have_very_many, Mortal) {
  Handle held(thread, alloc(16));
  std::vector<acre_weak*> all(400'000);
  for (acre_weak*& weak : all) weak = acre_weak_new(thread, held.get());
  for (size_t i = 0; i < all.size(); i += 2) acre_weak_drop(all[i]);
  BOOST_TEST(stats().weak_references == all.size() / 2);
  for (size_t i = 0; i < all.size(); i += 2) all[i] = acre_weak_new(thread, held.get());
  BOOST_TEST(stats().weak_references == all.size());
  held.set(nullptr);
  collect();
  BOOST_TEST(stats().weak_references == 0u);
  for (acre_weak* weak : all) {
    BOOST_REQUIRE(acre_weak_get(thread, weak) == nullptr);
    acre_weak_drop(weak);
  }
}

BOOST_FIXTURE_TEST_CASE(what_was_dropped_does_not_wait, Mortal) {
  acre_weak* weak = acre_weak_new_notify(thread, alloc(16), &note_weak, id(1));
  acre_cleanup* cleanup = nullptr;
  BOOST_REQUIRE(acre_cleanup_add(thread, alloc(16), &note_cleanup, id(2), &cleanup) == ACRE_OK);
  clean(alloc(16), 3);
  collect();
  BOOST_TEST(acre_finalizers_waiting(heap) == 3u);
  acre_weak_drop(weak);
  acre_cleanup_cancel(cleanup);
  BOOST_TEST(acre_finalizers_waiting(heap) == 1u);
  BOOST_TEST(run() == "c3");
  BOOST_TEST(acre_finalizers_waiting(heap) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
