#include "gc/pace/retain.h"

#include <algorithm>

namespace acre::gc {
namespace {

uint64_t with_extra(uint64_t bytes) {
  return saturating_add(bytes, percent_of(bytes, kRetainExtraPercent));
}

// Where one of the goals is none, nothing is known about growth: the heap stays as it was.
uint64_t expected_peak(const RetainInput& input) {
  if (input.goal_bytes == kNoGoal || input.last_goal_bytes == kNoGoal) {
    return input.last_in_use_bytes;
  }
  return scaled(input.last_in_use_bytes, input.goal_bytes, input.last_goal_bytes);
}

}  // namespace

uint64_t retain_goal(const RetainInput& input) {
  const uint64_t lowest = with_extra(input.in_use_bytes);
  if (input.idle) return lowest;
  if (input.last_goal_bytes == 0) return kNoGoal;
  return std::max(lowest, with_extra(expected_peak(input)));
}

uint64_t limit_retain_goal(uint64_t memory_limit) {
  return memory_limit == UINT64_MAX ? kNoGoal : percent_of(memory_limit, kLimitRetainPercent);
}

}  // namespace acre::gc
