// Owns the threads that are attached to a heap, and stopping and starting them.
//
// Structure: a list of acre_thread under one lock, a thread-specific key for "the calling
// thread's", and the word `stopping_`.
//
// Stopping the world, in steps:
//   1. with_stopped_world spills the caller's registers and marks it blocking; then it takes the stop
//      lock, so that there is one stop at a time. Whoever waits for that lock is scanned as it stands.
//   2. It sets stopping_ and every thread's stop_requested, and waits until no thread is running: each
//      comes to a safepoint, or is in a blocking region already.
//   3. It calls the function, holding the lock of threads: nobody attaches or detaches.
//   4. It clears the words and wakes all.
//
// Why a thread that leaves a blocking region, or wakes up after a stop, cannot slip through: it says running,
// then reads stopping_; the stopper says stopping, then reads the states; both in sequentially consistent
// order, so at least one sees the other. A thread that finds it has run into a stop goes back to what it was
// and waits. What a scan reads of it does not change by that, so it does no harm if the stopper has counted it already.
//
// A thread that waits in here for one heap counts as blocking in the others (attachments.h): for the stop
// lock, and for the lock of threads, which is held through a stop.
//
// Fork stops the world too, and keeps it so until there are two processes; what the registry does for it is in
// fork.cc, when and why in gc/cycle/fork.h. Nothing is scanned in such a stop, so it catches nobody: an uncooperative
// thread that is outside Acre counts as stopped, runs on, and waits if it enters. It must run on, since libc's fork
// waits for malloc's and stdio's locks, which it may hold. Nor is one held that an earlier stop has caught.
//
// Lock order: kCollector (the stop lock), then kThreads, then kThreadList, which only guards the
// list: counters are read under it while the world is stopped. No thread comes to a safepoint holding a
// lock.
//
// Threads that never poll are stopped by a signal, wherever they are (signal_stop.h): while the word `catching_` is odd.
// Such a thread may hold any lock but ours, malloc's or the loader's say, for which a cooperative
// thread, or one inside Acre, may wait before it comes to its safepoint. So when a stop takes long, caught
// threads are let go until nobody runs who must come by itself, and are caught then (stopping.cc).
//
// Not here: what a scan does.

#ifndef ACRE_RUNTIME_THREAD_REGISTRY_H_
#define ACRE_RUNTIME_THREAD_REGISTRY_H_

#include "runtime/base/lock.h"
#include "runtime/stack/stack_pool.h"
#include "runtime/thread/spill.h"
#include "runtime/thread/stop_stats.h"
#include "runtime/thread/thread.h"
#include "runtime/thread/watchdog.h"

namespace acre::rt {

class ThreadRegistry {
 public:
  // ACRE_E_LIMIT: no thread-specific key is left.
  acre_status init(Heap* heap, acre_heap* owner, StackPool* stacks);
  // No thread is attached any more.
  void destroy();

  // ACRE_E_STATE: attached already, and not in this manner.
  acre_status attach_as(bool uncooperative, Thread** out);
  // In the manner that the thread has, or as cooperative.
  acre_status attach(Thread** out);
  acre_status detach(Thread* thread);
  // Takes the calling thread off the heap whatever its depth: at its exit, and by heap destruction.
  void detach_now(Thread* thread);
  // Others that are no more among the attached may still be on their last steps in here: until they are not. The
  // caller is not attached.
  void wait_for_detached();
  Thread* current() const { return static_cast<Thread*>(pthread_getspecific(key_)); }
  // Attached threads without the calling one.
  unsigned others_attached();
  unsigned attached();

  void safepoint(Thread* thread);
  void blocking_begin(Thread* thread);
  void blocking_end(Thread* thread);
  // A blocking region on a stack without references.
  void idle_begin(Thread* thread);

  Heap& heap() const { return *heap_; }
  // That fibers of this heap run on.
  StackPool* stacks() const { return stacks_; }

  // For the handler of the signal and the scopes in thread_signals.h.
  bool stopping() const { return stopping_.load(std::memory_order_seq_cst); }
  bool catches() const { return catching_.load(std::memory_order_seq_cst) % 2 != 0; }
  void wait_while_catching() const;
  // The stop is for a fork.
  bool forking() const { return forking_.load(std::memory_order_seq_cst); }
  void wait_for_fork();
  // After a thread left kRunning.
  void tell_stopper();

  const StopStats& stop_stats() const { return stop_stats_; }
  acre_status set_watchdog(uint64_t ms, acre_stop_watchdog_fn fn, void* arg);

  static constexpr uint64_t kForEver = UINT64_MAX;

