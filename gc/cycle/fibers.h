// Owns what a heap does with its fibers as a whole: their kind, and at each collection their stacks.
//
//   after marking      the stacks of fibers that were not reached go back to the pool; what the others have in
//                      use is summed up for the pacer; and whether more than is known may hold memory, so much that
//                      a limit would be passed: then it is looked at, and given back, at once (take_doubtful)
//   some time after    the unused part of large stacks goes back to the kernel, some stacks at a time while
//                      the world is stopped for a fraction of a millisecond: nobody may run on them meanwhile;
//                      and stacks that nobody needed go back to the page heap
//
// Threads: kind and make by any attached thread; after_marking by the collecting one, world stopped.

#ifndef ACRE_GC_CYCLE_FIBERS_H_
#define ACRE_GC_CYCLE_FIBERS_H_

#include "runtime/fiber/fiber.h"

namespace acre::gc {

class Fibers {
 public:
  void init(rt::Heap* heap, rt::StackPool* stacks) {
    heap_ = heap;
    stacks_ = stacks;
  }

  // The kind of fibers, registered when it is first asked for. ACRE_E_LIMIT: no kind is left.
  acre_status kind(acre_kind* out);

  // Returns the bytes of suspended stacks that are in use. `all`: no free stack is kept.
  uint64_t after_marking(bool all);
  // Since the last collection, until it is asked.
  bool take_doubtful() { return doubtful_.exchange(false, std::memory_order_relaxed); }

  // Whether there are stacks whose unused part nobody has looked at.
  bool has_untrimmed() const { return untrimmed_.load(std::memory_order_relaxed); }
  // World stopped: looks at some of them, for a fraction of a millisecond.
  void trim();

  // In the child of a fork: those that ran on other threads than `self` will never go on.
  void lose_others_in_child(const rt::Thread* self);

  // World stopped.
  bool check(acre_report_fn report, void* arg);

 private:
  bool marked(const rt::Fiber* fiber) const;

  rt::Heap* heap_;
  rt::StackPool* stacks_;
  rt::Lock kind_lock_{rt::LockRank::kFibers};
  std::atomic<bool> untrimmed_;
  std::atomic<bool> doubtful_;
  rt::StackPool::Cursor cursor_;  // of trim; world stopped
};

}  // namespace acre::gc

#endif  // ACRE_GC_CYCLE_FIBERS_H_
