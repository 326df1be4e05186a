#include "runtime/base/histogram.h"

#include <algorithm>
#include <bit>

namespace acre::rt {
namespace {

constexpr unsigned kLast = ACRE_HISTOGRAM_BUCKETS - 1;

void raise(std::atomic<uint64_t>& word, uint64_t by) {
  word.store(word.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

}  // namespace

unsigned histogram_bucket(uint64_t value) {
  if (value < 4) return static_cast<unsigned>(value);
  const auto power = static_cast<unsigned>(std::bit_width(value)) - 1;
  const auto quarter = static_cast<unsigned>(value >> (power - 2)) & 3;
  return std::min(4 * (power - 1) + quarter, kLast);
}

uint64_t histogram_bucket_end(unsigned bucket) {
  if (bucket < 4) return bucket;
  if (bucket >= kLast) return UINT64_MAX;
  const unsigned power = bucket / 4 + 1;
  const uint64_t width = uint64_t{1} << (power - 2);
  return (uint64_t{1} << power) + (bucket % 4 + 1) * width - 1;
}

uint64_t histogram_quantile(const acre_histogram& histogram, double q) {
  if (histogram.count == 0) return 0;
  const double share = std::clamp(q, 0.0, 1.0) * static_cast<double>(histogram.count);
  auto rank = static_cast<uint64_t>(share);
  if (static_cast<double>(rank) < share || rank == 0) ++rank;
  uint64_t below = 0;
  for (unsigned i = 0; i < kLast; ++i) {
    below += histogram.buckets[i];
    if (below >= rank) return std::min(histogram_bucket_end(i), histogram.max_ns);
  }
  return histogram.max_ns;
}

void Histogram::add(uint64_t value) {
  raise(buckets_[histogram_bucket(value)], 1);
  raise(total_, value);
  if (value > max_.load(std::memory_order_relaxed)) max_.store(value, std::memory_order_relaxed);
}

void Histogram::read(acre_histogram* out) const {
  out->count = 0;
  for (unsigned i = 0; i < ACRE_HISTOGRAM_BUCKETS; ++i) {
    out->buckets[i] = buckets_[i].load(std::memory_order_relaxed);
    out->count += out->buckets[i];
  }
  out->total_ns = total_.load(std::memory_order_relaxed);
  out->max_ns = max_.load(std::memory_order_relaxed);
}

}  // namespace acre::rt
