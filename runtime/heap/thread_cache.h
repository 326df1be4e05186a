// Owns allocation as a thread sees it: a slot for each (kind, size class) with the gap that the
// thread bumps through, and the pages that it took ahead.
//
// The common path of a small object:
//   1. try_alloc: the slot's cursor moves by the object's size; if it passes the limit, nothing was
//      changed and
//   2. alloc_slow: zero more of the gap; or
//   3. take the next gap of the slot's span: the run of clear alloc bits after the last one; or
//   4. give the span up as full and take another: from the central list (sweeping what it finds there),
//      then fresh from the page heap.
// Kinds with references get zeroed gaps, zeroed a bounded step ahead of the cursor so that it stays
// in the processor's cache; leaf kinds are zeroed by object, and only where asked.
//
// A large object (above 32 KiB) is a span of its own.
//
// Threads: one thread's. Others read `gap` and the counters (relaxed), and flush it while its
// thread is stopped. Nothing in here stops or collects: the caller decides that before alloc_slow,
// and after it returned NULL for want of pages.

#ifndef ACRE_RUNTIME_HEAP_THREAD_CACHE_H_
#define ACRE_RUNTIME_HEAP_THREAD_CACHE_H_

#include <cstring>

#include "runtime/heap/heap.h"

namespace acre::rt {

// Bytes zeroed at a time ahead of the cursor. Larger: fewer slow calls; smaller: the zeroed part is
// still in the first-level cache when the program writes it.
inline constexpr uint64_t kZeroStep = 4 * kKiB;

enum class Fill : uint8_t { kZero, kUninit };

class ThreadCache {
 public:
  // The memory is zeroed. Touches little of it: a slot is backed when it is first used.
  void init(Heap* heap) { heap_ = heap; }

  // An object of at least `bytes`, or NULL: take the slow path. `kind` may be any number.
  void* try_alloc(uint64_t bytes, uint32_t kind, Fill fill);

  // `kind` is known. NULL: no pages. Large objects take this path always; `align` beyond 16 bytes
  // too.
  void* alloc_slow(uint64_t bytes, uint32_t kind, Fill fill);
  void* alloc_large(uint64_t bytes, uint32_t kind, uint64_t align, Fill fill);

  // Frees an object at once. False: `object` is not the start of one.
  bool free_object(void* object);

  // Gives all spans and pages back: before a collection, at detach, to make the books whole. By its
  // thread, or while that is stopped.
  void flush();

  // What the thread has allocated, less what its gaps have left. Any thread: reads again while the
  // cache takes or drops a gap, so that no total ever falls.
  void add_counters(uint64_t (&objects)[kSizeClasses], uint64_t* large_bytes) const;
  // Adds them to the heap's and forgets them: at detach, after a flush.
  void retire_counters();

 private:
  struct Slot {
    Gap gap;
    Span* span;
  };

  uint32_t kinds_used() const { return kinds_used_.load(std::memory_order_relaxed); }
  Slot& slot_at(uint32_t kind, uint8_t size_class) {
    return slots_[kind * kSizeClasses + size_class];
  }
  bool refill(Slot& slot, uint32_t kind, uint8_t size_class);
  bool next_gap(Slot& slot, uint8_t size_class);
  bool next_span(Slot& slot, uint32_t kind, uint8_t size_class);
  void drop_span(Slot& slot, uint32_t kind, uint8_t size_class);
  void zero_ahead(Slot& slot, uint32_t kind, uint64_t object_bytes);
  void count_allocated(uint8_t size_class, uint64_t objects, uint64_t bytes);
  void begin_change() { changes_.fetch_add(1, std::memory_order_acq_rel); }
  void end_change() { changes_.fetch_add(1, std::memory_order_release); }
  void read_counters(uint64_t (&objects)[kSizeClasses], uint64_t* large_bytes) const;

  Heap* heap_;
  PageCache page_cache_;
  std::atomic<uint32_t> kinds_used_;  // slots of kinds from here on were never touched
  std::atomic<uint32_t> changes_;     // odd while a gap and its count change together
  ClassCounters allocated_;
  Slot slots_[kMaxKinds * kSizeClasses];
};

inline void* ThreadCache::try_alloc(uint64_t bytes, uint32_t kind, Fill fill) {
  if (bytes > kMaxSmallBytes || kind >= kMaxKinds) return nullptr;
  const uint8_t size_class = class_for(bytes);
  Slot& slot = slot_at(kind, size_class);
  const uintptr_t object = slot.gap.cursor;
  const uintptr_t next = object + kClasses[size_class].bytes;
  if (next > slot.gap.limit) return nullptr;
  __atomic_store_n(&slot.gap.cursor, next, __ATOMIC_RELAXED);
  void* result = Addr(object).as<void>();
  // The tracing of a kind whose slot has a gap is there to be read.
  if (fill == Fill::kZero && heap_->kinds.get(kind).tracing == Tracing::kLeaf) {
    memset(result, 0, kClasses[size_class].bytes);
  }
  return result;
}

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_HEAP_THREAD_CACHE_H_
