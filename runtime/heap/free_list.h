// Owns the free list: slots of one explicit kind and size class that a thread has freed and will give out again.
//
// A slot in a list is threaded through itself, and says so to whoever asks about its address:
//
//   | next slot, NULL: none | listed_word(slot) | not touched |
//
// Its alloc bit stays set, so that freeing and allocating are a few loads and stores: no locked operation, and no
// look at the span. The lists are emptied with the rest of the cache (ThreadCache::flush), the slots' bits are
// cleared then, and the next sweep finds the room.
//
// Invariant: slots in the list = pushed - popped - taken.
//
// Threads: one thread's. Others read the counts, and empty it while its thread is stopped.

#ifndef ACRE_RUNTIME_HEAP_FREE_LIST_H_
#define ACRE_RUNTIME_HEAP_FREE_LIST_H_

#include <cstdint>

#include "runtime/span/span.h"

namespace acre::rt {

class FreeList {
 public:
  // Whether push and pop may be used outside the slow path: the thread cannot be stopped amid them by a signal,
  // and nothing is to be counted or overwritten at each of them.
  bool open() const { return open_; }
  void set_open(bool open) { open_ = open; }

  bool empty() const { return head_ == nullptr; }

  void push(void* object) {
    auto* slot = static_cast<Slot*>(object);
    slot->next = head_;
    slot->listed = listed_word(Addr(object).raw);
    head_ = slot;
    add_one(pushed_);
  }
  // Allocates the last one. Not empty.
  void* pop() {
    add_one(popped_);
    return take();
  }
  // Takes the last one out, to be given up. Not empty.
  void* take() {
    Slot* slot = head_;
    head_ = slot->next;
    slot->listed = 0;
    return slot;
  }

  // Objects ever freed into it, and allocated from it, since they were forgotten. Any thread.
  uint64_t pushed() const { return __atomic_load_n(&pushed_, __ATOMIC_ACQUIRE); }
  uint64_t popped() const { return __atomic_load_n(&popped_, __ATOMIC_ACQUIRE); }
  void forget_counts() { pushed_ = popped_ = 0; }

 private:
  struct Slot {
    Slot* next;
    uintptr_t listed;
  };

  static void add_one(uint64_t& count) { __atomic_store_n(&count, count + 1, __ATOMIC_RELEASE); }

  Slot* head_;
  uint64_t pushed_;
  uint64_t popped_;
  bool open_;
};

// All lists of a kind. Class 0 has none.
using FreeLists = FreeList[kSizeClasses];

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_HEAP_FREE_LIST_H_
