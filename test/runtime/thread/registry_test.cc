// Threads attach, poll, block, collect and exit while others stop the world.

#include "runtime/thread/registry.h"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <random>
#include <thread>
#include <vector>

#include "test/gc/cycle/test_heap.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

BOOST_AUTO_TEST_SUITE(registry)

BOOST_AUTO_TEST_CASE(attaching_nests_and_a_thread_knows_its_own) {
  TestHeap heap;
  acre_thread* again = nullptr;
  BOOST_TEST(acre_thread_attach(heap.get(), &again) == ACRE_OK);
  BOOST_TEST(again == heap.thread());
  BOOST_TEST(acre_thread_current(heap.get()) == heap.thread());
  BOOST_TEST(acre_thread_detach(again) == ACRE_OK);
  BOOST_TEST(acre_thread_current(heap.get()) == heap.thread());
  acre_blocking_begin(heap.thread());
  BOOST_TEST(acre_thread_detach(again) == ACRE_E_STATE);
  acre_blocking_end(heap.thread());
  std::thread([&] {
    BOOST_TEST(acre_thread_current(heap.get()) == nullptr);
    BOOST_TEST(acre_thread_detach(heap.thread()) == ACRE_E_STATE);
  }).join();
  acre_blocking_end(heap.thread());
  BOOST_TEST(acre_last_error(heap.thread()) == ACRE_E_STATE);
}

BOOST_AUTO_TEST_CASE(a_heap_with_other_threads_is_not_destroyed) {
  TestHeap heap;
  std::atomic<int> phase{0};
  std::thread other([&] {
    acre_thread* thread = nullptr;
    BOOST_TEST(acre_thread_attach(heap.get(), &thread) == ACRE_OK);
    acre_blocking_begin(thread);
    phase = 1;
    while (phase != 2) std::this_thread::yield();
    // Exits attached, in a blocking region.
  });
  while (phase != 1) std::this_thread::yield();
  BOOST_TEST(acre_heap_destroy(heap.get()) == ACRE_E_STATE);
  BOOST_TEST(heap.stats().threads == 2);
  phase = 2;
  other.join();
  BOOST_TEST(heap.stats().threads == 1);
  BOOST_TEST(heap.complaints() == "");
}

// Without that the heap's memory goes under them: five runs of six crashed with 15,000 heaps; a sanitizer needs fewer.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kHeaps = 500;
#else
constexpr int kHeaps = 15'000;
#endif

BOOST_AUTO_TEST_CASE(a_heap_is_destroyed_only_when_those_who_left_are_out_of_it) {
  constexpr int kVisitors = 3;
  const auto make_heaps = [](bool detaches) {
    acre_options options;
    acre_options_init(&options);
    options.reserve_bytes = 64ULL << 20;
    options.scavenger = 0;
    for (int i = 0; i < kHeaps; ++i) {
      acre_heap* heap = nullptr;
      if (acre_heap_create(&options, &heap) != ACRE_OK) std::abort();
      std::atomic<int> attached{0};
      std::vector<std::thread> visitors;
      for (int visitor = 0; visitor < kVisitors; ++visitor) {
        visitors.emplace_back([&attached, heap, detaches] {
          acre_thread* thread = nullptr;
          if (acre_thread_attach(heap, &thread) != ACRE_OK) std::abort();
          ++attached;
          if (detaches) (void)acre_thread_detach(thread);
        });
      }
      while (attached < kVisitors) std::this_thread::yield();
      acre_status status = ACRE_E_STATE;
      while (status == ACRE_E_STATE) status = acre_heap_destroy(heap);
      if (status != ACRE_OK) std::abort();
      for (std::thread& visitor : visitors) visitor.join();
    }
  };
  std::thread at_once(make_heaps, true);
  std::thread at_exit(make_heaps, false);
  std::thread at_exit_too(make_heaps, false);
  at_once.join();
  at_exit.join();
  at_exit_too.join();
}

BOOST_AUTO_TEST_CASE(records_of_threads_that_left_are_used_again) {
  TestHeap heap;
  acre_stats before{};
  for (int i = 0; i < 300; ++i) {
    std::thread([&] {
      acre_thread* thread = nullptr;
      BOOST_REQUIRE_EQUAL(acre_thread_attach(heap.get(), &thread), ACRE_OK);
      (void)acre_alloc(thread, 16, ACRE_KIND_LEAF);
    }).join();
    if (i == 0) before = heap.stats();
  }
  BOOST_TEST(heap.stats().cache_sys == before.cache_sys);
  BOOST_TEST(heap.stats().mallocs == 300);
  BOOST_TEST(heap.complaints() == "");
}

