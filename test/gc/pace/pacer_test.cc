// The pacer as a simulation: a mutator allocates up to the goal, a collection finds what lives.

#include "gc/pace/pacer.h"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <random>

namespace acre::gc {
namespace {

using rt::kGiB;
using rt::kKiB;
using rt::kMiB;

PaceInput input(uint64_t live, int percent, uint64_t limit = UINT64_MAX) {
  return {.live_bytes = live,
          .stack_bytes = 0,
          .root_bytes = 0,
          .overhead_bytes = 0,
          .percent = percent,
          .memory_limit = limit};
}

// Live bytes found by collection number i, when the heap had come to `goal`.
using Program = std::function<uint64_t(int i)>;

void settles(const char* name, const Program& live_at, int percent) {
  BOOST_TEST_CONTEXT(name) {
    uint64_t goal = heap_goal(input(0, percent));
    for (int i = 0; i < 50; ++i) {
      const uint64_t live = live_at(i);
      goal = heap_goal(input(live, percent));
      if (i < 25) continue;
      const double wanted =
          std::max(static_cast<double>(live) * (1 + percent / 100.0), 4.0 * kMiB * percent / 100);
      const double ratio = static_cast<double>(goal) / wanted;
      BOOST_TEST(ratio >= 0.95);
      BOOST_TEST(ratio <= 1.05);
    }
  }
}

BOOST_AUTO_TEST_SUITE(pacer)

BOOST_AUTO_TEST_CASE(it_settles_on_what_the_percentage_says) {
  std::mt19937_64 random(1);
  settles(
      "steady", [](int) { return 100 * kMiB; }, 100);
  settles(
      "step", [](int i) { return i < 20 ? 32 * kMiB : 512 * kMiB; }, 100);
  settles(
      "heavy step", [](int i) { return i < 30 ? 32 * kMiB : 8 * kGiB; }, 100);
  settles(
      "jitter", [&](int) { return 100 * kMiB + random() % (20 * kMiB); }, 100);
  settles(
      "oscillation", [](int i) { return i % 2 == 0 ? 64 * kMiB : 128 * kMiB; }, 50);
  settles(
      "GOGC 1500", [](int) { return 100 * kMiB; }, 1500);
  settles(
      "tiny", [](int) { return 100 * kKiB; }, 100);
  settles(
      "small to large", [](int i) { return uint64_t{1} << std::min(16 + i, 38); }, 100);
}

BOOST_AUTO_TEST_CASE(stacks_and_roots_count_as_work) {
  PaceInput in = input(100 * kMiB, 100);
  in.stack_bytes = 8 * kMiB;
  in.root_bytes = 2 * kMiB;
  BOOST_TEST(heap_goal(in) == 210 * kMiB);
}

BOOST_AUTO_TEST_CASE(a_small_heap_has_a_minimum) {
  BOOST_TEST(heap_goal(input(0, 100)) == 4 * kMiB);
  BOOST_TEST(heap_goal(input(0, 1000)) == 40 * kMiB);
}

BOOST_AUTO_TEST_CASE(a_negative_percentage_is_off) {
  BOOST_TEST(heap_goal(input(kGiB, -1)) == kNoGoal);
  BOOST_TEST(heap_goal(input(kGiB, INT32_MIN)) == kNoGoal);
  // But the limit is not.
  BOOST_TEST(heap_goal(input(kGiB, -1, 2 * kGiB)) < 2 * kGiB);
}

BOOST_AUTO_TEST_CASE(zero_percent_collects_after_the_least_growth) {
  BOOST_TEST(heap_goal(input(320 * kMiB, 0)) == 330 * kMiB);
  BOOST_TEST(heap_goal(input(0, 0)) == kMinGrowthBytes);
}

BOOST_AUTO_TEST_CASE(the_goal_stays_below_a_limit_that_is_far) {
  for (const int percent : {100, 1500, -1}) {
    for (uint64_t live = kMiB; live <= 900 * kMiB; live *= 2) {
      PaceInput in = input(live, percent, kGiB);
      in.overhead_bytes = 20 * kMiB;
      BOOST_TEST(heap_goal(in) + in.overhead_bytes <= kGiB - kGiB / 100 * 3 + kMiB);
      BOOST_TEST(heap_goal(in) > live);
    }
  }
}

BOOST_AUTO_TEST_CASE(at_its_limit_the_heap_still_grows_a_little) {
  for (const uint64_t limit : {uint64_t{1}, kMiB, 100 * kMiB, 128 * kMiB}) {
    const uint64_t goal = heap_goal(input(128 * kMiB, 100, limit));
    BOOST_TEST(goal == 128 * kMiB + 4 * kMiB);
  }
}

// A program that allocates `bytes_per_ms` and keeps next to nothing: where its minimum heap comes to rest.
uint64_t resting_min_heap(uint64_t bytes_per_ms, uint64_t pause_ns) {
  MinHeap heap;
  for (int i = 0; i < 200; ++i) {
    heap.after_cycle(pause_ns, heap.bytes() * 1'000'000 / bytes_per_ms);
  }
  return heap.bytes();
}

BOOST_AUTO_TEST_CASE(the_minimum_heap_grows_only_where_collections_take_time) {
  // 4 MiB in 4 ms: a pause of 0.1 ms is little, one of 0.6 ms is much, of 40 ms too much for any size.
  BOOST_TEST(resting_min_heap(kMiB, 100'000) == 4 * kMiB);
  BOOST_TEST(resting_min_heap(kMiB, 600'000) == 8 * kMiB);
  BOOST_TEST(resting_min_heap(kMiB, 1'000'000) == 16 * kMiB);
  BOOST_TEST(resting_min_heap(kMiB, 40'000'000) == kMaxMinHeapBytes);
}

BOOST_AUTO_TEST_CASE(the_minimum_heap_comes_back_when_the_program_calms_down) {
  MinHeap heap;
  for (unsigned i = 0; i < 10 * MinHeap::kCycles; ++i) heap.after_cycle(5'000'000, 1'000'000);
  BOOST_TEST(heap.bytes() == kMaxMinHeapBytes);
  for (unsigned i = 0; i < MinHeap::kCycles; ++i) heap.after_cycle(1'000'000, 999'000'000);
  BOOST_TEST(heap.bytes() == kMaxMinHeapBytes / 2);
  for (unsigned i = 0; i < 10 * MinHeap::kCycles; ++i) heap.after_cycle(1'000'000, 999'000'000);
  BOOST_TEST(heap.bytes() == kMinHeapBytes);
}

BOOST_AUTO_TEST_CASE(one_long_pause_among_short_ones_changes_nothing) {
  MinHeap heap;
  for (unsigned i = 0; i < 3 * MinHeap::kCycles; ++i) {
    heap.after_cycle(i % MinHeap::kCycles == 3 ? 2'000'000 : 20'000, 4'000'000);
    BOOST_TEST(heap.bytes() == kMinHeapBytes);
  }
  // Sums stop at the largest number.
  for (unsigned i = 0; i < 100; ++i) heap.after_cycle(UINT64_MAX, UINT64_MAX);
  BOOST_TEST(heap.bytes() == kMaxMinHeapBytes);
}

BOOST_AUTO_TEST_CASE(the_minimum_heap_is_the_least_goal) {
  PaceInput in = input(kMiB, 100);
  in.min_heap = 16 * kMiB;
  BOOST_TEST(heap_goal(in) == 16 * kMiB);
  in.percent = 50;
  BOOST_TEST(heap_goal(in) == 8 * kMiB);
  in.live_bytes = 100 * kMiB;
  BOOST_TEST(heap_goal(in) == 150 * kMiB);
}

BOOST_AUTO_TEST_CASE(extreme_values_do_not_wrap) {
  const uint64_t values[] = {0, 1, kMiB, INT64_MAX, UINT64_MAX - 1, UINT64_MAX};
  for (const uint64_t live : values) {
    for (const uint64_t other : values) {
      for (const uint64_t limit : values) {
        for (const int percent : {INT32_MIN, -1, 0, 1, 100, 1500, INT32_MAX}) {
          const PaceInput in{live, other, other, other, percent, limit, other};
          BOOST_TEST_REQUIRE(heap_goal(in) >= live);
          BOOST_TEST_REQUIRE((heap_goal(in) > live || live >= kNoGoal - 1));
        }
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::gc
