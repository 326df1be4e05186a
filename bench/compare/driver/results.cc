#include "bench/compare/driver/results.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/compare/driver/statistics.h"
#include "bench/growth/units.h"

namespace acre::bench {

double Result::peak_over_live() const {
  return ratio(static_cast<double>(peak_rss), static_cast<double>(live_bytes));
}

double Result::phase_ns(std::string_view name) const {
  const auto at =
      std::find_if(phases.begin(), phases.end(), [&](const Phase& p) { return p.name == name; });
  return at == phases.end() ? 0 : at->nanoseconds;
}

namespace {

// By the names that the first of the runs has.
std::vector<Phase> median_phases(const std::vector<Run>& runs) {
  std::vector<Phase> medians;
  for (const Run& run : runs) {
    if (medians.empty()) medians = run.figures.phases;
  }
  for (Phase& phase : medians) {
    std::vector<double> all;
    for (const Run& run : runs) {
      for (const Phase& each : run.figures.phases) {
        if (each.name == phase.name) all.push_back(each.nanoseconds);
      }
    }
    phase.nanoseconds = median(all);
  }
  return medians;
}

}  // namespace

Result summarize(std::string_view workload, std::string_view system, const std::string& version,
                 const std::vector<Run>& runs) {
  Result result;
  result.workload = workload;
  result.system = system;
  result.version = version;
  std::vector<double> cpu;
  std::vector<double> setup;
  std::vector<double> collections;
  const auto fail = [&](std::size_t round, const std::string& why) {
    if (!result.failure.empty()) return;
    result.failure = runs.size() == 1 ? why : fmt::format("round {}: {}", round + 1, why);
  };
  for (std::size_t round = 0; round < runs.size(); ++round) {
    const Run& run = runs[round];
    if (!run.failure.empty()) {
      fail(round, run.failure);
      continue;
    }
    const Measurement& figures = run.figures;
    if (result.answer.empty()) result.answer = figures.answer;
    if (figures.answer != result.answer) {
      fail(round, fmt::format("answer {}, before it was {}", figures.answer, result.answer));
    }
    result.seconds_all.push_back(figures.seconds);
    cpu.push_back(figures.cpu_seconds);
    setup.push_back(figures.setup_seconds);
    collections.push_back(static_cast<double>(figures.collections));
    result.peak_rss = std::max(result.peak_rss, run.peak_rss);
    result.live_bytes = std::max(result.live_bytes, figures.live_bytes);
  }
  result.seconds = median(result.seconds_all);
  result.spread = spread(result.seconds_all);
  result.cpu_seconds = median(cpu);
  result.setup_seconds = median(setup);
  result.collections = static_cast<std::uint64_t>(std::llround(median(collections)));
  result.phases = median_phases(runs);
  result.ok = result.failure.empty() && !runs.empty();
  return result;
}

void compare_answers(std::vector<Result*>& of_one_workload) {
  const Result* expected = nullptr;
  std::ptrdiff_t most = 0;
  for (const Result* candidate : of_one_workload) {
    if (candidate->answer.empty()) continue;
    const auto votes =
        std::count_if(of_one_workload.begin(), of_one_workload.end(),
                      [&](const Result* r) { return r->answer == candidate->answer; });
    if (votes > most) {
      expected = candidate;
      most = votes;
    }
  }
  if (expected == nullptr) return;
  for (Result* result : of_one_workload) {
    if (!result->ok || result->answer == expected->answer) continue;
    result->ok = false;
    result->failure = fmt::format("wrong answer {}: {} has {}", result->answer, expected->system,
                                  expected->answer);
  }
}

const Result* find_result(const std::vector<Result>& results, std::string_view workload,
                          std::string_view system) {
  const auto at = std::find_if(results.begin(), results.end(), [&](const Result& r) {
    return r.workload == workload && r.system == system;
  });
  return at == results.end() ? nullptr : &*at;
}

const Result* find_good(const std::vector<Result>& results, std::string_view workload,
                        std::string_view system) {
  const Result* result = find_result(results, workload, system);
  return result != nullptr && result->ok ? result : nullptr;
}

double scaling(const std::vector<Result>& results, std::string_view system) {
  const Result* one = find_good(results, "mt_alloc_1", system);
  const Result* two = find_good(results, "mt_alloc_2", system);
  return one == nullptr || two == nullptr ? 0 : ratio(2 * one->seconds, two->seconds);
}

}  // namespace acre::bench
