// The examples of fibers as a person runs them: they end well and say what their sources promise.
#include <boost/test/unit_test.hpp>
#include <string>

#include "test/bench/command.h"

namespace {

using acre::bench::contains;
using acre::bench::Ran;
using acre::bench::run_program;

Ran ping_pong(const std::string& arguments) {
  return run_program("PING_PONG", "examples/ping_pong/ping_pong", arguments);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(examples)

BOOST_AUTO_TEST_CASE(generators_are_composed_and_collected) {
  const Ran ran = run_program("GENERATOR", "examples/generator/generator", "");
  BOOST_TEST(ran.code == 0);
  for (const char* line : {"numbers:                 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n",
                           "odd numbers:             1 3 5 7 9 11 13 15 17 19 21 23 25 27 29\n",
                           "odd squares:             1 9 25 49 81 121 169 225 289 361 441 529\n",
                           " 2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 53 59 61 67 71\n",
                           "a collection found that hardly any could ever be asked again\n"}) {
    BOOST_TEST(contains(ran.output, line), ran.output);
  }
}

BOOST_AUTO_TEST_CASE(the_ball_goes_to_every_player_in_every_round) {
  const Ran ran = ping_pong("--players 2000 --rounds 5");
  BOOST_TEST(ran.code == 0);
  BOOST_TEST(contains(ran.output, "10000 strokes, "), ran.output);
  BOOST_TEST(contains(ran.output, "switches/s"), ran.output);
  BOOST_TEST(contains(ran.output, "resident per fiber: "), ran.output);
  BOOST_TEST(contains(ran.output, "every player had the ball in every round\n"), ran.output);
}

BOOST_AUTO_TEST_CASE(a_wrong_command_line_is_refused_and_help_is_no_error) {
  BOOST_TEST(ping_pong("--players 0").code != 0);
  BOOST_TEST(ping_pong("--frobnicate").code != 0);
  const Ran help = ping_pong("--help");
  BOOST_TEST(help.code == 0);
  BOOST_TEST(contains(help.output, "--rounds"));
}

BOOST_AUTO_TEST_SUITE_END()
