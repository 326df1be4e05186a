// Owns the minimum heap: below it no collection is worth its fixed costs.
//
// It is Go's 4 MiB (at 100 percent), but not where that makes the collector busy: a program that
// allocates fast and keeps little would collect a thousand times a second. Where eight collections
// took more than a tenth of the time the minimum doubles, up to 32 MiB; where they took less than a
// hundredth it is halved again. So a small heap stays small unless it is worked hard, and costs at
// most 28 MiB more. Go's stays at 4 MiB (heapMinimum in mgcpacer.go); why ours does not is in
// docs/decisions.md.

#ifndef ACRE_GC_PACE_MIN_HEAP_H_
#define ACRE_GC_PACE_MIN_HEAP_H_

#include <cstdint>

#include "runtime/base/units.h"

namespace acre::gc {

inline constexpr uint64_t kMinHeapBytes = 4 * rt::kMiB;  // at 100 percent
inline constexpr uint64_t kMaxMinHeapBytes = 32 * rt::kMiB;
inline constexpr uint64_t kBusyPart = 10;  // of the time in pauses: the minimum heap grows
inline constexpr uint64_t kIdlePart = 100;

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

}  // namespace acre::gc

#endif  // ACRE_GC_PACE_MIN_HEAP_H_
