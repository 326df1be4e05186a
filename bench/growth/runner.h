// Runs one workload on a heap of its own, phase after phase, and takes the figures.
//
// The work of a phase runs on fresh threads, one a part: when they end, no stale reference of theirs is on
// any stack that is scanned. The main thread is attached only for collect, release and the answers.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "bench/growth/phase.h"
#include "bench/growth/raw_baseline.h"
#include "bench/growth/sampler.h"
#include "bench/growth/settings.h"
#include "bench/growth/workload.h"

namespace acre::bench {

struct WorkloadResult {
  std::string name;
  std::string description;
  std::string failure;  // empty: it ran to its end
  std::vector<PhaseFigures> phases;
  std::vector<RawFigures> raw;  // empty after a failure
  std::vector<Sample> samples;
  Findings findings;

  // The figures of growth, or NULL if it did not end.
  const PhaseFigures* growth() const {
    return phases.empty() || !phases.front().completed ? nullptr : &phases.front();
  }
};

// `options` are those of the heap. A workload that fails is a result too: see `failure`.
WorkloadResult run_workload(std::unique_ptr<Workload> workload, const Settings& settings,
                            const acre_options& options, bool show_progress);

}  // namespace acre::bench
