// Owns the arithmetic of when to collect: pure functions, no clock, no heap, no locks.
//
//   goal(percent)  = live + (live + stacks + roots) * percent / 100,  at least 4 MiB * percent / 100
//   goal(limit)    = limit - what the heap takes beside its objects - headroom
//   goal           = the lower of both, but never less than live + a minimum of growth
//
// The world is stopped for the whole of a collection, so the heap does not grow meanwhile and the
// trigger is the goal itself (Go's lies before it). The minimum of growth is what keeps a heap
// whose live size is at its limit from collecting at every allocation: the limit is soft. A larger
// minimum overshoots the limit more, a smaller one collects more often near it.
//
// After Go's pacer (mgcpacer.go): GOGC with its minimum heap, GOMEMLIMIT with its headroom.

#ifndef ACRE_GC_PACE_PACER_H_
#define ACRE_GC_PACE_PACER_H_

#include <cstdint>

#include "runtime/base/units.h"

namespace acre::gc {

inline constexpr uint64_t kNoGoal = UINT64_MAX;
inline constexpr uint64_t kMinHeapBytes = 4 * rt::kMiB;  // at 100 percent
inline constexpr uint64_t kMinHeadroom = rt::kMiB;       // under the memory limit
inline constexpr uint64_t kHeadroomPercent = 3;
inline constexpr uint64_t kMinGrowthBytes = 256 * rt::kKiB;  // and at least 1/32 of what lives
inline constexpr uint64_t kMinGrowthPart = 32;

struct PaceInput {
  uint64_t live_bytes;      // marked by the last collection
  uint64_t stack_bytes;     // scanned
  uint64_t root_bytes;      // handles and ranges
  uint64_t overhead_bytes;  // mapped, not released and not objects
  int percent;              // negative: off
  uint64_t memory_limit;    // UINT64_MAX: none
};

// Bytes of objects at which to collect next; kNoGoal: never.
uint64_t heap_goal(const PaceInput& input);

}  // namespace acre::gc

#endif  // ACRE_GC_PACE_PACER_H_
