#include "bench/growth/table.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/growth/units.h"

namespace acre::bench {
namespace {

std::string bytes(std::uint64_t value) { return short_bytes(static_cast<double>(value)); }

std::string count(std::uint64_t value) {
  return value < 1000000 ? std::to_string(value) : grouped(value);
}

std::string speed(double bytes_per_second) {
  if (bytes_per_second <= 0) return "-";
  return fmt::format("{:.2f}", bytes_per_second / static_cast<double>(kGiB));
}

std::string pause(const PhaseFigures& phase, double value) {
  return phase.collections == 0 ? "-" : short_time(value);
}

Row phase_row(const PhaseFigures& phase) {
  return {phase.completed ? phase.name : phase.name + " (stopped)",
          short_time(phase.seconds),
          phase.allocated == 0 ? "-" : speed(phase.bytes_per_second()),
          bytes(phase.reserved),
          bytes(phase.mapped),
          bytes(phase.in_use),
          bytes(phase.live),
          bytes(phase.released),
          short_bytes(static_cast<double>(phase.resident)),
          fmt::format("{:+}", phase.vmas),
          count(phase.heap_vmas),
          count(phase.minor_faults),
          count(phase.collections),
          pause(phase, phase.pause_total),
          pause(phase, phase.pause_longest)};
}

Row raw_row(const RawFigures& raw) {
  Row row;
  row.fill("");
  row[0] = raw.name;
  row[1] = short_time(raw.seconds);
  row[2] = speed(raw.bytes_per_second());
  row[4] = bytes(raw.bytes);
  row[8] = bytes(raw.resident);
  row[11] = count(raw.minor_faults);
  return row;
}

void print_row(const Row& row, const std::array<std::size_t, kColumns>& widths) {
  std::string line = fmt::format("  {:<{}}", row[0], widths[0]);
  for (std::size_t i = 1; i < kColumns; ++i) line += fmt::format("  {:>{}}", row[i], widths[i]);
  line.erase(line.find_last_not_of(' ') + 1);
  fmt::print("{}\n", line);
}

void print_findings(const Findings& findings) {
  for (const auto& [name, value] : findings.facts) fmt::print("  {}: {}\n", name, value);
  if (findings.top.empty()) return;
  fmt::print("  the {} most frequent identifiers:\n", findings.top.size());
  for (const auto& [name, times] : findings.top) {
    fmt::print("  {:>14}  {}\n", grouped(times), name);
  }
}

}  // namespace

const std::array<Row, 2>& table_heading() {
  static const std::array<Row, 2> heading = {
      Row{"phase", "time", "alloc", "re-", "mapped", "in use", "live", "re-", "resi-", "VMAs",
          "heap", "minor", "GCs", "paused", "longest"},
      Row{"", "", "GiB/s", "served", "", "", "", "leased", "dent", "+", "VMAs", "faults", "",
          "in all", "pause"}};
  return heading;
}

const Row& column_help() {
  static const Row help = {
      "what the program does",
      "wall time of the phase",
      "bytes allocated in the phase, garbage too, by its time",
      "address space of the heap's range",
      "arenas mapped read-write",
      "pages in spans: objects, garbage not yet swept, and free room among them",
      "what the program knows to be reachable: the sizes it asked for",
      "free pages that hold no memory: given back, or never touched",
      "memory of the process as the kernel says, less what it was before the heap",
      "mappings of the process more than before the heap",
      "mappings by the heap's own books",
      "page faults of the process in the phase",
      "collections in the phase",
      "time that threads were stopped in the phase",
      "longest stop in the phase"};
  return help;
}

std::vector<Row> table_rows(const WorkloadResult& result) {
  std::vector<Row> rows;
  for (const PhaseFigures& phase : result.phases) rows.push_back(phase_row(phase));
  for (const RawFigures& raw : result.raw) rows.push_back(raw_row(raw));
  return rows;
}

void print_workload(const WorkloadResult& result) {
  fmt::print("\n{}: {}\n", result.name, result.description);
  const std::vector<Row> rows = table_rows(result);
  std::array<std::size_t, kColumns> widths{};
  const auto measure = [&](const Row& row) {
    for (std::size_t i = 0; i < kColumns; ++i) widths[i] = std::max(widths[i], row[i].size());
  };
  for (const Row& row : table_heading()) measure(row);
  for (const Row& row : rows) measure(row);
  for (const Row& row : table_heading()) print_row(row, widths);
  for (const Row& row : rows) print_row(row, widths);
  if (result.idle) {
    fmt::print("  idle: {} ({})\n", outcome_text(*result.idle), course_text(*result.idle));
  }
  print_findings(result.findings);
  if (!result.failure.empty()) fmt::print("  STOPPED: {}\n", result.failure);
  std::fflush(stdout);
}

void print_checks(const Outcome& outcome) {
  fmt::print("\nchecks\n");
  std::array<std::size_t, 3> widths{};
  for (const Check& check : outcome.checks) {
    widths[0] = std::max(widths[0], check.what.size());
    widths[1] = std::max(widths[1], check.measured.size());
    widths[2] = std::max(widths[2], check.target.size());
  }
  for (const Check& check : outcome.checks) {
    std::string line =
        fmt::format("  {:<{}}  {:>{}}  {:<{}}  {:<13}", check.what, widths[0], check.measured,
                    widths[1], check.target, widths[2], check.verdict_text());
    if (!check.note.empty()) line += "  (" + check.note + ")";
    line.erase(line.find_last_not_of(' ') + 1);
    fmt::print("{}\n", line);
  }
}

}  // namespace acre::bench
