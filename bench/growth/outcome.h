// All that a run found out: what the table, the JSON and the HTML are made of.
#pragma once

#include <vector>

#include "bench/growth/checks.h"
#include "bench/growth/creation.h"
#include "bench/growth/process.h"
#include "bench/growth/runner.h"
#include "bench/growth/settings.h"

namespace acre::bench {

struct Outcome {
  Settings settings;
  Machine machine;
  int heap_huge_pages = 0;  // the heap's setting: ACRE_HUGE_PAGES_*
  CreationFigures creation;
  std::vector<WorkloadResult> workloads;
  std::vector<Check> checks;
};

}  // namespace acre::bench
