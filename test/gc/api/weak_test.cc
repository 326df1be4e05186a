// Weak references, finalizers and cleanups: what each sees of an object's end, in which order, and that each runs once.

#include <algorithm>

#include "test/gc/api/heap_fixture.h"

namespace acre::test {
namespace {

// What ran, in order: a letter for the sort and the number that was given.
struct Log {
  std::string text;
  static std::string number(const void* arg) {
    return std::to_string(reinterpret_cast<uintptr_t>(arg));
  }
};
Log* current_log = nullptr;

struct Mortal : PreciseHeap {
  Mortal() { current_log = &log; }
  ~Mortal() { current_log = nullptr; }

  void** cell() { return static_cast<void**>(alloc(32, ACRE_KIND_CONSERVATIVE)); }
  static void refer(void** from, void* to) { from[0] = to; }
  static void* id(uintptr_t number) { return reinterpret_cast<void*>(number); }
  std::string run() {
    log.text.clear();
    acre_run_finalizers(thread);
    return log.text;
  }

  static void note_weak(acre_weak*, void* arg) { current_log->text += "w" + Log::number(arg); }
  static void note_object(void*, void* arg) { current_log->text += "f" + Log::number(arg); }
  static void note_cleanup(void* arg) { current_log->text += "c" + Log::number(arg); }

  void finalize(void* object, uintptr_t number) {
    BOOST_REQUIRE(acre_finalizer_set(thread, object, &note_object, id(number)) == ACRE_OK);
  }
  void finalize_unordered(void* object, uintptr_t number) {
    BOOST_REQUIRE(acre_finalizer_set_unordered(thread, object, &note_object, id(number)) ==
                  ACRE_OK);
  }
  void clean(void* object, uintptr_t number) {
    BOOST_REQUIRE(acre_cleanup_add(thread, object, &note_cleanup, id(number), nullptr) == ACRE_OK);
  }

  Log log;
};

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
