// Owns locks: a mutex with a rank, a guard for a scope, a condition. The one list of all ranks is
// here.
//
// Invariant: a thread takes locks in strictly rising rank, so no two threads can wait for each
// other; two locks of one rank are never held together. With ACRE_DEBUG each thread keeps a list of
// what it holds and a violation ends the process at the first wrong lock(), whether or not another
// thread was there to deadlock with. Without, the rank is a byte that nobody reads.
//
// All types here are valid in zeroed memory but for the rank (set_rank), need no destructor, and
// are pthreads underneath, so that debuggers and tsan know them. None may be used in a signal
// handler.

#ifndef ACRE_RUNTIME_BASE_LOCK_H_
#define ACRE_RUNTIME_BASE_LOCK_H_

#include <pthread.h>

#include <cstdint>

namespace acre::rt {

// First to be taken first.
enum class LockRank : uint8_t {
  kNone,            // of a lock whose rank was forgotten: taking it is an error
  kHeaps,           // the list of all heaps of the process
  kBackgroundWork,  // held by the background thread while it is awake
  kCollector,       // one collection at a time
  kThreads,         // the list of attached threads; held while the world is stopped
  kSpareStack,      // held by who runs on it, perhaps in a stop
  kThreadList,      // the list itself
  kBackground,      // making the background thread
  kRoots,
  kSpecials,  // what is attached to objects
  kWeak,      // making their kinds
  kFibers,    // making their kind
  kKinds,
  kStacks,   // the lists of stacks
  kLarge,    // the list of large objects
  kRelease,  // pages on their way back to the kernel; held while it works
  kGrow,     // mapping arenas; held while the kernel works
  kPageHeap,
  kMeta,  // memory for the heap's own records
  kOs,    // the books of runtime/os; held across its system calls
  kLeaf,  // under it nothing more is taken
};

class Lock {
 public:
  constexpr Lock() = default;  // set_rank before use
  constexpr explicit Lock(LockRank rank) : rank_(rank) {}
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

  void set_rank(LockRank rank) { rank_ = rank; }
  LockRank rank() const { return rank_; }

  void lock();
  bool
  try_lock();  // never waits, so it may take any rank; what is taken after it must be higher still
  void unlock();

  // Ends the process if the calling thread does not hold the lock. Nothing without ACRE_DEBUG.
  void check_held() const;

  // Whether the calling thread holds a lock of this rank. Always false without ACRE_DEBUG.
  static bool holds(LockRank rank);

  // In the child of a fork, of a lock that the forking thread did not hold: free again.
  void reset_in_child();

  // A thread that forks holds the locks of all heaps at once, several of a rank. From the first call to
  // the second (before it holds any, and when it holds none again) what it takes is not looked at.
  static void suspend_ranks_for_fork();
  static void resume_ranks_after_fork();

 private:
  friend class Condition;

  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  LockRank rank_ = LockRank::kNone;
};

class LockGuard {
 public:
  explicit LockGuard(Lock& lock) : lock_(lock) { lock_.lock(); }
  ~LockGuard() { lock_.unlock(); }
  LockGuard(const LockGuard&) = delete;
  LockGuard& operator=(const LockGuard&) = delete;

 private:
  Lock& lock_;
};

// Waits give the lock back meanwhile; it must be the last one taken. They may return without a
// reason: ask in a loop.
class Condition {
 public:
  constexpr Condition() = default;
  Condition(const Condition&) = delete;
  Condition& operator=(const Condition&) = delete;

  void wait(Lock& lock);
  // Until CLOCK_MONOTONIC says deadline_ns (now_ns of runtime/os); false if that time has come.
  bool wait_until(Lock& lock, uint64_t deadline_ns);
  void signal();
  void broadcast();
  void reset_in_child();  // as Lock::reset_in_child: those who waited are not in the child

 private:
  pthread_cond_t cond_ = PTHREAD_COND_INITIALIZER;
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_BASE_LOCK_H_
