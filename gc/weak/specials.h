// Owns the records that are attached to objects (Go calls them specials): weak references, finalizers, cleanups;
// and the queue of what is to be run because an object died.
//
//   free ──new──► attached ──object found dead──► queued ──acre_run_finalizers──► free
//                    │                              │                           (weak, and cleanups
//                    └──────dropped, cleared────────┴──dropped: skipped──► free   that are owned: done)
//
// Structure. Records live in blocks of 4 KiB, as handles do: a record's address leads to its block and that to
// this set. A hash table by object finds what is attached to one (acre_finalizer_set, acre_free); it doubles when
// it is full. A span with a record has a flag, so that acre_free mostly need not look.
//
// Threads: one lock; it is not held while anything is marked or run. Records are attached by attached threads
// only, so while the world is stopped none comes; any thread may drop one at any time.

#ifndef ACRE_GC_WEAK_SPECIALS_H_
#define ACRE_GC_WEAK_SPECIALS_H_

#include <atomic>

#include "acre/acre.h"
#include "gc/weak/ephemerons.h"
#include "runtime/base/lock.h"
#include "runtime/heap/heap.h"

namespace acre::gc {

enum class SpecialType : uint8_t { kWeak, kOrdered, kUnordered, kCleanup };
enum class SpecialState : uint8_t { kFree, kAttached, kQueued, kDropped, kDone };

struct Special {
  uintptr_t object;   // 0: none, or no more
  Special* next;      // in the chain of the hash table, the queue, or the list of free ones
  Special* previous;  // in the chain; NULL: it is the first
  union {
    acre_weak_fn weak_fn;
    acre_finalizer_fn finalizer_fn;
    acre_cleanup_fn cleanup_fn;
  };
  void* arg;
  SpecialType type;
  bool owned;  // the embedder has its address
  std::atomic<SpecialState> state;
};
static_assert(sizeof(Special) == 48);

}  // namespace acre::gc

struct acre_weak : acre::gc::Special {};
struct acre_cleanup : acre::gc::Special {};

namespace acre::gc {

struct SpecialBlock;

// How many are attached, or queued.
struct SpecialCounts {
  std::atomic<uint64_t> weak;
  std::atomic<uint64_t> finalizers;
  std::atomic<uint64_t> cleanups;
  std::atomic<uint64_t> queued;
  std::atomic<uint64_t> run;
};

class Specials {
 public:
  void init(rt::Heap* heap);

  // `object` is NULL, or the start of an object. NULL: no room.
  Special* new_weak(void* object, acre_weak_fn fn, void* arg);
  Special* new_cleanup(void* object, acre_cleanup_fn fn, void* arg, bool owned);
  // In place of what there is; fn NULL: takes it away. False: no room.
  bool set_finalizer(void* object, acre_finalizer_fn fn, void* arg, SpecialType order);

  // acre_weak_drop, acre_cleanup_cancel: finds its set by itself.
  static void drop(Special* special, const char* call);

  // The object is freed by hand; its span has the flag.
  void object_freed(uintptr_t object);

  // What is queued is a root: on_slot(uintptr_t* object). World stopped.
  template <class OnSlot>
  void for_each_queued(OnSlot on_slot);

  // Steps of a collection, in this order; between them the cycle clears ephemerons.
  void clear_weak();
  bool any_finalizers() const { return counts_.finalizers.load(std::memory_order_relaxed) != 0; }
  // Queues the finalizers of this sort of objects that are not marked.
  void queue_finalizers(SpecialType order);
  // Marks what objects with ordered finalizers refer to, also by way of ephemerons: those that stay unmarked go
  // first.
  void mark_behind_ordered(Ephemerons& ephemerons, Drain& drain);
  // Marks the objects of queued finalizers, and what they refer to.
  void mark_queued(Drain& drain);
  void queue_cleanups();

  // What is to be run next, out of the queue. False: nothing.
  struct Ready {
    SpecialType type;
    void* object;
    acre_weak* weak;
    union {
      acre_weak_fn weak_fn;
      acre_finalizer_fn finalizer_fn;
      acre_cleanup_fn cleanup_fn;
    };
    void* arg;
  };
  bool take_ready(Ready* out);

  // Around fork.
  void lock_for_fork() { lock_.lock(); }
  void unlock_after_fork() { lock_.unlock(); }

  const SpecialCounts& counts() const { return counts_; }

  // Every attached record is at an object, and found by it. World stopped.
  bool check(acre_report_fn report, void* arg);

 private:
  // With the lock.
  Special* take_record(SpecialType type, void* arg, bool owned);
  bool add_block();
  bool attach(Special* special, uintptr_t object);
  void detach(Special* special);
  void release(Special* special);
  void enqueue(Special* special);
  void leave(Special* special);
  Special* find_finalizer(uintptr_t object);
  void put_in_chain(Special* special);
  bool grow_table();
  Special*& chain_of(uintptr_t object);

  std::atomic<uint64_t>& count_of(SpecialType type);
  bool is_marked(uintptr_t object) const;
  // Attached records. World stopped.
  template <class Fn>
  void for_each_attached(Fn fn);

  rt::Heap* heap_;
  rt::Lock lock_;
  SpecialBlock* blocks_;
  Special* free_;
  Special** table_;
  uint64_t table_size_;  // a power of two, or 0
  uint64_t attached_;
  Special* queue_;
  Special* queue_end_;
  SpecialCounts counts_;
};

struct alignas(4096) SpecialBlock {
  static constexpr size_t kSpecials = (4096 - 2 * sizeof(void*)) / sizeof(Special);

  Specials* owner;
  SpecialBlock* next;
  Special specials[kSpecials];
};
static_assert(sizeof(SpecialBlock) == 4096);

template <class OnSlot>
void Specials::for_each_queued(OnSlot on_slot) {
  rt::LockGuard guard(lock_);
  for (Special* special = queue_; special != nullptr; special = special->next) {
    if (special->object != 0) on_slot(&special->object);
  }
}

}  // namespace acre::gc

#endif  // ACRE_GC_WEAK_SPECIALS_H_
