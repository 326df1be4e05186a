// Runs one workload on a heap of its own, phase after phase, and takes the figures.
//
// The work of a phase runs on fresh threads, one a part: when they end, no stale reference of theirs is on
// any stack that is scanned. The main thread is attached only for collect, release and the answers; while
// the heap idles, no thread is.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/growth/idle.h"
#include "bench/growth/phase.h"
#include "bench/growth/raw_baseline.h"
#include "bench/growth/sampler.h"
#include "bench/growth/settings.h"
#include "bench/growth/workload.h"

namespace acre::bench {

// kLife: grow, steady, drop half, collect, release. kIdle: grow, drop, collect, idle; grow again, drop
// again, release at once. Each on a new heap, so that an idle one holds what growth left and nothing else.
enum class Course { kLife, kIdle };

inline constexpr const char* kGrowAgain = "grow again";
inline constexpr const char* kReleaseAtOnce = "release at once";

struct WorkloadResult {
  Course course = Course::kLife;
  std::string name;  // the workload's, and the course if it is not kLife
  std::string description;
  std::string failure;  // empty: it ran to its end
  std::vector<PhaseFigures> phases;
  std::vector<RawFigures> raw;      // of kLife; empty after a failure
  std::optional<IdleFigures> idle;  // of kIdle, if it came so far
  std::vector<Sample> samples;
  Findings findings;

  // The figures of growth, or NULL if it did not end.
  const PhaseFigures* growth() const {
    return phases.empty() || !phases.front().completed ? nullptr : &phases.front();
  }
  // NULL if it did not end.
  const PhaseFigures* phase(std::string_view phase_name) const {
    for (const PhaseFigures& each : phases) {
      if (each.name == phase_name) return each.completed ? &each : nullptr;
    }
    return nullptr;
  }
};

// `options` are those of the heap. A workload that fails is a result too: see `failure`.
WorkloadResult run_workload(std::unique_ptr<Workload> workload, const Settings& settings,
                            const acre_options& options, Course course, bool show_progress);

}  // namespace acre::bench
