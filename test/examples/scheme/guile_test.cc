// The expected outputs are what Guile writes today. Where it is not installed nothing is compared: ./dev test
// installs it.
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <string>

#include "test/examples/scheme/run_scheme.h"

namespace {

using acre::scheme_test::expected;
using acre::scheme_test::kFolder;
using acre::scheme_test::kPrograms;
using acre::scheme_test::Program;

bool has_guile() { return std::system("command -v guile >/dev/null 2>&1") == 0; }

std::string guile(const Program& program, bool is_small) {
  // Its warnings, of names that a library defines anew, are on stderr: not wanted here.
  return acre::bench::run_program("SH", "/bin/sh",
                                  "-c 'HOME=. LC_ALL=C.UTF-8 guile --r7rs --no-auto-compile " +
                                      kFolder + program.name + ".scm " +
                                      (is_small ? program.small : program.full) + " 2>/dev/null'")
      .output;
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_expected_is_what_guile_says) {
  if (!has_guile()) {
    BOOST_TEST_MESSAGE("guile is not installed: nothing was compared");
    return;
  }
  for (const Program& program : kPrograms) {
    for (const bool is_small : {false, true}) {
      BOOST_TEST_CONTEXT(program.name << (is_small ? " small" : "")) {
        BOOST_TEST(guile(program, is_small) == expected(program, is_small));
      }
    }
  }
}
