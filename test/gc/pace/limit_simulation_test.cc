// The goal by limit and the CPU limiter as a simulation: how near the limit comes what is used, and
// what that costs.

#include <boost/test/unit_test.hpp>
#include <random>

#include "test/gc/pace/simulation.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

using rt::kGiB;
using rt::kKiB;
using rt::kMiB;

constexpr uint64_t kNsPerSecond = 1'000'000'000;

// The most that may live so that it and its overhead are `room` below the limit.
uint64_t largest_fitting(uint64_t limit, uint64_t room) {
  uint64_t live = limit;
  while (live + Simulation::overhead(live, live) + room > limit) live -= 64 * kKiB;
  return live;
}

BOOST_AUTO_TEST_SUITE(limit_simulation)

BOOST_AUTO_TEST_CASE(far_from_its_limit_the_heap_never_passes_it) {
  std::mt19937_64 random(random_seed());
  for (const int percent : {100, 1500, -1}) {
    Simulation simulation([&](unsigned i) {
      return Phase{.working_set = std::min<uint64_t>(i * 20, 300) * kMiB + random() % (20 * kMiB),
                   .survival_per_mille = static_cast<unsigned>(random() % 200),
                   .stack_bytes = random() % (8 * kMiB),
                   .percent = percent,
                   .limit = kGiB};
    });
    for (unsigned i = 0; i < 100; ++i) {
      const CycleResult cycle = simulation.cycle();
      BOOST_TEST(cycle.total() <= kGiB);
      BOOST_TEST(!cycle.limited);
    }
  }
}

BOOST_AUTO_TEST_CASE(without_a_percentage_the_limit_is_made_use_of) {
  Simulation simulation(
      [](unsigned) { return Phase{.working_set = 100 * kMiB, .percent = -1, .limit = kGiB}; });
  for (unsigned i = 0; i < 50; ++i) {
    const uint64_t total = simulation.cycle().total();
    BOOST_TEST(total <= kGiB);
    BOOST_TEST(total >= kGiB / 100 * 95);
  }
}

BOOST_AUTO_TEST_CASE(a_heap_that_climbs_to_its_limit_stays_within_16_mib_of_it) {
  for (const uint64_t limit : {64 * kMiB, 512 * kMiB}) {
    for (const int percent : {100, -1}) {
      const uint64_t most = largest_fitting(limit, kMiB);
      Simulation simulation([&](unsigned i) {
        return Phase{.working_set = std::min(most, (i + 1) * limit / 64),
                     .alloc_per_ms = 8 * kKiB,
                     .scan_per_ms = 4 * kMiB,
                     .percent = percent,
                     .limit = limit};
      });
      uint64_t live = 0;
      for (unsigned i = 0; i < 200; ++i) {
        const CycleResult cycle = simulation.cycle();
        BOOST_TEST_REQUIRE(cycle.total() <= limit + 16 * kMiB);
        BOOST_TEST_REQUIRE(!cycle.limited);
        live = cycle.live;
      }
      BOOST_TEST(live == most);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_new_limit_is_in_the_next_goal) {
  Simulation simulation([](unsigned i) {
    return Phase{.working_set = 100 * kMiB, .limit = i < 10 || i > 11 ? UINT64_MAX : 160 * kMiB};
  });
  for (unsigned i = 0; i < 10; ++i) simulation.cycle();
  for (unsigned i = 0; i < 2; ++i) {
    const CycleResult cycle = simulation.cycle();
    BOOST_TEST(cycle.goals.by_percent == 200 * kMiB);
    BOOST_TEST(cycle.goals.heap() < 150 * kMiB);
    BOOST_TEST(cycle.total() <= 160 * kMiB);
  }
  BOOST_TEST(simulation.cycle().goals.heap() == 200 * kMiB);
}

// 600 MiB live under 512: each collection takes 300 ms, and 4 MiB are allocated in 4.
Phase too_large(int percent) {
  return {.working_set = 600 * kMiB,
          .alloc_per_ms = kMiB,
          .scan_per_ms = 2 * kMiB,
          .percent = percent,
          .limit = 512 * kMiB};
}

BOOST_AUTO_TEST_CASE(above_the_limit_the_goal_is_what_lives_and_a_little) {
  for (const int percent : {100, -1}) {
    Simulation simulation([&](unsigned) { return too_large(percent); });
    unsigned above = 0;
    for (unsigned i = 0; i < 100; ++i) {
      const CycleResult cycle = simulation.cycle();
      if (cycle.live < 600 * kMiB) continue;
      BOOST_TEST(cycle.goals.heap() == 604 * kMiB);
      ++above;
    }
    BOOST_TEST(above > 50U);
  }
}

BOOST_AUTO_TEST_CASE(the_limiter_holds_a_collector_above_the_limit_at_half) {
  constexpr uint64_t kPause = 300'000'000;
  for (const unsigned processors : {1U, 8U}) {
    Simulation simulation([](unsigned) { return too_large(-1); }, processors);
    uint64_t gc = 0;
    uint64_t mutator = 0;
    const auto run = [&] {
      const CycleResult cycle = simulation.cycle();
      gc += cycle.gc_ns;
      mutator += cycle.mutator_ns;
      BOOST_TEST(gc <= mutator + kNsPerSecond);
      return cycle;
    };
    while (!run().limited) BOOST_TEST_REQUIRE(gc < 2 * kNsPerSecond);
    // In which is paid back that the pause was longer than the ones before, while the heap grew.
    run();

    const uint64_t gc_before = gc;
    const uint64_t mutator_before = mutator;
    const uint64_t overflow = simulation.limiter().overflow_ns();
    while (gc + mutator < 31 * kNsPerSecond) {
      const CycleResult cycle = run();
      BOOST_TEST(cycle.limited);
      BOOST_TEST(cycle.peak <= 600 * kMiB + 300 * kMiB + Simulation::kStepBytes);
    }
    // Half: neither more nor less by a pause, for it is wanted all the time. Nothing is too large
    // for the bucket once the pause is known.
    BOOST_TEST(gc - gc_before <= mutator - mutator_before + kPause);
    BOOST_TEST(gc - gc_before + kPause >= mutator - mutator_before);
    BOOST_TEST(simulation.limiter().overflow_ns() == overflow);
  }
}

BOOST_AUTO_TEST_CASE(the_goal_by_percent_holds_while_limiting) {
  // At 10 percent: 660 MiB, reached in a fifth of the time that the limiter would have it wait.
  Simulation simulation([](unsigned) { return too_large(10); });
  bool on = false;
  for (unsigned i = 0; i < 200; ++i) {
    const CycleResult cycle = simulation.cycle();
    on = on || cycle.limited;
    BOOST_TEST(cycle.peak <= 660 * kMiB + Simulation::kStepBytes);
  }
  BOOST_TEST(on);
}

BOOST_AUTO_TEST_CASE(the_limiter_lets_go_when_the_heap_fits_again) {
  Simulation simulation([](unsigned i) {
    Phase phase = too_large(-1);
    if (i >= 100) phase.working_set = 200 * kMiB;
    return phase;
  });
  unsigned limited = 0;
  for (unsigned i = 0; i < 101; ++i) limited += simulation.cycle().limited ? 1 : 0;
  BOOST_TEST(limited > 20U);
  for (unsigned i = 0; i < 50; ++i) {
    const CycleResult cycle = simulation.cycle();
    BOOST_TEST(!cycle.limited);
    // The books of the time above the limit stay.
    BOOST_TEST(cycle.total() <= 512 * kMiB);
  }
  BOOST_TEST(!simulation.limiter().limiting());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
