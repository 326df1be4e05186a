#include "runtime/base/histogram.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

BOOST_AUTO_TEST_SUITE(histogram)

BOOST_AUTO_TEST_CASE(buckets_follow_each_other_without_a_hole) {
  uint64_t next = 0;
  for (unsigned i = 0; i + 1 < ACRE_HISTOGRAM_BUCKETS; ++i) {
    const uint64_t end = rt::histogram_bucket_end(i);
    BOOST_TEST_REQUIRE(end >= next);
    BOOST_TEST(rt::histogram_bucket(next) == i);
    BOOST_TEST(rt::histogram_bucket(end) == i);
    // A quarter of the power of two at most.
    BOOST_TEST(end - next <= next / 4);
    next = end + 1;
  }
  BOOST_TEST(next > uint64_t{1'000'000'000'000});
  BOOST_TEST(rt::histogram_bucket(next) == ACRE_HISTOGRAM_BUCKETS - 1u);
  BOOST_TEST(rt::histogram_bucket(UINT64_MAX) == ACRE_HISTOGRAM_BUCKETS - 1u);
  BOOST_TEST(rt::histogram_bucket_end(ACRE_HISTOGRAM_BUCKETS - 1) == UINT64_MAX);
}

BOOST_AUTO_TEST_CASE(an_empty_one_answers_zero) {
  const acre_histogram empty{};
  for (const double q : {0.0, 0.5, 1.0}) BOOST_TEST(rt::histogram_quantile(empty, q) == 0u);
}

// Against all values, sorted.
BOOST_AUTO_TEST_CASE(quantiles_are_at_most_a_quarter_above_the_exact_ones) {
  std::mt19937_64 random(random_seed());
  for (int round = 0; round < 300; ++round) {
    rt::Histogram filled{};
    std::vector<uint64_t> values;
    const size_t count = 1 + random() % 2000;
    const auto bits = static_cast<unsigned>(1 + random() % 40);
    for (size_t i = 0; i < count; ++i) {
      const uint64_t value = random() >> (64 - bits) >> (random() % bits);
      values.push_back(value);
      filled.add(value);
    }
    std::sort(values.begin(), values.end());
    acre_histogram read{};
    filled.read(&read);
    uint64_t total = 0;
    for (const uint64_t value : values) total += value;
    BOOST_TEST(read.count == count);
    BOOST_TEST(read.total_ns == total);
    BOOST_TEST(read.max_ns == values.back());
    BOOST_TEST(rt::histogram_quantile(read, 1) == values.back());
    BOOST_TEST(rt::histogram_quantile(read, 7) == values.back());
    for (const double q : {-1.0, 0.0, 0.01, 0.25, 0.5, 0.9, 0.99, 0.999}) {
      // The smallest value that no less than this share is at or below.
      size_t at_or_below = 1;
      while (static_cast<double>(at_or_below) < q * static_cast<double>(count)) ++at_or_below;
      const uint64_t exact = values[at_or_below - 1];
      const uint64_t answer = rt::histogram_quantile(read, q);
      BOOST_TEST_REQUIRE(answer >= exact);
      BOOST_TEST_REQUIRE(answer <= exact + exact / 4);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
