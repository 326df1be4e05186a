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
// Gaps are zeroed a bounded step ahead of the cursor, so that the zeroed part is still in the
// processor's cache when the program writes it. Objects without content (Fill::kUninit) are taken
// from behind what is zero as well as from it.
//
// A large object (above 32 KiB) is a span of its own.
//
// Small objects of explicit kinds go, when they are freed, into a list of the thread that freed them, and are the
// first that it gives out again (try_reuse). What is in no list comes from gaps, as for other kinds.
//
// Threads: one thread's. Others read `gap` and the counters (relaxed), and flush it while its
// thread is stopped. Nothing in here stops or collects: the caller decides that before alloc_slow,
// and after it returned NULL for want of pages.

#ifndef ACRE_RUNTIME_HEAP_THREAD_CACHE_H_
#define ACRE_RUNTIME_HEAP_THREAD_CACHE_H_

#include <algorithm>
#include <cstring>

#include "runtime/base/check.h"
#include "runtime/heap/free_list.h"
#include "runtime/heap/heap.h"

namespace acre::rt {

// Bytes zeroed at a time ahead of the cursor. Larger: fewer slow calls; smaller: the zeroed part is
// still in the first-level cache when the program writes it.
inline constexpr uint64_t kZeroStep = 8 * kKiB;

// Bytes that a thread takes before it adds them to the heap's count. Larger: fewer writes to a word
// that all threads share; smaller: collections begin nearer to the goal.
inline constexpr uint64_t kCountStep = 64 * kKiB;

enum class Fill : uint8_t { kZero, kUninit };

// Whether try_alloc and code that is inlined in the program may take from gaps. Not on a thread that may be
// stopped between any two instructions, and find its gaps flushed: there all `limit`s are 0 outside
// alloc_slow, so that they find no room whatever they have read when.
enum class Inline : uint8_t { kAllowed, kNever };

class ThreadCache {
 public:
  // The memory is zeroed. Touches little of it: a slot is backed when it is first used.
  // `shard` is that of the central lists that it gives its spans to.
  void init(Heap* heap, unsigned shard = 0, Inline inlined = Inline::kAllowed) {
    heap_ = heap;
    shard_ = shard;
    inline_ = inlined;
    if (kinds_used() != 0) open_lists();
  }

  // An object of at least `bytes`, all zero, or NULL: take the slow path. `kind` may be any number.
  void* try_alloc(uint64_t bytes, uint32_t kind);
  // The same without content; what lies behind `bytes` is zero.
  void* try_alloc_uninit(uint64_t bytes, uint32_t kind);

  // For objects of explicit kinds, as try_alloc_uninit, from what this thread has freed. NULL: there is none, or
  // it is another kind's.
  void* try_reuse(uint64_t bytes, uint32_t kind);
  // Frees an object of an explicit kind that was asked for with so many bytes. Nothing of that is checked. False:
  // free_object must.
  bool try_free(void* object, uint64_t bytes, uint32_t kind);

  // `kind` is known. NULL: no pages. Large objects take this path always; `align` beyond 16 bytes
  // too.
  void* alloc_slow(uint64_t bytes, uint32_t kind, Fill fill);
  void* alloc_large(uint64_t bytes, uint32_t kind, uint64_t align, Fill fill);

  // The pages that its thread takes spans from.
  PageCache& page_cache() { return page_cache_; }

  // Frees an object at once. False: `object` is not the start of one.
  bool free_object(void* object);

  // Gives all spans and pages back: before a collection, at detach, to make the books whole. By its
  // thread, or while that is stopped.
  void flush();

  // What the thread has allocated, less what its gaps have left. Any thread: reads again while the
  // cache takes or drops a gap, so that no total ever falls.
  void add_counters(uint64_t (&objects)[kSizeClasses], uint64_t* large_bytes) const;
  // What it has freed into its lists. To be read of all threads before what they have allocated.
  void add_frees(uint64_t (&objects)[kSizeClasses]) const;
  // Adds them to the heap's and forgets them: at detach, after a flush.
  void retire_counters();

 private:
  // As acre_gap, which inline code sees.
  struct Slot {
    Gap gap;
    Span* span;
  };
  static_assert(sizeof(Slot) == sizeof(acre_gap) &&
                offsetof(Slot, span) == offsetof(acre_gap, span));
  static_assert(offsetof(Gap, cursor) == offsetof(acre_gap, cursor) &&
                offsetof(Gap, limit) == offsetof(acre_gap, limit) &&
                offsetof(Gap, gap_end) == offsetof(acre_gap, end));
  static_assert(kSizeClasses == ACRE_GAPS_PER_KIND);

