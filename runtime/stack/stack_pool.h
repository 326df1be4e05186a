// Owns the stacks of a heap: makes them of spans, keeps free ones for reuse, gives those back that nobody
// needed.
//
// The common path of take:
//   1. the calling thread's cache;
//   2. else, under the pool's lock, up to half a cache's worth of free ones, or one that is about to be given back;
//   3. else a new one: a span of the page heap, whose lowest page becomes a guard.
// put is the reverse; what a full cache cannot hold goes to the pool.
//
// How many are kept. At each collection the caches are emptied into the pool, and of each class so many are
// given back as were free all the time since the last one: they were not needed. acre_release_memory gives
// all of them back.
//
// Memory. A stack's pages are in use as far as the page heap knows, but hold memory only where they were
// touched. The pool estimates how much (Stack::touched) and tells the Retention, which limits go by: a new
// stack counts with a page of the kernel's (pages that held memory before are released, but of the smallest stacks, which
// count as a whole then), a suspended one with what lies above its stack pointer at a
// collection, or with what the kernel said when its unused part was given back last. One that goes back to the
// page heap has its memory released: what it held nobody knows, and its pages may hardly have been touched.
//
// Invariants: a stack span and its record point to each other; a record is in one list (the pool's free
// ones of its class, a cache's, those to be given back, or those without a span) or in use. bytes() is the sum
// over spans.
//
// Threads: take and put by any thread, with its own cache or none, while nobody stops the world. All else as it
// says. No span is taken or given back under the pool's lock.

#ifndef ACRE_RUNTIME_STACK_STACK_POOL_H_
#define ACRE_RUNTIME_STACK_STACK_POOL_H_

#include <atomic>

#include "acre/acre.h"
#include "runtime/base/lock.h"
#include "runtime/heap/heap.h"
#include "runtime/stack/spare_stack.h"
#include "runtime/stack/stack_cache.h"

namespace acre::rt {

class StackPool {
  static constexpr size_t kBlock = 21;
  struct Block {
    Block* next;
    alignas(64) Stack stacks[kBlock];
  };
  static_assert(sizeof(Block) == 4 * kKiB);

 public:
  void init(Heap* heap);

  // A stack of this class, in use as `use`. NULL with *why: ACRE_E_NOMEM, or ACRE_E_LIMIT if the guard
  // would be a mapping too many or the hard limit forbids it. `cache` may be NULL, `pages` is the calling
  // thread's.
  Stack* take(unsigned stack_class, StackUse use, StackCache* cache, PageCache& pages,
              acre_status* why);
  void put(Stack* stack, StackCache* cache);

  // All that the cache has goes to the pool. World stopped, or by its thread.
  void flush(StackCache& cache);

  // At the end of marking, world stopped, or all: the stacks that were not needed since the last time are taken out
  // for give_back. `all`: all free ones.
  void retire_unneeded(bool all);
  // Gives some of those back to the page heap, with their guards removed and their memory released. False: none are
  // left. Any thread, while nobody stops the world.
  bool give_back(unsigned most, ReleaseBy who = ReleaseBy::kRequest);

  // An allocation is about to be refused: gives back all free stacks but those in other threads' caches. False: there
  // were none. Any thread, with its own cache, while nobody stops the world.
  bool give_back_idle(StackCache& cache);

  // Every record, whatever its use. World stopped.
  template <class Fn>
  void for_each(Fn fn) {
    for (Block* block = blocks_; block != nullptr; block = block->next) {
      for (Stack& stack : block->stacks) fn(stack);
    }
  }

  // The same for up to `most` records from *cursor on, which moves; records that come meanwhile may be left
  // out. fn returns false to stop after that record. False: that was the end.
  struct Cursor {
    Block* block = nullptr;
    size_t index = 0;
  };
  Cursor begin() const { return {blocks_, 0}; }
  template <class Fn>
  bool for_some(Cursor* cursor, unsigned most, Fn fn) {
    for (; most > 0 && cursor->block != nullptr; --most) {
      const bool more = fn(cursor->block->stacks[cursor->index]);
      if (++cursor->index == kBlock) *cursor = {cursor->block->next, 0};
      if (!more) break;
    }
    return cursor->block != nullptr;
  }

  // The stack whose span an address lies in, guard included, or NULL. Any address, any thread, also in a
  // signal handler.
  Stack* find(Addr address) const;

  // So much of it holds memory.
  void set_touched(Stack& stack, uint64_t bytes);
  // As far down as `lowest` it was touched.
  void set_used_from(Stack& stack, uintptr_t lowest);
  // The content below `sp` is nobody's: the kernel is asked how much memory that holds, and gets it back if it
  // is worth a call. Returns how much that was. Nobody runs on the stack meanwhile.
  ByteCount release_below(Stack& stack, uintptr_t sp);

  // Of all spans that are stacks.
  ByteCount bytes() const { return ByteCount(bytes_.load(std::memory_order_relaxed)); }
  uint64_t in_use() const { return heap_->stacks_in_use.count(); }
  bool any() const { return blocks_ != nullptr; }

  SpareStack& spare() { return spare_; }

  void lock_for_fork() { lock_.lock(); }
  void unlock_after_fork() { lock_.unlock(); }

  // World stopped. What does not hold is reported.
  bool check(acre_report_fn report, void* arg);

 private:
  struct FreeList {
    Stack* first;
    uint64_t count;
    uint64_t least;  // since the last collection
  };

  Stack* take_free(unsigned stack_class, StackCache* cache);
  Stack* make(unsigned stack_class, PageCache& pages, acre_status* why);
  bool release_new(const Stack& stack);
  Stack* take_record();
  void put_record(Stack* stack);
  ByteCount guard_bytes() const { return heap_->os.page_size(); }
  PageCount pages_of(unsigned stack_class) const;
  Span& span_of(const Stack& stack) const;
  void list_free(Stack* stack);

  Heap* heap_;
  SpareStack spare_;
  Lock lock_;
  Block* blocks_;
  Stack* records_;                 // without a span
  Stack* retired_[kStackClasses];  // to be given back
  FreeList free_[kStackClasses];
  std::atomic<uint64_t> bytes_;
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_STACK_STACK_POOL_H_
