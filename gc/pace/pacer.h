// Owns the arithmetic of when to collect because the heap has grown: pure functions, no clock, no
// heap, no locks, no floating point.
//
//   by_percent  = live + (live + stacks + roots) * percent / 100
//                 at least minimum heap * percent / 100
//   by_limit    = limit - what counts against it beside objects - headroom
//   both        : never less than live + min_growth(live); kNoGoal without a percentage, a limit
//   heap()      = the lower of both
//
// The two are kept apart because a collection by_percent is the user's wish and one by_limit is an
// attempt to keep a promise: while the CPU limiter (cpu_limiter.h) is limiting, only by_percent
// holds.
//
// The world is stopped for the whole of a collection, so the heap does not grow meanwhile and the
// trigger is the goal itself. Go's trigger lies before the goal, by what is allocated while it
// marks; nothing of that is needed here.
//
// Sums stop at kNoGoal instead of wrapping.
//
// After Go (mgcpacer.go): the formula of GOGC; the minimum heap of 4 MiB (min_heap.h); the goal of
// GOMEMLIMIT as limit minus what is not objects minus headroom, which is 1 MiB, or 3 % where that
// is more. Free memory that is not released does not count as overhead there, nor does it here: it
// is what the heap grows into. Ours departs in this:
//   - With GOGC=0, and above the limit, Go's goal is the live heap itself: its collector runs all
//     the time beside the program, paced by assists. A collection of ours is one stop of the world,
//     so there is always a little to allocate before the next: min_growth.
//   - Go lowers the goal in addition by what the process is over its limit already. Ours does not:
//     releasing what is free is the caller's answer to that (retain.h says down to what).
//   - Go's 3 % are of what the limit leaves to objects, ours of the limit: the headroom does not
//     shrink where the overhead is large.
//
// Not here: the minimum heap's size (min_heap.h), collections that time calls for
// (idle_collection.h), what they may cost (cpu_limiter.h), what is given back (retain.h).

#ifndef ACRE_GC_PACE_PACER_H_
#define ACRE_GC_PACE_PACER_H_

#include <cstdint>

#include "gc/pace/min_heap.h"
#include "gc/pace/saturating.h"
#include "runtime/base/units.h"

namespace acre::gc {

// Kept free under the memory limit, for what grows between two measurements of the overhead: books
// of pages touched since, gaps in spans taken since. Larger: collects earlier near the limit, and
// memory that was paid for is not used. Smaller: the limit is passed by what grew.
inline constexpr uint64_t kMinHeadroom = rt::kMiB;
inline constexpr uint64_t kHeadroomPercent = 3;

// The least growth between two collections: live / 32 within these bounds.
//   The low bound is the growth of a small heap with percent 0 or at its limit. Larger: percent 0
//   and small limits mean less; smaller: the world is stopped for a few dozens of objects.
//   The part is what marking costs in a heap that is held back: at 1/32 a marker goes through 32
//   bytes for each byte that is allocated. Larger growth (a smaller divisor): a heap passes its
//   limit by more; smaller growth: more is marked for less.
//   The high bound is by how much any heap passes its limit between two collections. Larger: the
//   limit is softer (1/32 of 4 GiB would be 128 MiB). Smaller: large heaps above their limit
//   collect more often, up to what the CPU limiter allows: that bounds the cost, not the growth.
inline constexpr uint64_t kMinGrowthBytes = 256 * rt::kKiB;
inline constexpr uint64_t kMinGrowthPart = 32;
inline constexpr uint64_t kMaxMinGrowthBytes = 4 * rt::kMiB;

struct PaceInput {
  uint64_t live_bytes;      // marked by the last collection
  uint64_t stack_bytes;     // scanned
  uint64_t root_bytes;      // handles and ranges
  uint64_t overhead_bytes;  // against the limit beside objects: books, and what spans hold besides
                            // objects, measured when all was swept
  int percent;              // negative: off
  uint64_t memory_limit;    // UINT64_MAX: none
  uint64_t min_heap = kMinHeapBytes;
};

// Bytes of objects at which to collect next; kNoGoal: never.
struct HeapGoals {
  uint64_t by_percent;
  uint64_t by_limit;

  constexpr uint64_t heap() const { return by_percent < by_limit ? by_percent : by_limit; }
};

HeapGoals heap_goals(const PaceInput& input);

uint64_t min_growth(uint64_t live_bytes);

}  // namespace acre::gc

#endif  // ACRE_GC_PACE_PACER_H_
