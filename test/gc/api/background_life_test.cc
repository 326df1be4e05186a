// When there is a background thread, and that nothing is left of it.

#include <memory>

#include "test/gc/api/heap_fixture.h"
#include "test/gc/api/process_view.h"

namespace acre::test {
namespace {

acre_options options_with(int scavenger) {
  acre_options options = precise_options();
  options.gc_percent = 100;
  options.scavenger = scavenger;
  options.mark_threads = 1;
  options.reserve_bytes = 256 * kMiB;
  return options;
}

// The kernel lists a thread that was joined for a moment longer.
bool background_threads_become(size_t count) {
  return comes_true(20, [count] { return background_threads().size() == count; });
}

void work(Heap& heap) {
  for (int i = 0; i < 200; ++i) BOOST_TEST_REQUIRE(heap.alloc(200 * kKiB) != nullptr);
  void* freed = heap.alloc(20 * kMiB);
  BOOST_TEST_REQUIRE(freed != nullptr);
  acre_free(heap.thread, freed);
  heap.collect();
  acre_release_memory(heap.thread);
}

BOOST_AUTO_TEST_SUITE(background_life)

BOOST_AUTO_TEST_CASE(a_heap_that_is_told_so_never_has_one) {
  Heap heap(options_with(0));
  work(heap);
  acre_set_memory_limit(heap.heap, ACRE_LIMIT_AUTO);
  acre_set_memory_limit(heap.heap, 32 * kMiB);
  work(heap);
  BOOST_TEST(background_threads().empty());
  BOOST_TEST(heap.stats().background_cpu_ns == 0u);
  BOOST_TEST(heap.stats().released_background == 0u);
}

BOOST_AUTO_TEST_CASE(a_heap_has_none_before_it_collects_and_one_afterwards) {
  Heap heap(options_with(1));
  (void)heap.alloc(1000);
  BOOST_TEST(background_threads().empty());
  heap.collect();
  BOOST_TEST(background_threads_become(1));
  work(heap);
  BOOST_TEST(background_threads().size() == 1u);
}

BOOST_AUTO_TEST_CASE(one_that_only_frees_has_one_too) {
  acre_options options = options_with(1);
  options.gc_percent = -1;
  Heap heap(options);
  void* large = heap.alloc(64 * kMiB);
  BOOST_TEST_REQUIRE(large != nullptr);
  std::memset(large, 1, 64 * kMiB);
  acre_free(heap.thread, large);
  BOOST_TEST(background_threads_become(1));
}

BOOST_AUTO_TEST_CASE(of_heaps_that_come_and_go_no_thread_and_no_mapping_is_left) {
  {
    Heap first(options_with(1));  // so that libc has what it needs
    work(first);
  }
  BOOST_TEST(background_threads_become(0));
  const int before = count_vmas();
  for (int round = 0; round < 60; ++round) {
    Heap heap(options_with(1));
    // Some end while the thread begins, some while it works, some while it sleeps.
    if (round % 3 == 0) {
      heap.collect();
    } else {
      for (int i = 0; i < 100; ++i) {
        void* object = heap.alloc(200 * kKiB);
        BOOST_TEST_REQUIRE(object != nullptr);
        std::memset(object, 1, 200 * kKiB);
      }
      heap.collect();
      if (round % 3 == 2) sleep_ms(10);
    }
  }
  BOOST_TEST(background_threads_become(0));
  BOOST_TEST(vmas_since(before) <= 0);
}

BOOST_AUTO_TEST_CASE(many_heaps_at_a_time_have_one_each) {
  constexpr size_t kHeaps = 20;
  {
    std::vector<std::unique_ptr<Heap>> heaps;
    for (size_t i = 0; i < kHeaps; ++i) {
      heaps.push_back(std::make_unique<Heap>(options_with(1)));
      work(*heaps.back());
    }
    BOOST_TEST(background_threads_become(kHeaps));
    heaps.erase(heaps.begin() + 3, heaps.begin() + 13);
    BOOST_TEST(background_threads_become(kHeaps - 10));
    for (const auto& heap : heaps) work(*heap);
  }
  BOOST_TEST(background_threads_become(0));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
