// The soft limit: what is accounted and what is resident stay near it while data that fits lives and much
// is allocated; when it cannot be kept the program goes on, and is asked.

#include <functional>
#include <iterator>

#include "test/gc/api/limit_fixture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

// By so much the limit may be passed.
constexpr uint64_t kMayPass = 16 * kMiB;

acre_options with_limit(size_t bytes, int percent = 100, int policy = ACRE_LIMIT_KEEP_GOING) {
  acre_options options = precise_options();
  options.gc_percent = percent;
  options.memory_limit = bytes;
  options.limit_policy = policy;
  return options;
}

// Makes garbage and replaces live data, and looks at the figures on the way.
void churn(LimitedHeap& heap, uint64_t bytes, uint64_t most, std::mt19937_64& random,
           const std::function<size_t(std::mt19937_64&)>& size_of = random_size) {
  uint64_t looked_at = 0;
  for (uint64_t allocated = 0; allocated < bytes;) {
    const size_t size = size_of(random);
    if (!heap.replace_one(size, random)) BOOST_TEST_REQUIRE(false, "refused: " << size);
    allocated += size;
    if (allocated - looked_at < 256 * kKiB) continue;
    looked_at = allocated;
    heap.check_accounted(most);
    if (!ACRE_TEST_SHADOW_MEMORY && random() % 64 == 0) {
      BOOST_TEST_REQUIRE(acre_resident_bytes(heap.heap) <= most);
    }
  }
}

size_t large_size(std::mt19937_64& random) { return (100 + random() % 900) * kKiB; }

// What a limit handler was told, and what it answers.
struct Events {
  int answer = ACRE_LIMIT_KEEP_GOING;
  int calls = 0;
  acre_limit_event last = {};
  acre_stats stats = {};
  std::function<void()> action = [] {};
  static int handler(acre_heap* heap, const acre_limit_event* event, void* arg) {
    auto* self = static_cast<Events*>(arg);
    ++self->calls;
    self->last = *event;
    self->stats = read_stats(heap);
    self->action();
    return self->answer;
  }
};

// Goes on until the handler was called so often; false: it was not, for all that was allocated.
bool allocate_until(LimitedHeap& heap, const std::function<bool()>& reached) {
  for (uint64_t allocated = 0; allocated < 64 * kGiB; allocated += 1000) {
    if (reached()) return true;
    (void)heap.alloc(1000);
  }
  return false;
}

BOOST_AUTO_TEST_SUITE(memory_limit)

BOOST_AUTO_TEST_CASE(accounted_and_resident_memory_stay_near_it_however_much_is_allocated) {
  std::mt19937_64 random(random_seed());
  for (const int percent : {100, -1}) {
    LimitedHeap heap(with_limit(64 * kMiB, percent));
    heap.fill_to(36 * kMiB, random);
    churn(heap, kChurnBytes, 64 * kMiB + kMayPass, random);
    const acre_stats s = heap.stats();
    BOOST_TEST_MESSAGE("percent " << percent << ": " << s.num_gc << " collections");
    BOOST_TEST(s.memory_limit == 64 * kMiB);
    BOOST_TEST(s.limit_events == 0u);
    BOOST_TEST(s.num_forced_gc == 0u);
    // Not for want of trying to use it: each collection is for some MiB of garbage.
    BOOST_TEST(s.num_gc < kChurnBytes / (4 * kMiB));
  }
}

BOOST_AUTO_TEST_CASE(large_objects_stay_near_it) {
  std::mt19937_64 random(random_seed());
  for (const int percent : {100, -1}) {
    LimitedHeap heap(with_limit(128 * kMiB, percent));
    heap.fill_to(64 * kMiB, random);
    churn(heap, kChurnBytes, 128 * kMiB + kMayPass, random, large_size);
  }
}

