// Owns the list of large objects: which of them are swept in this cycle and which are not.
//
// Two doubly linked lists under one lock, so that acre_free can take any span out at once. A lock
// is cheap here: each operation stands beside pages being taken or given back, which takes a lock
// as well. When marking ends, all swept spans become the unswept ones (the unswept list is empty by
// then).

#ifndef ACRE_RUNTIME_HEAP_LARGE_LIST_H_
#define ACRE_RUNTIME_HEAP_LARGE_LIST_H_

#include <atomic>

#include "runtime/arena/space.h"
#include "runtime/base/lock.h"
#include "runtime/span/span.h"

namespace acre::rt {

class LargeList {
 public:
  void init(const Space* space);

  // A new span with its object, swept. Its alloc bit is set under the lock.
  void add(Span* span, uint32_t sweep_gen);

  // Takes a span with an allocated object out, to be freed, and clears its alloc bit. False: it has
  // none (any more), so that of two who free one is told.
  bool take(Span* span);

  // Marking has ended: all are to be swept. World stopped.
  void begin_sweep();

  // Takes an unswept span. Marked, or of an explicit kind: it is swept and stays in the list. Not marked: it is
  // taken out, its alloc bit cleared, and given to the caller to be freed. False: nothing is unswept.
  bool sweep_one(uint32_t sweep_gen, Span** dead);

  bool nothing_unswept() const { return unswept_count_.load(std::memory_order_relaxed) == 0; }

 private:
  void link(Span** head, Span* span);
  void unlink(Span* span);

  const Space* space_;
  Lock lock_;
  Span* swept_;
  Span* unswept_;
  std::atomic<uint64_t> unswept_count_;
  uint64_t swept_count_;
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_HEAP_LARGE_LIST_H_
