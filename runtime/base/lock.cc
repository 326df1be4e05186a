#include "runtime/base/lock.h"

#include <time.h>

#include "runtime/base/check.h"

namespace acre::rt {
namespace {

// The rank order, checked in the debug tier: what the calling thread holds, in the order in which
// it took it. Nothing of it is compiled otherwise.
#if defined(ACRE_DEBUG) && ACRE_DEBUG
constexpr unsigned kMaxHeld = 24;  // more than there are ranks
static_assert(static_cast<unsigned>(LockRank::kLeaf) < kMaxHeld);

struct HeldLocks {
  bool suspended = false;  // by suspend_ranks_for_fork
  unsigned count = 0;
  const Lock* locks[kMaxHeld] = {};
};
constinit thread_local HeldLocks held_locks;

void check_order(const Lock& lock) {
  if (held_locks.suspended) return;
  ACRE_CHECK(lock.rank() != LockRank::kNone, "a lock has a rank");
  for (unsigned i = 0; i < held_locks.count; ++i) {
    ACRE_CHECK(held_locks.locks[i]->rank() < lock.rank(), "locks are taken in rising rank");
  }
}

void note_taken(const Lock& lock) {
  if (held_locks.suspended) return;
  ACRE_CHECK(held_locks.count < kMaxHeld, "a thread holds few locks");
  held_locks.locks[held_locks.count++] = &lock;
}

unsigned find_held(const Lock& lock) {
  unsigned i = held_locks.count;
  while (i != 0 && held_locks.locks[i - 1] != &lock) --i;
  ACRE_CHECK(i != 0, "the lock is held by this thread");
  return i - 1;
}

void note_given_back(const Lock& lock) {
  if (held_locks.suspended) return;
  unsigned i = find_held(lock);
  for (--held_locks.count; i < held_locks.count; ++i) {
    held_locks.locks[i] = held_locks.locks[i + 1];
  }
}

bool holds_rank(LockRank rank) {
  for (unsigned i = 0; i < held_locks.count; ++i) {
    if (held_locks.locks[i]->rank() == rank) return true;
  }
  return false;
}

void check_held_at_all(const Lock& lock) {
  if (!held_locks.suspended) find_held(lock);
}

void check_is_last(const Lock& lock) {
  if (held_locks.suspended) return;
  ACRE_CHECK(find_held(lock) + 1 == held_locks.count, "a wait's lock is the last one taken");
}

void suspend(bool on) {
  ACRE_CHECK(held_locks.count == 0, "a thread that begins or ends to fork holds no lock");
  held_locks.suspended = on;
}
#else
void check_order(const Lock&) {}
void note_taken(const Lock&) {}
void note_given_back(const Lock&) {}
void check_held_at_all(const Lock&) {}
bool holds_rank(LockRank) { return false; }
void check_is_last(const Lock&) {}
void suspend(bool) {}
#endif

}  // namespace

void Lock::lock() {
  check_order(*this);
  const int error = pthread_mutex_lock(&mutex_);
  ACRE_CHECK(error == 0, "a mutex can be locked");
  note_taken(*this);
}

bool Lock::try_lock() {
  if (pthread_mutex_trylock(&mutex_) != 0) return false;
  note_taken(*this);
  return true;
}

void Lock::unlock() {
  note_given_back(*this);
  const int error = pthread_mutex_unlock(&mutex_);
  ACRE_CHECK(error == 0, "a mutex can be unlocked");
}

void Lock::check_held() const { check_held_at_all(*this); }

bool Lock::holds(LockRank rank) { return holds_rank(rank); }

void Lock::reset_in_child() { pthread_mutex_init(&mutex_, nullptr); }

void Lock::suspend_ranks_for_fork() { suspend(true); }

void Lock::resume_ranks_after_fork() { suspend(false); }

void Condition::wait(Lock& lock) {
  check_is_last(lock);
  const int error = pthread_cond_wait(&cond_, &lock.mutex_);
  ACRE_CHECK(error == 0, "a condition can be waited for");
}

bool Condition::wait_until(Lock& lock, uint64_t deadline_ns) {
  check_is_last(lock);
  constexpr uint64_t kSecond = 1'000'000'000;
  timespec deadline;
  deadline.tv_sec = static_cast<time_t>(deadline_ns / kSecond);
  deadline.tv_nsec = static_cast<long>(deadline_ns % kSecond);
  return pthread_cond_clockwait(&cond_, &lock.mutex_, CLOCK_MONOTONIC, &deadline) == 0;
}

void Condition::signal() { pthread_cond_signal(&cond_); }

void Condition::broadcast() { pthread_cond_broadcast(&cond_); }

void Condition::reset_in_child() { pthread_cond_init(&cond_, nullptr); }

}  // namespace acre::rt
