// What making a heap costs, before anything is allocated from it.
#pragma once

#include <acre/acre.h>

#include <cstdint>
#include <vector>

namespace acre::bench {

struct CreationFigures {
  std::vector<double> seconds;  // of each creation, in order
  double first = 0;             // with the page faults and the binding that a process pays once
  double median = 0;
  std::uint64_t resident = 0;  // of the process, by one creation: the most that was seen
};

CreationFigures measure_creation(const acre_options& options);

}  // namespace acre::bench
