#include "gc/pace/cpu_limiter.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>

#include "test/runtime/base/random_seed.h"

namespace acre::gc {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1000 * kMs;

CpuLimiter limiter(unsigned processors = 1) {
  CpuLimiter result;
  result.init(processors);
  return result;
}

BOOST_AUTO_TEST_SUITE(cpu_limiter)

BOOST_AUTO_TEST_CASE(it_begins_empty_with_a_second_for_each_processor) {
  BOOST_TEST(limiter(1).capacity_ns() == kSecond);
  BOOST_TEST(limiter(14).capacity_ns() == 14 * kSecond);
  BOOST_TEST(limiter(0).capacity_ns() == kSecond);
  BOOST_TEST(limiter(UINT32_MAX).capacity_ns() == UINT32_MAX * kSecond);
  BOOST_TEST(limiter().fill_ns() == 0U);
  BOOST_TEST(limiter().overflow_ns() == 0U);
  BOOST_TEST(!limiter().limiting());
}

BOOST_AUTO_TEST_CASE(init_forgets_what_was) {
  CpuLimiter l = limiter();
  l.add(5 * kSecond, 0);
  l.init(2);
  BOOST_TEST(l.fill_ns() == 0U);
  BOOST_TEST(l.overflow_ns() == 0U);
  BOOST_TEST(!l.limiting());
}

BOOST_AUTO_TEST_CASE(mutator_time_never_fills_it) {
  CpuLimiter l = limiter();
  for (const uint64_t ns : {uint64_t{0}, kMs, kSecond, 3600 * kSecond, UINT64_MAX}) {
    l.add(0, ns);
    BOOST_TEST(l.fill_ns() == 0U);
    BOOST_TEST(!l.limiting());
  }
  // Nor is there credit for it.
  l.add(400 * kMs, 0);
  BOOST_TEST(l.fill_ns() == 400 * kMs);
}

BOOST_AUTO_TEST_CASE(collector_time_fills_it_and_then_overflows) {
  CpuLimiter l = limiter();
  for (unsigned i = 1; i <= 5; ++i) {
    BOOST_TEST(!l.limiting());
    l.add(200 * kMs, 0);
    BOOST_TEST(l.fill_ns() == i * 200 * kMs);
  }
  BOOST_TEST(l.limiting());
  BOOST_TEST(l.overflow_ns() == 0U);
  l.add(200 * kMs, 0);
  BOOST_TEST(l.fill_ns() == kSecond);
  BOOST_TEST(l.overflow_ns() == 200 * kMs);
  l.add(100 * kMs, 30 * kMs);
  BOOST_TEST(l.fill_ns() == kSecond);
  BOOST_TEST(l.overflow_ns() == 270 * kMs);
  BOOST_TEST(l.limiting());
}

BOOST_AUTO_TEST_CASE(mutator_time_drains_it) {
  CpuLimiter l = limiter();
  l.add(800 * kMs, 0);
  l.add(0, 300 * kMs);
  BOOST_TEST(l.fill_ns() == 500 * kMs);
  l.add(100 * kMs, 200 * kMs);
  BOOST_TEST(l.fill_ns() == 400 * kMs);
  l.add(0, 401 * kMs);
  BOOST_TEST(l.fill_ns() == 0U);
}

BOOST_AUTO_TEST_CASE(half_and_half_keeps_the_level) {
  for (const uint64_t level : {uint64_t{0}, 500 * kMs, kSecond}) {
    CpuLimiter l = limiter();
    l.add(level, 0);
    for (unsigned i = 0; i < 1000; ++i) {
      l.add(10 * kMs, 10 * kMs);
      BOOST_TEST_REQUIRE(l.fill_ns() == level);
    }
    BOOST_TEST(l.overflow_ns() == 0U);
  }
}

BOOST_AUTO_TEST_CASE(jitter_around_half_stays_bounded) {
  std::mt19937_64 random(test::random_seed());
  CpuLimiter l = limiter();
  l.add(500 * kMs, 0);
  for (unsigned i = 0; i < 10'000; ++i) {
    // What one is above half, the next is below.
    const uint64_t off = random() % (40 * kMs);
    const bool first_more = random() % 2 == 0;
    for (const bool more : {first_more, !first_more}) {
      l.add(50 * kMs + (more ? off : 0), 50 * kMs + (more ? 0 : off));
      BOOST_TEST_REQUIRE(l.fill_ns() >= 460 * kMs);
      BOOST_TEST_REQUIRE(l.fill_ns() <= 540 * kMs);
      BOOST_TEST_REQUIRE(!l.limiting());
    }
  }
  BOOST_TEST(l.fill_ns() == 500 * kMs);
  BOOST_TEST(l.overflow_ns() == 0U);
}

BOOST_AUTO_TEST_CASE(it_limits_until_one_more_collection_fits) {
  CpuLimiter l = limiter();
  l.add(300 * kMs, 0);
  l.add(300 * kMs, 0);
  BOOST_TEST(!l.limiting());
  l.add(300 * kMs, 0);
  BOOST_TEST(l.limiting());
  l.add(0, 199 * kMs);
  BOOST_TEST(l.limiting());
  l.add(0, kMs);
  BOOST_TEST(!l.limiting());
  // A cheaper collection needs less.
  l.add(300 * kMs, 0);
  BOOST_TEST(l.limiting());
  l.add(50 * kMs, 100 * kMs);
  BOOST_TEST(l.fill_ns() == 950 * kMs);
  BOOST_TEST(!l.limiting());
}

BOOST_AUTO_TEST_CASE(a_full_bucket_limits_whatever_filled_it) {
  CpuLimiter l = limiter();
  for (unsigned i = 0; i < 1000; ++i) l.add(kMs, 0);
  BOOST_TEST(l.limiting());
  l.add(0, kMs - 1);
  BOOST_TEST(l.limiting());
  l.add(0, 1);
  BOOST_TEST(!l.limiting());
}

BOOST_AUTO_TEST_CASE(a_collection_that_is_larger_than_the_bucket_is_paid_back) {
  CpuLimiter l = limiter();
  l.add(3 * kSecond, 0);
  BOOST_TEST(l.fill_ns() == kSecond);
  BOOST_TEST(l.overflow_ns() == 2 * kSecond);
  l.add(0, 2 * kSecond);
  BOOST_TEST(l.fill_ns() == kSecond);
  l.add(0, kSecond - 1);
  BOOST_TEST(l.limiting());
  l.add(0, 1);
  BOOST_TEST(!l.limiting());
}

BOOST_AUTO_TEST_CASE(a_small_collection_does_not_cancel_what_a_large_one_owes) {
  CpuLimiter l = limiter();
  l.add(3 * kSecond, 0);
  l.add(kMs, 0);
  l.add(0, 2 * kSecond);
  BOOST_TEST(l.limiting());
  l.add(0, kMs);
  BOOST_TEST(!l.limiting());
}

BOOST_AUTO_TEST_CASE(a_cost_beyond_all_numbers_is_a_large_one) {
  CpuLimiter l = limiter();
  l.add(kSecond, 0);
  l.add(UINT64_MAX, 0);
  l.add(0, 9 * kSecond);
  BOOST_TEST(l.limiting());
  l.add(0, kSecond);
  BOOST_TEST(!l.limiting());
}

BOOST_AUTO_TEST_CASE(what_is_owed_is_the_last_collection_and_at_most_ten_seconds) {
  // A program that forces collections without end owes one of them.
  CpuLimiter l = limiter();
  for (unsigned i = 0; i < 1000; ++i) l.add(300 * kMs, 0);
  l.add(0, 599 * kMs);
  BOOST_TEST(l.limiting());
  l.add(0, kMs);
  BOOST_TEST(!l.limiting());
  // A process that was stopped in the middle of one.
  l = limiter(4);
  l.add(4 * 3600 * kSecond, 0);
  l.add(0, 4 * 10 * kSecond - 1);
  BOOST_TEST(l.limiting());
  l.add(0, 1);
  BOOST_TEST(!l.limiting());
}

BOOST_AUTO_TEST_CASE(no_input_wraps) {
  const uint64_t values[] = {0, 1, kSecond, INT64_MAX, UINT64_MAX - 1, UINT64_MAX};
  for (const unsigned processors : {0U, 1U, UINT32_MAX}) {
    CpuLimiter l = limiter(processors);
    for (unsigned round = 0; round < 3; ++round) {
      uint64_t overflow = l.overflow_ns();
      for (const uint64_t gc : values) {
        for (const uint64_t mutator : values) {
          l.add(gc, mutator);
          BOOST_TEST_REQUIRE(l.fill_ns() <= l.capacity_ns());
          BOOST_TEST_REQUIRE(l.overflow_ns() >= overflow);
          overflow = l.overflow_ns();
        }
      }
    }
    BOOST_TEST(l.overflow_ns() == UINT64_MAX);
    l.add(0, UINT64_MAX);
    BOOST_TEST(l.fill_ns() == 0U);
    BOOST_TEST(!l.limiting());
  }
}

BOOST_AUTO_TEST_CASE(a_collection_counts_its_markers_or_a_part_of_the_pause) {
  const struct {
    uint64_t cpu, pause, processors;
    bool in_vain;
    uint64_t expected;
  } kRows[] = {
      {0, 0, 2, false, 0},
      {200, 100, 2, false, 200},
      {100, 100, 2, false, 120},
      {100, 100, 2, true, 200},
      {100, 100, 1, false, 100},
      {100, 100, 1, true, 100},
      {100, 100, 64, false, 3840},
      {100, 100, 64, true, 6400},
      {0, UINT64_MAX, UINT64_MAX, true, UINT64_MAX},
  };
  for (const auto& row : kRows) {
    BOOST_TEST(collector_time(row.cpu, row.pause, row.processors, row.in_vain) == row.expected);
  }
}

// One marker, on many processors: how much of the time the world may be stopped in the long run.
BOOST_AUTO_TEST_CASE(pauses_are_at_most_five_sixths_of_the_time_or_half_of_it_in_vain) {
  constexpr uint64_t kProcessors = 64;
  for (const bool in_vain : {false, true}) {
    for (const unsigned percent : {45U, 60U, 80U, 90U}) {
      CpuLimiter l = limiter(kProcessors);
      for (unsigned i = 0; i < 1000; ++i) {
        const uint64_t pause = percent * kMs;
        const uint64_t gc = collector_time(pause, pause, kProcessors, in_vain);
        l.add(gc, 100 * kMs * kProcessors - gc);
      }
      BOOST_TEST(l.limiting() == (percent > (in_vain ? 50U : 83U)), percent << in_vain);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::gc
