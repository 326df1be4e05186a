// Owns what threads share below the collector: the space, the page heap, the kinds with their
// central lists, and the counters of allocation. One per acre_heap.
//
// Accounting. Objects are counted as allocated when a cache takes a gap, less what of the gap is
// unused (ThreadCache::add_counters tells), and as freed when a sweep or acre_free frees them:
//
//   objects in use (class) = sum over threads of allocated - unused in gaps, + retired threads' - freed
//
// What was freed into a thread's free list (free_list.h) the list counts: so an object of an explicit kind is
// counted as allocated each time that it is, and as freed each time.
//
// allocated_since_gc is what is compared with the pacer's trigger: it grows in steps of
// 64 KiB a thread and is lowered again by what a flush gives back, by acre_free of large objects, and of small ones
// in a span that a cache has. Others do not lower it: their room (but for free lists of explicit kinds, which it does
// not count) is found again by a sweep, so it takes a collection.

#ifndef ACRE_RUNTIME_HEAP_HEAP_H_
#define ACRE_RUNTIME_HEAP_HEAP_H_

#include <atomic>

#include "acre/acre.h"
#include "runtime/arena/space.h"
#include "runtime/heap/collector.h"
#include "runtime/heap/kinds.h"
#include "runtime/heap/large_list.h"
#include "runtime/heap/page_heap.h"
#include "runtime/os/os.h"

namespace acre::rt {

// Objects and bytes by size class. Bytes of class 0 are counted apart: large objects differ in
// size.
struct ClassCounters {
  std::atomic<uint64_t> objects[kSizeClasses];
  std::atomic<uint64_t> large_bytes;

  void add(uint8_t size_class, uint64_t count, ByteCount large) {
    objects[size_class].fetch_add(count, std::memory_order_relaxed);
    if (size_class == kLargeClass) large_bytes.fetch_add(large.raw, std::memory_order_relaxed);
  }
};

// Stacks that are somebody's. Their bytes are addresses: what of them is touched nobody knows. In one word, as each
// fiber that comes or goes writes it.
class StacksInUse {
 public:
  void add(PageCount pages) { word_.fetch_add(one(pages), std::memory_order_relaxed); }
  void remove(PageCount pages) { word_.fetch_sub(one(pages), std::memory_order_relaxed); }
  uint64_t count() const { return word_.load(std::memory_order_relaxed) % kPage; }
  uint64_t bytes() const { return word_.load(std::memory_order_relaxed) / kPage * kPageBytes; }

 private:
  static constexpr uint64_t kPage = uint64_t{1} << 32;
  static uint64_t one(PageCount pages) { return pages.raw * kPage + 1; }

  std::atomic<uint64_t> word_;
};

struct Heap {
  acre_options options;
  Os os;
  Space space;
  PageHeap pages;
  KindTable kinds;
  LargeList large;
  Collector* collector;
  NoCollector no_collector;
  // The kind of fibers; ACRE_KIND_NONE until there is one.
  std::atomic<acre_kind> fiber_kind;
  // What the phase word of each attached thread is: acre_thread_inline.
  std::atomic<uint32_t> store_phase;
  // Read by all threads at each refill and hardly ever written; what is written often has a line of
  // the cache to itself.
  std::atomic<uint32_t> sweep_gen;
  std::atomic<int64_t> gc_trigger;      // collect when allocated_since_gc has come here
  std::atomic<uint64_t> stack_trigger;  // or stacks_in_use.bytes() here
  std::atomic<uint64_t> torture_count;
  alignas(64) std::atomic<int64_t> allocated_since_gc;  // less than nothing after many an acre_free
  // Bytes of explicit kinds in use, while all caches are flushed; else less what these have taken.
  std::atomic<int64_t> explicit_bytes;
  alignas(64) StacksInUse stacks_in_use;
  // By shard of a central list, so that threads count apart.
  struct alignas(64) Freed : ClassCounters {};
  Freed freed[Central::kShards];
  ClassCounters retired;  // allocated by threads that have detached

  // `options` are normalised; `faults` may be NULL. On failure nothing is held.
  acre_status init(const acre_options& wanted, FaultPlan* faults);

  // Around fork, while the world is stopped and the background thread sleeps: keeps out threads that are
  // attached to nothing, or block. (None of them ever takes the lock of the large objects.)
  void lock_for_fork();
  void unlock_after_fork();

  bool wants_collection() const {
    return allocated_since_gc.load(std::memory_order_relaxed) >=
               gc_trigger.load(std::memory_order_relaxed) ||
           wants_collection_of_stacks() || pages.retention().over_limit();
  }
  bool wants_collection_of_stacks() const {
    return stacks_in_use.bytes() >= stack_trigger.load(std::memory_order_relaxed);
  }

  // Books `objects` of a class as freed; `bytes` is what they took together.
  void count_freed(unsigned shard, uint8_t size_class, uint64_t objects, ByteCount bytes) {
    freed[shard % Central::kShards].add(size_class, objects, bytes);
  }

  uint32_t generation() const { return sweep_gen.load(std::memory_order_acquire); }
  bool swept(const Span& span) const {
    return span.sweep_gen.load(std::memory_order_acquire) == generation();
  }
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_HEAP_HEAP_H_
