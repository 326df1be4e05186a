// Owns the goals of giving memory back: how many bytes of the heap may stay with the process. Pure
// arithmetic; the caller measures, and releases free pages while it holds more than a goal.
//
//   retain goal  = in use at the last peak * next goal / goal before * 1.1
//                  what the heap will grow to, if its spans are as full then as they were
//   at least       in use now * 1.1: never less than what cannot be released
//   idle         = in use now * 1.1: nothing is being allocated, so no growth to keep pages for
//   limit goal   = limit * 0.95
//
// After Go (mgcscavenge.go): the percent goal with its tenth more, a twentieth below the memory
// limit, and no goal before the first collection. Ours departs in two points: Go's goal may lie
// below what is in use, and its scavenger finds nothing then; and Go has no idle goal, so that a
// process that became quiet after a peak keeps the pages for the next.

#ifndef ACRE_GC_PACE_RETAIN_H_
#define ACRE_GC_PACE_RETAIN_H_

#include <cstdint>

#include "gc/pace/saturating.h"

namespace acre::gc {

// More than needed, kept. Larger: memory that is not used. Smaller: pages are given back that
// are soon wanted again, each at the price of a page fault.
inline constexpr uint64_t kRetainExtraPercent = 10;

// Of the memory limit. Larger: less room for what grows while pages are being released. Smaller:
// free pages are given back while there is room for them.
inline constexpr uint64_t kLimitRetainPercent = 95;

struct RetainInput {
  uint64_t in_use_bytes;       // pages in spans, now
  uint64_t last_in_use_bytes;  // when the last collection began: its peak
  uint64_t goal_bytes;         // of the next collection; kNoGoal: none
  uint64_t last_goal_bytes;    // that the last collection had; kNoGoal: none; 0: there was none yet
  bool idle;                   // nothing was allocated for some seconds
};

// kNoGoal: nothing is to be released. The idle goal needs no collection, and so also holds before
// the first one.
uint64_t retain_goal(const RetainInput& input);

// For all that counts against the limit, not only the heap's spans. kNoGoal without a limit.
uint64_t limit_retain_goal(uint64_t memory_limit);

}  // namespace acre::gc

#endif  // ACRE_GC_PACE_RETAIN_H_
