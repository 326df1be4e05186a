// Owns the search for stores of references that went around the write barrier (option check_barriers): a debug aid
// for embedders, today, when a forgotten barrier does no harm yet.
//
// Structure. A shadow of the heap, as large as its range, of which as much is backed as is written:
//
//   bits    one for each granule: an object begins here whose content is in the shadow
//   words   the content, each word at the offset that it has in the heap
//
// The course of it:
//   1. at a cycle's end, world stopped and what lives marked, the content of each marked object that may hold
//      references is copied to the shadow;
//   2. from then on acre_store and Member, whose phase word is set, write the shadow as well as the slot;
//   3. at the next cycle's end each marked object that is in the shadow is compared with it. A word that is a
//      reference slot by its kind, and differs, was written by somebody else: a violation, if the old value or the
//      new one leads to an object.
// Which words of a trace function's object are slots, that function says: it is run with a visitor that records.
//
// What is no violation: stores into objects that are younger than the shadow, such as a constructor's; what
// acre_free and acre_realloc do (forget); objects of the collector's own kinds; stores into what has died since.
//
// The phase word is set from the heap's creation on, so that no store can fall between a look at it and the
// first shadow.
//
// Threads. store and forget: any; two stores to one slot must reach slot and shadow in one order, so they are made
// under a lock, one of a few by address. look: world stopped.

#ifndef ACRE_GC_BARRIER_BARRIER_CHECK_H_
#define ACRE_GC_BARRIER_BARRIER_CHECK_H_

#include "acre/acre.h"
#include "gc/work/work_pool.h"
#include "runtime/heap/heap.h"

namespace acre::gc {

class BarrierCheck {
 public:
  // Does nothing without the option. ACRE_E_ADDRESS_SPACE: no room for a shadow. ACRE_E_LIMIT: too many heaps of the
  // process are checked. The heap is at its last place.
  acre_status init(rt::Heap* heap);
  // False: the kernel refuses to unmap; there is no check any more.
  bool destroy();

  bool active() const { return bits_.raw != 0; }

  // Writes the slot, and the shadow if it lies in this heap.
  void store(void** slot, void* value);
  // The object that begins here is freed, or was written by Acre.
  void forget(rt::Addr object);

  // Steps 3 and 1, while marks are valid. Each violation is a line to `report` (may be NULL); returns how many. Where
  // memory for the shadow is refused, there are fewer objects in it.
  uint64_t look(WorkPool* pool, acre_report_fn report, void* arg);

  // Ever found.
  uint64_t violations() const { return violations_.load(std::memory_order_relaxed); }

  // Of the checked heap in which the slot lies; NULL: in none. Any thread that is attached to the slot's heap.
  static BarrierCheck* of(const void* slot);

 private:
  static constexpr unsigned kLocks = 16;

  struct Look;

  rt::Lock& lock_of(const void* slot) {
    return locks_[rt::Addr(slot).raw / sizeof(void*) % kLocks];
  }
  bool reserve_shadow();
  bool back_shadow();
  uintptr_t* word_at(rt::Addr address) const;
  std::atomic<uint64_t>* bits() const { return bits_.as<std::atomic<uint64_t>>(); }
  void look_at(Look& look, rt::Addr object, const rt::Span& span);
  void compare(Look& look, rt::Addr object, rt::ByteCount size, const rt::Kind& kind);
  void compare_word(Look& look, rt::Addr object, const rt::Kind& kind, rt::Addr slot);
  void describe(Look& look, rt::Addr object, const rt::Kind& kind, rt::Addr slot, uintptr_t old);

  rt::Heap* heap_;
  rt::Addr bits_;
  rt::Addr words_;
  rt::ByteCount backed_;  // of the range, from its base on: what the shadow can hold
  unsigned entry_;        // in the list of checked heaps
  std::atomic<uint64_t> violations_;
  rt::Lock locks_[kLocks];
};

}  // namespace acre::gc

#endif  // ACRE_GC_BARRIER_BARRIER_CHECK_H_
