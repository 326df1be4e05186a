#include "runtime/base/lock.h"

#include <time.h>

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <thread>
#include <vector>

#include "test/runtime/base/forked_child.h"

using namespace acre::rt;  // NOLINT(google-build-using-namespace)
using acre::test::ChildEnd;
using acre::test::contains;
using acre::test::in_forked_child;

#if defined(__has_feature)
#define ACRE_TEST_CLANG_TSAN __has_feature(thread_sanitizer)
#else
#define ACRE_TEST_CLANG_TSAN 0
#endif

namespace {

#if defined(ACRE_DEBUG) && ACRE_DEBUG
constexpr bool kDebug = true;
#else
constexpr bool kDebug = false;
#endif

uint64_t monotonic_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

// In the debug tier `body` aborts and says `message`; without, it runs through.
template <class Body>
void expect_violation(const char* message, Body body) {
  const ChildEnd end = in_forked_child([&] {
    body();
    return 0;
  });
  if (kDebug) {
    BOOST_TEST(end.aborted());
    BOOST_TEST(contains(end.stderr_text, message));
  } else {
    BOOST_TEST(end.exited_with(0));
  }
}

}  // namespace

// Deaths first: they fork, which wants a process of one thread.
BOOST_AUTO_TEST_SUITE(lock_ranks)

BOOST_AUTO_TEST_CASE(locks_may_be_taken_in_rising_rank_and_given_back_in_any_order) {
  Lock threads(LockRank::kThreads);
  Lock page_heap(LockRank::kPageHeap);
  Lock leaf(LockRank::kLeaf);
  threads.lock();
  page_heap.lock();
  leaf.lock();
  page_heap.check_held();
  threads.unlock();
  leaf.unlock();
  page_heap.unlock();
  LockGuard again(threads);
}

BOOST_AUTO_TEST_CASE(a_lock_of_lower_rank_may_not_be_taken_after_a_higher) {
  expect_violation("locks are taken in rising rank", [] {
    Lock page_heap(LockRank::kPageHeap);
    Lock roots(LockRank::kRoots);
    LockGuard first(page_heap);
    LockGuard second(roots);
  });
}

BOOST_AUTO_TEST_CASE(two_locks_of_one_rank_may_not_be_held_together) {
  expect_violation("locks are taken in rising rank", [] {
    Lock one(LockRank::kLeaf);
    Lock other(LockRank::kLeaf);
    LockGuard first(one);
    LockGuard second(other);
  });
}

BOOST_AUTO_TEST_CASE(what_is_tried_counts_for_what_is_taken_after_it) {
  expect_violation("locks are taken in rising rank", [] {
    Lock leaf(LockRank::kLeaf);
    Lock kinds(LockRank::kKinds);
    Lock meta(LockRank::kMeta);
    leaf.lock();
    if (!kinds.try_lock()) return;  // allowed: it does not wait
    meta.lock();
  });
}

BOOST_AUTO_TEST_CASE(a_lock_needs_a_rank) {
  expect_violation("a lock has a rank", [] {
    Lock unranked;
    LockGuard guard(unranked);
  });
}

BOOST_AUTO_TEST_CASE(check_held_finds_out_who_does_not_hold_it) {
  expect_violation("the lock is held by this thread", [] {
    Lock lock(LockRank::kMeta);
    lock.check_held();
  });
}

BOOST_AUTO_TEST_CASE(a_wait_under_a_later_lock_is_an_error) {
  expect_violation("a wait's lock is the last one taken", [] {
    Lock lock(LockRank::kMeta);
    Lock leaf(LockRank::kLeaf);
    Condition condition;
    LockGuard first(lock);
    LockGuard second(leaf);
    condition.wait_until(lock, 1);
  });
}

BOOST_AUTO_TEST_CASE(a_thread_that_forks_may_hold_two_locks_of_one_rank) {
  Lock one(LockRank::kThreads);
  Lock other(LockRank::kThreads);
  Condition condition;
  Lock::suspend_ranks_for_fork();
  one.lock();
  other.lock();
  one.check_held();
  BOOST_TEST(!condition.wait_until(other, 1));
  one.unlock();
  other.unlock();
  Lock::resume_ranks_after_fork();
  LockGuard guard(one);
  BOOST_TEST(Lock::holds(LockRank::kThreads) == kDebug);
}