  uint32_t kinds_used() const { return kinds_used_.load(std::memory_order_relaxed); }
  // A pointer and no subscript: so GCC computes the address once and not for each use.
  Slot& slot_at(uint32_t kind, uint8_t size_class) {
    return *(slots_ + (kind * kSizeClasses + size_class));
  }
  bool refill(Slot& slot, uint32_t kind, uint8_t size_class);
  SlotRun take_run(Span& span);
  SlotRun take_slot_elsewhere(Span& span) const;
  bool next_gap(Slot& slot, uint8_t size_class);
  bool next_span(Slot& slot, uint32_t kind, uint8_t size_class);
  void drop_span(Slot& slot, uint32_t kind, uint8_t size_class);
  static void zero_ahead(Gap& gap, uint64_t object_bytes);
  static void* take_unseen(Gap& gap, uint64_t bytes, uint64_t object_bytes, Fill fill);
  void count_allocated(const Span& span, uint64_t objects, uint64_t bytes);
  void lower_count(ByteCount freed);
  void publish_count();
  FreeList* lists_of(uint32_t kind) const { return lists_[kind].load(std::memory_order_acquire); }
  FreeList* make_lists(uint32_t kind);
  void open_lists();
  void* reuse(uint8_t size_class, uint32_t kind, uint64_t bytes, Fill fill);
  void empty_lists(uint32_t kind);
  void give_up(void* slot);
  bool free_small(const ObjectRef& object);
  static void zero_behind(uintptr_t object, uint64_t bytes, uint64_t object_bytes);
  // The owner's only, so no locked operation. What changes in between is stored with release, so
  // that a reader who sees any of it sees the odd number, too.
  void begin_change() { step_changes(); }
  void end_change() { step_changes(); }
  void step_changes() {
    changes_.store(changes_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }
  void read_counters(uint64_t (&objects)[kSizeClasses], uint64_t* large_bytes) const;

  Heap* heap_;
  PageCache page_cache_;
  uint32_t shard_;
  std::atomic<uint32_t> kinds_used_;  // slots of kinds from here on were never touched
  std::atomic<uint32_t> changes_;     // odd while a gap and its count change together
  Inline inline_;
  int64_t uncounted_;  // bytes taken and not yet in heap_->allocated_since_gc
  ClassCounters allocated_;
  alignas(64) Slot slots_[kMaxKinds * kSizeClasses];
  // By kind; NULL: it has none. Of explicit kinds that this thread has freed objects of, for good.
  std::atomic<FreeList*> lists_[kMaxKinds];
  int64_t explicit_bytes_;  // taken for explicit kinds, and not yet in heap_->explicit_bytes

 public:
  static constexpr size_t kGapsOffset = 640;  // of slots_, asserted below
};

// What inline code in acre.h counts on.
static_assert(sizeof(ThreadCache) == ThreadCache::kGapsOffset +
                                         kMaxKinds * kSizeClasses * sizeof(acre_gap) +
                                         (kMaxKinds + 1) * sizeof(void*));

inline void* ThreadCache::try_alloc(uint64_t bytes, uint32_t kind) {
  if (bytes > kMaxSmallBytes || kind >= kMaxKinds) return nullptr;
  const uint8_t size_class = class_for(bytes);
  Gap& gap = slot_at(kind, size_class).gap;
  const uintptr_t object = gap.cursor;
  const uintptr_t next = object + kClasses[size_class].bytes;
  if (next > gap.limit) return nullptr;
  if (object == 0) __builtin_unreachable();  // an empty gap ends at 0: it returned above
  __atomic_store_n(&gap.cursor, next, __ATOMIC_RELAXED);
  return Addr(object).as<void>();
}

inline void* ThreadCache::try_alloc_uninit(uint64_t bytes, uint32_t kind) {
  if (bytes > kMaxSmallBytes || kind >= kMaxKinds || inline_ == Inline::kNever) return nullptr;
  const uint8_t size_class = class_for(bytes);
  const uint64_t object_bytes = kClasses[size_class].bytes;
  Gap& gap = slot_at(kind, size_class).gap;
  const uintptr_t object = gap.cursor;
  const uintptr_t next = object + object_bytes;
  if (next > gap.gap_end) return nullptr;
  __atomic_store_n(&gap.cursor, next, __ATOMIC_RELAXED);
  gap.limit = std::max(gap.limit, next);
  // Nobody zeroed it ahead, which would have brought it into the cache.
  __builtin_prefetch(Addr(next).as<void>(), 1);
  __builtin_prefetch(Addr(next + 64).as<void>(), 1);
  zero_behind(object, bytes, object_bytes);
  return Addr(object).as<void>();
}

// Of an object without content. The caller writes the rest, so the whole of the last granule may go.
inline void ThreadCache::zero_behind(uintptr_t object, uint64_t bytes, uint64_t object_bytes) {
  if (object_bytes - bytes > kGranuleBytes) {
    memset(Addr(object + bytes).as<void>(), 0, object_bytes - bytes);
  } else {
    memset(Addr(object + object_bytes - kGranuleBytes).as<void>(), 0, kGranuleBytes);
  }
}

inline void* ThreadCache::try_reuse(uint64_t bytes, uint32_t kind) {
  if (bytes > kMaxSmallBytes || kind >= kMaxKinds) return nullptr;
  FreeList* lists = lists_[kind].load(std::memory_order_relaxed);
  if (lists == nullptr) return nullptr;
  const uint8_t size_class = class_for(bytes);
  FreeList& list = lists[size_class];
  if (list.empty() || !list.open()) return nullptr;
  void* object = list.pop();
  zero_behind(Addr(object).raw, bytes, kClasses[size_class].bytes);
  return object;
}

inline bool ThreadCache::try_free(void* object, uint64_t bytes, uint32_t kind) {
  if (bytes > kMaxSmallBytes || kind >= kMaxKinds) return false;
  FreeList* lists = lists_[kind].load(std::memory_order_relaxed);
  if (lists == nullptr) return false;
  FreeList& list = lists[class_for(bytes)];
  if (!list.open()) return false;
  ACRE_DCHECK(object_at(heap_->space, Addr(object)).base == Addr(object),
              "what is freed by its size is an object");
  list.push(object);
  return true;
}

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_HEAP_THREAD_CACHE_H_
