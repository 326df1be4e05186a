// From a system's name to the program that measures it.
//
// Native programs are built by Bazel and found in a folder. Malloc's program is one, run with each library
// preloaded; that the library is the one whose malloc it calls is read from what the dynamic loader says of
// its bindings, for a preload that fails is otherwise only a warning. Go's and Java's are built here, from
// sources, in the work folder. Every program is asked for its version, so one that does not run at all is
// known before the first round.
//
// A system that this machine does not have is missing; one that it has, or was pointed to by a variable of
// the environment, but which does not work is broken: that is a failure of the comparison.
#pragma once

#include <string>
#include <vector>

#include "bench/compare/driver/catalogue.h"
#include "bench/compare/driver/child.h"
#include "bench/compare/driver/settings.h"

namespace acre::bench {

enum class Presence { kPresent, kMissing, kBroken };

struct Program {
  const System* system = nullptr;
  Presence presence = Presence::kMissing;
  std::string reason;              // why it is not present
  std::string version;             // what it says of itself
  std::vector<std::string> words;  // the command line before the workload
  std::vector<Variable> environment;
};

// One for each system of the settings, in their order.
std::vector<Program> find_programs(const CompareSettings& settings);

// What runs a workload: never changes with the round.
ChildCommand command_for(const Program& program, const Workload& workload,
                         const CompareSettings& settings);

// Empty if the malloc that `words` calls, started with `library` preloaded, is the library's; else why not.
std::string preload_problem(const std::vector<std::string>& words, const std::string& library);

}  // namespace acre::bench
