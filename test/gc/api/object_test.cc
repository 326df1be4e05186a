// Freeing objects and asking about addresses of all sorts.

#include <memory>

#include "test/gc/api/heap_fixture.h"

namespace acre::test {
namespace {

int a_global;

struct Asking : PreciseHeap {
  bool is_in_no_object(const void* address) const {
    return acre_object_base(heap, address) == nullptr && acre_object_size(heap, address) == 0 &&
           acre_object_kind(heap, address) == ACRE_KIND_NONE;
  }

  bool free_is_refused(void* address) {
    (void)alloc(SIZE_MAX);  // sets another reason
    const acre_stats before = stats();
    acre_free(thread, address);
    const acre_stats after = stats();
    return last_error() == ACRE_E_INVALID && before.frees == after.frees &&
           before.alloc == after.alloc;
  }
};

BOOST_AUTO_TEST_SUITE(object)

BOOST_FIXTURE_TEST_CASE(foreign_addresses_are_in_no_object, Asking) {
  int local = 0;
  const std::unique_ptr<char[]> malloced(new char[100]);
  Heap other(precise_options());
  void* of_other = other.alloc(64);
  void* own = alloc(64);
  for (void* address :
       {static_cast<void*>(nullptr), static_cast<void*>(&local), static_cast<void*>(&a_global),
        static_cast<void*>(malloced.get()), reinterpret_cast<void*>(1), of_other,
        reinterpret_cast<void*>(SIZE_MAX), reinterpret_cast<void*>(size_t{1} << 47),
        reinterpret_cast<void*>(size_t{1} << 63), static_cast<void*>(heap),
        static_cast<void*>(thread)}) {
    BOOST_TEST(is_in_no_object(address));
    if (address != nullptr) BOOST_TEST(free_is_refused(address));
  }
  BOOST_TEST(holds(own));
  BOOST_TEST(other.holds(of_other));
  BOOST_TEST(acre_object_base(other.heap, own) == nullptr);
}

BOOST_FIXTURE_TEST_CASE(no_address_near_the_heap_is_harmful, Asking) {
  void* first = alloc(16);
  auto* start = reinterpret_cast<char*>(reinterpret_cast<uintptr_t>(first) & ~uintptr_t{0xfffffff});
  for (ptrdiff_t step = -(1 << 28); step < (1 << 30); step += (1 << 16) + 8) {
    const void* base = acre_object_base(heap, start + step);
    BOOST_TEST_REQUIRE((base == nullptr || base == first));
  }
}

BOOST_FIXTURE_TEST_CASE(freeing_null_does_nothing, Asking) {
  (void)alloc(SIZE_MAX);
  acre_free(thread, nullptr);
  BOOST_TEST(last_error() == ACRE_E_NOMEM);
}

BOOST_FIXTURE_TEST_CASE(interior_addresses_belong_to_their_object_but_are_not_it, Asking) {
  for (size_t bytes : kSizes) {
    auto* object = static_cast<char*>(alloc(bytes));
    const size_t size = acre_object_size(heap, object);
    for (size_t at : {size_t{1}, size_t{7}, size_t{8}, size / 2, size - 1}) {
      BOOST_TEST_REQUIRE(acre_object_base(heap, object + at) == object);
      BOOST_TEST_REQUIRE(acre_object_size(heap, object + at) == 0u);
      BOOST_TEST_REQUIRE(acre_object_kind(heap, object + at) == ACRE_KIND_NONE);
      BOOST_TEST_REQUIRE(free_is_refused(object + at));
    }
    BOOST_TEST_REQUIRE(acre_object_base(heap, object + size) != object);
    BOOST_TEST_REQUIRE(holds(object));
  }
  BOOST_TEST(live() == std::size(kSizes));
}

BOOST_FIXTURE_TEST_CASE(a_freed_object_is_gone_and_a_second_free_is_refused, Asking) {
  for (size_t bytes : kSizes) {
    auto* object = static_cast<char*>(alloc(bytes));
    const acre_stats before = stats();
    acre_free(thread, object);
    const acre_stats after = stats();
    BOOST_TEST(after.frees == before.frees + 1);
    BOOST_TEST(after.live_objects == before.live_objects - 1);
    check_identities(after);
    BOOST_TEST_REQUIRE(is_in_no_object(object));
    BOOST_TEST_REQUIRE(acre_object_base(heap, object + 1) == nullptr);
    BOOST_TEST_REQUIRE(free_is_refused(object));
    BOOST_TEST_REQUIRE(free_is_refused(object));
    collect();
    BOOST_TEST_REQUIRE(free_is_refused(object));
  }
  BOOST_TEST(live() == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_collected_object_is_stale, Asking) {
  std::vector<void*> objects;
  for (size_t bytes : kSizes) objects.push_back(alloc(bytes, ACRE_KIND_CONSERVATIVE));
  collect();
  for (void* object : objects) {
    BOOST_TEST(is_in_no_object(object));
    BOOST_TEST(free_is_refused(object));
  }
  acre_release_memory(thread);
  for (void* object : objects) BOOST_TEST(is_in_no_object(object));
}

BOOST_FIXTURE_TEST_CASE(room_that_was_never_handed_out_is_no_object, Asking) {
  for (size_t bytes : kSizes) {
    if (bytes > 4096) continue;
    auto* object = static_cast<char*>(alloc(bytes));
    const size_t size = acre_object_size(heap, object);
    // The next object of this size would likely begin there; it has not been asked for.
    BOOST_TEST(acre_object_base(heap, object + size) != object + size);
  }
  BOOST_TEST(recount(heap).objects == live());
}

BOOST_FIXTURE_TEST_CASE(room_behind_the_last_object_of_a_page_is_no_object, Asking) {
  // 8192 is no multiple of 48, so whatever the page holds there is a rest.
  std::vector<char*> objects;
  for (int i = 0; i < 1000; ++i) objects.push_back(static_cast<char*>(alloc(48)));
  uint64_t covered = 0;
  const auto page = reinterpret_cast<uintptr_t>(objects[500]) & ~uintptr_t{8191};
  for (uintptr_t at = page; at < page + 8192; ++at) {
    const void* address = reinterpret_cast<void*>(at);
    const auto base = reinterpret_cast<uintptr_t>(acre_object_base(heap, address));
    if (base == 0) continue;
    ++covered;
    BOOST_TEST_REQUIRE((at >= base && at < base + 48));
  }
  BOOST_TEST(covered == 8192u / 48 * 48);
}

BOOST_FIXTURE_TEST_CASE(freed_memory_serves_again, Asking) {
  const auto churn = [this] {
    for (int i = 0; i < 2000; ++i) {
      for (size_t bytes : {16, 100, 1000, 10000, 100000}) acre_free(thread, alloc(bytes));
    }
  };
  churn();
  const uint64_t first = stats().heap_sys;
  churn();
  BOOST_TEST(live() == 0u);
  BOOST_TEST(stats().heap_sys == first);
  BOOST_TEST(stats().num_gc == 0u);
}

BOOST_FIXTURE_TEST_CASE(large_memory_is_free_at_once, Asking) {
  const uint64_t before = stats().heap_inuse;
  void* object = alloc(5 * kMiB);
  BOOST_TEST(stats().heap_inuse >= before + 5 * kMiB);
  acre_free(thread, object);
  BOOST_TEST(stats().heap_inuse == before);
  BOOST_TEST(alloc(5 * kMiB) == object);  // address-ordered first fit
}

BOOST_FIXTURE_TEST_CASE(freeing_what_waits_for_the_sweep_is_counted_once, Asking) {
  // With gc_every a collection leaves its sweep to do: dead objects that are not yet swept are freed.
  acre_options options = precise_options();
  options.gc_every = 64;
  Heap torn(options);
  std::vector<void*> objects;
  for (int i = 0; i < 2000; ++i) {
    objects.push_back(torn.alloc(i % 50 == 0 ? 40000 : 64));
    if (i % 3 == 0) acre_free(torn.thread, objects[static_cast<size_t>(i) / 2]);
    if (i % 100 == 0) check_identities(torn.stats());
  }
  for (void* object : objects) acre_free(torn.thread, object);
  torn.collect();
  BOOST_TEST(torn.live() == 0u);
  BOOST_TEST(torn.stats().alloc == 0u);
}

// Else a missing root would lead to an object all the same.
BOOST_FIXTURE_TEST_CASE(in_torture_the_next_allocations_do_not_get_what_was_just_freed, Asking) {
  acre_options options = precise_options();
  options.clobber_free = 1;
  options.gc_every = 1;
  Heap torn(options);
  for (size_t bytes : {16, 64, 200}) {
    auto* lost = static_cast<unsigned char*>(torn.alloc(bytes, ACRE_KIND_CONSERVATIVE));
    for (int i = 0; i < 10; ++i) {
      const Handle other(torn.thread, torn.alloc(bytes, ACRE_KIND_CONSERVATIVE));
      BOOST_TEST(other.get() != lost);
      BOOST_TEST(lost[0] == 0xdb);
      BOOST_TEST(!torn.holds(lost));
    }
  }
}

BOOST_FIXTURE_TEST_CASE(clobbering_shows_what_was_freed, Asking) {
  acre_options options = precise_options();
  options.clobber_free = 1;
  Heap torn(options);
  for (size_t bytes : {16, 64, 1000, 32768}) {
    auto* freed = static_cast<unsigned char*>(torn.alloc(bytes, ACRE_KIND_CONSERVATIVE));
    auto* dropped = static_cast<unsigned char*>(torn.alloc(bytes, ACRE_KIND_CONSERVATIVE));
    const Handle keeper(torn.thread, torn.alloc(bytes, ACRE_KIND_CONSERVATIVE));
    acre_free(torn.thread, freed);
    BOOST_TEST(freed[0] == 0xdb);
    BOOST_TEST(freed[bytes - 1] == 0xdb);
    torn.collect();
    BOOST_TEST(dropped[0] == 0xdb);
    BOOST_TEST(dropped[bytes - 1] == 0xdb);
    BOOST_TEST(all_zero(keeper.get(), bytes));
  }
}

BOOST_FIXTURE_TEST_CASE(questions_without_a_heap_have_answers, Asking) {
  void* object = alloc(16);
  BOOST_TEST(acre_object_base(nullptr, object) == nullptr);
  BOOST_TEST(acre_object_size(nullptr, object) == 0u);
  BOOST_TEST(acre_object_kind(nullptr, object) == ACRE_KIND_NONE);
  BOOST_TEST(acre_thread_current(nullptr) == nullptr);
}

BOOST_FIXTURE_TEST_CASE(stores_move_words_as_memmove_does, Asking) {
  auto** object = static_cast<void**>(alloc(100 * sizeof(void*), ACRE_KIND_CONSERVATIVE));
  const Handle root(thread, object);
  void* model[100];
  for (size_t i = 0; i < 100; ++i) {
    model[i] = alloc(16);
    acre_store(thread, object, &object[i], model[i]);
  }
  const auto move = [&](size_t to, size_t from, size_t n) {
    acre_store_range(thread, object, object + to, object + from, n);
    memmove(model + to, model + from, n * sizeof(void*));
    BOOST_TEST(memcmp(object, model, sizeof(model)) == 0);
  };
  move(10, 0, 50);
  move(0, 10, 50);
  move(5, 5, 20);
  move(99, 0, 1);
  move(0, 99, 0);
  acre_store(thread, object, &object[3], nullptr);
  BOOST_TEST(object[3] == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
