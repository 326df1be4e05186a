// What the runs of one workload by one system come to, and whether all systems agree.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/compare/driver/measurement.h"

namespace acre::bench {

struct Run {
  std::string failure;  // empty: the figures are good
  Measurement figures;
  std::uint64_t peak_rss = 0;
  double wall_seconds = 0;  // of the whole process
};

struct Result {
  std::string workload;
  std::string system;
  std::string version;
  bool ok = false;
  std::string failure;  // of the first run that failed; names its round
  // Of the good runs. They are kept when another run failed, but no ratio and no target is made of them.
  std::vector<double> seconds_all;
  double seconds = 0;  // medians
  double cpu_seconds = 0;
  double setup_seconds = 0;
  std::uint64_t collections = 0;
  double spread = 0;
  std::uint64_t peak_rss = 0;  // the most of any
  std::uint64_t live_bytes = 0;
  std::string answer;         // the first
  std::vector<Phase> phases;  // medians

  double peak_over_live() const;  // 0 if the program does not say what lives
  // What an operation of the phase takes; 0 if there is none of that name.
  double phase_ns(std::string_view name) const;
};

Result summarize(std::string_view workload, std::string_view system, const std::string& version,
                 const std::vector<Run>& runs);

// Makes failures of the results of one workload whose answer is not that of most (of as many, that of the
// one that comes first).
void compare_answers(std::vector<Result*>& of_one_workload);

// Null if it was not run.
const Result* find_result(const std::vector<Result>& results, std::string_view workload,
                          std::string_view system);
// The same, and null if it failed.
const Result* find_good(const std::vector<Result>& results, std::string_view workload,
                        std::string_view system);

// How two threads scale: 2 * (seconds of mt_alloc_1) / (seconds of mt_alloc_2), 2 at best; 0 if either is
// not there.
double scaling(const std::vector<Result>& results, std::string_view system);

}  // namespace acre::bench
