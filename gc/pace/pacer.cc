#include "gc/pace/pacer.h"

#include <algorithm>

namespace acre::gc {
namespace {

// All sums stop at kNoGoal instead of wrapping: a percentage may be anything.
uint64_t add(uint64_t a, uint64_t b) { return a > kNoGoal - b ? kNoGoal : a + b; }

uint64_t percent_of(uint64_t bytes, uint64_t percent) {
  const unsigned __int128 product = static_cast<unsigned __int128>(bytes) * percent / 100;
  return product > kNoGoal ? kNoGoal : static_cast<uint64_t>(product);
}

uint64_t percent_goal(const PaceInput& input) {
  if (input.percent < 0) return kNoGoal;
  const auto percent = static_cast<uint64_t>(input.percent);
  const uint64_t base = add(add(input.live_bytes, input.stack_bytes), input.root_bytes);
  return std::max(add(input.live_bytes, percent_of(base, percent)),
                  percent_of(input.min_heap, percent));
}

uint64_t limit_goal(const PaceInput& input) {
  if (input.memory_limit == UINT64_MAX) return kNoGoal;
  const uint64_t headroom =
      std::max(kMinHeadroom, percent_of(input.memory_limit, kHeadroomPercent));
  const uint64_t taken = add(input.overhead_bytes, headroom);
  return input.memory_limit > taken ? input.memory_limit - taken : 0;
}

}  // namespace

void MinHeap::after_cycle(uint64_t pause_ns, uint64_t interval_ns) {
  paused_ns_ = add(paused_ns_, pause_ns);
  total_ns_ = add(total_ns_, add(pause_ns, interval_ns));
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

uint64_t heap_goal(const PaceInput& input) {
  const uint64_t growth = std::max(kMinGrowthBytes, input.live_bytes / kMinGrowthPart);
  return std::max(std::min(percent_goal(input), limit_goal(input)), add(input.live_bytes, growth));
}

}  // namespace acre::gc
