// The native programs of bench/compare as the driver runs them: all of them answer alike, and alike to the
// programs in other languages.
#include <sys/wait.h>

#include <array>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#if defined(__has_feature)
#define ACRE_TEST_HAS(feature) __has_feature(feature)
#else
#define ACRE_TEST_HAS(feature) 0
#endif
#if defined(__SANITIZE_THREAD__) || ACRE_TEST_HAS(thread_sanitizer)
#define ACRE_TEST_TSAN 1
#else
#define ACRE_TEST_TSAN 0
#endif
#if defined(__SANITIZE_ADDRESS__) || ACRE_TEST_HAS(address_sanitizer)
#define ACRE_TEST_ASAN 1
#else
#define ACRE_TEST_ASAN 0
#endif

namespace acre::compare {
namespace {

// With a sanitizer's shadow memory: what knows nothing of it (Boehm's collector, Boost's switches) cannot run, nor
// can addresses be limited.
constexpr bool kShadowed = ACRE_TEST_ASAN || ACRE_TEST_TSAN;

// ThreadSanitizer has nothing to find in one thread, and takes a minute not to.
bool worth_running(const std::string& workload) {
  return !ACRE_TEST_TSAN || workload == "larson" || workload.rfind("mt_", 0) == 0;
}

// The answers of --quick, for all languages in one file. COMPARE_ANSWERS: where it is, if the test does
// not run under Bazel.
std::map<std::string, std::string> read_answers() {
  const char* path = std::getenv("COMPARE_ANSWERS");
  std::ifstream file(path != nullptr ? path : "test/bench/compare_answers.txt");
  std::map<std::string, std::string> answers;
  std::string workload;
  std::string answer;
  while (file >> workload >> answer) answers[workload] = answer;
  BOOST_REQUIRE_EQUAL(answers.size(), 23u);
  return answers;
}

const std::map<std::string, std::string>& known_answers() {
  static const std::map<std::string, std::string> answers = read_answers();
  return answers;
}

std::vector<std::string> programs() {
  std::vector<std::string> names = {"acre_cc", "acre_c", "malloc"};
  if (!kShadowed) names.insert(names.end(), {"boehm", "boost"});
  return names;
}

struct Ran {
  int code;
  std::string output;
};

// COMPARE_NATIVE: the folder of the programs, if the test does not run under Bazel.
Ran run(const std::string& program, const std::string& arguments, const std::string& before = "") {
  const char* folder = std::getenv("COMPARE_NATIVE");
  const std::string command = before + " '" +
                              (folder != nullptr ? folder : "bench/compare/native") + "/" +
                              program + "' " + arguments + " </dev/null";
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

std::set<std::string> listed(const std::string& program) {
  const Ran ran = run(program, "--list");
  BOOST_REQUIRE(ran.code == 0);
  std::istringstream lines(ran.output);
  std::set<std::string> names;
  for (std::string name; std::getline(lines, name);) {
    BOOST_TEST(names.insert(name).second, program << " lists " << name << " twice");
  }
  return names;
}

void check_phases(const nlohmann::json& phases) {
  BOOST_REQUIRE(phases.size() == 3u);
  constexpr std::array kNames = {"create", "switch", "finish"};
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    BOOST_TEST(phases[i].at("name").get<std::string>() == kNames[i]);
    BOOST_TEST(phases[i].at("ns").get<double>() > 0);
  }
}

// By Lua's collector, which frees; the quick sizes bring none of the heap's.
bool is_lua(const std::string& workload) { return workload.rfind("lua_", 0) == 0; }

// One line, an object with these keys, and figures that can be.
void check_line(const std::string& program, const std::string& workload, const std::string& line) {
  BOOST_REQUIRE(line.find('\n') == line.size() - 1);
  const nlohmann::json outcome = nlohmann::json::parse(line);
  const bool fibers = workload.rfind("fibers", 0) == 0;
  BOOST_TEST(outcome.size() == (fibers ? 7u : 6u));
  BOOST_TEST(outcome.at("answer").get<std::string>() == known_answers().at(workload));
  BOOST_TEST(outcome.at("seconds").get<double>() > 0);
  BOOST_TEST(outcome.at("cpu_seconds").get<double>() > 0);
  const bool timed_collections = workload == "graph" || workload == "list";
  BOOST_TEST((outcome.at("setup_seconds").get<double>() > 0) == (timed_collections || fibers));
  const auto live = outcome.at("live_bytes").get<std::uint64_t>();
  if (workload.rfind("grow", 0) == 0) BOOST_TEST(live == (std::uint64_t{64} << 20));
  if (workload == "frag") BOOST_TEST((live > 16u << 20 && live < 17u << 20));
  const auto collections = outcome.at("collections").get<std::uint64_t>();
  const bool collects = program != "malloc" && program != "boost" && !is_lua(workload);
  BOOST_TEST((collections > 0) == collects);
  if (fibers) check_phases(outcome.at("phases"));
}

BOOST_AUTO_TEST_CASE(every_program_gives_the_same_answer_for_every_workload) {
  for (const std::string& program : programs()) {
    for (const std::string& workload : listed(program)) {
      if (!worth_running(workload)) continue;
      BOOST_TEST_CONTEXT(program << " " << workload << " --quick") {
        const Ran ran = run(program, workload + " --quick");
        BOOST_TEST(ran.code == 0);
        if (ran.code == 0) check_line(program, workload, ran.output);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(each_program_lists_what_its_interface_can_do) {
  std::map<std::string, std::set<std::string>> of;
  for (const auto& [workload, answer] : known_answers()) {
    const bool fibers = workload.rfind("fibers", 0) == 0;
    if (workload != "graph" && workload != "list" && !fibers) of["malloc"].insert(workload);
    const bool lua = is_lua(workload);
    if (workload.rfind("grow_raw", 0) != 0 && !fibers && !lua) of["boehm"].insert(workload);
    if (lua) of["acre_cc"].insert(workload);
  }
  of["acre_c"] = of["boehm"];
  of["acre_c"].insert("fibers");
  of["acre_cc"].merge(std::set(of["acre_c"]));
  of["boost"] = {"fibers", "fibers_protected"};
  for (const std::string& program : programs()) {
    BOOST_TEST_CONTEXT(program) { BOOST_CHECK(listed(program) == of[program]); }
  }
}

BOOST_AUTO_TEST_CASE(each_program_says_which_version_it_measures) {
  const std::map<std::string, std::string> patterns = {
      {"acre_cc", "Acre [0-9]+\\.[0-9]+\\.[0-9]+ \\(C\\+\\+\\)\n"},
      {"acre_c", "Acre [0-9]+\\.[0-9]+\\.[0-9]+ \\(C\\)\n"},
      {"boehm", "Boehm GC [0-9]+\\.[0-9]+\\.[0-9]+\n"},
      {"boost", "Boost\\.Context [0-9]+\\.[0-9]+\\.[0-9]+\n"},
      {"malloc", "[a-z ]+ [0-9.]+\n"},
  };
  for (const std::string& program : programs()) {
    const Ran ran = run(program, "--version");
    BOOST_TEST(ran.code == 0);
    BOOST_TEST(std::regex_match(ran.output, std::regex(patterns.at(program))),
               program << " prints " << ran.output);
  }
}

BOOST_AUTO_TEST_CASE(a_wrong_command_line_is_told_and_ends_with_2) {
  for (const std::string& program : programs()) {
    for (const char* arguments : {"", "no_such", "--quick", "grow --quik", "grow --quick more",
                                  "--list more", "--version --quick"}) {
      BOOST_TEST_CONTEXT(program << " " << arguments) {
        const Ran ran = run(program, std::string(arguments) + " 2>&1");
        BOOST_TEST(ran.code == 2);
        BOOST_TEST(ran.output.find("usage: " + program) != std::string::npos);
        BOOST_TEST(run(program, std::string(arguments) + " 2>/dev/null").output == "");
      }
    }
    const Ran help = run(program, "--help");
    BOOST_TEST(help.code == 0);
    BOOST_TEST(help.output.find("--list") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(out_of_memory_is_told_and_ends_with_1) {
  std::map<std::string, std::string> limits = {
      {"acre_cc", "ACRE_RESERVE_BYTES=64MiB"},
      {"acre_c", "ACRE_RESERVE_BYTES=64MiB"},
  };
  if (!kShadowed) {
    limits["boehm"] = "GC_MAXIMUM_HEAP_SIZE=32M";
    limits["malloc"] = "ulimit -v 65536;";
  }
  for (const auto& [program, limit] : limits) {
    for (const char* workload : {"grow", "large"}) {
      BOOST_TEST_CONTEXT(limit << " " << program << " " << workload) {
        const Ran ran = run(program, std::string(workload) + " --quick 2>&1", limit);
        BOOST_TEST(ran.code == 1);
        BOOST_TEST(ran.output.find(program + ": out of memory\n") != std::string::npos,
                   "it printed " << ran.output);
      }
    }
  }
}

}  // namespace
}  // namespace acre::compare
