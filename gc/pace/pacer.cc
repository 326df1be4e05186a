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

uint64_t next_min_heap(uint64_t min_heap, uint64_t pause_ns, uint64_t interval_ns) {
  const uint64_t total = add(pause_ns, interval_ns);
  if (pause_ns > total / kBusyPart) return std::min(min_heap * 2, kMaxMinHeapBytes);
  if (pause_ns < total / kIdlePart) return std::max(min_heap / 2, kMinHeapBytes);
  return min_heap;
}

uint64_t heap_goal(const PaceInput& input) {
  const uint64_t growth = std::max(kMinGrowthBytes, input.live_bytes / kMinGrowthPart);
  return std::max(std::min(percent_goal(input), limit_goal(input)), add(input.live_bytes, growth));
}

}  // namespace acre::gc