  // Calls fn() with the world stopped. `self` is the calling thread's attachment or NULL. From
  // within such a call: false, and nothing was called. So, too, if another is stopping the world just now
  // or some thread has not stopped after patience_ns, if that is not kForEver: the others go on then.
  template <class Fn>
  bool with_stopped_world(Thread* self, Fn fn, uint64_t patience_ns = kForEver);
  // Calls fn() while the world runs and nobody stops it; who wants to waits meanwhile, so fn is short.
  // False, and nothing was called: it is being stopped just now, or the caller is inside a stop.
  template <class Fn>
  bool try_between_stops(Fn fn) {
    if (inside_stop() || !stop_lock_.try_lock()) return false;
    fn();
    stop_lock_.unlock();
    return true;
  }
  // Calls fn(), short too, while nobody stops the world: who runs, attached, keeps others from that anyway; else
  // they wait. Not inside a stop.
  template <class Fn>
  void outside_stops(Fn fn) {
    const Thread* self = current();
    if (self != nullptr && self->blocking_depth == 0) return fn();
    LockGuard guard(stop_lock_);
    fn();
  }
  // Whether the calling thread is inside with_stopped_world (of this heap).
  bool inside_stop() const;
  // Whether it is inside with_stopped_world of any heap, or in a watchdog's report.
  static bool inside_any_stop();
  // The calling thread works for those who stop the world of this heap, and does nothing else: it
  // counts as inside a stop always.
  void work_inside_stops();

  // World stopped, or for counters that may be old.
  template <class Fn>
  void for_each(Fn fn) {
    for (Thread* thread = threads_; thread != nullptr; thread = thread->next) fn(*thread);
  }
  // Calls fn() while nobody attaches or detaches. Does not wait for a stop to end.
  template <class Fn>
  void with_list_locked(Fn fn) {
    LockGuard guard(list_lock_);
    fn();
  }

  // For gc/cycle/fork: the world of this heap stops, and runs again. The caller blocks in all heaps.
  void stop_for_fork();
  void start_after_fork() { start(nullptr); }
  // In between, the last lock of all threads' list.
  void lock_list_for_fork() { list_lock_.lock(); }
  void unlock_list_after_fork() { list_lock_.unlock(); }
  // In the child, the world stopped: the other threads are not here. Takes the page-heap lock.
  void forget_others_in_child();

 private:
  // While it calls something of the embedder's as the maker of a stop.
  class InsideStop {
   public:
    InsideStop();
    ~InsideStop();
    InsideStop(const InsideStop&) = delete;
    InsideStop& operator=(const InsideStop&) = delete;
  };

  bool run_stopped(Thread* self, uintptr_t sp, uint64_t patience_ns, void (*fn)(void*), void* arg);
  enum class StopFor : uint8_t { kScan, kFork };
  bool stop(StopFor purpose, uint64_t patience_ns);
  class Stopping;
  void start(Thread* self);
  acre_status attach_new(bool uncooperative, Thread** out);
  void leave_list(Thread* thread);
  void spin_until_started() const;
  void wait_until_started();
  void wait_for_start(Thread* thread, ThreadState meanwhile);
  Thread* take_record();
  void lock_between_stops();
  void take_off_list(Thread* thread);
  static void exit_hook(void* thread);

  Heap* heap_;
  acre_heap* owner_;
  StackPool* stacks_;
  Lock stop_lock_;
  Lock lock_;
  Lock list_lock_;
  std::atomic<uint32_t> changes_;  // a thread stopped running, while stopper_sleeps_
  std::atomic<uint32_t> starts_;
  std::atomic<uint32_t> waiting_;  // for the next one
  std::atomic<bool> stopping_;
  std::atomic<bool> forking_;  // only while stopping_
  std::atomic<uint32_t> catching_;
  std::atomic<bool> stopper_sleeps_;
  unsigned spins_;
  std::atomic<uint32_t> attached_so_far_;
  std::atomic<bool> stopped_;  // and `stopper_` is valid
  std::atomic<pthread_t> stopper_;
  Thread* threads_;
  Thread* free_records_;
  unsigned count_;
  unsigned uncooperative_;  // of them, under lock_
  uint64_t asked_ns_;       // of the stop that is on its way
  uint64_t stopped_ns_;
  StopStats stop_stats_;
  Watchdog watchdog_;
  pthread_key_t key_;
};

template <class Fn>
bool ThreadRegistry::with_stopped_world(Thread* self, Fn fn, uint64_t patience_ns) {
  struct Call {
    ThreadRegistry* registry;
    Thread* self;
    Fn* fn;
    uint64_t patience_ns;
    bool done;
  } call{this, self, &fn, patience_ns, false};
  acre_rt_call_spilled(
      [](void* arg, uintptr_t sp) {
        auto* c = static_cast<Call*>(arg);
        c->done = c->registry->run_stopped(
            c->self, sp, c->patience_ns, [](void* f) { (*static_cast<Fn*>(f))(); }, c->fn);
      },
      &call);
  return call.done;
}

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_THREAD_REGISTRY_H_
