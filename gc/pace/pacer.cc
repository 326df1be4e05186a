#include "gc/pace/pacer.h"

#include <algorithm>

namespace acre::gc {
namespace {

uint64_t percent_goal(const PaceInput& input) {
  const auto percent = static_cast<uint64_t>(input.percent);
  const uint64_t base =
      saturating_add(saturating_add(input.live_bytes, input.stack_bytes), input.root_bytes);
  return std::max(saturating_add(input.live_bytes, percent_of(base, percent)),
                  percent_of(input.min_heap, percent));
}

uint64_t limit_goal(const PaceInput& input) {
  const uint64_t headroom =
      std::max(kMinHeadroom, percent_of(input.memory_limit, kHeadroomPercent));
  const uint64_t taken = saturating_add(input.overhead_bytes, headroom);
  return input.memory_limit > taken ? input.memory_limit - taken : 0;
}

}  // namespace

uint64_t min_growth(uint64_t live_bytes) {
  return std::clamp(live_bytes / kMinGrowthPart, kMinGrowthBytes, kMaxMinGrowthBytes);
}

HeapGoals heap_goals(const PaceInput& input) {
  const uint64_t lowest = saturating_add(input.live_bytes, min_growth(input.live_bytes));
  return {
      .by_percent = input.percent < 0 ? kNoGoal : std::max(percent_goal(input), lowest),
      .by_limit = input.memory_limit == UINT64_MAX ? kNoGoal : std::max(limit_goal(input), lowest),
  };
}

}  // namespace acre::gc
