// The goals as tables of literal numbers. As a simulation: simulation_test.cc and
// limit_simulation_test.cc.

#include "gc/pace/pacer.h"

#include <boost/test/unit_test.hpp>

namespace acre::gc {
namespace {

using rt::kGiB;
using rt::kKiB;
using rt::kMiB;

constexpr uint64_t kNoLimit = UINT64_MAX;

PaceInput input(uint64_t live, int percent, uint64_t limit = kNoLimit) {
  return {.live_bytes = live,
          .stack_bytes = 0,
          .root_bytes = 0,
          .overhead_bytes = 0,
          .percent = percent,
          .memory_limit = limit};
}

BOOST_AUTO_TEST_SUITE(pacer)

BOOST_AUTO_TEST_CASE(the_goal_by_percent_is_what_lives_and_the_percentage_of_it) {
  struct Row {
    uint64_t live;
    int percent;
    uint64_t goal;
  };
  const Row rows[] = {
      {100 * kMiB, 100, 200 * kMiB},
      {100 * kMiB, 50, 150 * kMiB},
      {100 * kMiB, 1500, 1600 * kMiB},
      {10'000'019, 33, 13'300'025},
      // The minimum heap.
      {0, 100, 4 * kMiB},
      {0, 1000, 40 * kMiB},
      {kMiB, 100, 4 * kMiB},
      {kMiB, 50, 2 * kMiB},
      {2 * kMiB, 100, 4 * kMiB},
      {3 * kMiB, 100, 6 * kMiB},
      // The least growth.
      {0, 0, 256 * kKiB},
      {0, 1, 256 * kKiB},
      {8 * kMiB, 0, 8 * kMiB + 256 * kKiB},
      {64 * kMiB, 1, 66 * kMiB},
      {64 * kMiB, 0, 66 * kMiB},
      {kGiB, 0, kGiB + 4 * kMiB},
      // Off.
      {kGiB, -1, kNoGoal},
      {kGiB, INT32_MIN, kNoGoal},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT("live " << row.live << ", percent " << row.percent) {
      const HeapGoals goals = heap_goals(input(row.live, row.percent));
      BOOST_TEST(goals.by_percent == row.goal);
      BOOST_TEST(goals.by_limit == kNoGoal);
      BOOST_TEST(goals.heap() == row.goal);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_goal_by_limit_is_what_the_limit_leaves_to_objects) {
  struct Row {
    uint64_t limit;
    uint64_t overhead;
    uint64_t live;
    uint64_t goal;
  };
  const Row rows[] = {
      {100 * kMiB, 0, 0, 97 * kMiB},
      {100 * kMiB, 7 * kMiB, 0, 90 * kMiB},
      {100 * kMiB, 7 * kMiB, 80 * kMiB, 90 * kMiB},
      {1000 * kMiB, 0, 0, 970 * kMiB},
      // The least headroom.
      {20 * kMiB, 0, 0, 19 * kMiB},
      {33 * kMiB, 0, 0, 32 * kMiB},
      // The least growth: near the limit, above it, and where nothing is left.
      {100 * kMiB, 0, 96 * kMiB, 99 * kMiB},
      {100 * kMiB, 0, 128 * kMiB, 132 * kMiB},
      {100 * kMiB, 0, 2048 * kMiB, 2052 * kMiB},
      {100 * kMiB, 97 * kMiB, 0, 256 * kKiB},
      {100 * kMiB, kNoGoal, 0, 256 * kKiB},
      {kMiB, 0, 0, 256 * kKiB},
      {1, 0, 0, 256 * kKiB},
      {0, 0, 0, 256 * kKiB},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT("limit " << row.limit << ", overhead " << row.overhead << ", live "
                                << row.live) {
      PaceInput in = input(row.live, -1, row.limit);
      in.overhead_bytes = row.overhead;
      const HeapGoals goals = heap_goals(in);
      BOOST_TEST(goals.by_limit == row.goal);
      BOOST_TEST(goals.by_percent == kNoGoal);
      BOOST_TEST(goals.heap() == row.goal);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_lower_goal_is_the_heaps) {
  BOOST_TEST(heap_goals(input(50 * kMiB, 100, 110 * kMiB)).heap() == 100 * kMiB);
  BOOST_TEST(heap_goals(input(50 * kMiB, 100, 100 * kMiB)).heap() == 97 * kMiB);
  BOOST_TEST(heap_goals(input(50 * kMiB, 100, 100 * kMiB)).by_percent == 100 * kMiB);
  BOOST_TEST(heap_goals(input(50 * kMiB, -1)).heap() == kNoGoal);
}

BOOST_AUTO_TEST_CASE(the_least_growth_has_two_bounds) {
  BOOST_TEST(min_growth(0) == 256 * kKiB);
  BOOST_TEST(min_growth(8 * kMiB) == 256 * kKiB);
  BOOST_TEST(min_growth(8 * kMiB + 32) == 256 * kKiB + 1);
  BOOST_TEST(min_growth(128 * kMiB - 32) == 4 * kMiB - 1);
  BOOST_TEST(min_growth(128 * kMiB) == 4 * kMiB);
  BOOST_TEST(min_growth(UINT64_MAX) == 4 * kMiB);
}

BOOST_AUTO_TEST_CASE(stacks_and_roots_count_as_work) {
  PaceInput in = input(100 * kMiB, 100);
  in.stack_bytes = 8 * kMiB;
  in.root_bytes = 2 * kMiB;
  BOOST_TEST(heap_goals(in).by_percent == 210 * kMiB);
  in.percent = 50;
  BOOST_TEST(heap_goals(in).by_percent == 155 * kMiB);
}

BOOST_AUTO_TEST_CASE(overhead_counts_against_the_limit_only) {
  PaceInput in = input(100 * kMiB, 100, kGiB);
  in.overhead_bytes = 800 * kMiB;
  BOOST_TEST(heap_goals(in).by_percent == 200 * kMiB);
  BOOST_TEST(heap_goals(in).by_limit == kGiB - 800 * kMiB - 32'212'254);
}

BOOST_AUTO_TEST_CASE(the_minimum_heap_is_the_least_goal_by_percent) {
  PaceInput in = input(kMiB, 100);
  in.min_heap = 16 * kMiB;
  BOOST_TEST(heap_goals(in).by_percent == 16 * kMiB);
  in.percent = 50;
  BOOST_TEST(heap_goals(in).by_percent == 8 * kMiB);
  in.live_bytes = 100 * kMiB;
  BOOST_TEST(heap_goals(in).by_percent == 150 * kMiB);
  in.live_bytes = 0;
  in.memory_limit = 3 * kMiB;
  BOOST_TEST(heap_goals(in).heap() == 2 * kMiB);
}

BOOST_AUTO_TEST_CASE(sums_stop_at_no_goal) {
  BOOST_TEST(heap_goals(input(UINT64_MAX / 2 + 1, 100)).by_percent == kNoGoal);
  BOOST_TEST(heap_goals(input(UINT64_MAX / 4, INT32_MAX)).by_percent == kNoGoal);
  BOOST_TEST(heap_goals(input(UINT64_MAX / 4, 100)).by_percent == 9'223'372'036'854'775'806U);
  BOOST_TEST(heap_goals(input(UINT64_MAX, 0, 1)).heap() == kNoGoal);
  // 97 % of the largest limit.
  BOOST_TEST(heap_goals(input(0, -1, UINT64_MAX - 1)).by_limit == 17'893'341'751'498'265'066U);
}

BOOST_AUTO_TEST_CASE(extreme_values_do_not_wrap) {
  const uint64_t values[] = {0, 1, kMiB, INT64_MAX, UINT64_MAX - 1, UINT64_MAX};
  for (const uint64_t live : values) {
    for (const uint64_t other : values) {
      for (const uint64_t limit : values) {
        for (const int percent : {INT32_MIN, -1, 0, 1, 100, 1500, INT32_MAX}) {
          const PaceInput in{live, other, other, other, percent, limit, other};
          for (const uint64_t goal : {heap_goals(in).by_percent, heap_goals(in).by_limit}) {
            BOOST_TEST_REQUIRE((goal == kNoGoal || goal >= live + min_growth(live)));
            BOOST_TEST_REQUIRE(goal >= live);
          }
        }
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::gc
