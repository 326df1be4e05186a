// Threads that help to mark live as long as their heap: destruction ends them, heaps do not mix, and no
// heap has any before it needs them.

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

#include "test/gc/cycle/test_heap.h"
#include "test/gc/mark/helper_threads.h"

namespace acre::test {
namespace {

using rt::kMiB;

acre_options options_for(int markers) {
  acre_options options = quiet_options(64 * kMiB);
  options.mark_threads = markers;
  return options;
}

// A list of `length` nodes of 64 bytes, over many stripes, in *head.
void make_list(acre_thread* thread, void** head, size_t length) {
  for (size_t i = 0; i < length; ++i) {
    auto** node = static_cast<void**>(acre_alloc(thread, 64, ACRE_KIND_CONSERVATIVE));
    BOOST_REQUIRE(node != nullptr);
    node[0] = *head;
    *head = node;
    (void)acre_alloc(thread, 200, ACRE_KIND_LEAF);
  }
}

BOOST_AUTO_TEST_SUITE(helper_life)

BOOST_AUTO_TEST_CASE(destroying_a_heap_ends_its_helpers) {
  for (const int markers : {2, 3, 16}) {
    {
      TestHeap heap(options_for(markers));
      BOOST_TEST(helper_threads() == 0u);
      acre_collect(heap.thread());
      BOOST_TEST(helper_threads() == static_cast<unsigned>(markers) - 1);
    }
    BOOST_TEST(helper_threads_become(0));
  }
}

BOOST_AUTO_TEST_CASE(one_marker_makes_no_helper_and_a_small_heap_neither) {
  for (const int markers : {0, 1}) {
    TestHeap heap(options_for(markers));
    (void)heap.alloc(64);
    acre_collect(heap.thread());
    BOOST_TEST(helper_threads() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(more_markers_than_there_may_be_are_as_many_as_there_may_be) {
  TestHeap heap(options_for(1000));
  acre_collect(heap.thread());
  BOOST_TEST(helper_threads() == gc::kMaxMarkers - 1);
}

BOOST_AUTO_TEST_CASE(two_hundred_heaps_come_and_go) {
  for (int i = 0; i < 200; ++i) {
    TestHeap heap(options_for(2 + i % 3));
    void* head = nullptr;
    BOOST_REQUIRE(acre_root_add(heap.get(), &head, sizeof(head), 0) == ACRE_OK);
    make_list(heap.thread(), &head, 300);
    acre_collect(heap.thread());
    BOOST_REQUIRE(heap.stats().live_objects == 300);
    // Every second one ends right after its helpers came to life.
    if (i % 2 == 0) continue;
    head = nullptr;
    acre_collect(heap.thread());
    BOOST_REQUIRE(heap.stats().live_objects == 0);
  }
  BOOST_TEST(helper_threads_become(0));
}

BOOST_AUTO_TEST_CASE(a_heap_that_could_not_be_destroyed_makes_new_helpers) {
  rt::FaultPlan plan;
  acre_heap* heap = nullptr;
  BOOST_REQUIRE(acre_heap::create(options_for(3), &plan, &heap) == ACRE_OK);
  for (int i = 0; i < 3; ++i) {
    acre_thread* thread = nullptr;
    BOOST_REQUIRE(acre_thread_attach(heap, &thread) == ACRE_OK);
    acre_collect(thread);
    BOOST_TEST(helper_threads() == 2u);
    plan.fail(rt::OsCall::kUnmap, 1, UINT64_MAX);
    BOOST_TEST(acre_heap_destroy(heap) == ACRE_E_NOMEM);
    plan.clear();
  }
  BOOST_TEST(acre_heap_destroy(heap) == ACRE_OK);
  BOOST_TEST(helper_threads_become(0));
}

// Each has helpers of its own; a helper that took the other's job would find the other's objects.
BOOST_AUTO_TEST_CASE(heaps_that_collect_at_the_same_time_do_not_mix) {
  constexpr int kHeaps = 3;
  std::atomic<int> failures{0};
  std::atomic<int> together{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kHeaps; ++i) {
    threads.emplace_back([&, i] {
      acre_heap* heap = nullptr;
      acre_thread* thread = nullptr;
      if (acre_heap::create(options_for(2), nullptr, &heap) != ACRE_OK ||
          acre_thread_attach(heap, &thread) != ACRE_OK) {
        ++failures;
        return;
      }
      acre_handle* list = acre_handle_new(thread, nullptr);
      size_t length = 0;
      ++together;
      while (together < kHeaps) std::this_thread::yield();
      for (int round = 0; round < 150; ++round) {
        for (size_t n = 0; n < 40 + static_cast<size_t>(i); ++n, ++length) {
          auto** node = static_cast<void**>(acre_alloc(thread, 1000, ACRE_KIND_CONSERVATIVE));
          if (node == nullptr) break;
          node[0] = acre_handle_get(list);
          acre_handle_set(list, node);
        }
        acre_collect(thread);
        acre_stats stats{};
        acre_stats_read(heap, &stats);
        if (stats.live_objects != length || stats.live_after_gc != length * 1024) ++failures;
      }
      if (acre_verify(heap, nullptr, nullptr) != ACRE_OK) ++failures;
      if (acre_heap_destroy(heap) != ACRE_OK) ++failures;
    });
  }
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(failures == 0);
  BOOST_TEST(helper_threads_become(0));
}

// The crew is grown by whoever wants to collect, before the stop: many at once.
BOOST_AUTO_TEST_CASE(threads_that_all_want_the_first_collection_share_one_crew) {
  for (int round = 0; round < 20; ++round) {
    TestHeap heap(options_for(3));
    std::atomic<int> together{0};
    std::vector<std::thread> threads;
    acre_blocking_begin(heap.thread());
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        acre_thread* thread = nullptr;
        if (acre_thread_attach(heap.get(), &thread) != ACRE_OK) return;
        acre_blocking_begin(thread);
        ++together;
        while (together < 4) std::this_thread::yield();
        acre_blocking_end(thread);
        acre_collect(thread);
        acre_thread_detach(thread);
      });
    }
    for (std::thread& thread : threads) thread.join();
    acre_blocking_end(heap.thread());
    BOOST_TEST(heap.stats().num_gc == 4u);
    BOOST_TEST(helper_threads() == 2u);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
