// Owns the background thread of a heap: one thread, asleep nearly always, that does in small steps what
// must happen although the program does nothing: sweep, give memory back, follow the container's limit,
// collect when nothing has been for long. What these steps are is the layer's above (BackgroundWork);
// here is when.
//
//   tick    at start, when woken, and as often as set_tick says: looks around, may collect
//   step    while there is something to do: a fraction of a millisecond each, kWorkNs of them between
//           two sleeps, and no more than a hundredth of one processor in all (work_pacer.h)
//
// The thread is made when it is first needed, so that a heap that never collects has none. Its stack lies
// in the heap's own records: no mapping more. It is attached to no heap. The heap goes on without it if
// the system gives no thread.
//
// Fork (gc/cycle/fork.h). While it is awake the thread holds a lock, and a fork waits for it. The child has no
// such thread; start() makes a new one.
//
// Threads: start, wake: any, not while the world is stopped. stop: comes last, from one thread.

#ifndef ACRE_RUNTIME_SCAVENGE_BACKGROUND_H_
#define ACRE_RUNTIME_SCAVENGE_BACKGROUND_H_

#include <pthread.h>

#include <atomic>

#include "runtime/arena/space.h"
#include "runtime/base/lock.h"
#include "runtime/scavenge/work_pacer.h"

namespace acre::rt {

class BackgroundWork {
 public:
  virtual void tick(uint64_t now_ns) = 0;
  // True: something was done, and there may be more.
  virtual bool step() = 0;
  // After the steps of a stretch of work ended, or once in a while during one.
  virtual void report() = 0;

 protected:
  ~BackgroundWork() = default;
};

class Background {
 public:
  static constexpr uint64_t kTickNs = 5'000'000'000;

  void init(Space* space, BackgroundWork* work);

  // Sees to it that the thread runs.
  void start();
  // A relaxed load: cheap enough to ask each time.
  bool started() const { return started_.load(std::memory_order_relaxed); }
  void wake();
  // Ticks come this often from now on (to be said in a tick); kTickNs at first.
  void set_tick(uint64_t ns) { tick_ns_.store(ns, std::memory_order_relaxed); }
  // Ends the thread. start() may begin anew.
  void stop();

  // Around fork. The first waits for what the thread is doing, and keeps it from doing more; the second
  // for a thread that is being made, and comes when the world is stopped (who makes it must come to stop).
  void lock_work_for_fork() { work_lock_.lock(); }
  void unlock_work_after_fork() { work_lock_.unlock(); }
  void lock_start_for_fork() { start_lock_.lock(); }
  void unlock_start_after_fork() { start_lock_.unlock(); }
  // In the child, with both: the thread is not here.
  void forget_thread_in_child();

  // Processor time of its steps (not of ticks).
  uint64_t work_ns() const { return work_ns_.load(std::memory_order_relaxed); }
  // Whether the calling thread is this one.
  bool is_this_thread() const;

 private:
  static void* main(void* self);
  void run();
  bool work_once(uint64_t* next_ns, bool* done);
  bool sleep_until(uint64_t deadline_ns);

  Space* space_;
  BackgroundWork* work_;
  Lock start_lock_;
  Lock work_lock_;
  Lock sleep_lock_;
  Condition condition_;
  void* stack_;
  uint64_t retry_ns_;  // with start_lock_
  pthread_t thread_;
  WorkPacer pacer_;
  bool woken_;     // with sleep_lock_
  bool stopping_;  // with sleep_lock_
  std::atomic<bool> started_;
  std::atomic<uint64_t> tick_ns_;
  std::atomic<uint64_t> work_ns_;
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_SCAVENGE_BACKGROUND_H_
