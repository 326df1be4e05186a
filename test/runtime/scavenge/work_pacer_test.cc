// The share of the background thread, on a clock that only these tests move.

#include "runtime/scavenge/work_pacer.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

#include "test/runtime/base/random_seed.h"

namespace acre::rt {
namespace {

using acre::test::random_seed;

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1000 * kMs;

struct Piece {
  uint64_t began_ns;
  uint64_t worked_ns;
};

// A thread that works when it may, woken when `late` says after that, or before.
struct Simulation {
  WorkPacer pacer;
  uint64_t now = 17 * kSecond;
  uint64_t next = 0;
  std::vector<Piece> pieces;

  void sleep_until(uint64_t time) { now = std::max(now, time); }
  // Woken at `now`: too early, nothing happens.
  bool wake(uint64_t worked_ns) {
    if (now < next) return false;
    pieces.push_back({now, worked_ns});
    next = pacer.after_work(now, worked_ns);
    now += worked_ns;
    return true;
  }

  uint64_t work_in(uint64_t from, uint64_t end) const {
    uint64_t total = 0;
    for (const Piece& piece : pieces) {
      const uint64_t low = std::max(from, piece.began_ns);
      const uint64_t high = std::min(end, piece.began_ns + piece.worked_ns);
      if (low < high) total += high - low;
    }
    return total;
  }
  // The least and the most of one processor that was used in any stretch so long, in percent.
  std::pair<double, double> shares(uint64_t stretch_ns) const {
    double least = 100;
    double most = 0;
    for (uint64_t from = pieces.front().began_ns; from + stretch_ns < pieces.back().began_ns;
         from += stretch_ns / 7) {
      const double share = 100.0 * static_cast<double>(work_in(from, from + stretch_ns)) /
                           static_cast<double>(stretch_ns);
      least = std::min(least, share);
      most = std::max(most, share);
    }
    return {least, most};
  }
};

uint64_t between(std::mt19937_64& random, uint64_t least, uint64_t most) {
  return std::uniform_int_distribution<uint64_t>(least, most)(random);
}

BOOST_AUTO_TEST_SUITE(work_pacer)

BOOST_AUTO_TEST_CASE(pieces_of_any_length_come_to_a_hundredth) {
  std::mt19937_64 random(random_seed());
  Simulation simulation;
  for (int i = 0; i < 1500; ++i) {
    simulation.sleep_until(simulation.next);
    BOOST_TEST_REQUIRE(simulation.wake(between(random, kMs / 10, 20 * kMs)));
  }
  const auto [least, most] = simulation.shares(10 * kSecond);
  BOOST_TEST(least > 0.5);
  BOOST_TEST(most < 1.5);
  const auto [long_least, long_most] = simulation.shares(100 * kSecond);
  BOOST_TEST(long_least > 0.95);
  BOOST_TEST(long_most < 1.05);
}

BOOST_AUTO_TEST_CASE(pieces_of_a_millisecond_keep_it_over_three_seconds) {
  std::mt19937_64 random(random_seed());
  Simulation simulation;
  for (int i = 0; i < 1000; ++i) {
    simulation.sleep_until(simulation.next);
    BOOST_TEST_REQUIRE(simulation.wake(WorkPacer::kWorkNs + between(random, 0, kMs / 2)));
  }
  const auto [least, most] = simulation.shares(3 * kSecond);
  BOOST_TEST(least > 0.9);
  BOOST_TEST(most < 1.1);
}

BOOST_AUTO_TEST_CASE(late_timers_do_not_lower_the_share) {
  std::mt19937_64 random(random_seed());
  Simulation simulation;
  for (int i = 0; i < 1500; ++i) {
    simulation.sleep_until(simulation.next + between(random, 0, 40 * kMs));
    BOOST_TEST_REQUIRE(simulation.wake(between(random, kMs / 10, 20 * kMs)));
  }
  const auto [least, most] = simulation.shares(10 * kSecond);
  BOOST_TEST(least > 0.5);
  BOOST_TEST(most < 1.5);
}

BOOST_AUTO_TEST_CASE(timers_that_are_very_late_never_raise_it) {
  std::mt19937_64 random(random_seed());
  Simulation simulation;
  for (int i = 0; i < 1500; ++i) {
    simulation.sleep_until(simulation.next + between(random, 0, 400 * kMs));
    BOOST_TEST_REQUIRE(simulation.wake(between(random, kMs / 10, 2 * kMs)));
  }
  const auto [least, most] = simulation.shares(5 * kSecond);
  BOOST_TEST(least > 0.1);
  BOOST_TEST(most < 1.1);
}

BOOST_AUTO_TEST_CASE(waking_too_early_changes_nothing) {
  std::mt19937_64 random(random_seed());
  Simulation simulation;
  uint64_t too_early = 0;
  while (simulation.pieces.size() < 1000) {
    simulation.now += between(random, 0, 30 * kMs);
    too_early += simulation.wake(between(random, kMs / 10, 5 * kMs)) ? 0 : 1;
  }
  BOOST_TEST(too_early > 1000u);
  const auto [least, most] = simulation.shares(5 * kSecond);
  BOOST_TEST(least > 0.5);
  BOOST_TEST(most < 1.5);
}

BOOST_AUTO_TEST_CASE(after_an_hour_of_suspension_there_is_no_burst) {
  Simulation simulation;
  for (int i = 0; i < 100; ++i) {
    simulation.sleep_until(simulation.next);
    simulation.wake(kMs);
  }
  simulation.now += 3600 * kSecond;
  const uint64_t resumed = simulation.now;
  for (int i = 0; i < 100; ++i) {
    simulation.sleep_until(simulation.next);
    simulation.wake(kMs);
  }
  // The credit is worth half a millisecond: one piece comes earlier for it.
  BOOST_TEST(simulation.work_in(resumed, resumed + kSecond) <= 11 * kMs + kMs / 2);
  BOOST_TEST(simulation.work_in(resumed, resumed + 5 * kSecond) >= 49 * kMs);
}

BOOST_AUTO_TEST_CASE(no_work_costs_no_time) {
  WorkPacer pacer;
  BOOST_TEST(pacer.after_work(kSecond, 0) <= kSecond);
  BOOST_TEST(pacer.after_work(2 * kSecond, 0) <= 2 * kSecond);
  // However often it is said, the credit stays what it is.
  for (int i = 0; i < 1000; ++i) (void)pacer.after_work(3 * kSecond, 0);
  BOOST_TEST(pacer.after_work(3 * kSecond, kMs) ==
             3 * kSecond - WorkPacer::kCreditNs + WorkPacer::kTimePerWork * kMs);
}

BOOST_AUTO_TEST_CASE(a_clock_that_has_just_begun_gives_no_credit_from_before) {
  WorkPacer pacer;
  BOOST_TEST(pacer.after_work(0, kMs) == WorkPacer::kTimePerWork * kMs);
  WorkPacer later;
  BOOST_TEST(later.after_work(WorkPacer::kCreditNs, kMs) == WorkPacer::kTimePerWork * kMs);
}

BOOST_AUTO_TEST_CASE(huge_values_do_not_wrap) {
  for (const uint64_t worked : {UINT64_MAX, UINT64_MAX / 2, UINT64_MAX / 100, UINT64_MAX / 99}) {
    WorkPacer pacer;
    const uint64_t next = pacer.after_work(5 * kSecond, worked);
    BOOST_TEST(next > UINT64_MAX - 1000);
    BOOST_TEST(pacer.after_work(6 * kSecond, kMs) >= next);
    BOOST_TEST(pacer.after_work(6 * kSecond, UINT64_MAX) == UINT64_MAX);
  }
  WorkPacer pacer;
  BOOST_TEST(pacer.after_work(UINT64_MAX, kMs) == UINT64_MAX);
  BOOST_TEST(pacer.after_work(UINT64_MAX, UINT64_MAX) == UINT64_MAX);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
