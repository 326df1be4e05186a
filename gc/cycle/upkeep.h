// Owns what the background thread does for a heap:
//
//   tick   follows the memory limit of the container; notices that nothing is being allocated; collects
//          when nothing has for long
//   step   sweeps some spans, else gives back stacks, and parts of stacks, that nobody uses, else some free
//          pages, else (idle) mark buffers, else makes a few
//          small pages huge
//
// A heap is idle when less than a thread's counting step (64 KiB) was allocated from one look to the next,
// a second later, twice in a row. Then pages for further growth are no longer kept, and dense chunks are not
// left alone.
//
// A collection from here does not insist: a thread that comes to no safepoint within kPatienceNs (it sleeps
// in a system call outside a blocking region, say) is not worth stopping all the others for.
//
// The goal for what is retained is set here, too, at each look and by each collection.
//
// Threads: the background one; after_collection: the collecting one, world stopped.

#ifndef ACRE_GC_CYCLE_UPKEEP_H_
#define ACRE_GC_CYCLE_UPKEEP_H_

#include "gc/sweep/sweeper.h"
#include "runtime/heap/heap.h"
#include "runtime/scavenge/background.h"
#include "runtime/thread/registry.h"

namespace acre::gc {

class Cycle;

class Upkeep final : public rt::BackgroundWork {
 public:
  static constexpr uint64_t kPatienceNs = 10'000'000;

  void init(rt::Heap* heap, rt::ThreadRegistry* threads, Cycle* cycle) {
    heap_ = heap;
    threads_ = threads;
    cycle_ = cycle;
  }

  // Allocation goes on: what it will need is kept.
  void after_collection();

  void tick(uint64_t now_ns) override;
  bool step() override;
  void report() override;

 private:
  void notice_idleness();
  void collect_if_idle(uint64_t now_ns);
  bool sweep_some();
  bool make_huge();
  void set_goal();
  bool is_idle();

  rt::Heap* heap_;
  rt::ThreadRegistry* threads_;
  Cycle* cycle_;
  uint64_t next_look_ns_ = 0;
  int64_t allocated_ = 0;  // since the last collection, at the last look
  uint64_t cycles_ = 0;    // at the last look
  bool very_quiet_ = false;
  unsigned looks_ = 0;
  rt::Lock lock_{rt::LockRank::kLeaf};
  // With lock_.
  uint64_t peak_in_use_ = 0;
  unsigned quiet_looks_ = 0;
  bool idle_ = false;
  // The background thread's own.
  uint64_t next_idle_try_ns_ = 0;
  uint64_t next_collapse_ns_ = 0;
  uint64_t collapse_pause_ns_ = 0;
  uint64_t reported_background_ = 0;
  uint64_t reported_allocating_ = 0;
};

}  // namespace acre::gc

#endif  // ACRE_GC_CYCLE_UPKEEP_H_
