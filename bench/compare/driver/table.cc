#include "bench/compare/driver/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/growth/units.h"

namespace acre::bench {
namespace {

// Three digits, and "-" for what was not measured.
std::string quotient(double a, double b) { return a > 0 && b > 0 ? short_number(a / b) : "-"; }

std::string bytes(std::uint64_t value) {
  return value == 0 ? "-" : short_bytes(static_cast<double>(value));
}

TableRow row_of(const Result& result, const Result* reference, bool shows_live) {
  TableRow row{result.system, result.ok ? "" : result.failure, {}};
  if (!result.ok) return row;
  const auto peak = static_cast<double>(result.peak_rss);
  row.cells = {short_time(result.seconds),
               result.seconds_all.size() < 2 ? "-" : fmt::format("{:.0f} %", result.spread * 100),
               short_time(result.cpu_seconds),
               bytes(result.peak_rss),
               quotient(result.seconds, reference == nullptr ? 0 : reference->seconds),
               quotient(peak, reference == nullptr ? 0 : static_cast<double>(reference->peak_rss)),
               result.collections == 0 ? "-" : grouped(result.collections)};
  if (shows_live) row.cells.push_back(quotient(peak, static_cast<double>(result.live_bytes)));
  return row;
}

std::string block_text(const TableBlock& block) {
  std::size_t first = 13;  // at least, so that the columns of all blocks stand below each other
  std::vector<std::size_t> widths;
  for (const std::string& name : block.heading) {
    widths.push_back(std::max<std::size_t>(name.size(), 7));
  }
  for (const TableRow& row : block.rows) {
    first = std::max(first, row.system.size());
    for (std::size_t i = 0; i < row.cells.size(); ++i) {
      widths[i] = std::max(widths[i], row.cells[i].size());
    }
  }
  const auto line = [&](const std::string& name, const std::vector<std::string>& cells) {
    std::string text = fmt::format("  {:<{}}", name, first);
    for (std::size_t i = 0; i < cells.size(); ++i) {
      text += fmt::format("  {:>{}}", cells[i], widths[i]);
    }
    return text + "\n";
  };
  std::string text = line("", block.heading);
  for (const TableRow& row : block.rows) {
    if (row.failure.empty()) {
      text += line(row.system, row.cells);
    } else {
      text += fmt::format("  {:<{}}  FAILED: {}\n", row.system, first, row.failure);
    }
  }
  return text;
}

std::string targets_text(const std::vector<Target>& targets, bool quick) {
  if (targets.empty()) return "";
  std::string text = "\ntargets, by the medians";
  text += quick ? " (none is judged by the sizes of --quick)\n" : "\n";
  std::size_t width = 0;
  for (const Target& target : targets) width = std::max(width, target.what.size());
  for (const Target& target : targets) {
    text += fmt::format("  {:<13} {:<{}}  {:>6}  {:<7}  {}\n", target.workload, target.what, width,
                        target.value > 0 ? short_number(target.value) : "-", target.bound_text(),
                        target.verdict_text());
  }
  return text;
}

}  // namespace

std::vector<ColumnHelp> column_meanings(const std::string& reference) {
  return {
      {"time", "median of the measured section; of graph and list, of one full collection"},
      {"spread", "(largest - smallest) / median of the rounds"},
      {"cpu", "processor time of all threads over the same section"},
      {"peak", "the most memory that was resident, of the whole process, in any round"},
      {"x " + reference, "time / that of " + reference},
      {"peak x", "peak / that of " + reference},
      {"GCs", "collections, as the system counts them"},
      {"peak/live", "peak / the bytes that the program knew to be live"},
  };
}

std::vector<TableBlock> table_blocks(const Comparison& comparison) {
  std::vector<TableBlock> blocks;
  const std::vector<ColumnHelp> columns = column_meanings(comparison.reference);
  for (const std::string& name : comparison.settings.workloads) {
    const bool shows_live = find_workload(name)->shows_live;
    TableBlock block{name, {}, {}};
    for (const ColumnHelp& column : columns) block.heading.push_back(column.name);
    if (!shows_live) block.heading.pop_back();
    const Result* reference = find_good(comparison.results, name, comparison.reference);
    for (const Result& result : comparison.results) {
      if (result.workload == name) block.rows.push_back(row_of(result, reference, shows_live));
    }
    if (!block.rows.empty()) blocks.push_back(std::move(block));
  }
  return blocks;
}

TableBlock scaling_block(const Comparison& comparison) {
  TableBlock block{"scaling", {"2 t1/t2"}, {}};
  for (const Program& program : comparison.programs) {
    const double value = scaling(comparison.results, program.system->name);
    if (value <= 0) continue;
    block.rows.push_back({std::string(program.system->name), "", {short_number(value)}});
  }
  return block;
}

TableBlock phases_block(const Comparison& comparison, const std::string& workload) {
  TableBlock block{workload, {}, {}};
  const Result* reference = find_good(comparison.results, workload, comparison.reference);
  for (const Result& result : comparison.results) {
    if (result.workload != workload || !result.ok || result.phases.empty()) continue;
    const bool first = block.rows.empty();
    TableRow row{result.system, "", {}};
    for (const Phase& phase : result.phases) {
      const double base = reference == nullptr ? 0 : reference->phase_ns(phase.name);
      row.cells.push_back(fmt::format("{:.1f} ns", phase.nanoseconds));
      row.cells.push_back(quotient(phase.nanoseconds, base));
      if (first) block.heading.push_back(phase.name);
      if (first) block.heading.push_back("x " + comparison.reference);
    }
    row.cells.push_back(quotient(1e3, result.phase_ns("switch")) + " M");
    if (first) block.heading.emplace_back("switches/s");
    block.rows.push_back(std::move(row));
  }
  return block;
}

std::string table_text(const Comparison& comparison) {
  std::string text;
  const TableBlock scaled = scaling_block(comparison);
  for (const TableBlock& block : table_blocks(comparison)) {
    text += fmt::format("\n{}: {}\n", block.workload, find_workload(block.workload)->what);
    text += block_text(block);
    if (block.workload == "mt_alloc_2" && !scaled.rows.empty()) {
      text += "\n  two threads: 2 x the time of mt_alloc_1 / that of mt_alloc_2; 2 at best\n";
      text += block_text(scaled);
    }
    const TableBlock phases = phases_block(comparison, block.workload);
    if (!phases.rows.empty()) text += "\n  one fiber, by phase\n" + block_text(phases);
  }
  text += targets_text(comparison.targets, comparison.settings.quick);
  for (const std::string& note : comparison.notes) text += "\nnote: " + note + "\n";
  const std::vector<std::string> failures = comparison.failures();
  if (!failures.empty()) text += "\nfailures\n";
  for (const std::string& failure : failures) text += "  " + failure + "\n";
  return text;
}

}  // namespace acre::bench
