// Where the marks of an axis go.
#pragma once

#include <string>
#include <vector>

namespace acre::bench {

struct Mark {
  double value;
  std::string label;
};

struct Axis {
  double top = 1;  // the largest value shown; never 0
  std::vector<Mark> marks;
};

// From 0 to a round number of KiB, MiB or GiB at or above `largest`, in about `steps` steps.
Axis byte_axis(double largest, int steps);
// From 0 to exactly `largest` seconds.
Axis time_axis(double largest, int steps);

}  // namespace acre::bench
