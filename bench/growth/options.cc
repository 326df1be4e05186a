#include "bench/growth/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "bench/growth/process.h"
#include "bench/growth/report.h"
#include "bench/growth/units.h"

namespace acre::bench {
namespace {

constexpr std::array<const char*, 4> kWorkloads = {"index", "small", "mixed", "large"};
constexpr double kMostGib = 512;  // the largest range that a heap reserves
constexpr int kMostThreads = 256;
constexpr double kMostIdleSeconds = 3600;

// What is wrong with a value that CLI11 took.
[[noreturn]] void reject(const std::string& message) {
  throw CLI::ValidationError(message, CLI::ExitCodes::ValidationError);
}

// What CLI11 fills in, before it is judged.
struct Raw {
  std::vector<std::string> workloads;
  double gib = 2;
  std::string directory = "/usr/include";
  long long threads = 1;
  std::string collect = "on";
  double idle = Settings().idle_seconds;
  bool idle_only = false;
  double keep_mib = static_cast<double>(Settings().keep_bytes) / static_cast<double>(kMiB);
  std::string json_path;
  std::string html_path;
};

void describe(CLI::App& app, Raw& raw) {
  app.add_option("--workload", raw.workloads,
                 "index, small, mixed, large or all; several with commas or by repeating the "
                 "option (default: index,small)")
      ->delimiter(',')
      ->type_name("NAME");
  app.add_option("--gib", raw.gib,
                 "live data of small, mixed and large in GiB, fractions allowed (default: 2, or a "
                 "quarter of the available memory if that is less)")
      ->type_name("N");
  app.add_option("--dir", raw.directory,
                 "directory whose text files index reads (default: /usr/include)")
      ->type_name("PATH");
  app.add_option("--threads", raw.threads, "threads that share the work, 1 to 256 (default: 1)")
      ->type_name("N");
  app.add_option("--gc", raw.collect, "on or off: collections while growing (default: on)")
      ->type_name("on|off");
  app.add_option(
         "--idle", raw.idle,
         "then, on a new heap: grow, drop all but --keep, collect, and watch the idle heap "
         "give memory back, until its target is met but no longer than so many seconds; grow "
         "again, drop, and release at once. 0: leave all this out (default: 15)")
      ->type_name("SECONDS");
  app.add_option("--keep", raw.keep_mib,
                 "live data in MiB that an idle heap keeps; index keeps a segment (default: 64)")
      ->type_name("MIB");
  app.add_flag("--idle-only", raw.idle_only, "leave out everything but --idle");
  app.add_option("--json", raw.json_path, "write all figures and samples as JSON")
      ->type_name("FILE");
  app.add_option("--html", raw.html_path, "write a page with charts")->type_name("FILE");
  app.footer(
      "The heap takes its options from the environment: ACRE_GC_PERCENT, ACRE_HUGE_PAGES, ...");
}

std::vector<std::string> chosen_workloads(const Raw& raw) {
  std::vector<std::string> chosen;
  const auto add = [&](const std::string& name) {
    if (std::find(chosen.begin(), chosen.end(), name) == chosen.end()) chosen.push_back(name);
  };
  for (const std::string& name : raw.workloads) {
    if (name == "all") {
      for (const char* each : kWorkloads) add(each);
    } else if (std::find(kWorkloads.begin(), kWorkloads.end(), name) != kWorkloads.end()) {
      add(name);
    } else {
      reject(fmt::format("--workload: there is no workload '{}'", name));
    }
  }
  return chosen.empty() ? std::vector<std::string>{"index", "small"} : chosen;
}

void check_directory(const std::string& path) {
  std::error_code error;
  if (!std::filesystem::exists(path, error)) reject(fmt::format("--dir: there is no '{}'", path));
  if (!std::filesystem::is_directory(path, error)) {
    reject(fmt::format("--dir: '{}' is not a directory", path));
  }
  if (access(path.c_str(), R_OK | X_OK) != 0) {
    reject(fmt::format("--dir: '{}' may not be read", path));
  }
}

void check_writable(const char* option, const std::string& path) {
  if (!can_be_written(path)) reject(fmt::format("{}: '{}' cannot be written", option, path));
}

void judge_idle(const Raw& raw, Settings& settings) {
  if (!std::isfinite(raw.idle) || raw.idle < 0 || raw.idle > kMostIdleSeconds) {
    reject(fmt::format("--idle: must be from 0 to {} seconds", kMostIdleSeconds));
  }
  if (raw.idle_only && raw.idle == 0) reject("--idle-only: there is nothing left with --idle 0");
  const double most_mib = kMostGib * 1024;
  if (!std::isfinite(raw.keep_mib) || raw.keep_mib < 0 || raw.keep_mib > most_mib) {
    reject(fmt::format("--keep: must be from 0 to {} MiB", most_mib));
  }
  settings.idle_seconds = raw.idle;
  settings.idle_only = raw.idle_only;
  settings.keep_bytes = static_cast<std::uint64_t>(raw.keep_mib * static_cast<double>(kMiB));
}

Settings judge(const Raw& raw, bool gib_given, bool directory_given) {
  Settings settings;
  settings.workloads = chosen_workloads(raw);
  if (!std::isfinite(raw.gib) || raw.gib <= 0 || raw.gib > kMostGib) {
    reject(fmt::format("--gib: must be above 0 and at most {}", kMostGib));
  }
  settings.live_bytes = static_cast<std::uint64_t>(raw.gib * static_cast<double>(kGiB));
  const std::uint64_t quarter = memory_available() / 4;
  if (!gib_given && quarter != 0 && quarter < settings.live_bytes) {
    settings.live_bytes = quarter;
    settings.size_lowered = true;
  }
  const auto& names = settings.workloads;
  settings.directory = raw.directory;
  if (directory_given || std::find(names.begin(), names.end(), "index") != names.end()) {
    check_directory(raw.directory);
  }
  if (raw.threads < 1 || raw.threads > kMostThreads) {
    reject(fmt::format("--threads: must be from 1 to {}", kMostThreads));
  }
  settings.threads = static_cast<unsigned>(raw.threads);
  if (raw.collect != "on" && raw.collect != "off") reject("--gc: must be on or off");
  settings.collect_while_growing = raw.collect == "on";
  judge_idle(raw, settings);
  settings.json_path = raw.json_path;
  settings.html_path = raw.html_path;
  check_writable("--json", raw.json_path);
  check_writable("--html", raw.html_path);
  return settings;
}

}  // namespace

std::optional<Settings> parse_options(int argc, char** argv, int& code) {
  CLI::App app(
      "Grows a heap to gigabytes, works on it, drops half, collects, and gives memory back; then "
      "watches a heap that idles.",
      "heap_growth");
  Raw raw;
  describe(app, raw);
  try {
    app.parse(argc, argv);
    return judge(raw, app.count("--gib") != 0, app.count("--dir") != 0);
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    code = 0;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "heap_growth: {}\n\n{}", error.what(), app.help());
    code = kExitUsage;
  }
  return std::nullopt;
}

}  // namespace acre::bench
