#include "gc/pace/min_heap.h"

#include <algorithm>

#include "gc/pace/saturating.h"

namespace acre::gc {

void MinHeap::after_cycle(uint64_t pause_ns, uint64_t interval_ns) {
  paused_ns_ = saturating_add(paused_ns_, pause_ns);
  total_ns_ = saturating_add(total_ns_, saturating_add(pause_ns, interval_ns));
  if (++cycles_ < kCycles) return;
  if (paused_ns_ > total_ns_ / kBusyPart) {
    bytes_ = std::min(bytes_ * 2, kMaxMinHeapBytes);
  } else if (paused_ns_ < total_ns_ / kIdlePart) {
    bytes_ = std::max(bytes_ / 2, kMinHeapBytes);
  }
  paused_ns_ = 0;
  total_ns_ = 0;
  cycles_ = 0;
}

}  // namespace acre::gc
