#include "gc/pace/cpu_limiter.h"

#include <algorithm>

#include "gc/pace/saturating.h"

namespace acre::gc {

uint64_t collector_time(uint64_t gc_cpu_ns, uint64_t pause_ns, uint64_t processors, bool in_vain) {
  const uint64_t stopped = scaled(pause_ns, processors, 1);
  return std::max(gc_cpu_ns, in_vain ? stopped : scaled(stopped, 3, 5));
}

void CpuLimiter::init(unsigned processors) {
  *this = CpuLimiter();
  capacity_ns_ = kCapacityNsPerProcessor * std::max(processors, 1U);
}

void CpuLimiter::add(uint64_t gc_ns, uint64_t mutator_ns) {
  if (gc_ns != 0) last_gc_ns_ = gc_ns;
  if (gc_ns <= mutator_ns) {
    level_ns_ -= std::min(level_ns_, mutator_ns - gc_ns);
    return;
  }
  const uint64_t excess = gc_ns - mutator_ns;
  const uint64_t room = capacity_ns_ - fill_ns();
  if (excess > room) overflow_ns_ = saturating_add(overflow_ns_, excess - room);
  // What is owed beyond a full bucket is the last collection and no more, whoever asked for those
  // before it.
  const uint64_t highest =
      std::min(saturating_add(capacity_ns_, gc_ns), scaled(capacity_ns_, kMostOwedSeconds, 1));
  level_ns_ = std::max(level_ns_, std::min(saturating_add(level_ns_, excess), highest));
}

bool CpuLimiter::limiting() const {
  // A collection larger than the bucket needs an empty one.
  const uint64_t next = std::min(last_gc_ns_, capacity_ns_);
  return level_ns_ > capacity_ns_ - next;
}

}  // namespace acre::gc
