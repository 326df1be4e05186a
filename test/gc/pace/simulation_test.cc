// The goal by percent as a simulation: programs of several shapes, each of which must come to rest
// where the percentage says, within 25 cycles.

#include "test/gc/pace/simulation.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

using rt::kGiB;
using rt::kKiB;
using rt::kMiB;

constexpr unsigned kSettled = 25;  // cycles after a change

// What the goal comes to if the phase goes on: live = working set + survival * allocated, and
// allocated = what the percentage allows. (The working set is more than the minimum heap's share.)
double resting_goal(const Phase& phase, uint64_t min_heap) {
  const double percent = phase.percent / 100.0;
  const double survival = phase.survival_per_mille / 1000.0;
  const auto fixed = static_cast<double>(phase.stack_bytes + phase.root_bytes);
  const auto set = static_cast<double>(phase.working_set);
  const double live = (set + survival * percent * fixed) / (1 - survival * percent);
  return std::max(live + percent * (live + fixed), percent * static_cast<double>(min_heap));
}

bool about(double value, double wanted) { return value >= 0.95 * wanted && value <= 1.05 * wanted; }

// At any time the heap stops at its goal. From 25 cycles after `last_change` on, the goal is
// where the program rests.
std::vector<CycleResult> settles(const char* name, const Program& program, unsigned last_change) {
  std::vector<CycleResult> results;
  BOOST_TEST_CONTEXT(name) {
    Simulation simulation(program);
    for (unsigned i = 0; i < last_change + 2 * kSettled; ++i) {
      const CycleResult cycle = simulation.cycle();
      results.push_back(cycle);
      BOOST_TEST_CONTEXT("cycle " << i << ", live " << cycle.live << ", goal " << cycle.goals.heap()
                                  << ", peak " << cycle.peak) {
        const auto goal = static_cast<double>(cycle.goals.heap());
        BOOST_TEST(about(static_cast<double>(cycle.peak), goal));
        if (i < last_change + kSettled) continue;
        BOOST_TEST(about(goal, resting_goal(cycle.phase, cycle.min_heap)));
      }
    }
  }
  return results;
}

BOOST_AUTO_TEST_SUITE(pace_simulation)

BOOST_AUTO_TEST_CASE(a_steady_program_settles) {
  settles(
      "steady", [](unsigned) { return Phase{.working_set = 100 * kMiB}; }, 0);
  settles(
      "half of the new survives once",
      [](unsigned) { return Phase{.working_set = 50 * kMiB, .survival_per_mille = 500}; }, 0);
  settles(
      "percent 1500",
      [](unsigned) {
        return Phase{.working_set = 20 * kMiB, .survival_per_mille = 40, .percent = 1500};
      },
      0);
  settles(
      "percent 50",
      [](unsigned) {
        return Phase{.working_set = 50 * kMiB, .survival_per_mille = 500, .percent = 50};
      },
      0);
}

BOOST_AUTO_TEST_CASE(stacks_and_roots_settle_as_live_bytes_do) {
  settles(
      "big stacks",
      [](unsigned) {
        return Phase{
            .working_set = 32 * kMiB, .survival_per_mille = 300, .stack_bytes = 128 * kMiB};
      },
      0);
  settles(
      "big roots",
      [](unsigned) {
        return Phase{.working_set = 32 * kMiB, .survival_per_mille = 300, .root_bytes = 128 * kMiB};
      },
      0);
}

BOOST_AUTO_TEST_CASE(a_step_settles) {
  settles(
      "working set, up",
      [](unsigned i) {
        return Phase{.working_set = (i < 10 ? 32 : 512) * kMiB, .survival_per_mille = 200};
      },
      10);
  settles(
      "working set, far up",
      [](unsigned i) { return Phase{.working_set = i < 10 ? 8 * kMiB : 4 * kGiB}; }, 10);
  settles(
      "working set, down",
      [](unsigned i) {
        return Phase{.working_set = (i < 10 ? 512 : 32) * kMiB, .survival_per_mille = 200};
      },
      10);
  settles(
      "survival and rates",
      [](unsigned i) {
        return i < 10 ? Phase{.working_set = 64 * kMiB, .survival_per_mille = 10}
                      : Phase{.working_set = 64 * kMiB,
                              .survival_per_mille = 600,
                              .alloc_per_ms = 8 * kMiB,
                              .scan_per_ms = kMiB};
      },
      10);
}

