// Owns the course of one collection, and acre_heap itself: the heap, its threads, its roots and its
// collector, put together.
//
// A collection, all of it while the world is stopped (concurrent phases come later):
//   1. finish the last sweep          all mark bits are zero then
//   2. flush the thread caches        every span is in a central set, no gap is open
//   3. mark                           handles, ranges, scanners, locals, stacks and registers; drain,
//                                     with the crew's help if the heap is large; again from the roots
//                                     and all marked objects while the pool overflowed; then what ephemerons lead
//                                     to, weak references are cleared, finalizers queued (gc/weak/weak.h)
//      with the option audit_roots: objects that only stacks hold
//      with the option check_barriers: stores that went around the barrier
//      after that the stacks of fibers that were not reached are free
//   4. pace                           the goal for the next cycle from what was marked
//   5. begin the sweep                the generation grows; sweeping itself is lazy
//   6. torture: with the verify option all is swept and checked here
// and, the world running again, 7. above the memory limit: sweep, release what is free, and if that is not
// enough ask the limit's handler; 8. see to it that there is a background thread (upkeep.h).
//
// Threads. One cycle at a time, by the thread that wanted it. A thread that wanted one for itself
// too finds, when its turn comes, that one was just made, and goes on.

#ifndef ACRE_GC_CYCLE_CYCLE_H_
#define ACRE_GC_CYCLE_CYCLE_H_

#include "gc/audit/root_audit.h"
#include "gc/barrier/barrier_check.h"
#include "gc/cycle/fibers.h"
#include "gc/cycle/memory_limit.h"
#include "gc/cycle/pacing.h"
#include "gc/cycle/upkeep.h"
#include "gc/mark/crew.h"
#include "gc/mark/marker.h"
#include "gc/roots/root_set.h"
#include "gc/sweep/sweeper.h"
#include "gc/weak/weak.h"
#include "gc/work/work_pool.h"
#include "runtime/thread/registry.h"

namespace acre::gc {

enum class Reason : uint8_t {
  kTrigger,   // the heap has grown to its goal
  kForced,    // acre_collect, acre_release_memory, torture
  kNoMemory,  // an allocation found no room
  kIdle       // nothing was collected for long
};

struct CycleStats {
  std::atomic<uint64_t> cycles;
  std::atomic<uint64_t> forced;
  std::atomic<uint64_t> idle;
  std::atomic<uint64_t> last_end_ns;
  std::atomic<uint64_t> pause_total_ns;
  std::atomic<uint64_t> pause_last_ns;
  std::atomic<uint64_t> pause_max_ns;
  std::atomic<uint64_t> cpu_ns;
};

class Cycle {
 public:
  void init(acre_heap* owner, rt::Heap* heap, rt::ThreadRegistry* threads, rt::StackPool* stacks,
            RootSet* roots);

  // Ends the threads that it has made. The heap may go on: there will be new ones.
  void stop_threads();

  // Around fork, while the world is stopped: keeps other threads out. In the child, Acre's own threads are
  // not here; there will be new ones.
  void lock_for_fork();
  void unlock_after_fork();
  void forget_threads_in_child();

  // Collects. kTrigger: not if another thread did since the caller looked, or if the limiter is against
  // it. kIdle: not if a thread does not stop soon. False: called from within a stop (a trace function, a
  // walk), and nothing was done.
  bool collect(rt::Thread* self, Reason reason);

  // Sweeps all that is left, with the world running.
  void finish_sweep() { sweeper_.finish(); }

  // Collects, sweeps and gives all free pages back.
  bool collect_and_release(rt::Thread* self);

  // See acre_verify. Also does: finishes the sweep, flushes the caches.
  acre_status verify(rt::Thread* self, acre_report_fn report, void* arg);

  // See acre_audit_roots.
  acre_status audit_roots(rt::Thread* self, acre_report_fn report, void* arg, uint64_t* count);
  // See acre_check_barriers.
  acre_status check_barriers(rt::Thread* self, acre_report_fn report, void* arg, uint64_t* count);

  size_t set_memory_limit(size_t asked);
  size_t set_hard_limit(size_t bytes);
  Pacing& pacing() { return pacing_; }
  MemoryLimit& limit() { return limit_; }
  Sweeper& sweeper() { return sweeper_; }
  rt::Background& background() { return background_; }
  // After objects were freed without a collection: whether somebody must give their pages back.
  void start_background_if_worth();

