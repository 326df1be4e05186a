// Work that goes on only while nobody stops the world, and stops that do not insist.

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

#include "runtime/thread/registry.h"
#include "test/gc/cycle/test_heap.h"

namespace acre::test {
namespace {

constexpr uint64_t kMs = 1'000'000;

rt::ThreadRegistry& registry_of(const TestHeap& heap) { return heap.get()->threads; }

void wait_for(const std::atomic<int>& phase, int least) {
  while (phase < least) std::this_thread::yield();
}

// An attached thread that runs without a safepoint from phase 1 on until phase 2, then polls until phase 3.
std::thread stubborn_thread(const TestHeap& heap, std::atomic<int>* phase,
                            std::atomic<uint64_t>* ran) {
  return std::thread([&heap, phase, ran] {
    acre_thread* thread = nullptr;
    if (acre_thread_attach(heap.get(), &thread) != ACRE_OK) std::abort();
    *phase = 1;
    while (*phase < 2) {
      ++*ran;
      std::this_thread::yield();
    }
    while (*phase < 3) {
      acre_safepoint(thread);
      std::this_thread::yield();
    }
    acre_thread_detach(thread);
  });
}

BOOST_AUTO_TEST_SUITE(between_stops)

BOOST_AUTO_TEST_CASE(between_stops_it_is_called_and_inside_one_it_is_not) {
  TestHeap heap;
  rt::ThreadRegistry& registry = registry_of(heap);
  int called = 0;
  BOOST_TEST(registry.try_between_stops([&] { ++called; }));
  BOOST_TEST(called == 1);
  bool inside = true;
  bool other = true;
  BOOST_TEST(registry.with_stopped_world(heap.thread(), [&] {
    inside = registry.try_between_stops([&] { ++called; });
    std::thread([&] { other = registry.try_between_stops([&] { ++called; }); }).join();
  }));
  BOOST_TEST(!inside);
  BOOST_TEST(!other);
  BOOST_TEST(called == 1);
  BOOST_TEST(registry.try_between_stops([&] { ++called; }));
  BOOST_TEST(called == 2);
}

BOOST_AUTO_TEST_CASE(while_a_thread_is_waited_for_it_is_not_called) {
  TestHeap heap;
  rt::ThreadRegistry& registry = registry_of(heap);
  std::atomic<int> phase{0};
  std::atomic<uint64_t> ran{0};
  std::thread stubborn = stubborn_thread(heap, &phase, &ran);
  wait_for(phase, 1);
  acre_blocking_begin(heap.thread());
  std::atomic<bool> stopped{false};
  std::thread stopper([&] {
    if (!registry.with_stopped_world(nullptr, [&] { stopped = true; })) std::abort();
  });
  // From some moment on, until the stubborn one stops.
  while (registry.try_between_stops([] {})) std::this_thread::yield();
  for (int i = 0; i < 100; ++i) BOOST_TEST_REQUIRE(!registry.try_between_stops([] {}));
  BOOST_TEST(!stopped);
  phase = 2;
  stopper.join();
  BOOST_TEST(stopped);
  BOOST_TEST(registry.try_between_stops([] {}));
  phase = 3;
  stubborn.join();
  acre_blocking_end(heap.thread());
}

BOOST_AUTO_TEST_CASE(a_stopper_waits_for_what_is_called_while_threads_run_on) {
  TestHeap heap;
  rt::ThreadRegistry& registry = registry_of(heap);
  acre_blocking_begin(heap.thread());
  std::atomic<int> phase{0};
  std::atomic<bool> stopped{false};
  bool too_early = false;
  std::thread caller([&] {
    const bool called = registry.try_between_stops([&] {
      phase = 1;
      for (int i = 0; i < 300; ++i) {
        too_early |= stopped.load();
        std::this_thread::yield();
      }
      wait_for(phase, 2);
      too_early |= stopped.load();
    });
    if (!called) std::abort();
  });
  wait_for(phase, 1);
  std::thread stopper([&] {
    if (!registry.with_stopped_world(nullptr, [&] { stopped = true; })) std::abort();
  });
  // Nobody is asked to stop yet: this thread attaches, allocates and leaves.
  std::thread([&] {
    acre_thread* thread = nullptr;
    if (acre_thread_attach(heap.get(), &thread) != ACRE_OK) std::abort();
    for (int i = 0; i < 1000; ++i) (void)acre_alloc(thread, 64, ACRE_KIND_LEAF);
    acre_thread_detach(thread);
  }).join();
  phase = 2;
  caller.join();
  stopper.join();
  BOOST_TEST(stopped);
  BOOST_TEST(!too_early);
  acre_blocking_end(heap.thread());
}

// tsan is the judge: what is done between stops, and in them, needs no other lock.
BOOST_AUTO_TEST_CASE(calls_between_stops_and_stops_exclude_each_other) {
  TestHeap heap;
  rt::ThreadRegistry& registry = registry_of(heap);
  acre_blocking_begin(heap.thread());
  uint64_t plain = 0;
  std::atomic<uint64_t> calls{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      acre_thread* thread = nullptr;
      if (acre_thread_attach(heap.get(), &thread) != ACRE_OK) std::abort();
      for (int i = 0; i < 2000; ++i) {
        const auto count = [&] {
          ++plain;
          ++calls;
        };
        if (t == 0 && i % 4 == 0) {
          registry.with_stopped_world(thread, count);
        } else {
          registry.try_between_stops(count);
        }
        acre_safepoint(thread);
      }
      acre_thread_detach(thread);
    });
  }
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(plain == calls);
  BOOST_TEST(plain >= 500u);
  acre_blocking_end(heap.thread());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(patience)

BOOST_AUTO_TEST_CASE(a_thread_that_never_polls_is_given_up_and_all_run_on) {
  TestHeap heap;
  rt::ThreadRegistry& registry = registry_of(heap);
  std::atomic<int> phase{0};
  std::atomic<uint64_t> ran{0};
  std::thread stubborn = stubborn_thread(heap, &phase, &ran);
  wait_for(phase, 1);
  bool called = false;
  for (int i = 0; i < 3; ++i) {
    const uint64_t began = rt::now_ns();
    BOOST_TEST(!registry.with_stopped_world(
        heap.thread(), [&] { called = true; }, 5 * kMs));
    BOOST_TEST(rt::now_ns() - began >= 5 * kMs);
    BOOST_TEST(!registry.inside_stop());
    // The caller, the stubborn one and newcomers run.
    BOOST_TEST(heap.alloc(64) != nullptr);
    const uint64_t before = ran;
    while (ran == before) std::this_thread::yield();
    std::thread([&] {
      acre_thread* thread = nullptr;
      if (acre_thread_attach(heap.get(), &thread) != ACRE_OK) std::abort();
      (void)acre_alloc(thread, 64, ACRE_KIND_LEAF);
      acre_thread_detach(thread);
    }).join();
    BOOST_TEST(registry.try_between_stops([] {}));
  }
  BOOST_TEST(!called);
  phase = 2;
  // It polls now: a stop that insists comes, and one that does not may.
  BOOST_TEST(registry.with_stopped_world(heap.thread(), [&] { called = true; }));
  BOOST_TEST(called);
  BOOST_TEST(registry.with_stopped_world(
      heap.thread(), [] {}, 60'000 * kMs));
  phase = 3;
  stubborn.join();
  BOOST_TEST(heap.complaints() == "");
}

BOOST_AUTO_TEST_CASE(those_who_stopped_for_a_stop_that_is_given_up_go_on) {
  TestHeap heap;
  rt::ThreadRegistry& registry = registry_of(heap);
  std::atomic<int> phase{0};
  std::atomic<uint64_t> ran{0};
  std::thread stubborn = stubborn_thread(heap, &phase, &ran);
  wait_for(phase, 1);
  std::atomic<bool> done{false};
  std::vector<std::atomic<uint64_t>> progress(3);
  std::vector<std::thread> willing;
  for (std::atomic<uint64_t>& mine : progress) {
    willing.emplace_back([&] {
      acre_thread* thread = nullptr;
      if (acre_thread_attach(heap.get(), &thread) != ACRE_OK) std::abort();
      while (!done) {
        (void)acre_alloc(thread, 64, ACRE_KIND_LEAF);
        acre_safepoint(thread);
        ++mine;
        std::this_thread::yield();
      }
      acre_thread_detach(thread);
    });
  }
  for (int i = 0; i < 5; ++i) {
    BOOST_TEST(!registry.with_stopped_world(
        heap.thread(), [] {}, 2 * kMs));
    for (std::atomic<uint64_t>& one : progress) {
      const uint64_t before = one;
      while (one == before) std::this_thread::yield();
    }
  }
  phase = 2;
  acre_collect(heap.thread());
  done = true;
  phase = 3;
  for (std::thread& thread : willing) thread.join();
  stubborn.join();
  BOOST_TEST(heap.stats().num_gc == 1u);
  BOOST_TEST(heap.complaints() == "");
}

BOOST_AUTO_TEST_CASE(with_no_patience_at_all_it_depends_on_who_runs) {
  TestHeap heap;
  rt::ThreadRegistry& registry = registry_of(heap);
  BOOST_TEST(registry.with_stopped_world(
      heap.thread(), [] {}, 0));
  std::atomic<int> phase{0};
  std::atomic<uint64_t> ran{0};
  std::thread stubborn = stubborn_thread(heap, &phase, &ran);
  wait_for(phase, 1);
  BOOST_TEST(!registry.with_stopped_world(
      heap.thread(), [] {}, 0));
  phase = 3;
  stubborn.join();
  BOOST_TEST(registry.with_stopped_world(
      heap.thread(), [] {}, 0));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
