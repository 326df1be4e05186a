// The micro-benchmarks as ./dev bench runs them, as short as can be: each one that a program lists is
// run, measures something, and reports no error of its own (they check that they measure what they say).
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace acre::bench {
namespace {

struct Ran {
  int code;
  std::string output;
};

// What a program of bench/micro prints on stdout.
Ran run(const std::string& program, const std::string& arguments) {
  const std::string command =
      "bench/micro/" + program + " " + arguments + " 2>/dev/null </dev/null";
  std::FILE* pipe = popen(command.c_str(), "r");
  BOOST_REQUIRE(pipe != nullptr);
  std::string output;
  std::array<char, 4096> part;
  for (std::size_t got; (got = std::fread(part.data(), 1, part.size(), pipe)) > 0;) {
    output.append(part.data(), got);
  }
  const int status = pclose(pipe);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), output};
}

// A program, and which of its benchmarks are run here: not all of those whose heap takes long to set up.
struct Program {
  const char* name;
  const char* filter;
  std::size_t benchmarks;  // that pass the filter, at least: a filter may be wrong as well
};

const Program kPrograms[] = {
    {"alloc_bench", ".", 24},
    {"barrier_bench", ".", 5},
    {"central_bench", ".", 5},
    {"collect_bench", ".", 3},
    {"find_bench", "hit$|interior|free_slot|foreign", 4},
    {"free_bench", ".", 9},
    {"gaps_bench", ".", 4},
    {"heap_bench", ".", 5},
    {"mark_bench", "shuffled|tree|traced", 3},
    {"page_bench", ".", 16},
    {"root_bench", ".", 5},
    {"stop_bench", ".", 4},
    {"sweep_bench", ".", 8},
    {"thread_bench", ".", 9},
    {"weak_bench", "/(25000|250000|1000)(/|$)", 10},
};

std::ostream& operator<<(std::ostream& out, const Program& program) { return out << program.name; }

std::string filter_option(const Program& program) {
  return std::string("'--benchmark_filter=") + program.filter + "' ";
}

std::vector<std::string> list(const Program& program) {
  const Ran ran = run(program.name, filter_option(program) + "--benchmark_list_tests=true");
  BOOST_TEST_REQUIRE(ran.code == 0);
  std::vector<std::string> names;
  std::istringstream lines(ran.output);
  for (std::string line; std::getline(lines, line);) names.push_back(line);
  return names;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(micro)

BOOST_DATA_TEST_CASE(every_benchmark_measures_something, boost::unit_test::data::make(kPrograms),
                     program) {
  const std::vector<std::string> names = list(program);
  BOOST_TEST(names.size() >= program.benchmarks);
  const Ran ran = run(
      program.name, filter_option(program) + "--benchmark_min_time=0.001 --benchmark_format=json");
  BOOST_TEST_REQUIRE(ran.code == 0, ran.output);
  const auto results = nlohmann::json::parse(ran.output)["benchmarks"];
  BOOST_TEST(results.size() == names.size());
  for (const std::string& name : names) {
    const auto result = std::find_if(results.begin(), results.end(),
                                     [&](const auto& one) { return one["name"] == name; });
    BOOST_TEST_REQUIRE((result != results.end()), name << " is missing");
    BOOST_TEST(!result->value("error_occurred", false), name << " failed: " << *result);
    BOOST_TEST(result->value("iterations", 0.0) > 0, name);
    BOOST_TEST(result->value("real_time", 0.0) > 0, name);
  }
}

// ./dev bench --micro runs all programs with the filter that it was given.
BOOST_AUTO_TEST_CASE(a_filter_that_nothing_passes_is_no_error) {
  const Ran ran = run("page_bench", "--benchmark_filter=no/such");
  BOOST_TEST(ran.code == 0);
}

BOOST_AUTO_TEST_CASE(all_programs_are_tested) {
  std::size_t programs = 0;
  for (const auto& entry : std::filesystem::directory_iterator("bench/micro")) {
    const std::string name = entry.path().filename();
    if (!name.ends_with("_bench")) continue;
    ++programs;
    const auto is_it = [&](const Program& program) { return program.name == name; };
    BOOST_TEST(std::any_of(std::begin(kPrograms), std::end(kPrograms), is_it), name);
  }
  BOOST_TEST(programs == std::size(kPrograms));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acre::bench
