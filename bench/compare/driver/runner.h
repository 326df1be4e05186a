// Runs the programs, round by round.
//
// 1. Round 1 runs every workload by every system that is there.
// 2. From what the rounds took so far, the rest is fitted into the time budget; workloads that cost most
//    lose rounds first, and a note says so. The first round is always whole.
// 3. The next round runs every workload that still has one; then 2 again.
//
// Between the runs of a pair of system and workload lie those of all other pairs, so a machine that is slow
// for a while is slow for all. A pair that failed is not run again.
#pragma once

#include "bench/compare/driver/comparison.h"

namespace acre::bench {

// Fills in results and notes. `started`: when the budget began, on the clock of now_seconds.
void run_comparison(Comparison& comparison, double started);

}  // namespace acre::bench