BOOST_AUTO_TEST_CASE(ranks_are_not_suspended_under_a_lock) {
  expect_violation("a thread that begins or ends to fork holds no lock", [] {
    Lock lock(LockRank::kMeta);
    LockGuard guard(lock);
    Lock::suspend_ranks_for_fork();
    Lock::resume_ranks_after_fork();
  });
}

BOOST_AUTO_TEST_CASE(a_lock_in_zeroed_memory_works_once_it_has_a_rank) {
  alignas(Lock) unsigned char memory[sizeof(Lock)];
  std::memset(memory, 0, sizeof(memory));
  auto* lock = reinterpret_cast<Lock*>(memory);
  lock->set_rank(LockRank::kMeta);
  BOOST_TEST((lock->rank() == LockRank::kMeta));
  LockGuard guard(*lock);
}

// tsan keeps owners of its own, which no call resets.
#if !defined(__SANITIZE_THREAD__) && !ACRE_TEST_CLANG_TSAN
BOOST_AUTO_TEST_CASE(a_child_of_a_fork_can_reset_what_another_thread_held) {
  Lock lock(LockRank::kMeta);
  Condition condition;
  std::thread([&] { lock.lock(); }).join();  // gone without giving it back
  const ChildEnd end = in_forked_child([&] {
    if (lock.try_lock()) return 1;
    lock.reset_in_child();
    condition.reset_in_child();
    LockGuard guard(lock);
    return condition.wait_until(lock, 1) ? 2 : 0;
  });
  BOOST_TEST(end.exited_with(0));
}
#endif

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(locks)

BOOST_AUTO_TEST_CASE(a_thread_knows_in_the_debug_tier_which_ranks_it_holds) {
  Lock threads(LockRank::kThreads);
  Lock page_heap(LockRank::kPageHeap);
  BOOST_TEST(!Lock::holds(LockRank::kPageHeap));
  {
    LockGuard first(threads);
    LockGuard second(page_heap);
    BOOST_TEST(Lock::holds(LockRank::kThreads) == kDebug);
    BOOST_TEST(Lock::holds(LockRank::kPageHeap) == kDebug);
    BOOST_TEST(!Lock::holds(LockRank::kMeta));
    bool other_holds = true;
    std::thread([&] { other_holds = Lock::holds(LockRank::kPageHeap); }).join();
    BOOST_TEST(!other_holds);
    page_heap.unlock();
    BOOST_TEST(!Lock::holds(LockRank::kPageHeap));
    BOOST_TEST(Lock::holds(LockRank::kThreads) == kDebug);
    BOOST_TEST(page_heap.try_lock());
    BOOST_TEST(Lock::holds(LockRank::kPageHeap) == kDebug);
  }
  BOOST_TEST(!Lock::holds(LockRank::kPageHeap));
  BOOST_TEST(!Lock::holds(LockRank::kThreads));
}

BOOST_AUTO_TEST_CASE(one_thread_at_a_time_is_inside) {
  Lock lock(LockRank::kMeta);
  uint64_t count = 0;
  std::vector<std::thread> threads;
  threads.reserve(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 10'000; ++i) {
        LockGuard guard(lock);
        ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(count == 40'000u);
}

BOOST_AUTO_TEST_CASE(try_lock_fails_while_another_thread_holds_it) {
  Lock lock(LockRank::kMeta);
  LockGuard guard(lock);
  bool taken = true;
  std::thread([&] { taken = lock.try_lock(); }).join();
  BOOST_TEST(!taken);
}

BOOST_AUTO_TEST_CASE(a_wait_ends_when_another_thread_signals) {
  Lock lock(LockRank::kMeta);
  Condition asked;
  Condition answered;
  int turn = 0;
  std::thread other([&] {
    LockGuard guard(lock);
    while (turn != 1) asked.wait(lock);
    turn = 2;
    answered.broadcast();
  });
  {
    LockGuard guard(lock);
    turn = 1;
    asked.signal();
    while (turn != 2) answered.wait(lock);
  }
  other.join();
  BOOST_TEST(turn == 2);
}

BOOST_AUTO_TEST_CASE(a_wait_with_a_deadline_ends_no_earlier_than_it) {
  Lock lock(LockRank::kMeta);
  Condition condition;
  LockGuard guard(lock);
  const uint64_t deadline = monotonic_ns() + 20'000'000;
  while (condition.wait_until(lock, deadline)) {
  }
  BOOST_TEST(monotonic_ns() >= deadline);
}

BOOST_AUTO_TEST_SUITE_END()
