// Owns the arithmetic of when to collect: pure functions, no clock, no heap, no locks.
//
//   goal(percent)  = live + (live + stacks + roots) * percent / 100,  at least minimum heap * percent / 100
//   goal(limit)    = limit - what the heap takes beside its objects - headroom
//   goal           = the lower of both, but never less than live + a minimum of growth
//
// The world is stopped for the whole of a collection, so the heap does not grow meanwhile and the
// trigger is the goal itself (Go's lies before it). The minimum of growth is what keeps a heap
// whose live size is at its limit from collecting at every allocation: the limit is soft. A larger
// minimum overshoots the limit more, a smaller one collects more often near it.
//
// The minimum heap is Go's 4 MiB, but not where that makes the collector busy: a program that
// allocates fast and keeps little would collect a thousand times a second. Where eight collections
// took more than a tenth of the time the minimum doubles, up to 32 MiB; where they took less than a
// hundredth it is halved again. So a small heap stays small unless it is worked hard, and costs at
// most 28 MiB more.
//
// After Go's pacer (mgcpacer.go): GOGC with its minimum heap, GOMEMLIMIT with its headroom.

#ifndef ACRE_GC_PACE_PACER_H_
#define ACRE_GC_PACE_PACER_H_

#include <cstdint>

#include "runtime/base/units.h"

namespace acre::gc {

inline constexpr uint64_t kNoGoal = UINT64_MAX;
inline constexpr uint64_t kMinHeapBytes = 4 * rt::kMiB;  // at 100 percent
inline constexpr uint64_t kMaxMinHeapBytes = 32 * rt::kMiB;
inline constexpr uint64_t kBusyPart = 10;  // of the time in pauses: the minimum heap grows
inline constexpr uint64_t kIdlePart = 100;
inline constexpr uint64_t kMinHeadroom = rt::kMiB;  // under the memory limit
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
  uint64_t min_heap = kMinHeapBytes;
};

// The minimum heap at 100 percent, as it follows from the collections that the goal has triggered.
class MinHeap {
 public:
  static constexpr unsigned kCycles = 8;  // between two decisions: one pause says little

  uint64_t bytes() const { return bytes_; }
  // A collection paused for `pause_ns`, `interval_ns` after the end of the one before.
  void after_cycle(uint64_t pause_ns, uint64_t interval_ns);

 private:
  uint64_t bytes_ = kMinHeapBytes;
  uint64_t paused_ns_ = 0;
  uint64_t total_ns_ = 0;
  unsigned cycles_ = 0;
};

// Bytes of objects at which to collect next; kNoGoal: never.
uint64_t heap_goal(const PaceInput& input);

}  // namespace acre::gc

#endif  // ACRE_GC_PACE_PACER_H_
