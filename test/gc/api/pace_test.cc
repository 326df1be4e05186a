// When the heap collects by itself: gc_percent and the memory limit.

#include <algorithm>
#include <random>
#include <vector>

#include "test/gc/api/heap_fixture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

// Live data as a list in a local, and garbage beside it.
struct Pacing : Heap {
  acre_local list = {nullptr, nullptr};
  uint64_t live_bytes = 0;

  explicit Pacing(const acre_options& options) : Heap(options) { acre_local_push(thread, &list); }
  ~Pacing() { BOOST_TEST(acre_local_pop(thread, &list) == ACRE_OK); }

  void grow_live(uint64_t bytes) {
    for (uint64_t got = 0; got < bytes; got += 1024) {
      auto** node = static_cast<void**>(alloc(1024, ACRE_KIND_CONSERVATIVE));
      acre_store(thread, node, &node[0], list.object);
      list.object = node;
    }
    live_bytes += bytes;
  }
  void make_garbage(uint64_t bytes, size_t size = 256) {
    for (uint64_t got = 0; got < bytes; got += size) {
      if (alloc(size, ACRE_KIND_CONSERVATIVE) == nullptr) BOOST_TEST_REQUIRE(false);
    }
  }
};

acre_options with_percent(int percent) {
  acre_options options = precise_options();
  options.gc_percent = percent;
  return options;
}

BOOST_AUTO_TEST_SUITE(pace)

BOOST_AUTO_TEST_CASE(root_ranges_let_the_heap_grow_as_live_objects_do) {
  Pacing heap(with_percent(100));
  acre_collect(heap.thread);
  const uint64_t before = heap.stats().next_gc;
  std::vector<void*> range(2 * kMiB, nullptr);  // 16 MiB of words
  BOOST_REQUIRE(acre_root_add(heap.heap, range.data(), range.size() * sizeof(void*), 0) == ACRE_OK);
  acre_collect(heap.thread);
  BOOST_TEST(before == 4 * kMiB);
  BOOST_TEST(heap.stats().next_gc >= 16 * kMiB);
  BOOST_TEST(heap.stats().next_gc < 17 * kMiB);
  BOOST_REQUIRE(acre_root_remove(heap.heap, range.data()) == ACRE_OK);
}

BOOST_AUTO_TEST_CASE(off_means_no_collection) {
  Pacing heap(with_percent(-1));
  heap.make_garbage(100 * kMiB);
  BOOST_TEST(heap.stats().num_gc == 0u);
  BOOST_TEST(heap.stats().next_gc == UINT64_MAX);
  BOOST_TEST(heap.stats().alloc >= 100 * kMiB);
}

BOOST_AUTO_TEST_CASE(the_smallest_heap_is_4_mib_at_100_percent) {
  Pacing heap(with_percent(100));
  BOOST_TEST(heap.stats().next_gc == 4 * kMiB);
  heap.make_garbage(7 * kMiB / 2);
  BOOST_TEST(heap.stats().num_gc == 0u);
  heap.make_garbage(kMiB);
  BOOST_TEST(heap.stats().num_gc == 1u);
  heap.make_garbage(40 * kMiB);
  BOOST_TEST(heap.stats().num_gc >= 9u);
  BOOST_TEST(heap.stats().num_gc <= 13u);
  BOOST_TEST(heap.stats().num_forced_gc == 0u);
}

BOOST_AUTO_TEST_CASE(at_100_percent_the_heap_doubles_between_collections) {
  Pacing heap(with_percent(100));
  heap.grow_live(20 * kMiB);
  heap.collect();
  const acre_stats before = heap.stats();
  BOOST_TEST(before.live_after_gc >= 20 * kMiB);
  BOOST_TEST(before.next_gc >= 39 * kMiB);
  BOOST_TEST(before.next_gc <= 42 * kMiB);
  heap.make_garbage(18 * kMiB);
  BOOST_TEST(heap.stats().num_gc == before.num_gc);
  heap.make_garbage(4 * kMiB);
  BOOST_TEST(heap.stats().num_gc == before.num_gc + 1);
  heap.make_garbage(200 * kMiB);
  BOOST_TEST(heap.stats().num_gc >= before.num_gc + 9);
  BOOST_TEST(heap.stats().num_gc <= before.num_gc + 13);
  BOOST_TEST(heap.stats().heap_sys <= 64 * kMiB);
}

