// Threads of Acre's own: where their stacks are, what they are called, which signals they leave to others;
// and whose they are after a fork.

#include "runtime/os/threads.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "runtime/base/raw_memory.h"
#include "runtime/os/limits.h"
#include "runtime/os/os.h"
#include "test/runtime/base/forked_child.h"

namespace acre::rt {
namespace {

using acre::test::in_forked_child;

constexpr ByteCount kStack{2 * kMiB};

struct Seen {
  std::atomic<bool> runs{false};
  std::atomic<bool> may_end{false};
  Addr frame;
  sigset_t blocked;
};

void* look(void* arg) {
  auto* seen = static_cast<Seen*>(arg);
  seen->frame = Addr(__builtin_frame_address(0));
  pthread_sigmask(SIG_BLOCK, nullptr, &seen->blocked);
  seen->runs = true;
  while (!seen->may_end) usleep(500);
  return arg;
}

struct Ground {
  std::unique_ptr<Os> os = std::make_unique<Os>();
  Addr stack;

  Ground() {
    os->init(nullptr);
    stack = os->reserve(kStack, ByteCount(2 * kMiB));
    BOOST_REQUIRE((stack != Addr{}));
    BOOST_REQUIRE(os->commit(stack, kStack));
  }
  ~Ground() { BOOST_CHECK(os->unmap(stack, kStack)); }

  ThreadPlan plan(void* (*main)(void*), void* arg) const {
    return {.name = "acre-test", .main = main, .arg = arg, .stack_bytes = kStack, .stack = stack};
  }
};

void wait_for(const std::atomic<bool>& flag) {
  while (!flag) usleep(500);
}

BOOST_AUTO_TEST_SUITE(threads)

BOOST_AUTO_TEST_CASE(a_thread_runs_on_the_stack_that_it_is_given_under_its_name) {
  Ground g;
  Seen seen;
  pthread_t thread;
  errno = 42;
  BOOST_REQUIRE(start_thread(g.plan(&look, &seen), &thread));
  BOOST_TEST(errno == 42);
  wait_for(seen.runs);
  BOOST_TEST((seen.frame > g.stack && seen.frame < g.stack + kStack));
  char name[32] = {};
  BOOST_TEST(pthread_getname_np(thread, name, sizeof(name)) == 0);
  BOOST_TEST(std::strcmp(name, "acre-test") == 0);
  seen.may_end = true;
  void* result = nullptr;
  BOOST_TEST(pthread_join(thread, &result) == 0);
  BOOST_TEST(result == &seen);
}

BOOST_AUTO_TEST_CASE(a_stack_serves_one_thread_after_the_other) {
  Ground g;
  for (int i = 0; i < 50; ++i) {
    Seen seen;
    seen.may_end = true;
    pthread_t thread;
    BOOST_REQUIRE(start_thread(g.plan(&look, &seen), &thread));
    BOOST_TEST(pthread_join(thread, nullptr) == 0);
    BOOST_TEST((seen.frame > g.stack && seen.frame < g.stack + kStack));
  }
}

BOOST_AUTO_TEST_CASE(all_signals_but_those_of_faults_are_for_other_threads) {
  Ground g;
  sigset_t before;
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  Seen seen;
  pthread_t thread;
  BOOST_REQUIRE(start_thread(g.plan(&look, &seen), &thread));
  wait_for(seen.runs);
  for (const int signal : {SIGTERM, SIGINT, SIGALRM, SIGUSR1, SIGCHLD, SIGPROF, SIGRTMIN + 3}) {
    BOOST_TEST(sigismember(&seen.blocked, signal) == 1, signal);
  }
  for (const int signal : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) {
    BOOST_TEST(sigismember(&seen.blocked, signal) == 0, signal);
  }
  sigset_t after;
  pthread_sigmask(SIG_BLOCK, nullptr, &after);
  for (int signal = 1; signal < 32; ++signal) {
    BOOST_TEST(sigismember(&before, signal) == sigismember(&after, signal), signal);
  }
  seen.may_end = true;
  pthread_join(thread, nullptr);
}

BOOST_AUTO_TEST_CASE(without_a_stack_libc_finds_one) {
  Seen seen;
  seen.may_end = true;
  const ThreadPlan plan{
      .name = "acre-test", .main = &look, .arg = &seen, .stack_bytes = ByteCount(256 * kKiB)};
  pthread_t thread;
  BOOST_REQUIRE(start_thread(plan, &thread));
  pthread_join(thread, nullptr);
  BOOST_TEST(seen.runs);
}

BOOST_AUTO_TEST_CASE(a_stack_that_is_too_small_gives_no_thread) {
  const ThreadPlan plan{
      .name = "acre-test", .main = &look, .arg = nullptr, .stack_bytes = ByteCount(4096)};
  pthread_t thread;
  errno = 42;
  BOOST_TEST(!start_thread(plan, &thread));
  BOOST_TEST(errno == 42);
}

#if !defined(ACRE_SANITIZED)  // which map memory for each thread
BOOST_AUTO_TEST_CASE(it_takes_no_mapping) {
  Ground g;
  uint64_t before = 0;
  // Once more for what libc maps at a process's first thread.
  for (int i = 0; i < 2; ++i) {
    before = count_vmas();
    Seen seen;
    pthread_t thread;
    BOOST_REQUIRE(start_thread(g.plan(&look, &seen), &thread));
    wait_for(seen.runs);
    if (i == 1) BOOST_TEST(count_vmas() == before);
    seen.may_end = true;
    pthread_join(thread, nullptr);
  }
  BOOST_TEST(count_vmas() == before);
}

BOOST_AUTO_TEST_CASE(a_signal_that_is_sent_to_the_process_does_not_come_to_it) {
  const auto end = in_forked_child([] {
    static std::atomic<int> caught_by{0};
    signal(SIGUSR1, [](int) { caught_by = gettid(); });
    Ground g;
    Seen seen;
    pthread_t thread;
    if (!start_thread(g.plan(&look, &seen), &thread)) return 1;
    wait_for(seen.runs);
    kill(getpid(), SIGUSR1);
    while (caught_by == 0) usleep(500);
    seen.may_end = true;
    pthread_join(thread, nullptr);
    return caught_by == getpid() ? 0 : 2;
  });
  BOOST_TEST(end.exited_with(0));
}
#endif

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(process_mark)

BOOST_AUTO_TEST_CASE(whoever_comes_first_in_a_process_forgets_and_the_others_wait) {
  for (int round = 0; round < 50; ++round) {
    ProcessMark mark;
    std::atomic<int> forgotten{0};
    std::atomic<int> too_early{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 6; ++t) {
      threads.emplace_back([&] {
        mark.renew([&] {
          std::this_thread::yield();
          ++forgotten;
        });
        if (forgotten != 1) ++too_early;
      });
    }
    for (std::thread& thread : threads) thread.join();
    BOOST_TEST(forgotten == 1);
    BOOST_TEST(too_early == 0);
  }
}

BOOST_AUTO_TEST_CASE(a_child_is_another_process) {
  ProcessMark mark;
  mark.renew([] {});
  const auto end = in_forked_child([&] {
    int forgotten = 0;
    for (int i = 0; i < 3; ++i) mark.renew([&] { ++forgotten; });
    return forgotten == 1 ? 0 : 3;
  });
  BOOST_TEST(end.exited_with(0));
  mark.renew([] { BOOST_ERROR("the parent is as it was"); });
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
