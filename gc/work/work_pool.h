// Owns the grey objects that wait to be scanned: buffers of addresses on two lock-free stacks, full
// ones and empty ones, which any number of markers share.
//
// A marker keeps one buffer of its own and touches the stacks only when that runs full or empty, so
// with several markers work moves between them a buffer at a time. Buffers come from the heap's
// books and stay there for the next cycle. When the books have no room left, take_empty returns
// NULL, and the marker drops the object: it is marked but not scanned, and overflowed() makes the
// cycle walk the heap for such objects. So marking needs no memory to be right, only to be fast.

#ifndef ACRE_GC_WORK_WORK_POOL_H_
#define ACRE_GC_WORK_WORK_POOL_H_

#include <atomic>

#include "runtime/arena/space.h"
#include "runtime/base/lock_free_stack.h"

namespace acre::gc {

// An object to be scanned from its start, or, inside a large object, a piece that begins here.
struct Grey {
  uintptr_t address;
};

struct WorkBuffer {
  static constexpr uint32_t kCapacity = 510;  // 4 KiB a buffer

  std::atomic<WorkBuffer*> next_in_stack;
  uint32_t count;
  Grey items[kCapacity];

  bool empty() const { return count == 0; }
  bool full() const { return count == kCapacity; }
  void push(Grey grey) { items[count++] = grey; }
  Grey pop() { return items[--count]; }
};
static_assert(sizeof(WorkBuffer) == 4096);

class WorkPool {
 public:
  // `max_buffers` bounds the memory; tests make it small to see an overflow. Two buffers are taken at
  // once: with none at all, each walk for dropped objects would get only one reference further.
  void init(rt::Space* space, uint64_t max_buffers = UINT64_MAX);

  // An empty buffer, or NULL.
  WorkBuffer* take_empty();
  void put_empty(WorkBuffer* buffer) {
    buffer->count = 0;
    empty_.push(buffer);
  }

  // A buffer with work in it, or NULL: there is none now.
  WorkBuffer* take_full() { return full_.pop(); }
  void put_full(WorkBuffer* buffer) { full_.push(buffer); }

  void set_overflowed() { overflowed_.store(true, std::memory_order_relaxed); }
  bool reset_overflowed() { return overflowed_.exchange(false, std::memory_order_relaxed); }

  rt::ByteCount bytes() const {
    return rt::ByteCount(buffers_.load(std::memory_order_relaxed) * sizeof(WorkBuffer));
  }

 private:
  WorkBuffer* make_buffer();

  rt::Space* space_;
  uint64_t max_buffers_;
  std::atomic<uint64_t> buffers_;
  std::atomic<bool> overflowed_;
  rt::LockFreeStack<WorkBuffer> empty_;
  rt::LockFreeStack<WorkBuffer> full_;
};

}  // namespace acre::gc

#endif  // ACRE_GC_WORK_WORK_POOL_H_
