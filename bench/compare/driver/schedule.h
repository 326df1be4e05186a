// When what is run: the order of the systems in a round, and how many rounds the time allows.
#pragma once

#include <string>
#include <vector>

namespace acre::bench {

// The indices 0 to `count` - 1 as they are run in a round (from 0) of `rounds`. Rotated, so that no system
// always runs first, or always after the same neighbour at the same time of a round: the start moves on by
// an equal part of the list each round, and by at least one.
std::vector<std::size_t> order_of(std::size_t count, unsigned round, unsigned rounds);

struct Pending {
  double round_seconds;  // what one round of the workload takes
  unsigned rounds;       // that are left of it
};

// Takes rounds away until the rest fits into `seconds`: each time from the workload whose rounds that are
// left cost most together. May leave nothing.
void fit_rounds(double seconds, std::vector<Pending>& pending);

}  // namespace acre::bench
