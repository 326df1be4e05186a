// compare: the same workloads by Acre, by other collectors and by malloc, each run in a process of its own;
// one table, one page, and whether Acre reaches what it set out to. See ../README.md.
//
// Exit: 0 when all ran and all answers agree (a missed target is printed, not a failure, and a system that
// this machine lacks is left out), 1 when not, or a file could not be written; 2 for a wrong command line.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "bench/compare/driver/comparison.h"
#include "bench/compare/driver/json.h"
#include "bench/compare/driver/options.h"
#include "bench/compare/driver/page.h"
#include "bench/compare/driver/runner.h"
#include "bench/compare/driver/table.h"
#include "bench/growth/report.h"
#include "bench/growth/units.h"

namespace acre::bench {
namespace {

void print_intro(const Comparison& comparison) {
  const Machine& machine = comparison.machine;
  fmt::print("compare: {}, {} cores, {} of memory, {}, huge pages: {}\n", machine.processor,
             machine.cores, long_bytes(static_cast<double>(machine.memory_total)), machine.kernel,
             machine.huge_pages);
  for (const Program& program : comparison.programs) {
    if (program.presence != Presence::kPresent) continue;
    fmt::print("  {:<14} {}\n", program.system->name, program.version);
  }
  for (const LeftOut& each : left_out(comparison.programs)) {
    fmt::print("left out: {}: {}\n", each.systems, each.reason);
  }
  for (const auto& [name, value] : comparison.environment) {
    fmt::print("  in the environment: {}={}\n", name, value);
  }
  if (comparison.reference != "acre") {
    fmt::print("ratios are to {}, for acre is not among the systems\n", comparison.reference);
  }
  std::fflush(stdout);
}

void print_outcome(const Comparison& comparison) {
  fmt::print("{}\n", table_text(comparison));
  fmt::print("columns\n");
  for (const ColumnHelp& column : column_meanings(comparison.reference)) {
    fmt::print("  {:<10} {}\n", column.name, column.meaning);
  }
  fmt::print("sizes: K, M, G are 2^10, 2^20, 2^30 bytes; {} in all\n",
             short_time(comparison.wall_seconds));
}

int run(const CompareSettings& settings) {
  const double started = now_seconds();
  Comparison comparison;
  comparison.settings = settings;
  comparison.machine = read_machine();
  comparison.environment = relevant_environment();
  comparison.programs = find_programs(settings);
  comparison.reference = reference_of(comparison.programs);
  if (comparison.reference.empty()) {
    for (const LeftOut& each : left_out(comparison.programs)) {
      fmt::print(stderr, "compare: {}: {}\n", each.systems, each.reason);
    }
    fmt::print(stderr, "compare: none of the systems is there\n");
    return 1;
  }
  print_intro(comparison);
  run_comparison(comparison, started);
  comparison.targets = judge_targets(comparison.results, settings.workloads, settings.quick);
  comparison.wall_seconds = now_seconds() - started;
  print_outcome(comparison);
  bool good = comparison.failures().empty();
  if (!write_report("compare", settings.json_path, to_json(comparison))) good = false;
  if (!write_report("compare", settings.html_path, to_page(comparison))) good = false;
  return good ? 0 : 1;
}

}  // namespace
}  // namespace acre::bench

int main(int argc, char** argv) {
  try {
    int code = 0;
    const auto settings = acre::bench::parse_compare_options(argc, argv, code);
    return settings ? acre::bench::run(*settings) : code;
  } catch (const std::exception& problem) {
    fmt::print(stderr, "compare: {}\n", problem.what());
    return 1;
  }
}
