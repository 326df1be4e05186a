#include "runtime/base/check.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "test/runtime/base/forked_child.h"

using acre::test::ChildEnd;
using acre::test::contains;
using acre::test::in_forked_child;

BOOST_AUTO_TEST_SUITE(check)

BOOST_AUTO_TEST_CASE(a_failed_check_prints_what_is_known_and_aborts) {
  const ChildEnd end = in_forked_child([] {
    const int pages = 3;
    ACRE_CHECK(pages == 4, "four pages are there");
    return 0;
  });
  BOOST_TEST(end.aborted());
  BOOST_TEST(contains(end.stderr_text, "acre: check failed: four pages are there: pages == 4 at "));
  BOOST_TEST(contains(end.stderr_text, "check_test.cc:"));
  BOOST_TEST(contains(end.stderr_text, "(process "));
  BOOST_TEST(end.stderr_text.back() == '\n');
}

BOOST_AUTO_TEST_CASE(a_check_that_holds_does_nothing) {
  const ChildEnd end = in_forked_child([] {
    ACRE_CHECK(true, "never printed");
    ACRE_DCHECK(true, "never printed");
    ACRE_PARANOID_CHECK(true, "never printed");
    return 7;
  });
  BOOST_TEST(end.exited_with(7));
  BOOST_TEST(end.stderr_text == "");
}

BOOST_AUTO_TEST_CASE(checks_of_a_tier_that_is_off_do_not_evaluate_their_condition) {
  int evaluated = 0;
  ACRE_DCHECK(++evaluated > 0, "counted");
  ACRE_PARANOID_CHECK(++evaluated > 0, "counted");
  int expected = 0;
#if defined(ACRE_DEBUG) && ACRE_DEBUG
  ++expected;
#endif
#if defined(ACRE_PARANOID) && ACRE_PARANOID
  ++expected;
#endif
  BOOST_TEST(evaluated == expected);
}

BOOST_AUTO_TEST_SUITE_END()