BOOST_AUTO_TEST_CASE(sizes_that_change_leave_no_old_pages_behind) {
  std::mt19937_64 random(random_seed());
  LimitedHeap heap(with_limit(64 * kMiB, -1), kManySlots);
  for (const size_t size : {100, 3000, 200000, 40, 20000, 900, 3000000}) {
    heap.drop_all();
    while (heap.live_bytes() < 36 * kMiB) {
      BOOST_REQUIRE(heap.keep(size));
      if (random() % 64 == 0) heap.check_accounted(64 * kMiB + kMayPass);
    }
    for (uint64_t allocated = 0; allocated < 200 * kMiB; allocated += size) {
      BOOST_REQUIRE(heap.alloc(size) != nullptr);
      if (random() % 256 == 0) heap.check_accounted(64 * kMiB + kMayPass);
    }
    if (!ACRE_TEST_SHADOW_MEMORY) {
      BOOST_TEST(acre_resident_bytes(heap.heap) <= 64 * kMiB + kMayPass);
    }
  }
}

BOOST_AUTO_TEST_CASE(lowered_and_raised_it_takes_effect_while_running) {
  std::mt19937_64 random(random_seed());
  LimitedHeap heap(with_limit(160 * kMiB, -1));
  heap.fill_to(24 * kMiB, random);
  churn(heap, 400 * kMiB, 160 * kMiB + kMayPass, random);
  BOOST_TEST(heap.stats().accounted >= 100 * kMiB);

  BOOST_TEST(acre_set_memory_limit(heap.heap, 48 * kMiB) == 160 * kMiB);
  churn(heap, 160 * kMiB, UINT64_MAX, random);
  churn(heap, 400 * kMiB, 48 * kMiB + kMayPass, random);
  const uint64_t before = heap.stats().num_gc;
  churn(heap, 400 * kMiB, 48 * kMiB + kMayPass, random);
  const uint64_t when_low = heap.stats().num_gc - before;

  BOOST_TEST(acre_set_memory_limit(heap.heap, 200 * kMiB) == 48 * kMiB);
  churn(heap, 400 * kMiB, 200 * kMiB + kMayPass, random);
  BOOST_TEST(heap.stats().num_gc - before - when_low < when_low / 2);
  BOOST_TEST(heap.stats().accounted >= 100 * kMiB);

  BOOST_TEST(acre_set_memory_limit(heap.heap, ACRE_NO_LIMIT) == 200 * kMiB);
  churn(heap, 400 * kMiB, UINT64_MAX, random);
  BOOST_TEST(heap.stats().heap_inuse >= 300 * kMiB);
}

BOOST_AUTO_TEST_CASE(with_more_alive_than_it_allows_the_program_goes_on_and_is_told_once_a_second) {
  LimitedHeap heap(with_limit(32 * kMiB), kManySlots);
  Events events;
  acre_set_limit_handler(heap.heap, &Events::handler, &events);
  const uint64_t start = clock_ns(CLOCK_MONOTONIC);
  while (heap.live_bytes() < 96 * kMiB) BOOST_REQUIRE(heap.keep(64));
  BOOST_TEST(allocate_until(heap, [&] { return heap.stats().limiting != 0; }));
  const int told = events.calls;  // while it grew, in a slow build
  BOOST_TEST(allocate_until(heap, [&] { return events.calls >= std::max(told + 1, 2); }));
  const uint64_t seconds = (clock_ns(CLOCK_MONOTONIC) - start) / 1'000'000'000;
  BOOST_TEST(static_cast<uint64_t>(events.calls) <= seconds + 1);
  BOOST_TEST(heap.stats().limit_events == static_cast<uint64_t>(events.calls));
  BOOST_TEST(events.last.limit == 32 * kMiB);
  BOOST_TEST(events.last.above == 1);
  BOOST_TEST(events.last.accounted > 96 * kMiB);
  BOOST_TEST(events.last.live >= 96 * kMiB);
  BOOST_TEST(events.last.live < events.last.accounted);
  BOOST_TEST(heap.stats().memory_limit == 32 * kMiB);
}

