// Owns the arithmetic of this folder: unsigned, and stopping at the largest number instead of
// wrapping, because percentages, limits and times come from outside and may be anything. The
// largest number is also "no goal": a goal that would be higher than all memory is none.

#ifndef ACRE_GC_PACE_SATURATING_H_
#define ACRE_GC_PACE_SATURATING_H_

#include <cstdint>

namespace acre::gc {

inline constexpr uint64_t kNoGoal = UINT64_MAX;

constexpr uint64_t saturating_add(uint64_t a, uint64_t b) {
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

// value * numerator / denominator, rounded down. The denominator is not zero.
constexpr uint64_t scaled(uint64_t value, uint64_t numerator, uint64_t denominator) {
  const unsigned __int128 result = static_cast<unsigned __int128>(value) * numerator / denominator;
  return result > UINT64_MAX ? UINT64_MAX : static_cast<uint64_t>(result);
}

constexpr uint64_t percent_of(uint64_t value, uint64_t percent) {
  return scaled(value, percent, 100);
}

}  // namespace acre::gc

#endif  // ACRE_GC_PACE_SATURATING_H_
