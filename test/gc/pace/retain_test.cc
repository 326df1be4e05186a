#include "gc/pace/retain.h"

#include <boost/test/unit_test.hpp>

#include "runtime/base/units.h"

namespace acre::gc {
namespace {

using rt::kGiB;
using rt::kMiB;

BOOST_AUTO_TEST_SUITE(retain)

BOOST_AUTO_TEST_CASE(the_last_peak_is_scaled_by_the_goals_and_a_tenth_is_added) {
  struct Row {
    RetainInput input;
    uint64_t goal;
  };
  const Row rows[] = {
      // in use, at the last peak, goal, the one before, idle
      {{0, 100, 200, 200, false}, 110},
      {{0, 100, 100, 200, false}, 55},
      {{0, 100, 400, 200, false}, 220},
      {{0, 0, 400, 200, false}, 0},
      {{40, 100, 200, 200, false}, 110},
      {{100 * kMiB, 210 * kMiB, 100 * kMiB, 200 * kMiB, false}, 121'110'528},
  };
  for (const Row& row : rows) {
    BOOST_TEST_CONTEXT(row.goal) { BOOST_TEST(retain_goal(row.input) == row.goal); }
  }
}

BOOST_AUTO_TEST_CASE(it_is_never_less_than_what_is_in_use_and_a_tenth) {
  BOOST_TEST(retain_goal({1000, 100, 200, 200, false}) == 1100U);
  BOOST_TEST(retain_goal({1000, 1000, 1, 1000, false}) == 1100U);
}

BOOST_AUTO_TEST_CASE(an_idle_heap_keeps_what_is_in_use_and_a_tenth) {
  BOOST_TEST(retain_goal({100, 1000, 2000, 2000, true}) == 110U);
  BOOST_TEST(retain_goal({100, 1000, kNoGoal, kNoGoal, true}) == 110U);
  BOOST_TEST(retain_goal({0, 1000, 2000, 2000, true}) == 0U);
}

BOOST_AUTO_TEST_CASE(before_the_first_collection_there_is_only_the_idle_goal) {
  BOOST_TEST(retain_goal({100, 0, 4 * kMiB, 0, false}) == kNoGoal);
  BOOST_TEST(retain_goal({100, 0, kNoGoal, 0, false}) == kNoGoal);
  BOOST_TEST(retain_goal({100, 0, 4 * kMiB, 0, true}) == 110U);
}

BOOST_AUTO_TEST_CASE(where_a_goal_is_none_the_heap_is_expected_to_stay_as_it_was) {
  BOOST_TEST(retain_goal({0, 100, kNoGoal, 200, false}) == 110U);
  BOOST_TEST(retain_goal({0, 100, 200, kNoGoal, false}) == 110U);
  BOOST_TEST(retain_goal({0, 100, kNoGoal, kNoGoal, false}) == 110U);
}

BOOST_AUTO_TEST_CASE(below_the_limit_a_twentieth_is_left) {
  BOOST_TEST(limit_retain_goal(UINT64_MAX) == kNoGoal);
  BOOST_TEST(limit_retain_goal(0) == 0U);
  BOOST_TEST(limit_retain_goal(100 * kMiB) == 95 * kMiB);
  BOOST_TEST(limit_retain_goal(kGiB) == 1'020'054'732U);
  BOOST_TEST(limit_retain_goal(UINT64_MAX - 1) == 17'524'406'870'024'074'033U);
}

BOOST_AUTO_TEST_CASE(extreme_values_do_not_wrap) {
  const uint64_t values[] = {0, 1, kMiB, INT64_MAX, UINT64_MAX - 1, UINT64_MAX};
  for (const uint64_t in_use : values) {
    for (const uint64_t peak : values) {
      for (const uint64_t goal : values) {
        for (const uint64_t last : values) {
          BOOST_TEST_REQUIRE(retain_goal({in_use, peak, goal, last, false}) >= in_use);
          BOOST_TEST_REQUIRE(retain_goal({in_use, peak, goal, last, true}) >= in_use);
        }
      }
    }
  }
  BOOST_TEST(retain_goal({0, UINT64_MAX / 2, 4, 1, false}) == kNoGoal);
  BOOST_TEST(retain_goal({UINT64_MAX, 0, 1, 1, true}) == kNoGoal);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::gc