BOOST_AUTO_TEST_CASE(the_handler_is_told_what_the_statistics_say) {
  acre_options options = with_limit(16 * kMiB);
  options.scavenger = 0;  // nothing is given back meanwhile
  LimitedHeap heap(options);
  Events events;
  acre_set_limit_handler(heap.heap, &Events::handler, &events);
  while (events.calls == 0) BOOST_REQUIRE(heap.keep(5000));
  BOOST_TEST(events.last.accounted == events.stats.accounted);
  BOOST_TEST(events.last.live == events.stats.live_after_gc);
  BOOST_TEST(events.last.limit == events.stats.memory_limit);
  BOOST_TEST(events.stats.limit_events == 1u);
}

BOOST_AUTO_TEST_CASE(raise_lets_the_limit_grow_by_a_quarter_until_it_is_set_again) {
  for (const bool by_handler : {true, false}) {
    LimitedHeap heap(with_limit(16 * kMiB, -1, by_handler ? ACRE_LIMIT_FAIL : ACRE_LIMIT_RAISE));
    Events events;
    events.answer = ACRE_LIMIT_RAISE;
    if (by_handler) acre_set_limit_handler(heap.heap, &Events::handler, &events);
    while (heap.stats().limit_events == 0) BOOST_REQUIRE(heap.keep(5000));
    const acre_stats s = heap.stats();
    BOOST_TEST(s.memory_limit >= 20 * kMiB);
    BOOST_TEST(s.memory_limit <= (16 * kMiB + kMayPass) / 4 * 5);
    if (by_handler) {
      const uint64_t more = std::max(events.last.limit, events.last.accounted);
      BOOST_TEST(s.memory_limit == more + more / 4);
    }
    BOOST_TEST(acre_set_memory_limit(heap.heap, 0) == 16 * kMiB);
    BOOST_TEST(acre_set_memory_limit(heap.heap, 17 * kMiB) == 16 * kMiB);
    BOOST_TEST(heap.stats().memory_limit == 17 * kMiB);
  }
}

