// Owns when the next collection is due: the goals of gc/pace with what they are computed from, and the
// heap's trigger that follows from them.
//
//   trigger = lower of the two goals - live       compared with what was allocated since
//
// Stacks have a measure of their own. A dead fiber is a small object that may hold much memory, and how much of its
// stack it touched nobody knows before it is looked for. So stacks in use count with their addresses, and a
// collection is due when those have grown since the last one, and what came and went meanwhile is no growth,
//
//   by percent   by max(stacks in use after it, 64 MiB) * percent / 100
//   by limit     by what is left to the limits
//
// neither for less than 16 MiB.
//
// A trigger that only the memory limit sets is passed over while the limiter says so, and looked at again
// after a little more allocation.
//
// Threads: update from any; the rest as said.

#ifndef ACRE_GC_CYCLE_PACING_H_
#define ACRE_GC_CYCLE_PACING_H_

#include <atomic>

#include "gc/cycle/memory_limit.h"
#include "gc/pace/min_heap.h"
#include "gc/roots/root_set.h"
#include "runtime/heap/heap.h"

namespace acre::gc {

class Pacing {
 public:
  void init(rt::Heap* heap, RootSet* roots, MemoryLimit* limit);

  int percent() const { return percent_.load(std::memory_order_relaxed); }
  int set_percent(int percent);

  // Bytes of objects at which to collect; kNoGoal: never.
  uint64_t goal() const { return goal_.load(std::memory_order_relaxed); }
  // The one before, for the retain goal; kNoGoal, or 0 before the first collection.
  uint64_t last_goal() const { return last_goal_.load(std::memory_order_relaxed); }
  uint64_t last_in_use() const { return last_in_use_.load(std::memory_order_relaxed); }
  uint64_t live() const { return live_.load(std::memory_order_relaxed); }

  // World stopped, all swept, before marking: `object_bytes` are allocated.
  void begin_cycle(uint64_t object_bytes);
  // World stopped, after marking; `stack_bytes` were scanned.
  void end_cycle(uint64_t live_bytes, uint64_t stack_bytes);
  // Of a collection that the trigger brought.
  void adapt_min_heap(uint64_t pause_ns, uint64_t interval_ns);
  // Computes the goals anew.
  void update();

  // Around fork: nobody computes goals.
  void lock_for_fork() { lock_.lock(); }
  void unlock_after_fork() { lock_.unlock(); }

  // The heap has come to its trigger: is a collection due? Any allocating thread.
  bool due();

 private:
  void update_stacks();
  bool stacks_due();

  rt::Heap* heap_;
  RootSet* roots_;
  MemoryLimit* limit_;
  rt::Lock lock_{rt::LockRank::kLeaf};
  MinHeap min_heap_;  // with lock_
  std::atomic<int> percent_;
  std::atomic<uint64_t> live_;
  std::atomic<uint64_t> stack_bytes_;
  std::atomic<uint64_t> live_stacks_;     // in use after the last collection
  std::atomic<uint64_t> percent_stacks_;  // the stack trigger of the percentage alone
  std::atomic<uint64_t> overhead_;
  std::atomic<uint64_t> goal_;
  std::atomic<uint64_t> percent_growth_;  // the trigger of the percentage alone
  std::atomic<uint64_t> last_goal_;
  std::atomic<uint64_t> last_in_use_;
};

}  // namespace acre::gc

#endif  // ACRE_GC_CYCLE_PACING_H_
