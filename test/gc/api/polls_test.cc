// collect_at_polls: what is made between two polls needs no root, and collections come in polls, when asked for,
// and nowhere else.

#include <atomic>
#include <thread>

#include "test/gc/api/heap_fixture.h"

namespace acre::test {
namespace {

acre_options poll_options() {
  acre_options options = precise_options();
  options.collect_at_polls = 1;
  options.clobber_free = 1;
  return options;
}

struct Polled : Heap {
  explicit Polled(const acre_options& options = poll_options()) : Heap(options) {}
  void poll() { acre_safepoint(thread); }
  uint64_t collections() const { return stats().num_gc; }
};

acre_options torture_options() {
  acre_options options = poll_options();
  options.gc_every = 1;
  options.verify = 1;
  return options;
}

BOOST_AUTO_TEST_SUITE(polls)

BOOST_AUTO_TEST_CASE(between_two_polls_nothing_is_lost) {
  Polled heap(torture_options());
  for (int round = 0; round < 20; ++round) {
    const uint64_t before = heap.collections();
    void** head = nullptr;
    for (uintptr_t i = 0; i < 500; ++i) {
      auto** cell = static_cast<void**>(heap.alloc(16 + i % 40 * 16, ACRE_KIND_CONSERVATIVE));
      BOOST_TEST_REQUIRE(cell != nullptr);
      cell[0] = head;
      cell[1] = reinterpret_cast<void*>(i);
      head = cell;
    }
    BOOST_TEST(heap.collections() == before);
    uintptr_t expected = 500;
    for (void** cell = head; cell != nullptr; cell = static_cast<void**>(cell[0])) {
      BOOST_TEST_REQUIRE(cell[1] == reinterpret_cast<void*>(--expected));
    }
    BOOST_TEST(expected == 0u);
    heap.poll();
    BOOST_TEST(heap.collections() == before + 1);
    heap.poll();
    BOOST_TEST(heap.collections() == before + 1);
  }
  heap.collect();
  BOOST_TEST(heap.live() == 0u);
}

BOOST_AUTO_TEST_CASE(no_call_that_makes_something_collects) {
  Polled heap(torture_options());
  void* made = nullptr;
  for (int i = 0; i < 100; ++i) {
    void* key = heap.alloc(32);
    BOOST_TEST_REQUIRE(acre_ephemeron_new(heap.thread, key, key, &made) == ACRE_OK);
    BOOST_TEST_REQUIRE(acre_weak_table_new(heap.thread, ACRE_WEAK_KEYS, &made) == ACRE_OK);
    for (int entry = 0; entry < 50; ++entry) {
      BOOST_TEST_REQUIRE(acre_weak_table_set(heap.thread, made, heap.alloc(16), key) == ACRE_OK);
    }
    acre_fiber* fiber = nullptr;
    const auto nothing = [](acre_fiber*, void*) -> void* { return nullptr; };
    BOOST_TEST_REQUIRE(acre_fiber_new(heap.thread, 0, nothing, nullptr, &fiber) == ACRE_OK);
    BOOST_TEST_REQUIRE(acre_realloc(heap.thread, heap.alloc(100), 5000) != nullptr);
    BOOST_TEST_REQUIRE(acre_alloc_aligned(heap.thread, 100, 4096, ACRE_KIND_LEAF) != nullptr);
  }
  BOOST_TEST(heap.collections() == 0u);
  heap.poll();
  BOOST_TEST(heap.collections() == 1u);
}

BOOST_AUTO_TEST_CASE(growth_brings_a_collection_at_the_next_poll) {
  acre_options options = poll_options();
  options.gc_percent = 100;
  Polled heap(options);
  for (int i = 0; i < 20'000; ++i) BOOST_TEST_REQUIRE(heap.alloc(1024) != nullptr);
  BOOST_TEST(heap.collections() == 0u);
  heap.poll();
  BOOST_TEST(heap.collections() == 1u);
  BOOST_TEST(heap.stats().live_after_gc == 0u);
}

BOOST_AUTO_TEST_CASE(without_room_an_allocation_fails_and_the_caller_collects) {
  acre_options options = poll_options();
  options.hard_limit = 16 * kMiB;
  Polled heap(options);
  while (heap.alloc(100'000) != nullptr) {
  }
  BOOST_TEST(heap.last_error() == ACRE_E_LIMIT);
  BOOST_TEST(heap.collections() == 0u);
  heap.collect();
  BOOST_TEST(heap.alloc(100'000) != nullptr);
}

BOOST_AUTO_TEST_CASE(others_wait_for_the_poll) {
  Polled heap;
  std::atomic<int> step{0};
  std::thread other([&] {
    acre_thread* thread = nullptr;
    if (acre_thread_attach(heap.heap, &thread) != ACRE_OK) std::abort();
    auto** cell = static_cast<void**>(acre_alloc(thread, 64, ACRE_KIND_CONSERVATIVE));
    step = 1;
    // The other one collects meanwhile: not before the poll.
    for (uintptr_t i = 0; i < 200'000; ++i) {
      void* next = acre_alloc(thread, 64 + i % 20 * 64, ACRE_KIND_CONSERVATIVE);
      if (next == nullptr) std::abort();
      cell[0] = next;
    }
    step = 2;
    while (step == 2) acre_safepoint(thread);
    if (acre_thread_detach(thread) != ACRE_OK) std::abort();
  });
  while (step == 0) {
  }
  heap.collect();
  BOOST_TEST(step == 2);
  step = 3;
  acre_blocking_begin(heap.thread);
  other.join();
  acre_blocking_end(heap.thread);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