BOOST_AUTO_TEST_CASE(fail_refuses_what_would_go_above_until_a_collection_finds_the_limit_kept) {
  for (const bool by_handler : {true, false}) {
    LimitedHeap heap(
        with_limit(24 * kMiB, 100, by_handler ? ACRE_LIMIT_KEEP_GOING : ACRE_LIMIT_FAIL));
    Events events;
    OomCalls asked;
    events.answer = ACRE_LIMIT_FAIL;
    if (by_handler) acre_set_limit_handler(heap.heap, &Events::handler, &events);
    acre_set_oom_handler(heap.heap, &OomCalls::handler, &asked);
    while (heap.keep(5000)) BOOST_REQUIRE(heap.live_bytes() < 24 * kMiB + kMayPass);
    BOOST_TEST(heap.last_error() == ACRE_E_LIMIT);
    BOOST_TEST(asked.calls == 1);
    if (by_handler) BOOST_TEST(heap.stats().limit_events > 0u);
    BOOST_TEST(heap.stats().memory_limit == 24 * kMiB);
    const uint64_t full = heap.stats().accounted;
    for (int i = 0; i < 100; ++i) {
      BOOST_TEST(heap.alloc(100000) == nullptr);
      BOOST_TEST(heap.last_error() == ACRE_E_LIMIT);
    }
    BOOST_TEST(heap.stats().accounted <= full + kMiB);
    BOOST_TEST(heap_is_whole(heap.heap));
    BOOST_TEST(heap.intact());
    heap.drop_all();
    BOOST_TEST(heap.allocates_again(100000));
    while (heap.live_bytes() < 12 * kMiB) BOOST_REQUIRE(heap.keep(5000));
    for (int i = 0; i < 100'000; ++i) BOOST_REQUIRE(heap.alloc(5000) != nullptr);
    // Again, within a second of the last event.
    for (int round = 0; round < 3; ++round) {
      while (heap.keep(5000)) BOOST_REQUIRE(heap.live_bytes() < 24 * kMiB + kMayPass);
      heap.drop_all();
    }
  }
}

// A heap whose handler has said FAIL, full.
struct Failing : LimitedHeap {
  Events events;
  Failing() : LimitedHeap(with_limit(24 * kMiB)) {
    events.answer = ACRE_LIMIT_FAIL;
    acre_set_limit_handler(heap, &Events::handler, &events);
    while (keep(5000)) BOOST_REQUIRE(live_bytes() < 24 * kMiB + kMayPass);
    BOOST_TEST(last_error() == ACRE_E_LIMIT);
    events.answer = ACRE_LIMIT_KEEP_GOING;
  }
};

BOOST_FIXTURE_TEST_CASE(setting_the_limit_ends_the_refusals, Failing) {
  BOOST_TEST(acre_set_memory_limit(heap, 24 * kMiB) == 24 * kMiB);
  BOOST_TEST(alloc(20 * kMiB) != nullptr);
  while (live_bytes() < 64 * kMiB) BOOST_REQUIRE(keep(5000));
}

BOOST_FIXTURE_TEST_CASE(a_collection_that_finds_the_limit_kept_ends_the_refusals, Failing) {
  drop_all();
  collect();
  collect();
  // In the limiter's time, which is a matter of seconds.
  BOOST_TEST(allocate_until(*this, [this] { return stats().limiting == 0; }));
  collect();
  while (live_bytes() < 64 * kMiB) BOOST_REQUIRE(keep(5000));
}

BOOST_AUTO_TEST_CASE(keep_going_and_unknown_answers_keep_the_limit_and_refuse_nothing) {
  for (const int answer : {int{ACRE_LIMIT_KEEP_GOING}, 77, -1}) {
    LimitedHeap heap(with_limit(16 * kMiB, 100, ACRE_LIMIT_FAIL));
    Events events;
    events.answer = answer;
    acre_set_limit_handler(heap.heap, &Events::handler, &events);
    while (heap.live_bytes() < 48 * kMiB) BOOST_REQUIRE(heap.keep(5000));
    BOOST_TEST(events.calls > 0);
    BOOST_TEST(heap.stats().memory_limit == 16 * kMiB);
  }
}

BOOST_AUTO_TEST_CASE(a_handler_may_use_the_heap) {
  LimitedHeap heap(with_limit(16 * kMiB));
  Events events;
  int allocated = 0;
  events.action = [&] {
    for (int i = 0; i < 1000; ++i) allocated += heap.alloc(10000) != nullptr ? 1 : 0;
    acre_collect(heap.thread);
    acre_release_memory(heap.thread);
    BOOST_TEST(heap_is_whole(heap.heap));
    BOOST_TEST(heap.stats().threads == 1u);
  };
  acre_set_limit_handler(heap.heap, &Events::handler, &events);
  while (events.calls == 0) BOOST_REQUIRE(heap.keep(5000));
  BOOST_TEST(events.calls == 1);
  BOOST_TEST(allocated == 1000);
}

BOOST_AUTO_TEST_CASE(a_handler_may_drop_data_set_the_limit_and_remove_itself) {
  LimitedHeap heap(with_limit(16 * kMiB));
  Events events;
  events.action = [&] {
    heap.drop_all();
    (void)acre_set_memory_limit(heap.heap, 20 * kMiB);
    acre_set_limit_handler(heap.heap, nullptr, nullptr);
  };
  acre_set_limit_handler(heap.heap, &Events::handler, &events);
  while (events.calls == 0) BOOST_REQUIRE(heap.keep(5000));
  BOOST_TEST(heap.stats().memory_limit == 20 * kMiB);
  const uint64_t before = heap.stats().limit_events;
  while (heap.live_bytes() < 12 * kMiB) BOOST_REQUIRE(heap.keep(5000));
  for (int i = 0; i < 100'000; ++i) (void)heap.alloc(5000);
  BOOST_TEST(events.calls == 1);
  BOOST_TEST(heap.stats().limit_events == before);
  BOOST_TEST(heap.stats().accounted <= 20 * kMiB + kMayPass);
}

BOOST_AUTO_TEST_CASE(a_limit_of_a_byte_still_lets_a_program_run) {
  LimitedHeap heap(with_limit(1));
  std::mt19937_64 random(random_seed());
  heap.fill_to(8 * kMiB, random);
  for (int i = 0; i < 20'000; ++i) BOOST_REQUIRE(heap.replace_one(random_size(random), random));
  BOOST_TEST(heap.stats().limit_events > 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
