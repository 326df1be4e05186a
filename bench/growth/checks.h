// The targets of this program, and whether this run met them.
#pragma once

#include <string>
#include <vector>

#include "bench/growth/creation.h"
#include "bench/growth/runner.h"
#include "bench/growth/settings.h"

namespace acre::bench {

struct Check {
  enum class Verdict { kHolds, kDoesNotHold, kNotMeasured };

  std::string what;
  std::string measured;  // for people
  double value = 0;      // of `measured`, in the unit of the target
  std::string target;
  Verdict verdict = Verdict::kNotMeasured;
  std::string note;

  const char* verdict_text() const;
};

std::vector<Check> make_checks(const Settings& settings, const CreationFigures& creation,
                               const std::vector<WorkloadResult>& results);

}  // namespace acre::bench
