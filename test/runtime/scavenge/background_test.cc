#include "runtime/scavenge/background.h"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "test/runtime/scavenge/background_fixture.h"

namespace acre::rt {
namespace {

using test::background_threads;
using test::BackgroundGround;
using test::comes_true;

constexpr uint64_t kMs = 1'000'000;

std::unique_ptr<BackgroundGround> new_ground() { return std::make_unique<BackgroundGround>(); }

BOOST_AUTO_TEST_SUITE(background)

BOOST_AUTO_TEST_CASE(there_is_no_thread_before_it_is_started) {
  auto g = new_ground();
  BOOST_TEST(!g->background.started());
  BOOST_TEST(background_threads() == 0u);
  g->background.wake();
  g->background.stop();
  BOOST_TEST(g->work.ticks == 0u);
}

BOOST_AUTO_TEST_CASE(it_ticks_at_the_start_and_works_until_nothing_is_left) {
  auto g = new_ground();
  g->work.to_do = 5;
  const uint64_t began = now_ns();
  g->background.start();
  BOOST_TEST(g->background.started());
  BOOST_TEST(comes_true([&] { return g->work.steps == 5u && g->work.ticks > 0u; }));
  usleep(20'000);
  const uint64_t ticks = g->work.ticks;
  const uint64_t ended = now_ns();
  BOOST_TEST(g->work.steps == 5u);
  // One at the start, one for each time that it comes back for what is left; then they are far apart.
  BOOST_TEST(ticks <= 6 + (ended - began) / Background::kTickNs);
}

BOOST_AUTO_TEST_CASE(waking_it_makes_it_look_around_and_find_new_work) {
  auto g = new_ground();
  g->background.start();
  BOOST_REQUIRE(comes_true([&] { return g->work.ticks > 0u; }));
  for (uint64_t i = 1; i <= 20; ++i) {
    const uint64_t ticks = g->work.ticks;
    g->work.to_do = 1;
    g->background.wake();
    BOOST_TEST_REQUIRE(comes_true([&] { return g->work.ticks > ticks && g->work.steps == i; }));
  }
}

BOOST_AUTO_TEST_CASE(it_ticks_as_often_as_it_is_told) {
  auto g = new_ground();
  g->background.set_tick(kMs);
  g->background.start();
  BOOST_TEST(comes_true([&] { return g->work.ticks >= 50u; }));
  BOOST_TEST(g->work.steps == 0u);
  // A tick of its own may not be much earlier than asked.
  g->background.set_tick(uint64_t{3600} * 1000 * kMs);
  usleep(20'000);
  const uint64_t ticks = g->work.ticks;
  usleep(20'000);
  BOOST_TEST(g->work.ticks == ticks);
}

BOOST_AUTO_TEST_CASE(ticks_that_never_come_are_no_ticks_without_end) {
  auto g = new_ground();
  g->background.set_tick(UINT64_MAX);
  g->background.start();
  BOOST_TEST(comes_true([&] { return g->work.ticks >= 1u; }));
  usleep(20'000);
  BOOST_TEST(g->work.ticks == 1u);
}

BOOST_AUTO_TEST_CASE(ticks_come_while_a_long_step_is_paid_for) {
  auto g = new_ground();
  g->background.set_tick(kMs);
  g->work.burn_ns = 300 * kMs;  // half a minute at a hundredth
  g->work.to_do = 2;
  const uint64_t began = now_ns();
  g->background.start();
  BOOST_REQUIRE(comes_true([&] { return g->work.steps == 1u; }));
  const uint64_t ticks = g->work.ticks;
  BOOST_TEST(comes_true([&] { return g->work.ticks > ticks + 10; }));
  if (now_ns() - began < 20'000 * kMs) BOOST_TEST(g->work.steps == 1u);
}

// Nothing here depends on how fast the machine is: what the thread has used is compared with the time
// that has passed, and the last piece, which is not paid for yet, by its own measure.
BOOST_AUTO_TEST_CASE(it_takes_a_hundredth_of_one_processor) {
  auto g = new_ground();
  g->work.burn_ns = kMs / 5;
  g->work.to_do = 1'000'000;
  const uint64_t began = now_ns();
  g->background.start();
  BOOST_REQUIRE(comes_true([&] { return g->background.work_ns() >= 10 * kMs; }));
  const uint64_t worked = g->background.work_ns();
  const uint64_t elapsed = now_ns() - began;
  const uint64_t unpaid =
      WorkPacer::kWorkNs + WorkPacer::kCreditNs / WorkPacer::kTimePerWork + 2 * g->work.longest_ns;
  BOOST_TEST(worked <= elapsed / WorkPacer::kTimePerWork + unpaid);
  BOOST_TEST(g->work.steps > 20u);
  // It ends in the midst of its work.
  g->background.stop();
  const uint64_t steps = g->work.steps;
  usleep(5000);
  BOOST_TEST(g->work.steps == steps);
  BOOST_TEST(g->work.steps * g->work.burn_ns <= g->background.work_ns());
}

BOOST_AUTO_TEST_CASE(after_a_stretch_of_work_it_reports_once) {
  auto g = new_ground();
  g->work.burn_ns = kMs / 2;
  g->work.to_do = 6;
  g->background.start();
  BOOST_TEST(comes_true([&] { return g->work.reports >= 1u; }));
  BOOST_TEST(g->work.steps <= 6u);
  BOOST_TEST(comes_true([&] { return g->work.steps == 6u; }));
  usleep(20'000);
  const uint64_t reports = g->work.reports;
  g->background.wake();
  const uint64_t ticks = g->work.ticks;
  BOOST_TEST(comes_true([&] { return g->work.ticks > ticks; }));
  usleep(5000);
  BOOST_TEST(g->work.reports == reports);
}

BOOST_AUTO_TEST_CASE(stopping_ends_the_thread_and_it_can_begin_anew) {
  auto g = new_ground();
  void* stack = nullptr;
  for (int i = 0; i < 30; ++i) {
    g->background.set_tick(kMs);
    g->background.start();
    BOOST_TEST(g->background.started());
    if (i % 3 != 0) {
      const uint64_t ticks = g->work.ticks;
      BOOST_REQUIRE(comes_true([&] { return g->work.ticks > ticks; }));
    }
    g->background.stop();
    BOOST_TEST(!g->background.started());
    const uint64_t ticks = g->work.ticks;
    if (i == 0) stack = g->space.meta_alloc(ByteCount(8), 8);
    usleep(2000);
    BOOST_TEST(g->work.ticks == ticks);
  }
  g->background.stop();
  BOOST_TEST(comes_true([] { return background_threads() == 0; }));
  // One stack for all of them.
  BOOST_TEST(g->space.meta_alloc(ByteCount(8), 8) == static_cast<char*>(stack) + 8);
  BOOST_TEST(g->work.calls_itself_right.load());
}

BOOST_AUTO_TEST_CASE(many_who_start_it_make_one_thread) {
  for (int round = 0; round < 20; ++round) {
    auto g = new_ground();
    g->background.set_tick(kMs);
    std::atomic<bool> go{false};
    std::vector<std::thread> threads;
    for (int t = 0; t < 8; ++t) {
      threads.emplace_back([&] {
        while (!go) std::this_thread::yield();
        g->background.start();
      });
    }
    go = true;
    for (std::thread& thread : threads) thread.join();
    BOOST_TEST(comes_true([&] { return g->work.ticks >= 5u; }));
    BOOST_TEST(background_threads() == 1u);
    BOOST_TEST(g->work.callers == 1u);
    BOOST_TEST(!g->background.is_this_thread());
  }
}

BOOST_AUTO_TEST_CASE(without_memory_for_a_stack_there_is_none_and_later_there_is) {
  FaultPlan faults;
  faults.pretend_strict_overcommit();
  auto os = std::make_unique<Os>();
  os->init(&faults);
  Space space;
  const auto tables = [](PageCount) { return TableSizes{ByteCount(8192), ByteCount(8192)}; };
  BOOST_REQUIRE_EQUAL(space.init(os.get(), kMinReservation, ACRE_HUGE_PAGES_NEVER, tables),
                      ACRE_OK);
  test::FakeWork work;
  auto background = std::make_unique<Background>();
  background->init(&space, &work);
  faults.fail(OsCall::kCommit, 1);
  background->start();
  BOOST_TEST(!background->started());
  background->stop();
  background->start();
  BOOST_TEST(background->started());
  BOOST_TEST(comes_true([&] { return work.ticks > 0u; }));
  background->stop();
  BOOST_TEST(space.destroy());
}

BOOST_AUTO_TEST_CASE(many_heaps_have_one_each) {
  std::vector<std::unique_ptr<BackgroundGround>> grounds;
  for (int i = 0; i < 12; ++i) {
    grounds.push_back(new_ground());
    grounds.back()->background.start();
  }
  for (const auto& g : grounds) BOOST_TEST(comes_true([&] { return g->work.ticks > 0u; }));
  BOOST_TEST(background_threads() == 12u);
  // From the middle, the end and the start of the list of the hooks.
  for (const size_t at : {5, 10, 0}) grounds.erase(grounds.begin() + static_cast<ptrdiff_t>(at));
  BOOST_TEST(comes_true([] { return background_threads() == 9; }));
  grounds.clear();
  BOOST_TEST(comes_true([] { return background_threads() == 0; }));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
