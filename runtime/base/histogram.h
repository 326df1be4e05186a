// Owns the arithmetic of acre_histogram, and one that a thread fills while others read it.
//
// Buckets: 0 to 3 are the values 0 to 3; from there each power of two is four buckets of equal width:
//
//     value   4 5 6 7 | 8-9 10-11 12-13 14-15 | 16-19 20-23 24-27 28-31 | ...
//     bucket  4 5 6 7 |  8    9     10    11  |  12    13    14    15   | ...
//
// so a bucket's ends differ by at most a quarter. The last bucket takes all that is larger.

#ifndef ACRE_RUNTIME_BASE_HISTOGRAM_H_
#define ACRE_RUNTIME_BASE_HISTOGRAM_H_

#include <acre/acre.h>

#include <atomic>
#include <cstdint>

namespace acre::rt {

unsigned histogram_bucket(uint64_t value);
// The largest value of a bucket.
uint64_t histogram_bucket_end(unsigned bucket);
// A value that no less than the share q of all is at or below: the end of a bucket, or the maximum.
uint64_t histogram_quantile(const acre_histogram& histogram, double q);

// One writer at a time; any thread may read.
class Histogram {
 public:
  void add(uint64_t value);
  // What was added before some moment, and perhaps a part of what came at it.
  void read(acre_histogram* out) const;

 private:
  std::atomic<uint64_t> total_;
  std::atomic<uint64_t> max_;
  std::atomic<uint64_t> buckets_[ACRE_HISTOGRAM_BUCKETS];
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_BASE_HISTOGRAM_H_