BOOST_AUTO_TEST_CASE(a_small_heap_becomes_a_large_one) {
  settles(
      "doubling", [](unsigned i) { return Phase{.working_set = 64 * kKiB << std::min(i, 16U)}; },
      16);
}

BOOST_AUTO_TEST_CASE(slow_allocation_keeps_the_smallest_heap) {
  const auto results = settles(
      "slow", [](unsigned) { return Phase{.working_set = 100 * kKiB, .alloc_per_ms = 4 * kKiB}; },
      0);
  BOOST_TEST(results.back().goals.heap() == 4 * kMiB);
}

BOOST_AUTO_TEST_CASE(fast_allocation_in_a_small_heap_is_given_more_room) {
  const auto results = settles(
      "fast", [](unsigned) { return Phase{.working_set = 256 * kKiB, .alloc_per_ms = 16 * kMiB}; },
      0);
  // Marked in 1/16 ms, which is a ninth of the time at 8 MiB and a seventeenth at 16.
  BOOST_TEST(results.back().goals.heap() == 16 * kMiB);
}

BOOST_AUTO_TEST_CASE(a_program_that_oscillates_stays_between_its_two_ends) {
  Simulation simulation([](unsigned i) {
    return Phase{.working_set = (i % 13 < 6 ? 64 : 96) * kMiB, .survival_per_mille = 100};
  });
  const double low = resting_goal({.working_set = 64 * kMiB, .survival_per_mille = 100}, 0);
  const double high = resting_goal({.working_set = 96 * kMiB, .survival_per_mille = 100}, 0);
  for (unsigned i = 0; i < 100; ++i) {
    const CycleResult cycle = simulation.cycle();
    BOOST_TEST(about(static_cast<double>(cycle.peak), static_cast<double>(cycle.goals.heap())));
    if (i < kSettled) continue;
    BOOST_TEST(static_cast<double>(cycle.goals.heap()) >= 0.95 * low);
    BOOST_TEST(static_cast<double>(cycle.goals.heap()) <= 1.05 * high);
  }
}

BOOST_AUTO_TEST_CASE(jitter_is_not_amplified) {
  std::mt19937_64 random(random_seed());
  const auto between = [&random](uint64_t low, uint64_t high) {
    return low + random() % (high - low);
  };
  for (const int percent : {50, 100, 300}) {
    Simulation simulation([&](unsigned) {
      return Phase{.working_set = between(90 * kMiB, 110 * kMiB),
                   .survival_per_mille = static_cast<unsigned>(between(50, 150)),
                   .stack_bytes = between(0, 8 * kMiB),
                   .root_bytes = between(0, 8 * kMiB),
                   .alloc_per_ms = between(kMiB / 2, 2 * kMiB),
                   .scan_per_ms = between(2 * kMiB, 8 * kMiB),
                   .percent = percent};
    });
    const double low =
        resting_goal({.working_set = 90 * kMiB, .survival_per_mille = 50, .percent = percent}, 0);
    const double high = resting_goal({.working_set = 110 * kMiB,
                                      .survival_per_mille = 150,
                                      .stack_bytes = 8 * kMiB,
                                      .root_bytes = 8 * kMiB,
                                      .percent = percent},
                                     0);
    for (unsigned i = 0; i < 200; ++i) {
      const CycleResult cycle = simulation.cycle();
      BOOST_TEST(about(static_cast<double>(cycle.peak), static_cast<double>(cycle.goals.heap())));
      if (i < kSettled) continue;
      BOOST_TEST(static_cast<double>(cycle.goals.heap()) >= 0.95 * low);
      BOOST_TEST(static_cast<double>(cycle.goals.heap()) <= 1.05 * high);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_new_percentage_is_in_the_next_goal) {
  Simulation simulation([](unsigned i) {
    return Phase{.working_set = 100 * kMiB, .percent = i < 10 ? 100 : (i < 12 ? 50 : 400)};
  });
  for (unsigned i = 0; i < 10; ++i) simulation.cycle();
  BOOST_TEST(simulation.cycle().goals.heap() == 150 * kMiB);
  BOOST_TEST(simulation.cycle().goals.heap() == 150 * kMiB);
  BOOST_TEST(simulation.cycle().goals.heap() == 500 * kMiB);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
