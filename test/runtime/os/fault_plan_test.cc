#include <boost/test/unit_test.hpp>
#include <cstring>
#include <set>
#include <string>

#include "runtime/os/os.h"

using namespace acre::rt;  // NOLINT(google-build-using-namespace)

BOOST_AUTO_TEST_SUITE(fault_plan)

BOOST_AUTO_TEST_CASE(an_empty_plan_counts_and_fails_nothing) {
  FaultPlan plan;
  for (int i = 0; i < 5; ++i) BOOST_TEST(!plan.should_fail(OsCall::kCommit));
  BOOST_TEST(plan.calls(OsCall::kCommit) == 5u);
  BOOST_TEST(plan.calls(OsCall::kReserve) == 0u);
}

BOOST_AUTO_TEST_CASE(the_nth_call_from_now_fails_and_no_other) {
  FaultPlan plan;
  plan.should_fail(OsCall::kRelease);
  plan.fail(OsCall::kRelease, 3);
  BOOST_TEST(!plan.should_fail(OsCall::kRelease));
  BOOST_TEST(!plan.should_fail(OsCall::kUnmap));
  BOOST_TEST(!plan.should_fail(OsCall::kRelease));
  BOOST_TEST(plan.should_fail(OsCall::kRelease));
  BOOST_TEST(!plan.should_fail(OsCall::kRelease));
  BOOST_TEST(plan.calls(OsCall::kRelease) == 5u);
}

BOOST_AUTO_TEST_CASE(many_calls_fail_until_the_plan_is_cleared) {
  FaultPlan plan;
  plan.fail(OsCall::kReserve, 1, 2);
  BOOST_TEST(plan.should_fail(OsCall::kReserve));
  BOOST_TEST(plan.should_fail(OsCall::kReserve));
  BOOST_TEST(!plan.should_fail(OsCall::kReserve));
  plan.fail(OsCall::kReserve, 2, UINT64_MAX);
  BOOST_TEST(!plan.should_fail(OsCall::kReserve));
  for (int i = 0; i < 100; ++i) BOOST_TEST(plan.should_fail(OsCall::kReserve));
  plan.clear();
  BOOST_TEST(!plan.should_fail(OsCall::kReserve));
  BOOST_TEST(plan.calls(OsCall::kReserve) == 105u);
}

BOOST_AUTO_TEST_CASE(every_kind_of_call_has_a_name_of_its_own) {
  std::set<std::string> names;
  for (size_t i = 0; i < kOsCalls; ++i) names.insert(name_of(static_cast<OsCall>(i)));
  BOOST_TEST(names.size() == kOsCalls);
  BOOST_TEST(names.count("unknown") == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