BOOST_AUTO_TEST_CASE(more_percent_means_fewer_collections) {
  uint64_t last = UINT64_MAX;
  for (int percent : {25, 50, 100, 200, 400}) {
    Pacing heap(with_percent(percent));
    // Enough to be above the minimum heap, also where collections are so frequent that it grows.
    heap.grow_live(40 * kMiB);
    heap.collect();
    const uint64_t before = heap.stats().num_gc;
    heap.make_garbage(800 * kMiB);
    const uint64_t collections = heap.stats().num_gc - before;
    const auto expected = static_cast<uint64_t>(2000 / percent);
    BOOST_TEST(collections >= expected * 8 / 10);
    BOOST_TEST(collections <= expected * 12 / 10 + 2);
    BOOST_TEST(collections < last);
    last = collections;
  }
}

BOOST_AUTO_TEST_CASE(setting_the_percentage_gives_the_old_one_and_works_at_once) {
  Pacing heap(with_percent(100));
  BOOST_TEST(acre_set_gc_percent(heap.heap, -1) == 100);
  BOOST_TEST(heap.stats().gc_percent == -1);
  heap.make_garbage(20 * kMiB);
  BOOST_TEST(heap.stats().num_gc == 0u);
  BOOST_TEST(acre_set_gc_percent(heap.heap, 50) == -1);
  heap.make_garbage(kMiB);
  BOOST_TEST(heap.stats().num_gc >= 1u);
  BOOST_TEST(heap.stats().next_gc == 2 * kMiB);
  BOOST_TEST(acre_set_gc_percent(heap.heap, -77) == 50);
  BOOST_TEST(acre_set_gc_percent(heap.heap, INT32_MAX) < 0);
  heap.make_garbage(10 * kMiB);
  BOOST_TEST(acre_set_gc_percent(heap.heap, 0) == INT32_MAX);
  const uint64_t before = heap.stats().num_gc;
  heap.make_garbage(10 * kMiB);
  BOOST_TEST(heap.stats().num_gc > before);
  BOOST_TEST(heap.stats().num_gc < before + 100);
}

BOOST_AUTO_TEST_CASE(setting_the_limit_gives_the_old_one_and_zero_asks) {
  Pacing heap(with_percent(-1));
  BOOST_TEST(acre_set_memory_limit(heap.heap, 0) == ACRE_NO_LIMIT);
  BOOST_TEST(acre_set_memory_limit(heap.heap, 50 * kMiB) == ACRE_NO_LIMIT);
  BOOST_TEST(acre_set_memory_limit(heap.heap, 0) == 50 * kMiB);
  BOOST_TEST(heap.stats().memory_limit == 50 * kMiB);
  BOOST_TEST(heap.stats().next_gc < 50 * kMiB);
  heap.make_garbage(300 * kMiB);
  BOOST_TEST(heap.stats().num_gc >= 6u);
  BOOST_TEST(acre_set_memory_limit(heap.heap, ACRE_NO_LIMIT) == 50 * kMiB);
  const uint64_t before = heap.stats().num_gc;
  heap.make_garbage(100 * kMiB);
  BOOST_TEST(heap.stats().num_gc == before);
}

BOOST_AUTO_TEST_CASE(a_limit_far_off_changes_nothing) {
  Pacing with(with_percent(100));
  Pacing without(with_percent(100));
  (void)acre_set_memory_limit(with.heap, 4 * kGiB);
  for (Pacing* heap : {&with, &without}) {
    heap->grow_live(10 * kMiB);
    heap->make_garbage(100 * kMiB);
  }
  BOOST_TEST(with.stats().num_gc == without.stats().num_gc);
}

