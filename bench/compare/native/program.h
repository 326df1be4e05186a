// A program of bench/compare: its command line, and the one line of JSON that it answers. What it measures is
// a table of workloads, which workloads.h fills for one interface.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "bench/compare/native/stopwatch.h"

namespace acre::compare {

// A part of the measured section that is told of its own, by what one of its operations takes.
struct Phase {
  const char* name;
  double nanoseconds;
};

struct Outcome {
  std::uint64_t answer = 0;  // the same for every system
  Elapsed elapsed;           // of the measured section
  double setup_seconds = 0;
  std::uint64_t live_bytes = 0;   // peak, by the sizes asked for; 0: not known
  std::uint64_t collections = 0;  // so far, if the system tells
  std::vector<Phase> phases{};    // of few workloads
};

struct Workload {
  const char* name;
  Outcome (*run)(bool quick);
};

// main(): runs the workload that the command line names. Returns the exit code: 0, or 2 for a wrong command line.
int run_program(std::span<const Workload> workloads, const std::string& version, int argc,
                char** argv);

// What every allocation does that gets no memory: says so and ends the process with exit code 1. Any thread.
[[noreturn]] void out_of_memory();

// The same for a call of the system that failed; `error` is an errno.
[[noreturn]] void system_failure(const char* call, int error);

}  // namespace acre::compare