BOOST_AUTO_TEST_CASE(from_within_a_stop_there_is_no_second_one) {
  TestHeap heap;
  (void)heap.alloc(16);
  struct Seen {
    acre_heap* heap;
    acre_status verify, walk, detach;
  } seen{heap.get(), ACRE_OK, ACRE_OK, ACRE_OK};
  const auto walk = [](void*, size_t, acre_kind, void* arg) {
    auto* out = static_cast<Seen*>(arg);
    out->verify = acre_verify(out->heap, nullptr, nullptr);
    out->walk = acre_heap_walk(
        out->heap, [](void*, size_t, acre_kind, void*) { return 0; }, nullptr);
    out->detach = acre_thread_detach(acre_thread_current(out->heap));
    acre_collect(acre_thread_current(out->heap));
    return 0;
  };
  BOOST_TEST(acre_heap_walk(heap.get(), walk, &seen) == ACRE_OK);
  BOOST_TEST(seen.verify == ACRE_E_STATE);
  BOOST_TEST(seen.walk == ACRE_E_STATE);
  BOOST_TEST(seen.detach == ACRE_E_STATE);
  BOOST_TEST(acre_last_error(heap.thread()) == ACRE_E_STATE);
  BOOST_TEST(heap.stats().num_gc == 0);
}

// While a stop lasts a plain counter may be read and written without a race: nobody who would write it
// runs. tsan is the judge of the order, the flag of the rest.
BOOST_AUTO_TEST_CASE(nobody_runs_while_the_world_is_stopped) {
  const uint64_t seed = random_seed();
  TestHeap heap;
  constexpr unsigned kThreads = 6;
  uint64_t counters[kThreads * 8] = {};
  std::atomic<bool> ran{false};
  std::atomic<uint64_t> stops{0};
  acre_blocking_begin(heap.thread());
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(seed + t);
      uint64_t& mine = counters[t * 8];
      acre_thread* thread = nullptr;
      for (int i = 0; i < 4000; ++i) {
        if (thread == nullptr && acre_thread_attach(heap.get(), &thread) != ACRE_OK) std::abort();
        ++mine;
        acre_safepoint(thread);
        switch (random() % 64) {
          case 0:
            acre_blocking_begin(thread);
            std::this_thread::yield();
            acre_blocking_end(thread);
            break;
          case 1:
            acre_thread_detach(thread);
            thread = nullptr;
            break;
          case 2: {
            const auto check = [&] {
              uint64_t before = 0;
              for (const uint64_t c : counters) before += c;
              for (int spin = 0; spin < 50; ++spin) std::this_thread::yield();
              uint64_t after = 0;
              for (const uint64_t c : counters) after += c;
              if (before != after) ran = true;
              ++stops;
            };
            heap.get()->threads.with_stopped_world(thread, check);
            break;
          }
          case 3: (void)acre_alloc(thread, random() % 5000, random() % 2); break;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  acre_blocking_end(heap.thread());
  BOOST_TEST(!ran);
  BOOST_TEST(stops > 0);
  BOOST_TEST(heap.stats().threads == 1);
  BOOST_TEST(heap.complaints() == "");
}

// Each waits in the stop of one heap while it counts as running in none of the others.
BOOST_AUTO_TEST_CASE(threads_attached_to_two_heaps_collect_both_at_once) {
  TestHeap first;
  TestHeap second;
  acre_blocking_begin(first.thread());
  acre_blocking_begin(second.thread());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      acre_thread* of[2] = {};
      if (acre_thread_attach(first.get(), &of[0]) != ACRE_OK) std::abort();
      if (acre_thread_attach(second.get(), &of[1]) != ACRE_OK) std::abort();
      for (int i = 0; i < 300; ++i) {
        (void)acre_alloc(of[i % 2], 100, ACRE_KIND_CONSERVATIVE);
        acre_collect(of[(t + i / 7) % 2]);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  acre_blocking_end(second.thread());
  acre_blocking_end(first.thread());
  BOOST_TEST(first.stats().num_gc + second.stats().num_gc == 1200);
  BOOST_TEST(first.complaints() == "");
  BOOST_TEST(second.complaints() == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
