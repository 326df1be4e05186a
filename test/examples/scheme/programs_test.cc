// Every program gives Guile's answer, however often the heap collects: precise mode, every collection verified, what
// is freed overwritten.
#include <boost/test/unit_test.hpp>
#include <string>

#include "test/examples/scheme/run_scheme.h"

namespace {

using acre::scheme_test::expected;
using acre::scheme_test::kFolder;
using acre::scheme_test::kPrograms;
using acre::scheme_test::Program;
using acre::scheme_test::Ran;
using acre::scheme_test::run_scheme;

void check_program(const Program& program, bool is_small, const std::string& environment) {
  const Ran ran = run_scheme(
      kFolder + program.name + ".scm " + (is_small ? program.small : program.full), environment);
  BOOST_TEST_CONTEXT(program.name << (is_small ? " small " : " ") << environment) {
    BOOST_TEST(ran.code == 0);
    BOOST_TEST(!ran.output.empty());
    BOOST_TEST(ran.output == expected(program, is_small));
  }
}

std::string torture(int every) {
  return "ACRE_GC_EVERY=" + std::to_string(every) + " ACRE_VERIFY=1 ACRE_CLOBBER_FREE=1";
}

void check_all(bool is_small, const std::string& environment) {
  for (const Program& program : kPrograms) check_program(program, is_small, environment);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(scheme_programs)

BOOST_AUTO_TEST_CASE(in_full) { check_all(false, ""); }

BOOST_AUTO_TEST_CASE(a_collection_at_every_allocation) { check_all(true, torture(1)); }

BOOST_AUTO_TEST_CASE(at_every_second_and_third) {
  check_all(true, torture(2));
  check_all(true, torture(3));
}

BOOST_AUTO_TEST_CASE(at_every_7th) { check_all(true, torture(7)); }

BOOST_AUTO_TEST_CASE(at_every_100th) {
  for (const Program& program : kPrograms) {
    const std::string name = program.name;
    // What allocates most would take a minute.
    check_program(program, name == "rewriter" || name == "destruct", torture(100));
  }
}

BOOST_AUTO_TEST_CASE(at_every_1000th) {
  for (const Program& program : kPrograms) {
    check_program(program, program.name == std::string("rewriter"), torture(1000));
  }
}

BOOST_AUTO_TEST_CASE(with_small_cycles_and_two_markers) {
  for (const Program& program : kPrograms) {
    if (program.name == std::string("rewriter")) continue;
    check_program(program, false, "ACRE_GC_PERCENT=10 ACRE_MARK_THREADS=2 ACRE_CLOBBER_FREE=1");
  }
}

BOOST_AUTO_TEST_SUITE_END()
