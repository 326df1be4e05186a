// Child processes: how each way to end is told, time limits, what they inherit; and preloaded libraries.
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "bench/compare/driver/child.h"
#include "bench/compare/driver/programs.h"
#include "bench/growth/process.h"
#include "test/bench/command.h"
#include "test/bench/source_tree.h"

namespace acre::bench {
namespace {

ChildResult shell(const std::string& script, double timeout = 30) {
  ChildCommand command;
  command.words = {"sh", "-c", script};
  command.timeout_seconds = timeout;
  return run_child(command);
}

// libc of this process: there, but its malloc is not the one that a preload should bring.
std::string own_library(const std::string& stem) {
  const std::string maps = read_file("/proc/self/maps");
  const std::size_t name = maps.find("/" + stem);
  BOOST_REQUIRE(name != std::string::npos);
  const std::size_t from = maps.rfind(' ', name) + 1;
  return maps.substr(from, maps.find('\n', name) - from);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(compare_child)

BOOST_AUTO_TEST_CASE(what_a_child_prints_is_kept_apart) {
  const ChildResult result = shell("echo out; echo err >&2");
  BOOST_TEST(failure_of(result).empty());
  BOOST_TEST(result.output == "out\n");
  BOOST_TEST(result.errors == "err\n");
  BOOST_TEST(result.peak_rss > 100u << 10);
  BOOST_TEST(result.peak_rss < 1u << 30);
}

BOOST_AUTO_TEST_CASE(the_peak_is_that_of_the_child) {
  const ChildResult small = shell("true");
  const ChildResult large = shell("x=$(head -c 30000000 /dev/zero | tr '\\0' a); echo ${#x}");
  BOOST_TEST(large.output == "30000000\n");
  BOOST_TEST(large.peak_rss > small.peak_rss + (20u << 20));
}

BOOST_AUTO_TEST_CASE(an_exit_code_is_told_with_the_last_words) {
  BOOST_TEST(failure_of(shell("echo first >&2; echo 'the last' >&2; exit 3")) ==
             "exit code 3: the last");
  BOOST_TEST(failure_of(shell("exit 1")) == "exit code 1");
}

BOOST_AUTO_TEST_CASE(a_crash_is_told_by_its_signal) {
  BOOST_TEST(contains(failure_of(shell("kill -SEGV $$")), "killed by signal 11"));
}

BOOST_AUTO_TEST_CASE(what_takes_too_long_is_killed_with_all_that_it_started) {
  const double start = now_seconds();
  const ChildResult result = shell("sleep 61 & echo $!; sleep 62", 0.3);
  BOOST_TEST(now_seconds() - start < 20);
  BOOST_TEST(result.timed_out);
  BOOST_TEST(contains(failure_of(result), "killed"));
  const std::string grandchild = result.output.substr(0, result.output.find('\n'));
  bool gone = false;  // or a zombie that nobody has waited for yet
  for (int i = 0; i < 100 && !gone; ++i) {
    const std::string status = read_file("/proc/" + grandchild + "/stat");
    gone = status.empty() || contains(status, ") Z ");
    if (!gone) usleep(20000);
  }
  BOOST_TEST(gone);
}

BOOST_AUTO_TEST_CASE(a_grandchild_that_holds_the_pipes_is_not_waited_for) {
  const double start = now_seconds();
  const ChildResult result = shell("sleep 63 & echo done");
  BOOST_TEST(now_seconds() - start < 20);
  BOOST_TEST(failure_of(result).empty());
  BOOST_TEST(result.output == "done\n");
}

BOOST_AUTO_TEST_CASE(too_much_output_is_cut_and_stops_nobody) {
  ChildCommand command;
  command.words = {"sh", "-c", "head -c 5000000 /dev/zero; echo last >&2"};
  command.most_output = 1000;
  const ChildResult result = run_child(command);
  BOOST_TEST(result.code == 0);
  BOOST_TEST(result.output.size() == 1000u);
  BOOST_TEST(result.output_cut);
  BOOST_TEST(result.errors == "last\n");
}

BOOST_AUTO_TEST_CASE(a_program_that_is_not_there_is_told) {
  ChildCommand command;
  command.words = {"/nowhere/at/all"};
  BOOST_TEST(
      contains(failure_of(run_child(command)), "'/nowhere/at/all' cannot be started: No such"));
  command.words = {"true"};
  command.directory = "/nowhere/at/all";
  BOOST_TEST(contains(failure_of(run_child(command)), "cannot be started"));
}

BOOST_AUTO_TEST_CASE(variables_are_changed_and_a_preload_of_ours_is_not_passed_on) {
  setenv("COMPARE_KEPT", "kept", 1);
  setenv("COMPARE_GONE", "gone", 1);
  setenv("LD_DEBUG", "help", 1);
  ChildCommand command;
  command.words = {"sh", "-c", "echo $COMPARE_KEPT-$COMPARE_GONE-$COMPARE_NEW-$LD_DEBUG"};
  command.environment = {{"COMPARE_GONE", std::nullopt}, {"COMPARE_NEW", "new"}};
  const ChildResult result = run_child(command);
  unsetenv("LD_DEBUG");
  BOOST_TEST(result.output == "kept--new-\n");
}

BOOST_AUTO_TEST_CASE(a_library_that_cannot_be_preloaded_is_told) {
  const TempDirectory directory;
  directory.write("no.so", "not a library");
  const std::string path = (directory.path() / "no.so").string();
  const std::string problem = preload_problem({"/bin/sh", "-c", "true"}, path);
  BOOST_TEST(contains(problem, "cannot be preloaded"), problem);
  BOOST_TEST(contains(problem, path), problem);
}

BOOST_AUTO_TEST_CASE(a_library_without_a_malloc_is_told) {
  const std::string problem = preload_problem({"/bin/sh", "-c", "true"}, own_library("libm.so"));
  BOOST_TEST(contains(problem, "malloc is not taken from it"), problem);
}

BOOST_AUTO_TEST_CASE(a_library_whose_malloc_is_taken_is_fine) {
  BOOST_TEST(preload_problem({"/bin/sh", "-c", "true"}, own_library("libc.so")).empty());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acre::bench
