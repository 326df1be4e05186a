// Owns the rule by which time alone calls for a collection: a program that has become quiet would
// never reach its goal again, and what it let go of would stay.
//
// After Go (forcegcperiod in proc.go, gcTriggerTime in mgc.go): when none has ended for two
// minutes, but not with the collector off, and not before the first one. Go collects every two
// minutes even if nothing happened in between; ours does not when nothing was allocated since,
// because most such collections would find what the last one found. (Objects that died without any
// allocation after them wait for the next one.)

#ifndef ACRE_GC_PACE_IDLE_COLLECTION_H_
#define ACRE_GC_PACE_IDLE_COLLECTION_H_

#include <cstdint>

namespace acre::gc {

// Larger: garbage of a quiet program stays longer. Smaller: collections that its user sees in the
// processor time of a program that does nothing.
inline constexpr uint64_t kIdlePeriodNs = 120'000'000'000;

// `last_end_ns` is 0 before the first collection; a clock that went back is not due.
constexpr bool idle_collection_due(uint64_t now_ns, uint64_t last_end_ns, uint64_t period_ns,
                                   int percent, bool allocated_since) {
  if (percent < 0 || last_end_ns == 0 || !allocated_since) return false;
  return now_ns > last_end_ns && now_ns - last_end_ns > period_ns;
}

}  // namespace acre::gc

#endif  // ACRE_GC_PACE_IDLE_COLLECTION_H_
