// The program as a person runs it: options, files, exit codes.
#include <boost/test/unit_test.hpp>
#include <iterator>
#include <nlohmann/json.hpp>
#include <regex>
#include <string>

#include "test/bench/command.h"
#include "test/bench/source_tree.h"

namespace acre::bench {
namespace {

// HEAP_GROWTH: where the program is, if the test does not run under Bazel.
Ran run(const std::string& arguments, const std::string& environment = "") {
  return run_program("HEAP_GROWTH", "bench/heap_growth", arguments, environment);
}

void check_usage_error(const std::string& arguments, const std::string& reason) {
  const Ran ran = run(arguments);
  BOOST_TEST_CONTEXT(arguments << " printed\n" << ran.output) {
    BOOST_TEST(ran.code == 2);
    BOOST_TEST(contains(ran.output, reason));
    BOOST_TEST(contains(ran.output, "Usage:"));
  }
}

void fill(const TempDirectory& directory, Counts& counts) {
  for (unsigned i = 0; i < 40; ++i) {
    const std::string text = source_text(1000 + i, 400);
    directory.write("f" + std::to_string(i) + ".c", text);
    count_identifiers(text, counts);
  }
}

void check_idle_phases(const nlohmann::json& workload) {
  const char* const names[] = {"grow",       "drop",       "collect",        "idle",
                               "grow again", "drop again", "release at once"};
  const auto& phases = workload["phases"];
  BOOST_TEST_REQUIRE(phases.size() == std::size(names));
  for (std::size_t i = 0; i < std::size(names); ++i) BOOST_TEST(phases[i]["name"] == names[i]);
  const double grown = phases[0]["live_bytes"];
  for (const std::size_t i : {1, 2, 3, 5, 6}) {
    const double kept = phases[i]["live_bytes"];
    BOOST_TEST(kept < 0.9 * grown);
    // An index keeps a segment of its own size; the others what fits, and their tables.
    if (workload["name"] != "index, idle") BOOST_TEST(kept < 3.2 * (1 << 20));
  }
  for (const std::size_t i : {2, 6}) {  // what is kept is reachable, and the rest is not
    const double marked = phases[i]["live_after_gc_bytes"];
    BOOST_TEST(marked >= phases[i]["live_bytes"].get<double>());
    BOOST_TEST(marked < 0.6 * grown);
  }
  const double again = phases[4]["live_bytes"];
  BOOST_TEST(again > 0.9 * grown);
  BOOST_TEST(again < 1.1 * grown);
}

// Everything that is a number in markup: attributes of the drawing, and paths.
void check_numbers(const std::string& html) {
  for (const char* bad : {"nan", "inf"}) {
    BOOST_TEST(
        !std::regex_search(html, std::regex(std::string("[\"=,\\[ ML-]") + bad + "[\",\\] L]")));
  }
  static const std::regex kAttribute(
      "\\s(x|y|x1|x2|y1|y2|width|height|r|data-[a-z]+)=\"([^\"]*)\"");
  static const std::regex kNumber("-?[0-9]+(\\.[0-9]+)?");
  std::size_t numbers = 0;
  for (std::sregex_iterator at(html.begin(), html.end(), kAttribute), end; at != end; ++at) {
    const std::string value = (*at)[2];
    BOOST_TEST(std::regex_match(value, kNumber), (*at)[1] << "=" << value);
    ++numbers;
  }
  BOOST_TEST(numbers > 100u);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(heap_growth)

BOOST_AUTO_TEST_CASE(help_names_every_option_and_is_no_error) {
  const Ran ran = run("--help");
  BOOST_TEST(ran.code == 0);
  for (const char* option : {"--workload", "--gib", "--dir", "--threads", "--gc", "--idle",
                             "--keep", "--idle-only", "--json", "--html", "--help"}) {
    BOOST_TEST(contains(ran.output, option));
  }
}

BOOST_AUTO_TEST_CASE(a_wrong_command_line_ends_with_usage_and_2) {
  check_usage_error("--frobnicate", "--frobnicate");
  check_usage_error("stray", "stray");
  check_usage_error("--workload huge", "huge");
  check_usage_error("--workload small,huge", "huge");
  check_usage_error("--workload small --gib 0", "--gib");
  check_usage_error("--workload small --gib -1", "--gib");
  check_usage_error("--workload small --gib nan", "--gib");
  check_usage_error("--workload small --gib lots", "--gib");
  check_usage_error("--workload small --gib", "--gib");
  check_usage_error("--workload small --threads 0", "--threads");
  check_usage_error("--workload small --threads 257", "--threads");
  check_usage_error("--workload small --threads two", "--threads");
  check_usage_error("--workload small --gc sometimes", "--gc");
  check_usage_error("--workload small --idle -1", "--idle");
  check_usage_error("--workload small --idle nan", "--idle");
  check_usage_error("--workload small --idle 3601", "--idle");
  check_usage_error("--workload small --idle soon", "--idle");
  check_usage_error("--workload small --keep -1", "--keep");
  check_usage_error("--workload small --keep inf", "--keep");
  check_usage_error("--workload small --idle 0 --idle-only", "--idle-only");
  check_usage_error("--dir /nowhere/at/all", "/nowhere/at/all");
  check_usage_error("--dir /proc/self/maps", "not a directory");
  check_usage_error("--workload small --json /proc/no/file", "--json");
}

BOOST_AUTO_TEST_CASE(the_index_gives_the_answer_of_a_plain_map) {
  const TempDirectory directory;
  Counts counts;
  fill(directory, counts);
  const std::filesystem::path json_path = directory.path() / "out" / "r.json";
  const Ran ran = run("--workload index --idle 0 --dir '" + directory.path().string() +
                      "' --json '" + json_path.string() + "'");
  BOOST_TEST_REQUIRE(ran.code == 0, ran.output);
  const auto json = nlohmann::json::parse(read_file(json_path));
  std::vector<std::pair<std::string, std::uint64_t>> top;
  for (const auto& entry : json["workloads"][0]["top"]) {
    top.emplace_back(entry["identifier"], entry["count"]);
  }
  BOOST_TEST((top == most_frequent(counts, 10)));
}

BOOST_AUTO_TEST_CASE(the_page_needs_nothing_from_elsewhere_and_its_numbers_are_numbers) {
  const TempDirectory directory;
  Counts counts;
  fill(directory, counts);
  const std::filesystem::path page = directory.path() / "page.html";
  const Ran ran = run("--workload all --gib 0.01 --threads 2 --idle 0.1 --dir '" +
                      directory.path().string() + "' --html '" + page.string() + "'");
  BOOST_TEST_REQUIRE(ran.code == 0, ran.output);
  const std::string html = read_file(page);
  for (const char* outside : {"http:", "https:", "//cdn", "@import", "url(", "src=", "<link"}) {
    BOOST_TEST(!contains(html, outside), outside);
  }
  for (const char* name : {"index", "small", "mixed", "large"}) {
    BOOST_TEST(contains(html, std::string("<h2>") + name + "</h2>"));
    BOOST_TEST(contains(html, std::string("<h2>") + name + ", idle</h2>"));
  }
  check_numbers(html);
}

BOOST_AUTO_TEST_CASE(the_json_has_every_phase_with_its_figures_and_samples) {
  const TempDirectory directory;
  const std::filesystem::path json_path = directory.path() / "r.json";
  const Ran ran =
      run("--workload small --gib 0.02 --gc off --idle 0 --json '" + json_path.string() + "'");
  BOOST_TEST_REQUIRE(ran.code == 0, ran.output);
  const auto json = nlohmann::json::parse(read_file(json_path));
  BOOST_TEST(json["schema"] == "acre.heap_growth/1");
  BOOST_TEST(json["settings"]["gc_while_growing"] == false);
  const auto& small = json["workloads"][0];
  BOOST_TEST(small["completed"] == true);
  BOOST_TEST_REQUIRE(small["phases"].size() == 5u);
  const auto& growth = small["phases"][0];
  BOOST_TEST(growth["collections"] == 0);
  BOOST_TEST(growth["live_bytes"].get<double>() >= 0.02 * (1 << 30));
  BOOST_TEST(growth["allocated_bytes"].get<double>() >= growth["live_bytes"].get<double>());
  BOOST_TEST(small["raw"].size() == 2u);
  const std::size_t columns = small["samples"]["columns"].size();
  BOOST_TEST(small["samples"]["rows"].size() >= 10u);
  for (const auto& row : small["samples"]["rows"]) BOOST_TEST(row.size() == columns);
  BOOST_TEST(contains(ran.output, "checks"));
}

// Whether the heap gave anything back within the second is not asked.
BOOST_AUTO_TEST_CASE(an_idle_run_of_every_workload_keeps_what_was_asked_for_and_has_its_targets) {
  const TempDirectory directory;
  Counts counts;
  fill(directory, counts);
  const std::filesystem::path json_path = directory.path() / "r.json";
  const Ran ran =
      run("--workload all --gib 0.05 --threads 2 --keep 3 --idle 0.3 --idle-only --dir '" +
          directory.path().string() + "' --json '" + json_path.string() + "'");
  BOOST_TEST_REQUIRE(ran.code == 0, ran.output);
  const auto json = nlohmann::json::parse(read_file(json_path));
  BOOST_TEST(json["settings"]["idle_seconds"] == 0.3);
  BOOST_TEST(json["settings"]["keep_bytes"] == 3 << 20);
  BOOST_TEST_REQUIRE(json["workloads"].size() == 4u);
  for (const auto& workload : json["workloads"]) {
    const std::string name = workload["name"];
    BOOST_TEST_CONTEXT(name) {
      BOOST_TEST(name.ends_with(", idle"));
      BOOST_TEST(contains(ran.output, name + ": resident <= 1.2 x live + 32 MiB, by itself"));
      BOOST_TEST(contains(ran.output, name + ": release at once: time, and resident"));
      BOOST_TEST(workload["completed"] == true);
      BOOST_TEST(workload["raw"].empty());
      check_idle_phases(workload);
      const auto& idle = workload["idle"];
      BOOST_TEST(idle["live_bytes"] == workload["phases"][3]["live_bytes"]);
      BOOST_TEST(idle["met"] == (idle["resident_end_bytes"] <= idle["bound_bytes"]));
      BOOST_TEST((idle["met"] == true || idle["seconds"] >= 0.3));
    }
  }
}

BOOST_AUTO_TEST_CASE(an_idle_run_is_beside_the_other_one_unless_it_is_left_out) {
  const Ran both = run("--workload small --gib 0.01 --idle 0.1");
  BOOST_TEST(both.code == 0);
  BOOST_TEST(contains(both.output, "\nsmall: "));
  BOOST_TEST(contains(both.output, "\nsmall, idle: "));
  const Ran without = run("--workload small --gib 0.01 --idle 0");
  BOOST_TEST(without.code == 0);
  BOOST_TEST(contains(without.output, "\nsmall: "));
  BOOST_TEST(!contains(without.output, "idle"));
}

BOOST_AUTO_TEST_CASE(an_empty_directory_says_so) {
  const TempDirectory directory;
  const Ran ran = run("--workload index --idle 0.1 --dir '" + directory.path().string() + "'");
  BOOST_TEST(ran.code == 0, ran.output);
  BOOST_TEST(contains(ran.output, "holds no text file"));
}

BOOST_AUTO_TEST_CASE(a_heap_that_is_full_ends_the_workload_with_1) {
  for (const char* workload : {"small", "mixed", "large"}) {
    const Ran ran =
        run("--gib 0.25 --workload " + std::string(workload), "ACRE_RESERVE_BYTES=64MiB");
    BOOST_TEST_CONTEXT(workload << " printed\n" << ran.output) {
      BOOST_TEST(ran.code == 1);
      BOOST_TEST(contains(ran.output, "out of memory"));
      BOOST_TEST(!contains(ran.output, workload + std::string(", idle")));
    }
  }
  const Ran idle = run("--gib 0.25 --workload small --idle-only", "ACRE_RESERVE_BYTES=64MiB");
  BOOST_TEST(idle.code == 1);
  BOOST_TEST(contains(idle.output, "small, idle: out of memory"));
  BOOST_TEST(!contains(idle.output, "by itself"));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acre::bench
