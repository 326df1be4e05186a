#include "gc/cycle/memory_limit.h"

#include "test/gc/cycle/test_heap.h"

namespace acre::test {
namespace {

constexpr uint64_t kMs = 1'000'000;

// A limit on a heap's memory, with a clock of its own.
struct Limited {
  TestHeap heap;
  gc::MemoryLimit limit{};
  uint64_t now = 1000 * kMs;

  explicit Limited(size_t bytes, int policy = ACRE_LIMIT_KEEP_GOING) {
    acre_options options = quiet_options();
    options.memory_limit = bytes;
    options.limit_policy = policy;
    limit.init(options, &heap.core().pages.retention(), 2, now);
  }
  // The world runs, and then is stopped by one marker.
  void cycle(uint64_t run_ns, uint64_t pause_ns) {
    now += run_ns;
    limit.before_collection(now);
    now += pause_ns;
    limit.after_collection(now, pause_ns, pause_ns);
  }
  bool event() {
    acre_limit_event event = {};
    return limit.event_due(now, 0, &event);
  }
};

BOOST_AUTO_TEST_SUITE(memory_limit_parts)

// Seven tenths of the time in pauses.
BOOST_AUTO_TEST_CASE(collections_are_put_off_sooner_where_more_than_the_limit_lives) {
  for (const size_t bytes : {size_t{1}, size_t{rt::kGiB}}) {
    Limited limited(bytes);
    bool limiting = false;
    for (int i = 0; i < 200; ++i) {
      limited.cycle(30 * kMs, 70 * kMs);
      (void)limited.event();
      limiting |= limited.limit.limiting(limited.now);
    }
    BOOST_TEST(limiting == (bytes == 1));
    BOOST_TEST(limited.limit.pressed() == (bytes == 1));
  }
}

BOOST_AUTO_TEST_CASE(who_asks_during_a_pause_does_not_make_it_the_programs_time) {
  Limited limited(1);
  (void)limited.event();
  for (int i = 0; i < 200; ++i) {
    limited.now += 10 * kMs;
    limited.limit.before_collection(limited.now);
    for (int asked = 0; asked < 9; ++asked) {
      limited.now += 10 * kMs;
      (void)limited.limit.limiting(limited.now);
    }
    limited.limit.after_collection(limited.now, 90 * kMs, 90 * kMs);
  }
  BOOST_TEST(limited.limit.limiting(limited.now));
}

BOOST_AUTO_TEST_CASE(events_come_once_a_second_while_the_limit_is_passed) {
  Limited limited(1);
  int events = 0;
  for (int i = 0; i < 100; ++i) {
    limited.cycle(40 * kMs, 10 * kMs);
    events += limited.event() ? 1 : 0;
  }
  BOOST_TEST(events == 5);
  BOOST_TEST(limited.limit.events() == 5u);
  Limited kept(rt::kGiB);
  for (int i = 0; i < 100; ++i) {
    kept.cycle(90 * kMs, 10 * kMs);
    BOOST_TEST(!kept.event());
  }
}

BOOST_AUTO_TEST_CASE(fail_as_an_option_is_a_hard_limit_until_there_is_a_handler) {
  Limited limited(64 * rt::kMiB, ACRE_LIMIT_FAIL);
  const rt::Retention& retention = limited.heap.core().pages.retention();
  BOOST_TEST(retention.hard_limit().raw == 64 * rt::kMiB);
  limited.limit.set_has_handler(true);
  BOOST_TEST((retention.hard_limit() == rt::kNoByteLimit));
  limited.limit.set_hard(32 * rt::kMiB);
  BOOST_TEST(retention.hard_limit().raw == 32 * rt::kMiB);
  limited.limit.set_has_handler(false);
  limited.limit.set_hard(ACRE_NO_LIMIT);
  BOOST_TEST(retention.hard_limit().raw == 64 * rt::kMiB);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
