// lua_acre as a person runs it: what scripts print is what the stock interpreter prints, budgets stop the state
// that is over its own and no other, and the report adds up.
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "test/bench/command.h"

namespace {

using acre::bench::contains;
using acre::bench::Ran;
using acre::bench::run_program;

constexpr const char* kScripts[] = {"trees", "strings", "tables", "closures", "nbody", "json"};
// Arguments that take little time, also under torture.
constexpr const char* kSmall = "--arg 5 ";

std::string path_of(const std::string& name) { return "examples/lua/scripts/" + name + ".lua"; }

std::string all_scripts() {
  std::string paths;
  for (const char* name : kScripts) paths += path_of(name) + " ";
  return paths;
}

Ran lua_acre(const std::string& arguments, const std::string& environment = "") {
  return run_program("LUA_ACRE", "examples/lua/lua_acre", arguments, environment);
}

Ran stock(const std::string& arguments) { return run_program("LUA", "/usr/bin/lua5.4", arguments); }

// A script in the test's folder.
std::string script(const std::string& name, const std::string& text) {
  const char* folder = std::getenv("TEST_TMPDIR");
  const std::string path = std::string(folder != nullptr ? folder : "/tmp") + "/" + name;
  std::ofstream(path) << text;
  return path;
}

std::vector<std::string> sorted_lines(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  return lines;
}

// Takes whatever memory there is.
constexpr const char* kHog = "local t = {} for i = 1, 1e9 do t[i] = {i} end";

BOOST_AUTO_TEST_SUITE(lua_acre_program)

BOOST_AUTO_TEST_CASE(scripts_print_what_the_stock_interpreter_prints) {
  for (const char* name : kScripts) {
    for (const char* argument : {"3", "7"}) {
      BOOST_TEST_CONTEXT(name << " " << argument) {
        const Ran expected = stock(path_of(name) + " " + argument);
        BOOST_TEST(expected.code == 0);
        const Ran here = lua_acre(path_of(name) + " --arg " + argument);
        BOOST_TEST(here.code == 0);
        BOOST_TEST(here.output == expected.output);
        BOOST_TEST(lua_acre("--malloc " + path_of(name) + " --arg " + argument).output ==
                   expected.output);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(and_so_they_do_under_torture) {
  const Ran expected = lua_acre("--malloc " + all_scripts() + kSmall);
  BOOST_TEST(expected.code == 0);
  const Ran here =
      lua_acre(all_scripts() + kSmall,
               "ACRE_GC_EVERY=1009 ACRE_VERIFY=1 ACRE_CLOBBER_FREE=1 ACRE_RESERVE_BYTES=64MiB");
  BOOST_TEST(here.code == 0);
  BOOST_TEST(here.output == expected.output);
}

BOOST_AUTO_TEST_CASE(many_states_on_several_threads_print_the_same) {
  const Ran expected = lua_acre("--malloc --states 10 " + all_scripts() + kSmall);
  const Ran here = lua_acre("--threads 4 --states 10 " + all_scripts() + kSmall,
                            "ACRE_GC_PERCENT=20 ACRE_VERIFY=1");
  BOOST_TEST(here.code == 0);
  BOOST_TEST(sorted_lines(here.output) == sorted_lines(expected.output),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_state_over_its_budget_ends_and_the_others_go_on) {
  const std::string hog = script("hog.lua", kHog);
  const Ran ran = lua_acre("--budget 2m --threads 2 --report " + path_of("json") + " " + hog + " " +
                           path_of("strings") + " --arg 3");
  BOOST_TEST(ran.code == 1);
  BOOST_TEST(contains(ran.output, hog + ": not enough memory\n"), ran.output);
  BOOST_TEST(contains(ran.output, stock(path_of("json") + " 3").output), ran.output);
  BOOST_TEST(contains(ran.output, stock(path_of("strings") + " 3").output), ran.output);
  BOOST_TEST(contains(ran.output, "heap: 0 objects in use, 0.0 KiB;"), ran.output);
}

BOOST_AUTO_TEST_CASE(a_script_may_catch_that_and_go_on) {
  const std::string careful =
      script("careful.lua", std::string("print(pcall(function() ") + kHog +
                                " end)) collectgarbage() print(#string.rep('x', 100000), 'well')");
  for (const char* limit : {"--budget 1m", ""}) {
    const Ran ran = lua_acre(std::string(limit) + " " + careful, "ACRE_HARD_LIMIT=24MiB");
    BOOST_TEST(ran.code == 0);
    BOOST_TEST(ran.output == "false\tnot enough memory\n100000\twell\n", ran.output);
  }
}

BOOST_AUTO_TEST_CASE(errors_have_a_traceback) {
  const std::string wrong =
      script("wrong.lua", "local function deep() error('thing went wrong') end\ndeep()\n");
  const Ran ran = lua_acre(wrong);
  BOOST_TEST(ran.code == 1);
  BOOST_TEST(contains(ran.output, "wrong.lua:1: thing went wrong\nstack traceback:\n"), ran.output);
  BOOST_TEST(contains(ran.output, "wrong.lua:2: in main chunk"), ran.output);
  const Ran object = lua_acre(script(
      "object.lua", "error(setmetatable({}, {__tostring = function() return 'an object' end}))"));
  BOOST_TEST(object.code == 1);
  BOOST_TEST(contains(object.output, "an object"), object.output);
  BOOST_TEST(contains(lua_acre(script("none.lua", "error()")).output, "nil value"));
  const Ran syntax = lua_acre(script("syntax.lua", "local = 3"));
  BOOST_TEST(syntax.code == 1);
  BOOST_TEST(contains(syntax.output, "syntax.lua:1: <name> expected near '='"), syntax.output);
  const Ran missing = lua_acre("/nonexistent.lua " + path_of("json") + " --arg 1");
  BOOST_TEST(missing.code == 1);
  BOOST_TEST(contains(missing.output, "cannot open /nonexistent.lua"), missing.output);
  BOOST_TEST(contains(missing.output, stock(path_of("json") + " 1").output), missing.output);
}

BOOST_AUTO_TEST_CASE(scripts_get_their_arguments) {
  const Ran ran = lua_acre(
      script("arguments.lua", "print(select('#', ...), (...), arg[2], #arg, arg[0] ~= nil)") +
      " --arg one --arg two");
  BOOST_TEST(ran.code == 0);
  BOOST_TEST(ran.output == "2\tone\ttwo\t2\ttrue\n", ran.output);
}

// The one computes, without a single allocation, until the other one is done, which brings collections: it hangs if
// these wait for the first one to come by itself.
BOOST_AUTO_TEST_CASE(who_only_computes_is_asked_to_stop) {
  const std::string flag = script("flag", "");
  const std::string spinner =
      script("spinner.lua",
             "local f = io.open('" + flag + "') while f:seek('end') == 0 do end print('spun')");
  const std::string worker =
      script("worker.lua", "local t = {} for i = 1, 300000 do t[i] = {i} end local f = io.open('" +
                               flag + "', 'w') f:write('done') f:close() print('worked')");
  const Ran ran = lua_acre("--threads 2 --report " + spinner + " " + worker);
  BOOST_TEST(ran.code == 0);
  BOOST_TEST(contains(ran.output, "spun\n"), ran.output);
  BOOST_TEST(contains(ran.output, "worked\n"), ran.output);
  BOOST_TEST(!contains(ran.output, "; 0 scripts were asked to stop"), ran.output);
}

BOOST_AUTO_TEST_CASE(the_report_tells_each_state_and_each_size) {
  const Ran ran = lua_acre("--states 2 --report " + path_of("json") + " --arg 2");
  BOOST_TEST(ran.code == 0);
  size_t rows = 0;
  for (const std::string& line : sorted_lines(ran.output)) {
    rows += line.rfind(path_of("json"), 0) == 0 && contains(line, "  ok") ? 1 : 0;
  }
  BOOST_TEST(rows == 2u, ran.output);
  BOOST_TEST(contains(ran.output, "heap: 0 objects in use, 0.0 KiB;"), ran.output);
  BOOST_TEST(contains(ran.output, "\n        64"), ran.output);
}

BOOST_AUTO_TEST_CASE(a_wrong_command_line_is_refused_and_help_is_no_error) {
  BOOST_TEST(lua_acre("").code > 1);
  BOOST_TEST(lua_acre("--frobnicate x.lua").code > 1);
  BOOST_TEST(lua_acre("--threads 0 x.lua").code > 1);
  BOOST_TEST(lua_acre("--malloc --budget 1m x.lua").code > 1);
  const Ran help = lua_acre("--help");
  BOOST_TEST(help.code == 0);
  BOOST_TEST(contains(help.output, "--budget"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
