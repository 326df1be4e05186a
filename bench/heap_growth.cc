// heap_growth: a heap grows to gigabytes, works at constant size, loses half of its data, is collected and
// gives memory back; beside it, the same growth by mmap alone; then a heap that loses nearly all and is left
// alone. See README.md in this folder.
//
// Exit: 0 when everything ran (a missed target is printed, not a failure), 1 when a workload stopped early
// or a file could not be written, 2 for a wrong command line.
#include <fmt/format.h>
#include <malloc.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <memory>
#include <string>

#include "bench/growth/html.h"
#include "bench/growth/json.h"
#include "bench/growth/options.h"
#include "bench/growth/outcome.h"
#include "bench/growth/report.h"
#include "bench/growth/table.h"
#include "bench/growth/units.h"

namespace acre::bench {
namespace {

std::unique_ptr<Workload> make_workload(const std::string& name, const Settings& settings) {
  if (name == "small") return make_small(settings);
  if (name == "mixed") return make_mixed(settings);
  if (name == "large") return make_large(settings);
  return make_index(settings);
}

// The workloads keep references on their stacks, so these must be scanned whatever the environment says.
acre_options heap_options() {
  acre_options options;
  acre_options_init(&options);
  options.conservative_stacks = 1;
  return options;
}

bool write_file(const std::string& path, const std::string& content) {
  return write_report("heap_growth", path, content);
}

void print_intro(const Outcome& outcome) {
  const Settings& settings = outcome.settings;
  const Machine& machine = outcome.machine;
  fmt::print("heap_growth: {}, {} cores, {} of memory, {}, huge pages: {}\n", machine.processor,
             machine.cores, long_bytes(static_cast<double>(machine.memory_total)), machine.kernel,
             machine.huge_pages);
  fmt::print(
      "live data: {}{}; threads: {}; collections while growing: {}\n",
      long_bytes(static_cast<double>(settings.live_bytes)),
      settings.size_lowered ? " (lowered from 2 GiB to a quarter of the available memory)" : "",
      settings.threads, settings.collect_while_growing ? "on" : "off");
  if (settings.idle_seconds > 0) {
    fmt::print("idle: at most {}, with {} live\n", short_time(settings.idle_seconds),
               long_bytes(static_cast<double>(settings.keep_bytes)));
  }
  fmt::print("sizes in the tables: K, M, G are 2^10, 2^20, 2^30 bytes\n");
}

// One course of a workload, run and printed. Whether it came to its end.
bool run_course(const std::string& name, Course course, const acre_options& options,
                Outcome& outcome) {
  const bool show_progress = isatty(STDERR_FILENO) == 1;
  const Settings& settings = outcome.settings;
  outcome.workloads.push_back(
      run_workload(make_workload(name, settings), settings, options, course, show_progress));
  const WorkloadResult& result = outcome.workloads.back();
  print_workload(result);
  if (result.failure.empty()) return true;
  fmt::print(stderr, "heap_growth: {}: {}\n", result.name, result.failure);
  return false;
}

int run(const Settings& settings) {
  Outcome outcome;
  outcome.settings = settings;
  outcome.machine = read_machine();
  const acre_options options = heap_options();
  outcome.heap_huge_pages = options.huge_pages;
  print_intro(outcome);
  outcome.creation = measure_creation(options);
  bool good = true;
  for (const std::string& name : settings.workloads) {
    bool ran = settings.idle_only || run_course(name, Course::kLife, options, outcome);
    if (ran && settings.idle_seconds > 0) ran = run_course(name, Course::kIdle, options, outcome);
    good = good && ran;
  }
  outcome.checks = make_checks(settings, outcome.creation, outcome.workloads);
  print_checks(outcome);
  fmt::print("\n");
  if (!write_file(settings.json_path, to_json(outcome))) good = false;
  if (!write_file(settings.html_path, to_html(outcome))) good = false;
  return good ? 0 : 1;
}

}  // namespace
}  // namespace acre::bench

int main(int argc, char** argv) {
  // Each thread's own malloc arena would be a mapping of 64 MiB, counted with the heap's.
  mallopt(M_ARENA_MAX, 1);
  try {
    int code = 0;
    const auto settings = acre::bench::parse_options(argc, argv, code);
    return settings ? acre::bench::run(*settings) : code;
  } catch (const std::exception& problem) {
    fmt::print(stderr, "heap_growth: {}\n", problem.what());
    return 1;
  }
}
