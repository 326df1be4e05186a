#include "bench/compare/driver/runner.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "bench/compare/driver/progress.h"
#include "bench/compare/driver/schedule.h"

namespace acre::bench {
namespace {

struct Pair {
  const Program* program;
  std::vector<Run> runs;

  bool failed() const {
    return std::any_of(runs.begin(), runs.end(), [](const Run& r) { return !r.failure.empty(); });
  }
};

struct Part {
  const Workload* workload;
  std::vector<Pair> pairs;
  unsigned done = 0;     // rounds
  unsigned planned = 0;  // rounds in all

  // What a further round would take: the means of those that would run in it.
  double round_seconds() const {
    double sum = 0;
    for (const Pair& pair : pairs) {
      if (pair.failed() || pair.runs.empty()) continue;
      double taken = 0;
      for (const Run& run : pair.runs) taken += run.wall_seconds;
      sum += taken / static_cast<double>(pair.runs.size());
    }
    return sum;
  }
};

Run run_once(const Program& program, const Workload& workload, const CompareSettings& settings) {
  const ChildResult child = run_child(command_for(program, workload, settings));
  Run run;
  run.wall_seconds = child.seconds;
  run.peak_rss = child.peak_rss;
  run.failure = failure_of(child);
  if (!run.failure.empty()) return run;
  if (child.output_cut) {
    run.failure = "it printed more than a result";
    return run;
  }
  if (const auto figures = parse_measurement(child.output, run.failure)) run.figures = *figures;
  return run;
}

std::vector<Part> parts_of(const Comparison& comparison) {
  std::vector<Part> parts;
  for (const std::string& name : comparison.settings.workloads) {
    Part part{find_workload(name), {}, 0, comparison.settings.rounds};
    for (const Program& program : comparison.programs) {
      if (program.presence == Presence::kPresent && runs_on(*part.workload, *program.system)) {
        part.pairs.push_back({&program, {}});
      }
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

void run_round(Part& part, const Comparison& comparison, Progress& progress) {
  for (const std::size_t index :
       order_of(part.pairs.size(), part.done, comparison.settings.rounds)) {
    Pair& pair = part.pairs[index];
    if (pair.failed()) continue;
    progress.begin(part.done + 1, part.workload->name, pair.program->system->name);
    pair.runs.push_back(run_once(*pair.program, *part.workload, comparison.settings));
    progress.end(pair.runs.back());
  }
  ++part.done;
}

void plan(std::vector<Part>& parts, double seconds_left) {
  std::vector<Pending> pending;
  pending.reserve(parts.size());
  for (const Part& part : parts) {
    pending.push_back({part.round_seconds(), part.planned - part.done});
  }
  fit_rounds(seconds_left, pending);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i].planned = parts[i].done + pending[i].rounds;
  }
}

void note_lost_rounds(Comparison& comparison, const std::vector<Part>& parts) {
  std::string lost;
  for (const Part& part : parts) {
    if (part.done == comparison.settings.rounds) continue;
    lost += fmt::format("{}{} {}", lost.empty() ? "" : ", ", part.workload->name, part.done);
  }
  if (lost.empty()) return;
  comparison.notes.push_back(
      fmt::format("{} rounds would not fit into {} minutes (--budget); fewer of: {}",
                  comparison.settings.rounds, comparison.settings.budget_minutes, lost));
}

}  // namespace

void run_comparison(Comparison& comparison, double started) {
  std::vector<Part> parts = parts_of(comparison);
  const double deadline = started + comparison.settings.budget_minutes * 60;
  Progress progress(started);
  for (unsigned round = 0; round < comparison.settings.rounds; ++round) {
    if (round > 0) plan(parts, deadline - now_seconds());
    for (Part& part : parts) {
      if (part.done < part.planned) run_round(part, comparison, progress);
    }
  }
  progress.clear();
  note_lost_rounds(comparison, parts);
  if (comparison.settings.quick) {
    comparison.notes.emplace_back("--quick: the sizes are far below what the descriptions say");
  }
  for (Part& part : parts) {
    std::vector<Result> results;
    for (const Pair& pair : part.pairs) {
      results.push_back(summarize(part.workload->name, pair.program->system->name,
                                  pair.program->version, pair.runs));
    }
    std::vector<Result*> pointers;
    pointers.reserve(results.size());
    for (Result& result : results) pointers.push_back(&result);
    compare_answers(pointers);
    comparison.results.insert(comparison.results.end(), results.begin(), results.end());
  }
}

}  // namespace acre::bench
