// What a fork finds that asks a background thread to rest first, and what becomes of the thread on both sides
// of it. With tsan a child may start no thread, so there it only looks.

#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <memory>
#include <thread>

#include "runtime/scavenge/background.h"
#include "test/runtime/scavenge/background_fixture.h"

namespace acre::rt {
namespace {

using test::background_threads;
using test::BackgroundGround;
using test::comes_true;

constexpr uint64_t kMs = 1'000'000;

std::unique_ptr<BackgroundGround> new_ground() {
  auto ground = std::make_unique<BackgroundGround>();
  ground->background.set_tick(kMs);
  return ground;
}

// The code that the child exits with, of a fork as gc/cycle/fork does it; -1: it hung, or died.
template <class Body>
int code_of_child(BackgroundGround& g, Body body) {
  g.background.lock_work_for_fork();
  g.background.lock_start_for_fork();
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    g.background.forget_thread_in_child();
  }
  g.background.unlock_start_after_fork();
  g.background.unlock_work_after_fork();
  if (child == 0) _exit(body());
  int status = 0;
  if (child < 0 || waitpid(child, &status, 0) != child) return -2;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// In a child: its background thread can be had. 0 if so.
int starts_anew(BackgroundGround& g) {
#if !defined(ACRE_TEST_TSAN)
  if (g.background.started()) return 10;
  const uint64_t ticks = g.work.ticks;
  g.background.start();
  if (!comes_true([&] { return g.work.ticks > ticks + 2; })) return 11;
  if (background_threads() != 1) return 12;
#endif
  (void)g;
  return 0;
}

// And works, and ends.
int works_anew(BackgroundGround& g) {
  const int failed = starts_anew(g);
  if (failed != 0) return failed;
#if !defined(ACRE_TEST_TSAN)
  g.work.burn_ns = 1;
  const uint64_t steps = g.work.steps;
  g.work.to_do = 3;
  if (!comes_true([&] { return g.work.steps >= steps + 3; })) return 13;
  g.background.stop();
  if (g.background.started()) return 14;
#endif
  return 0;
}

BOOST_AUTO_TEST_SUITE(background_fork)

BOOST_AUTO_TEST_CASE(a_child_has_no_thread_and_can_start_one) {
  auto g = new_ground();
  g->background.start();
  BOOST_REQUIRE(comes_true([&] { return g->work.ticks > 0u; }));
  for (int i = 0; i < 10; ++i) {
    BOOST_TEST(code_of_child(*g, [&] {
                 if (background_threads() != 0) return 1;
                 return works_anew(*g);
               }) == 0);
  }
  const uint64_t ticks = g->work.ticks;
  BOOST_TEST(comes_true([&] { return g->work.ticks > ticks; }));
  BOOST_TEST(background_threads() == 1u);
}

BOOST_AUTO_TEST_CASE(a_child_may_stop_or_wake_what_it_does_not_have) {
  auto g = new_ground();
  g->background.start();
  for (int i = 0; i < 100; ++i) {
    BOOST_TEST_REQUIRE(code_of_child(*g, [&] {
                         g->background.wake();
                         g->background.stop();
                         return g->background.started() ? 1 : 0;
                       }) == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_child_of_a_child_can_start_one) {
  auto g = new_ground();
  g->background.start();
  BOOST_REQUIRE(comes_true([&] { return g->work.ticks > 0u; }));
  const auto in_child = [&] {
    const int code = code_of_child(*g, [&] { return works_anew(*g); });
    return code != 0 ? 20 + code : works_anew(*g);
  };
  BOOST_TEST(code_of_child(*g, in_child) == 0);
}

BOOST_AUTO_TEST_CASE(a_fork_waits_for_the_step_that_is_running) {
  auto g = new_ground();
  g->work.burn_ns = 2 * kMs;
  g->work.to_do = 1'000'000;
  g->background.start();
  int in_the_midst = 0;
  for (int i = 0; i < 10; ++i) {
    BOOST_REQUIRE(comes_true([&] {
      const uint64_t steps = g->work.steps;
      while (!g->work.working && g->work.steps == steps) std::this_thread::yield();
      return g->work.working.load();
    }));
    ++in_the_midst;
    BOOST_TEST(code_of_child(*g, [&] { return g->work.working ? 1 : 0; }) == 0);
  }
  BOOST_TEST(in_the_midst == 10);
}

// A fork may come at any moment of a thread that falls asleep and is woken.
BOOST_AUTO_TEST_CASE(forks_while_the_thread_is_woken) {
  auto g = new_ground();
  g->background.start();
  std::atomic<bool> done{false};
  std::thread waker([&] {
    while (!done) g->background.wake();
  });
  int code = 0;
  for (int i = 0; i < 100 && code == 0; ++i) {
    code = code_of_child(*g, [&] {
      g->background.wake();
      return g->background.started() ? 1 : 0;
    });
  }
  BOOST_TEST(code == 0);
  done = true;
  waker.join();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
