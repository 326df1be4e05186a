// What Acre sets out to reach against the others, a row each, and whether the medians reach it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "bench/compare/driver/results.h"

namespace acre::bench {

enum class Verdict { kHolds, kDoesNotHold, kNotMeasured };

struct Target {
  std::string workload;
  std::string what;      // the quotient, in words
  double value = 0;      // 0 if not measured
  bool at_least = true;  // or at most
  double bound = 0;
  Verdict verdict = Verdict::kNotMeasured;

  std::string bound_text() const;  // ">= 1.5"
  const char* verdict_text() const;
};

// Those of the workloads named. None is judged by sizes of --quick: the values are there, the verdict is
// not.
std::vector<Target> judge_targets(const std::vector<Result>& results,
                                  const std::vector<std::string>& workloads, bool quick);

}  // namespace acre::bench
