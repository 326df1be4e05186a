// Waiting for an idle heap, against a clock and a memory that are made up.
#include "bench/growth/idle.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <string>

#include "bench/growth/units.h"

namespace acre::bench {
namespace {

constexpr auto kLive = static_cast<std::int64_t>(10 * kMiB);
constexpr auto kBound = static_cast<std::int64_t>(44 * kMiB);  // 1.2 x 10 + 32

// Time passes only in pauses. A heap of 1 GiB that gives back `per_second`, at 1/50 of a CPU.
struct MadeUp {
  std::int64_t per_second = 0;
  double seconds = 1000;  // clocks and counters do not start at 0
  unsigned readings = 0;

  IdleReading read() {
    ++readings;
    IdleReading reading;
    reading.seconds = seconds;
    reading.processor = 5 + (seconds - 1000) / 50;
    const double given = (seconds - 1000) * static_cast<double>(per_second);
    const double left = static_cast<double>(kGiB) - given;
    reading.resident = std::max<std::int64_t>(static_cast<std::int64_t>(left), kLive);
    return reading;
  }

  IdleFigures wait(double most_seconds) {
    return wait_idle(
        kLive, most_seconds, [this] { return read(); }, [this](double pause) { seconds += pause; });
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(idle)

BOOST_AUTO_TEST_CASE(the_bound_is_a_fifth_and_32_mib_above_the_live_data) {
  BOOST_TEST(idle_bound(0) == 32 * kMiB);
  BOOST_TEST(idle_bound(10 * kMiB) == 44 * kMiB);
}

BOOST_AUTO_TEST_CASE(a_heap_that_shrinks_is_watched_until_it_meets_the_bound_and_no_longer) {
  MadeUp heap{.per_second = static_cast<std::int64_t>(100 * kMiB)};
  const IdleFigures figures = heap.wait(60);
  BOOST_TEST(figures.met);
  BOOST_TEST(figures.bound == static_cast<std::uint64_t>(kBound));
  BOOST_TEST(figures.resident_start == static_cast<std::int64_t>(kGiB));
  BOOST_TEST(figures.resident_end <= kBound);
  // 980 MiB at 100 a second: seen within a tenth of a second.
  BOOST_TEST(figures.seconds >= 9.8);
  BOOST_TEST(figures.seconds < 9.95);
  BOOST_TEST(figures.processor_seconds > 0.19);
  BOOST_TEST(figures.processor_seconds < 0.2);
  BOOST_TEST(figures.processor_share() > 0.0199);
  BOOST_TEST(figures.processor_share() < 0.0201);
  BOOST_TEST(outcome_text(figures) == short_time(figures.seconds));
}

BOOST_AUTO_TEST_CASE(a_heap_that_keeps_its_memory_is_watched_to_the_end_and_said_to_have_missed) {
  MadeUp heap;
  const IdleFigures figures = heap.wait(3);
  BOOST_TEST(!figures.met);
  BOOST_TEST(figures.seconds >= 3);
  BOOST_TEST(figures.seconds < 3.001);
  BOOST_TEST(heap.readings >= 31u);
  BOOST_TEST(figures.resident_end == static_cast<std::int64_t>(kGiB));
  BOOST_TEST(outcome_text(figures) == "not met: 1.00 GiB after 3.00 s");
}

BOOST_AUTO_TEST_CASE(what_is_small_from_the_start_is_met_at_once) {
  MadeUp heap{.per_second = static_cast<std::int64_t>(kGiB)};
  heap.seconds += 1;
  const IdleFigures figures = heap.wait(60);
  BOOST_TEST(figures.met);
  BOOST_TEST(figures.seconds == 0);
  BOOST_TEST(figures.processor_share() == 0);
  BOOST_TEST(heap.readings == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acre::bench
