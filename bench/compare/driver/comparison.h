// All that a comparison found out: what the table, the JSON and the page are made of.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "bench/compare/driver/programs.h"
#include "bench/compare/driver/results.h"
#include "bench/compare/driver/settings.h"
#include "bench/compare/driver/targets.h"
#include "bench/growth/process.h"

namespace acre::bench {

struct Comparison {
  CompareSettings settings;
  Machine machine;
  std::vector<std::pair<std::string, std::string>> environment;  // variables that change a system
  std::vector<Program> programs;                                 // of all systems asked for
  std::string reference;        // the system that the ratios are against
  std::vector<Result> results;  // workload by workload, in the order of the systems
  std::vector<Target> targets;
  std::vector<std::string> notes;  // what the reader should know: fewer rounds than asked for
  double wall_seconds = 0;         // of it all

  // What makes the exit code 1, a line each.
  std::vector<std::string> failures() const;
};

// Systems that are left out for the same reason.
struct LeftOut {
  std::string systems;  // with commas
  std::string reason;
  bool failure = false;  // broken, not missing
};
std::vector<LeftOut> left_out(const std::vector<Program>& programs);

// The first of the systems asked for that is there: "acre" if it is among them.
std::string reference_of(const std::vector<Program>& programs);

// The variables by which a user changes what is measured: of Acre, Go, Java, and the others.
std::vector<std::pair<std::string, std::string>> relevant_environment();

}  // namespace acre::bench