// What the kernel counts against us stays near the limit while what lives climbs to most of it.
void climb_under_a_limit(int percent) {
  std::mt19937_64 random(random_seed());
  constexpr uint64_t kLimit = 96 * kMiB;
  acre_options options = with_percent(percent);
  options.memory_limit = kLimit;
  Pacing heap(options);
  uint64_t highest = 0;
  while (heap.live_bytes < 72 * kMiB) {
    heap.grow_live(256 * kKiB);
    heap.make_garbage(kMiB, 64 + random() % 2000);
    if (random() % 8 == 0) (void)heap.alloc(100000 + random() % 2000000);
    const acre_stats s = heap.stats();
    highest = std::max(highest, s.mapped - s.heap_released);
  }
  BOOST_TEST_MESSAGE("percent " << percent << ": at most " << highest / kMiB << " MiB of "
                                << kLimit / kMiB << ", " << heap.stats().num_gc << " collections");
  BOOST_TEST(highest <= kLimit + 16 * kMiB);
  BOOST_TEST(heap.stats().num_gc < 2000u);
  check_identities(heap.stats());
}

BOOST_AUTO_TEST_CASE(near_the_memory_limit_pages_in_use_stay_under_it_with_percent_off) {
  climb_under_a_limit(-1);
}

BOOST_AUTO_TEST_CASE(near_the_memory_limit_pages_in_use_stay_under_it_with_percent_100) {
  climb_under_a_limit(100);
}

BOOST_AUTO_TEST_CASE(after_a_spike_a_limit_gives_pages_back) {
  Pacing heap(with_percent(-1));
  heap.grow_live(160 * kMiB);
  heap.list.object = nullptr;
  (void)acre_set_memory_limit(heap.heap, 48 * kMiB);
  heap.make_garbage(60 * kMiB);
  const acre_stats s = heap.stats();
  BOOST_TEST(s.num_gc >= 1u);
  BOOST_TEST(s.mapped - s.heap_released <= (48 + 16) * kMiB);
#if !ACRE_TEST_SHADOW_MEMORY
  BOOST_TEST(acre_resident_bytes(heap.heap) <= (48 + 16) * kMiB);
#endif
}

BOOST_AUTO_TEST_CASE(live_data_above_the_limit_is_served_without_endless_collections) {
  acre_options options = with_percent(100);
  options.memory_limit = 16 * kMiB;
  Pacing heap(options);
  heap.grow_live(64 * kMiB);
  BOOST_TEST(heap.stats().alloc >= 64 * kMiB);
  BOOST_TEST(heap.stats().num_gc < 300u);
}

BOOST_AUTO_TEST_CASE(freeing_by_hand_puts_collections_off) {
  Pacing heap(with_percent(100));
  for (int i = 0; i < 100000; ++i) acre_free(heap.thread, heap.alloc(50000));
  for (int i = 0; i < 300000; ++i) acre_free(heap.thread, heap.alloc(100));
  BOOST_TEST(heap.stats().num_gc == 0u);
}

// Their room comes back with a sweep only.
BOOST_AUTO_TEST_CASE(who_frees_all_by_hand_has_a_small_heap_too) {
  acre_options options = precise_options();
  options.gc_percent = 100;
  Heap heap(options);
  constexpr size_t kObjects = 50'000;
  auto** holds = static_cast<void**>(heap.alloc(kObjects * 8, ACRE_KIND_CONSERVATIVE));
  Handle handle(heap.thread, holds);
  for (size_t i = 0; i < 40 * kObjects; ++i) {
    acre_free(heap.thread, holds[i % kObjects]);
    holds[i % kObjects] = heap.alloc(64);
    BOOST_TEST_REQUIRE(holds[i % kObjects] != nullptr);
  }
  BOOST_TEST(heap.stats().num_gc > 0u);
  BOOST_TEST(heap.stats().heap_inuse < 24 * kMiB);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
