// Running one fact in a child process, which may crash, hang or be killed without harm to us.
#pragma once

#include <string>
#include <vector>

#include "bench/facts/fact.h"

namespace acre::bench {

struct FactRun {
  std::string id;
  std::string about;
  bool heap_relies = false;
  std::vector<Finding> findings;  // with a failure: those that came before it
  std::string failure;            // empty: the child ended well
  double seconds = 0;

  // The child ended well, and nothing that it judged does not hold.
  bool good() const;
};

inline constexpr double kFactSeconds = 30;

// Forks. The child is killed after `timeout` seconds, and when we die. The caller has one thread.
FactRun run_fact(const Fact& fact, double timeout = kFactSeconds);

}  // namespace acre::bench
