// The example of generated code as a person runs it, in torture and with the barrier's phase, too.
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <string>

#include "test/bench/command.h"

namespace {

using acre::bench::contains;
using acre::bench::Ran;
using acre::bench::run_program;

Ran jit(const std::string& arguments) { return run_program("JIT", "examples/jit/jit", arguments); }

void expect_right(const std::string& count, const char* variable, const char* value) {
  if (variable != nullptr) setenv(variable, value, 1);
  const Ran ran = jit(count);
  if (variable != nullptr) unsetenv(variable);
  BOOST_TEST(ran.code == 0, ran.output);
  BOOST_TEST(!contains(ran.output, "WRONG"), ran.output);
  BOOST_TEST(contains(ran.output, "the facts in C++: " + count + " nodes, "), ran.output);
#if defined(__x86_64__)
  BOOST_TEST(contains(ran.output, "generated code: " + count + " nodes, "), ran.output);
#endif
}

}  // namespace

BOOST_AUTO_TEST_SUITE(jit_example)

BOOST_AUTO_TEST_CASE(generated_code_allocates) { expect_right("1000000", nullptr, nullptr); }

BOOST_AUTO_TEST_CASE(it_does_when_each_allocation_collects) {
  expect_right("1000", "ACRE_GC_EVERY", "1");
}

BOOST_AUTO_TEST_CASE(it_does_when_stores_are_in_a_phase) {
  expect_right("300000", "ACRE_CHECK_BARRIERS", "2");
}

BOOST_AUTO_TEST_CASE(a_wrong_command_line_is_refused) {
  BOOST_TEST(jit("0").code == 2);
  BOOST_TEST(jit("12x").code == 2);
  BOOST_TEST(jit("1 2").code == 2);
}

BOOST_AUTO_TEST_SUITE_END()
