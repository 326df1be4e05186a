#include "gc/pace/idle_collection.h"

#include <boost/test/unit_test.hpp>

namespace acre::gc {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;

bool due(uint64_t now_ns, uint64_t last_end_ns) {
  return idle_collection_due(now_ns, last_end_ns, kIdlePeriodNs, 100, true);
}

BOOST_AUTO_TEST_SUITE(idle_collection)

BOOST_AUTO_TEST_CASE(it_is_due_after_two_minutes_without_one) {
  BOOST_TEST(!due(5 * kSecond, 5 * kSecond));
  BOOST_TEST(!due(65 * kSecond, 5 * kSecond));
  BOOST_TEST(!due(125 * kSecond, 5 * kSecond));
  BOOST_TEST(due(125 * kSecond + 1, 5 * kSecond));
  BOOST_TEST(due(UINT64_MAX, 5 * kSecond));
}

BOOST_AUTO_TEST_CASE(before_the_first_collection_none_is_due) {
  BOOST_TEST(!due(1000 * kSecond, 0));
}

BOOST_AUTO_TEST_CASE(a_negative_percentage_turns_it_off) {
  const auto with_percent = [](int percent) {
    return idle_collection_due(1000 * kSecond, kSecond, kIdlePeriodNs, percent, true);
  };
  BOOST_TEST(!with_percent(-1));
  BOOST_TEST(!with_percent(INT32_MIN));
  BOOST_TEST(with_percent(0));
  BOOST_TEST(with_percent(INT32_MAX));
}

BOOST_AUTO_TEST_CASE(where_nothing_was_allocated_nothing_is_to_be_found) {
  BOOST_TEST(!idle_collection_due(1000 * kSecond, kSecond, kIdlePeriodNs, 100, false));
}

BOOST_AUTO_TEST_CASE(the_period_is_the_callers) {
  BOOST_TEST(!idle_collection_due(20, 10, 10, 100, true));
  BOOST_TEST(idle_collection_due(21, 10, 10, 100, true));
  BOOST_TEST(!idle_collection_due(UINT64_MAX, 1, UINT64_MAX, 100, true));
}

BOOST_AUTO_TEST_CASE(a_clock_that_went_back_calls_for_none) {
  BOOST_TEST(!due(5 * kSecond, 6 * kSecond));
  BOOST_TEST(!due(0, UINT64_MAX));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::gc
