// What a fork finds, and what becomes of the background threads on both sides of it. With tsan a child
// may start no thread, so there it only looks. Nor with asan where another thread may be allocating at that
// moment: its allocator's locks, unlike libc's, are not looked after by fork.

#include <sys/wait.h>

#include <boost/test/unit_test.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/base/raw_memory.h"
#include "runtime/scavenge/background.h"
#include "test/runtime/scavenge/background_fixture.h"

namespace acre::rt {
namespace {

using test::background_threads;
using test::BackgroundGround;
using test::comes_true;

constexpr uint64_t kMs = 1'000'000;

#if defined(ACRE_SANITIZED)
constexpr bool kStartsAmongOthers = false;
#else
constexpr bool kStartsAmongOthers = true;
#endif

std::unique_ptr<BackgroundGround> new_ground() {
  auto ground = std::make_unique<BackgroundGround>();
  ground->background.set_tick(kMs);
  return ground;
}

// The code that the child exits with; -1: it hung, or died.
template <class Body>
int code_of_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(60);
    _exit(body());
  }
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
    BOOST_TEST(code_of_child([&] {
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
    BOOST_TEST_REQUIRE(code_of_child([&] {
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
    const int code = code_of_child([&] { return works_anew(*g); });
    return code != 0 ? 20 + code : works_anew(*g);
  };
  BOOST_TEST(code_of_child(in_child) == 0);
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
    BOOST_TEST(code_of_child([&] { return g->work.working ? 1 : 0; }) == 0);
  }
  BOOST_TEST(in_the_midst == 10);
}

// In a child of one of them the other's fork is not on its way.
BOOST_AUTO_TEST_CASE(two_threads_that_fork_at_once_leave_nothing_behind) {
  for (int round = 0; round < 10; ++round) {
    auto g = new_ground();
    // A long step keeps both in the hook.
    g->work.burn_ns = 30 * kMs;
    g->work.to_do = 1;
    g->background.start();
    BOOST_REQUIRE(comes_true([&] { return g->work.working || g->work.to_do == 0u; }));
    int codes[2] = {};
    std::vector<std::thread> forkers;
    for (int& code : codes) {
      forkers.emplace_back(
          [&] { code = code_of_child([&] { return kStartsAmongOthers ? starts_anew(*g) : 0; }); });
    }
    for (std::thread& forker : forkers) forker.join();
    BOOST_TEST_REQUIRE(codes[0] == 0);
    BOOST_TEST_REQUIRE(codes[1] == 0);
  }
}

// A fork may come between any two instructions of start and stop: the child still can start and fork.
BOOST_AUTO_TEST_CASE(forks_while_threads_come_and_go) {
  std::vector<std::unique_ptr<BackgroundGround>> grounds;
  for (int i = 0; i < 3; ++i) grounds.push_back(new_ground());
  std::atomic<bool> done{false};
  std::vector<std::thread> others;
  for (const auto& g : grounds) {
    others.emplace_back([&] {
      while (!done) {
        g->background.start();
        if (g->work.ticks % 3 == 0) std::this_thread::yield();
        g->background.wake();
        g->background.stop();
      }
    });
  }
  int code = 0;
  for (int i = 0; i < 150 && code == 0; ++i) {
    code = code_of_child([&] {
      for (const auto& g : grounds) {
        const int failed = kStartsAmongOthers ? works_anew(*g) : 0;
        if (failed != 0) return failed;
        g->background.stop();
      }
      // Once more through the list of the hooks.
      return code_of_child([] { return 0; }) == 0 ? 0 : 30;
    });
  }
  BOOST_TEST(code == 0);
  done = true;
  for (std::thread& other : others) other.join();
  BOOST_TEST(comes_true([] { return background_threads() == 0; }));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
