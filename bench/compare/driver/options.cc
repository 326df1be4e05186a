#include "bench/compare/driver/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <system_error>

#include "bench/compare/driver/catalogue.h"
#include "bench/growth/report.h"

namespace acre::bench {
namespace {

constexpr int kUsage = 2;
constexpr long long kMostRounds = 100;
constexpr double kMostMinutes = 24 * 60;
constexpr double kMostSeconds = 24 * 60 * 60;

// What is wrong with a value that CLI11 took.
[[noreturn]] void reject(const std::string& message) {
  throw CLI::ValidationError(message, CLI::ExitCodes::ValidationError);
}

// What CLI11 fills in, before it is judged.
struct Raw {
  std::vector<std::string> only;
  std::vector<std::string> systems;
  long long rounds = 3;
  bool list = false;
  CompareSettings settings;
};

// Bazel puts the native programs beside this one.
std::string native_folder() {
  std::error_code error;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", error);
  return (self.parent_path() / "native").string();
}

void describe(CLI::App& app, Raw& raw) {
  app.add_option("--only", raw.only, "workloads to run, with commas (default: all)")
      ->delimiter(',')
      ->type_name("W,W");
  app.add_option("--systems", raw.systems,
                 "systems to run, with commas (default: all). Ratios are to acre, or to the first "
                 "one if acre is not among them")
      ->delimiter(',')
      ->type_name("S,S");
  app.add_option("--rounds", raw.rounds, "runs of each (default: 3, with --quick 1)")
      ->type_name("N");
  app.add_flag("--quick", raw.settings.quick, "small sizes: shows that all works, measures little");
  app.add_option("--budget", raw.settings.budget_minutes,
                 "time for all; if it is short, the workloads that cost most get fewer rounds "
                 "(default: 19)")
      ->type_name("MINUTES");
  app.add_option("--timeout", raw.settings.timeout_seconds,
                 "time for one run, which is then killed and has failed (default: 300)")
      ->type_name("SECONDS");
  // The last counts: ./dev gives these two, and then what its user says.
  app.add_option("--json", raw.settings.json_path, "write all figures as JSON")
      ->take_last()
      ->type_name("FILE");
  app.add_option("--html", raw.settings.html_path, "write a page with charts")
      ->take_last()
      ->type_name("FILE");
  app.add_flag("--list", raw.list, "name the workloads and systems, and end");
  app.add_option(
         "--native-dir", raw.settings.native_directory,
         "where the programs acre_cc, acre_c, boehm, malloc and boost are (default: beside this "
         "program, in native)")
      ->type_name("DIR");
  app.add_option("--source-dir", raw.settings.source_directory,
                 "where the folders go and java are (default: bench/compare)")
      ->type_name("DIR");
  app.add_option("--work-dir", raw.settings.work_directory,
                 "where Go and Java build (default: out/compare)")
      ->type_name("DIR");
  app.footer(
      "Go is `go` in PATH, or $GO. Java is in PATH, or below $JAVA_HOME. The malloc libraries are "
      "where\nDebian has them, or $MIMALLOC_SO, $JEMALLOC_SO, $TCMALLOC_SO.\n"
      "Exit code: 0, also if a target is missed; 1 if a run failed, answers differ, or a system "
      "that is there\ndoes not work; 2 for a wrong command line.");
}

// The names asked for in the catalogue's order, or, if `ordered` is false, as they were given; all if none
// was.
template <class Rows>
std::vector<std::string> chosen(const char* option, const char* kind,
                                const std::vector<std::string>& names, Rows rows, bool ordered) {
  for (const std::string& name : names) {
    const bool known =
        std::any_of(rows.begin(), rows.end(), [&](const auto& row) { return row.name == name; });
    if (!known) reject(fmt::format("{}: there is no {} '{}' (see --list)", option, kind, name));
  }
  std::vector<std::string> out;
  const auto add = [&](const std::string& name) {
    if (std::find(out.begin(), out.end(), name) == out.end()) out.push_back(name);
  };
  if (!ordered && !names.empty()) {
    for (const std::string& name : names) add(name);
    return out;
  }
  for (const auto& row : rows) {
    const std::string name(row.name);
    if (names.empty() || std::find(names.begin(), names.end(), name) != names.end()) add(name);
  }
  return out;
}

void check_range(const char* option, double value, double most) {
  if (!std::isfinite(value) || value <= 0 || value > most) {
    reject(fmt::format("{}: must be above 0 and at most {}", option, most));
  }
}

CompareSettings judge(Raw& raw, bool rounds_given) {
  CompareSettings& settings = raw.settings;
  settings.workloads = chosen("--only", "workload", raw.only, all_workloads(), true);
  settings.systems = chosen("--systems", "system", raw.systems, all_systems(), false);
  if (raw.rounds < 1 || raw.rounds > kMostRounds) {
    reject(fmt::format("--rounds: must be from 1 to {}", kMostRounds));
  }
  settings.rounds = settings.quick && !rounds_given ? 1 : static_cast<unsigned>(raw.rounds);
  check_range("--budget", settings.budget_minutes, kMostMinutes);
  check_range("--timeout", settings.timeout_seconds, kMostSeconds);
  if (settings.native_directory.empty()) settings.native_directory = native_folder();
  if (settings.source_directory.empty()) settings.source_directory = "bench/compare";
  if (settings.work_directory.empty()) settings.work_directory = "out/compare";
  if (!can_be_written(settings.json_path)) {
    reject(fmt::format("--json: '{}' cannot be written", settings.json_path));
  }
  if (!can_be_written(settings.html_path)) {
    reject(fmt::format("--html: '{}' cannot be written", settings.html_path));
  }
  return settings;
}

void print_list() {
  fmt::print("workloads\n");
  for (const Workload& workload : all_workloads()) {
    fmt::print("  {:<14} {}{}\n", workload.name, workload.what,
               workload.by == Workload::By::kCollectors ? " (collectors only)" : "");
  }
  fmt::print("systems\n");
  for (const System& system : all_systems()) {
    fmt::print("  {:<14} {}", system.name, system.what);
    fmt::print("{}\n", system.only.empty() ? "" : fmt::format(" ({} only)", system.only));
  }
}

}  // namespace

std::optional<CompareSettings> parse_compare_options(int argc, char** argv, int& code) {
  CLI::App app("Runs the same workloads by Acre, other collectors and malloc, and compares them.",
               "compare");
  Raw raw;
  describe(app, raw);
  try {
    app.parse(argc, argv);
    if (!raw.list) return judge(raw, app.count("--rounds") != 0);
    print_list();
    code = 0;
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    code = 0;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "compare: {}\n\n{}", error.what(), app.help());
    code = kUsage;
  }
  return std::nullopt;
}

}  // namespace acre::bench
