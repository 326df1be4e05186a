// Freeing: of any object by its address, and the lists of what a thread has freed of explicit kinds.
#include <cstring>

#include "runtime/base/bits.h"
#include "runtime/heap/thread_cache.h"

namespace acre::rt {

bool ThreadCache::free_object(void* object) {
  const ObjectRef ref = object_at(heap_->space, Addr(object));
  if (!ref) return false;
  Span& span = *ref.span;
  if (heap_->kinds.get(span.kind).internal) return false;
  if (!span.is_large()) return free_small(ref);
  const ByteCount bytes = span.size();
  const bool explicitly_freed = span.explicitly_freed;
  if (!heap_->large.take(&span)) return false;
  if (span.has_specials.load(std::memory_order_relaxed)) heap_->collector->forget(ref.base);
  if (heap_->options.clobber_free != 0) clobber(ref.base, bytes);
  heap_->pages.free_span(span);
  heap_->count_freed(shard_, kLargeClass, 1, bytes);
  if (explicitly_freed) explicit_bytes_ -= static_cast<int64_t>(bytes.raw);
  lower_count(bytes);
  return true;
}

bool ThreadCache::free_small(const ObjectRef& object) {
  Span& span = *object.span;
  const uint8_t size_class = span.size_class;
  const ByteCount bytes = span.object_bytes();
  const bool explicitly_freed = span.explicitly_freed;
  if (explicitly_freed) {
    if (FreeList* lists = make_lists(span.kind)) {
      if (heap_->options.clobber_free != 0) clobber(object.base, bytes);
      lists[size_class].push(object.base.as<void>());
      return true;
    }
  }
  // Its bit must not come back from the marks of the last cycle.
  heap_->collector->sweep_in_place(span);
  const uint64_t granule = heap_->space.granule_of(object.base);
  if (!bits::test(heap_->space.alloc_words(), granule)) return false;
  if (span.has_specials.load(std::memory_order_relaxed)) heap_->collector->forget(object.base);
  // Before the bit is clear: then another thread may have the slot.
  if (heap_->options.clobber_free != 0) clobber(object.base, bytes);
  const bool found_soon = span.gap.load(std::memory_order_relaxed) != nullptr;
  // Release, and acquire in set_alloc_bits: what was written here comes before what the slot's next
  // owner writes.
  const uint64_t bit = uint64_t{1} << (granule % 64);
  std::atomic<uint64_t>& word = heap_->space.alloc_words()[granule / 64];
  if ((word.fetch_and(~bit, std::memory_order_release) & bit) == 0) return false;
  span.freed.fetch_add(1, std::memory_order_relaxed);
  heap_->count_freed(shard_, size_class, 1, bytes);
  if (explicitly_freed) {
    explicit_bytes_ -= static_cast<int64_t>(bytes.raw);
  } else if (found_soon) {
    lower_count(bytes);
  }
  return true;
}

void ThreadCache::lower_count(ByteCount freed) {
  uncounted_ -= static_cast<int64_t>(freed.raw);
  if (uncounted_ <= -static_cast<int64_t>(kCountStep)) publish_count();
}

// The lists of an explicit kind, made if it has none yet. NULL: there is no memory for them.
FreeList* ThreadCache::make_lists(uint32_t kind) {
  FreeList* lists = lists_of(kind);
  if (lists != nullptr) return lists;
  lists = static_cast<FreeList*>(
      heap_->space.meta_alloc(ByteCount(sizeof(FreeLists)), alignof(FreeList)));
  if (lists == nullptr) return nullptr;
  lists_[kind].store(lists, std::memory_order_release);
  if (kind >= kinds_used()) kinds_used_.store(kind + 1, std::memory_order_release);
  open_lists();
  return lists;
}

void ThreadCache::open_lists() {
  const acre_options& options = heap_->options;
  const bool open =
      inline_ == Inline::kAllowed && options.clobber_free == 0 && options.gc_every == 0;
  for (uint32_t kind = 0; kind < kinds_used(); ++kind) {
    FreeList* lists = lists_of(kind);
    for (unsigned i = 0; lists != nullptr && i < kSizeClasses; ++i) lists[i].set_open(open);
  }
}

// For the slow path: also where lists are not open.
void* ThreadCache::reuse(uint8_t size_class, uint32_t kind, uint64_t bytes, Fill fill) {
  FreeList* lists = lists_of(kind);
  if (lists == nullptr || lists[size_class].empty()) return nullptr;
  void* object = lists[size_class].pop();
  const uint64_t object_bytes = kClasses[size_class].bytes;
  if (fill == Fill::kZero) {
    memset(object, 0, object_bytes);
  } else {
    zero_behind(Addr(object).raw, bytes, object_bytes);
  }
  return object;
}

void ThreadCache::empty_lists(uint32_t kind) {
  FreeList* lists = lists_of(kind);
  for (unsigned i = 1; lists != nullptr && i < kSizeClasses; ++i) {
    while (!lists[i].empty()) give_up(lists[i].take());
  }
}

// A slot that is counted as freed. Once its bit is clear its span may be anyone's: also while it is being swept.
void ThreadCache::give_up(void* slot) {
  const Space& space = heap_->space;
  const Addr start(slot);
  Span& span = *span_at(space, space.page_entry(space.page_of(start)).start());
  explicit_bytes_ -= static_cast<int64_t>(span.object_bytes().raw);
  span.freed.fetch_add(1, std::memory_order_relaxed);
  const uint64_t granule = space.granule_of(start);
  space.alloc_words()[granule / 64].fetch_and(~(uint64_t{1} << (granule % 64)),
                                              std::memory_order_release);
}

}  // namespace acre::rt
