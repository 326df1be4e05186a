// The crew: each job runs once for each marker, whoever comes late, whatever was refused, and in the child
// of a fork too.

#include "gc/mark/crew.h"

#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <memory>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "runtime/base/raw_memory.h"
#include "test/gc/mark/helper_threads.h"
#include "test/runtime/base/forked_child.h"
#include "test/runtime/base/random_seed.h"

namespace acre::gc {
namespace {

using acre::test::helper_threads;
using acre::test::helper_threads_become;
using acre::test::in_forked_child;

void count_start(void* count) { ++*static_cast<std::atomic<unsigned>*>(count); }

struct CrewFixture {
  Crew crew;
  std::atomic<unsigned> started{0};

  ~CrewFixture() { crew.stop(); }

  void grow(unsigned helpers) { crew.grow(helpers, &count_start, &started); }

  // Whether job(i) ran once for each i below `markers`, and for none else.
  bool runs_each_once(unsigned markers) {
    std::atomic<unsigned> runs[kMaxMarkers] = {};
    crew.run(markers, [&runs](unsigned i) { ++runs[i]; });
    bool right = true;
    for (unsigned i = 0; i < kMaxMarkers; ++i) right &= runs[i] == (i < markers ? 1u : 0u);
    return right;
  }
};

BOOST_FIXTURE_TEST_SUITE(crew_, CrewFixture)

// ThreadSanitizer ends a child that makes threads after a process of several forked; and limits of the
// address space are not for sanitizers. These come first: a process that had threads keeps their stacks.
#if !defined(ACRE_SANITIZED)

size_t address_space_in_use() {
  std::ifstream statm("/proc/self/statm");
  size_t pages = 0;
  statm >> pages;
  return pages * static_cast<size_t>(getpagesize());
}

BOOST_AUTO_TEST_CASE(a_system_that_gives_no_thread_leaves_the_crew_at_one) {
  const auto end = in_forked_child([this] {
    const size_t all = address_space_in_use() + 64 * 1024;
    const rlimit limit = {all, all};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return 1;
    for (int i = 0; i < 3; ++i) {
      grow(7);
      if (crew.size() != 0) return 2;
      if (!runs_each_once(1)) return 3;
    }
    crew.stop();
    return started == 0 ? 0 : 4;
  });
  BOOST_TEST(end.exited_with(0), end.status << end.stderr_text);
}

BOOST_AUTO_TEST_CASE(a_system_that_gives_some_threads_leaves_a_crew_of_those) {
  const auto end = in_forked_child([this] {
    const size_t used = address_space_in_use();
    rlimit limit = {used + 4 * 1024 * 1024 + 300 * 1024, RLIM_INFINITY};  // four stacks of 1 MiB
    if (setrlimit(RLIMIT_AS, &limit) != 0) return 1;
    grow(15);
    const unsigned given = crew.size();
    if (given < 1 || given > 5) return 2;
    for (unsigned markers = 1; markers <= given + 1; ++markers) {
      if (!runs_each_once(markers)) return 3;
    }
    // Later there may be more.
    limit.rlim_cur = RLIM_INFINITY;
    if (setrlimit(RLIMIT_AS, &limit) != 0) return 4;
    grow(15);
    if (crew.size() != 15 || !runs_each_once(16)) return 5;
    crew.stop();
    return started == 15 ? 0 : 6;
  });
  BOOST_TEST(end.exited_with(0), end.status << end.stderr_text);
}

BOOST_AUTO_TEST_CASE(a_child_of_a_fork_that_is_told_begins_anew) {
  grow(3);
  BOOST_TEST(runs_each_once(4));
  const auto end = in_forked_child([this] {
    if (helper_threads() != 0) return 1;
    crew.forget_threads_in_child();
    if (crew.size() != 0) return 2;
    if (!runs_each_once(1)) return 3;
    grow(2);
    if (crew.size() != 2 || helper_threads() != 2 || !runs_each_once(3)) return 4;
    crew.stop();
    return 0;
  });
  BOOST_TEST(end.exited_with(0), end.status << end.stderr_text);
  BOOST_TEST(runs_each_once(4));
}

BOOST_AUTO_TEST_CASE(a_child_of_a_fork_may_stop_what_it_does_not_have) {
  grow(3);
  const auto end = in_forked_child([this] {
    crew.forget_threads_in_child();
    crew.stop();
    return crew.size() == 0 ? 0 : 1;
  });
  BOOST_TEST(end.exited_with(0), end.status << end.stderr_text);
}

#endif

BOOST_AUTO_TEST_CASE(there_is_no_thread_before_one_is_wanted) {
  BOOST_TEST(crew.size() == 0u);
  BOOST_TEST(runs_each_once(1));
  grow(0);
  BOOST_TEST(helper_threads() == 0u);
  grow(1);
  BOOST_TEST(crew.size() == 1u);
  BOOST_TEST(helper_threads() == 1u);
  grow(0);
  BOOST_TEST(crew.size() == 1u);
  crew.stop();
  BOOST_TEST(helper_threads_become(0));
}

BOOST_AUTO_TEST_CASE(it_grows_to_the_limit_and_no_further) {
  for (unsigned helpers = 1; helpers < 40; helpers += 3) {
    grow(helpers);
    BOOST_TEST(crew.size() == std::min(helpers, kMaxMarkers - 1));
    BOOST_TEST_REQUIRE(runs_each_once(crew.size() + 1));
  }
  BOOST_TEST(helper_threads() == kMaxMarkers - 1);
  BOOST_TEST(started == kMaxMarkers - 1);
}

BOOST_AUTO_TEST_CASE(each_job_runs_once_for_each_marker_in_many_rounds) {
  std::mt19937_64 random(acre::test::random_seed());
  for (const unsigned helpers : {1u, 2u, 6u, 15u}) {
    grow(helpers);
    for (int round = 0; round < 2000; ++round) {
      const auto markers = static_cast<unsigned>(1 + random() % (helpers + 1));
      BOOST_TEST_REQUIRE(runs_each_once(markers), markers << " of " << helpers + 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(run_returns_when_the_slowest_is_done_and_its_writes_are_seen) {
  grow(3);
  for (unsigned slowest = 0; slowest < 4; ++slowest) {
    unsigned written[4] = {};
    crew.run(4, [&](unsigned i) {
      if (i == slowest) std::this_thread::sleep_for(std::chrono::milliseconds(20));
      written[i] = i + 1;
    });
    for (unsigned i = 0; i < 4; ++i) BOOST_TEST(written[i] == i + 1);
  }
}

BOOST_AUTO_TEST_CASE(job_0_is_the_callers_and_the_others_are_each_a_threads_own) {
  grow(4);
  std::set<pthread_t> all;
  for (int round = 0; round < 50; ++round) {
    pthread_t threads[5] = {};
    crew.run(5, [&threads](unsigned i) { threads[i] = pthread_self(); });
    BOOST_TEST(threads[0] == pthread_self());
    all.insert(std::begin(threads), std::end(threads));
  }
  BOOST_TEST(all.size() == 5u);
}

BOOST_AUTO_TEST_CASE(each_thread_says_that_it_starts_before_its_first_job) {
  for (int round = 0; round < 100; ++round) {
    started = 0;
    grow(5);
    std::atomic<unsigned> early{0};
    crew.run(6, [&](unsigned) { early += started == 0 ? 1 : 0; });
    BOOST_TEST_REQUIRE(started == 5u);
    BOOST_TEST_REQUIRE(early <= 1u);  // the caller may be there before them
    crew.stop();
  }
}

BOOST_AUTO_TEST_CASE(it_stops_and_grows_again_many_times) {
  std::mt19937_64 random(acre::test::random_seed());
  crew.stop();
  for (int life = 0; life < 200; ++life) {
    const auto helpers = static_cast<unsigned>(random() % 6);
    grow(helpers);
    BOOST_TEST_REQUIRE(crew.size() == helpers);
    // Sometimes it is stopped before its threads have come to life.
    if (life % 3 != 0) BOOST_TEST_REQUIRE(runs_each_once(helpers + 1));
    crew.stop();
    BOOST_TEST_REQUIRE(crew.size() == 0u);
    if (life % 7 == 0) crew.stop();
  }
  BOOST_TEST(helper_threads_become(0));
}

BOOST_AUTO_TEST_CASE(threads_that_grow_it_at_once_make_no_thread_twice) {
  for (int round = 0; round < 50; ++round) {
    started = 0;
    std::vector<std::thread> growers;
    for (unsigned wanted = 1; wanted <= 4; ++wanted) {
      growers.emplace_back([this, wanted] { grow(wanted); });
    }
    for (std::thread& grower : growers) grower.join();
    BOOST_TEST_REQUIRE(crew.size() == 4u);
    BOOST_TEST_REQUIRE(runs_each_once(5));
    BOOST_TEST_REQUIRE(started == 4u);
    crew.stop();
  }
}

BOOST_AUTO_TEST_CASE(it_grows_while_others_run_jobs) {
  grow(1);
  std::thread grower([this] {
    for (unsigned helpers = 2; helpers < kMaxMarkers; ++helpers) {
      grow(helpers);
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  bool right = true;
  while (crew.size() < kMaxMarkers - 1) right &= runs_each_once(crew.size() + 1);
  grower.join();
  BOOST_TEST(right);
  BOOST_TEST(runs_each_once(kMaxMarkers));
}

BOOST_AUTO_TEST_CASE(helpers_block_all_signals_but_faults_and_the_caller_none_more_than_before) {
  sigset_t mine;
  sigemptyset(&mine);
  sigaddset(&mine, SIGUSR2);
  sigset_t before;
  BOOST_REQUIRE(pthread_sigmask(SIG_BLOCK, &mine, &before) == 0);
  grow(2);
  const auto is_fault = [](int signal) {
    return signal == SIGSEGV || signal == SIGBUS || signal == SIGFPE || signal == SIGILL ||
           signal == SIGTRAP || signal == SIGSYS;
  };
  std::atomic<int> wrong{0};
  crew.run(3, [&](unsigned i) {
    if (i == 0) return;
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, nullptr, &blocked);
    for (int signal = 1; signal <= SIGRTMAX; ++signal) {
      const bool libcs_own = signal > 31 && signal < SIGRTMIN;
      if (signal == SIGKILL || signal == SIGSTOP || libcs_own) continue;
      if ((sigismember(&blocked, signal) != 1) != is_fault(signal)) ++wrong;
    }
  });
  BOOST_TEST(wrong == 0);
  sigset_t after;
  BOOST_REQUIRE(pthread_sigmask(SIG_SETMASK, &before, &after) == 0);
  for (int signal = 1; signal < SIGRTMIN; ++signal) {
    const bool expected = sigismember(&before, signal) == 1 || signal == SIGUSR2;
    BOOST_TEST((sigismember(&after, signal) == 1) == expected, signal);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::gc