  // Where a limit is set: asks the kernel what the side tables really take.
  void measure_books();

  // Gives the memory of some mark buffers back. False: nothing was to be done, or not now.
  bool trim_buffers(unsigned most);

  Fibers& fibers() { return fibers_; }
  Weak& weak() { return weak_; }
  // Those that nobody uses go back, by an attached thread that has no room. False: there were none.
  bool give_back_idle_stacks(rt::Thread* self);
  // Steps of the background thread. False: nothing was to be done, or not now.
  bool trim_stacks();
  bool give_back_stacks();

  // Go's line: what was given back since *background and *allocating, which become what they are now.
  void trace_scavenge(uint64_t* background, uint64_t* allocating, bool forced);

  BarrierCheck& barriers() { return barriers_; }
  const CycleStats& stats() const { return stats_; }
  WorkPool& pool() { return pool_; }

 private:
  static constexpr unsigned kStacksPerStep = 64;

  // At most so many markers, this thread included, serve the next collection.
  unsigned wanted_markers() const;
  void grow_crew();
  void run(Reason reason);
  void prepare();
  uint64_t mark();
  template <class Seed>
  uint64_t mark_together(unsigned markers, Seed seed);
  void mark_after_overflow(Marker& alone);
  void mark_roots(Marker& marker);
  bool check_books(acre_report_fn report, void* arg);
  bool check_references(acre_report_fn report, void* arg);
  void mark_alone(Marker& marker);
  void look_at_what_is_marked();
  template <class Look>
  acre_status with_marks(rt::Thread* self, Look look);
  void insist_on_whole_heap();
  bool check_books_aloud();
  bool verify_stopped(acre_report_fn report, void* arg);
  void clear_marks();
  void count(Reason reason, uint64_t start_ns, uint64_t cpu_ns);
  void trace_line(Reason reason, uint64_t before, uint64_t pause_ns);
  void give_back_all_stacks(rt::Thread* self, rt::ReleaseBy who);
  void look_at_stacks(rt::Thread* self);
  void keep_limit(rt::Thread* self);
  void keep_new_limit();
  void start_background();

  acre_heap* owner_;
  rt::Heap* heap_;
  rt::ThreadRegistry* threads_;
  rt::StackPool* stacks_;
  RootSet* roots_;
  Fibers fibers_;
  Weak weak_;
  Sweeper sweeper_;
  WorkPool pool_;
  Crew crew_;
  MemoryLimit limit_;
  Pacing pacing_;
  BarrierCheck barriers_;
  SeenPairs unrooted_places_;  // that the option audit_roots has told of
  Upkeep upkeep_;
  rt::Background background_;
  uint64_t stack_bytes_;  // scanned by the last collection
  uint64_t created_ns_;
  unsigned processors_;
  CycleStats stats_;
};

}  // namespace acre::gc

struct acre_heap {
  acre::rt::Heap core;
  acre::rt::StackPool stacks;
  acre::rt::ThreadRegistry threads;
  acre::gc::RootSet roots;
  acre::gc::Cycle cycle;
  std::atomic<acre_oom_fn> oom_handler;
  std::atomic<void*> oom_arg;
  std::atomic<acre_limit_fn> limit_handler;
  std::atomic<void*> limit_arg;

  // Nothing was found for so many bytes, not even after a collection: whether the embedder has a handler, and that
  // says that it is worth another.
  bool ask_oom_handler(acre_thread* thread, size_t bytes);

  void* memory;     // what calloc gave
  acre_heap* next;  // in the list of fork.h
  acre_heap* previous;

  // Makes a heap as acre_heap_create does, on an operating system that fails as `faults` (may be
  // NULL) says: the door for tests.
  static acre_status create(const acre_options& options, acre::rt::FaultPlan* faults,
                            acre_heap** out);
  acre_status destroy();
};

namespace acre::gc {

// Whether this thread collects in its polls only, not where it allocates (collect_at_polls).
inline bool leaves_it_to_polls(const rt::Thread& thread) {
  return thread.heap->core.options.collect_at_polls != 0 && !thread.uncooperative;
}

}  // namespace acre::gc

#endif  // ACRE_GC_CYCLE_CYCLE_H_
