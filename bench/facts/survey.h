// A run of the program: the facts that were asked for, and what all came to.
#pragma once

#include <vector>

#include "bench/facts/options.h"
#include "bench/facts/probes.h"
#include "bench/facts/runner.h"
#include "bench/growth/process.h"

namespace acre::bench {

struct Survey {
  Machine machine;
  KernelSettings kernel;
  bool root = false;
  std::vector<FactRun> runs;
  double seconds = 0;

  bool good() const;  // all children ended well, and what applies holds
  int count(Verdict verdict) const;
  int failures() const;  // children that did not end well
};

// Progress goes to stderr, if that is a terminal.
Survey run_survey(const FactsSettings& settings);

}  // namespace acre::bench
