// When limiting begins and ends: four rules for a leaky bucket, simulated with collections that
// come in lumps, among them Go's and ours. The table in gc/pace/cpu_limiter.h is from here.

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <functional>
#include <random>

#include "gc/pace/cpu_limiter.h"
#include "test/runtime/base/random_seed.h"

namespace acre::gc {
namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kSecond = 1000 * kMs;
constexpr uint64_t kCapacity = kSecond;      // one processor
constexpr uint64_t kWantedAfter = 10 * kMs;  // of mutator time a collection is wanted
constexpr uint64_t kLook = 700'000;  // between two looks at the limiter while it is limiting

// The candidates, each with the two calls of CpuLimiter that matter here.
struct Model {
  bool ends_when_one_fits;  // or as soon as the bucket is not full
  bool pays_back;           // or drops what did not fit
  uint64_t level = 0;
  uint64_t last = 0;
  bool on = false;

  void add(uint64_t gc_ns, uint64_t mutator_ns) {
    level -= std::min(level, mutator_ns);
    level += gc_ns;
    if (gc_ns != 0) last = gc_ns;
    if (level >= kCapacity) on = true;
    if (!pays_back) level = std::min(level, kCapacity);
    if (level + (ends_when_one_fits ? last : 1) <= kCapacity) on = false;
  }
  bool limiting() const { return on; }
};

struct Outcome {
  uint64_t gc = 0;
  uint64_t mutator = 0;
  uint64_t gc_since_on = 0;
  uint64_t mutator_since_on = 0;
  uint64_t longest_wait = 0;  // mutator time between two collections
  unsigned switches = 0;
  unsigned collections = 0;

  // Of the collector, in whole percent, rounded down.
  uint64_t share() const { return gc * 100 / (gc + mutator); }
};

// 30 s of a heap above its limit, told to the limiter as a caller does that waits for it.
template <class Limiter>
Outcome run(Limiter limiter, const std::function<uint64_t()>& cost_ns) {
  Outcome out;
  bool was_on = false;
  bool ever_on = false;
  const auto tell = [&](uint64_t gc, uint64_t mutator) {
    limiter.add(gc, mutator);
    out.gc += gc;
    out.mutator += mutator;
    if (ever_on) out.gc_since_on += gc;
    if (ever_on) out.mutator_since_on += mutator;
    if (limiter.limiting() != was_on) ++out.switches;
    was_on = limiter.limiting();
    ever_on = ever_on || was_on;
  };
  while (out.gc + out.mutator < 30 * kSecond) {
    const uint64_t last_end = out.mutator;
    tell(0, kWantedAfter);
    while (limiter.limiting()) tell(0, kLook);
    out.longest_wait = std::max(out.longest_wait, out.mutator - last_end);
    tell(cost_ns(), 0);
    ++out.collections;
  }
  return out;
}

uint64_t always_300_ms() { return 300 * kMs; }

CpuLimiter ours() {
  CpuLimiter limiter;
  limiter.init(1);
  return limiter;
}

BOOST_AUTO_TEST_SUITE(limiter_rules)

BOOST_AUTO_TEST_CASE(only_what_waits_for_room_and_is_paid_back_comes_to_half) {
  const Outcome outcomes[] = {
      run(Model{.ends_when_one_fits = false, .pays_back = false}, always_300_ms),
      run(Model{.ends_when_one_fits = true, .pays_back = false}, always_300_ms),
      run(Model{.ends_when_one_fits = true, .pays_back = true}, always_300_ms),
      run(ours(), always_300_ms),
  };
  struct Row {
    uint64_t share;
    uint64_t longest_wait_ms;
    unsigned switches;
  };
  // The table in cpu_limiter.h.
  const Row rows[] = {{96, 10, 187}, {66, 300, 64}, {51, 590, 56}, {51, 300, 99}};
  for (unsigned i = 0; i < 4; ++i) {
    BOOST_TEST_CONTEXT("rule " << i) {
      BOOST_TEST(outcomes[i].share() == rows[i].share);
      BOOST_TEST(outcomes[i].longest_wait / kMs == rows[i].longest_wait_ms);
      BOOST_TEST(outcomes[i].switches == rows[i].switches);
    }
  }
}

BOOST_AUTO_TEST_CASE(ours_is_half_and_a_bucket_for_collections_of_any_size) {
  for (const uint64_t cost : {kMs, 30 * kMs, 300 * kMs, 700 * kMs, 1500 * kMs, 4000 * kMs}) {
    BOOST_TEST_CONTEXT("cost " << cost / kMs << " ms") {
      const Outcome out = run(ours(), [cost] { return cost; });
      // The last collection is not paid for yet, and may be larger than the bucket.
      BOOST_TEST(out.gc <= out.mutator + std::max(kCapacity, cost));
      BOOST_TEST(out.gc_since_on <= out.mutator_since_on + cost);
      // A switch on and one off for each collection.
      BOOST_TEST(out.switches <= 2 * out.collections);
    }
  }
}

BOOST_AUTO_TEST_CASE(ours_is_half_where_the_costs_vary) {
  std::mt19937_64 random(test::random_seed());
  const uint64_t most = 600 * kMs;
  const Outcome out = run(ours(), [&random] { return random() % most; });
  // One collection may cost more than the room that was left for it.
  BOOST_TEST(out.gc <= out.mutator + kCapacity + most);
  BOOST_TEST(out.gc_since_on <= out.mutator_since_on + 2 * most);
  BOOST_TEST(out.gc_since_on + kCapacity + most >= out.mutator_since_on);
  BOOST_TEST(out.switches <= 2 * out.collections);
}

BOOST_AUTO_TEST_CASE(ours_lets_be_a_collector_that_needs_less_than_half) {
  // 300 ms after each 400, in single looks.
  CpuLimiter limiter = ours();
  for (unsigned i = 0; i < 100; ++i) {
    BOOST_TEST(!limiter.limiting());
    limiter.add(300 * kMs, 0);
    for (unsigned look = 0; look < 400; ++look) limiter.add(0, kMs);
  }
  BOOST_TEST(limiter.overflow_ns() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::gc
