// What is being run, on stderr: one line that is written over on a terminal, else a line a run.
#pragma once

#include <string>
#include <string_view>

#include "bench/compare/driver/results.h"

namespace acre::bench {

class Progress {
 public:
  explicit Progress(double started);

  void begin(unsigned round, std::string_view workload, std::string_view system);
  void end(const Run& run);
  void clear();

 private:
  const double started_;
  const bool terminal_;
  std::string current_;
};

}  // namespace acre::bench
