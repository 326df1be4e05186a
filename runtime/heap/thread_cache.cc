#include "runtime/heap/thread_cache.h"

#include <algorithm>

#include "runtime/base/bits.h"
#include "runtime/base/check.h"

namespace acre::rt {

void* ThreadCache::alloc_slow(uint64_t bytes, uint32_t kind, Fill fill) {
  if (bytes > kMaxSmallBytes) return alloc_large(bytes, kind, kPageBytes, fill);
  const uint8_t size_class = class_for(bytes);
  const uint64_t object_bytes = kClasses[size_class].bytes;
  Slot& slot = slot_at(kind, size_class);
  if (kind >= kinds_used()) kinds_used_.store(kind + 1, std::memory_order_relaxed);
  if (void* object = reuse(size_class, kind, bytes, fill)) return object;
  if (slot.gap.gap_end - slot.gap.cursor < object_bytes && !refill(slot, kind, size_class)) {
    return nullptr;
  }
  if (inline_ == Inline::kNever) return take_unseen(slot.gap, bytes, object_bytes, fill);
  if (fill == Fill::kZero) zero_ahead(slot.gap, object_bytes);
  void* object = fill == Fill::kZero ? try_alloc(bytes, kind) : try_alloc_uninit(bytes, kind);
  ACRE_CHECK(object != nullptr, "a gap holds at least one object");
  return object;
}

bool ThreadCache::refill(Slot& slot, uint32_t kind, uint8_t size_class) {
  for (;;) {
    if (slot.span == nullptr && !next_span(slot, kind, size_class)) return false;
    if (next_gap(slot, size_class)) return true;
    drop_span(slot, kind, size_class);
  }
}

SlotRun ThreadCache::take_run(Span& span) {
  const Space& space = heap_->space;
  const uint32_t max_slots = heap_->options.gc_every > 0 ? 1 : span.elements();
  SlotRun run = find_free_run(space, span, span.search_from, max_slots);
  if (run.slots == 0 && span.freed.exchange(0, std::memory_order_relaxed) != 0) {
    run = find_free_run(space, span, 0, max_slots);
  }
  if (run.slots != 0) span.search_from = run.offset + run.slots * kClasses[span.size_class].bytes;
  return run;
}

// Torture: each time further on, so that what was just freed is not allocated next, and stays clobbered for a while.
SlotRun ThreadCache::take_slot_elsewhere(Span& span) const {
  const acre_options& options = heap_->options;
  if (options.gc_every <= 0 || options.clobber_free == 0) return {};
  const uint64_t count = heap_->torture_count.load(std::memory_order_relaxed);
  const auto slot = static_cast<uint32_t>(count % span.elements());
  return find_free_run(heap_->space, span, slot * kClasses[span.size_class].bytes, 1);
}

bool ThreadCache::next_gap(Slot& slot, uint8_t size_class) {
  Span& span = *slot.span;
  const Space& space = heap_->space;
  SlotRun run = take_slot_elsewhere(span);
  if (run.slots == 0) run = take_run(span);
  if (run.slots == 0) return false;
  const SizeClass& shape = kClasses[size_class];
  const uintptr_t start = span.start(space).raw + run.offset;
  begin_change();
  // The gap before its bits: a reader that sees a bit then sees that it stands for nothing yet.
  slot.gap.set(start, start + uint64_t{run.slots} * shape.bytes);
  if (span.known_zero && run.slots == shape.elements) slot.gap.limit = slot.gap.gap_end;
  if (inline_ == Inline::kNever) slot.gap.limit = 0;
  span.known_zero = false;
  set_alloc_bits(space, span, run.offset, run.slots);
  count_allocated(span, run.slots, uint64_t{run.slots} * shape.bytes);
  end_change();
  return true;
}

bool ThreadCache::next_span(Slot& slot, uint32_t kind, uint8_t size_class) {
  const uint32_t sweep_gen = heap_->generation();
  Central& central = heap_->kinds.central(kind, size_class);
  Span* span = central.take_with_room(sweep_gen, shard_, *heap_->collector);
  if (span == nullptr) {
    const PageCount pages(kClasses[size_class].pages);
    heap_->collector->reclaim(pages);
    span = heap_->pages.alloc_span({.pages = pages,
                                    .size_class = size_class,
                                    .kind = static_cast<uint8_t>(kind),
                                    .sweep_gen = sweep_gen,
                                    .explicitly_freed = heap_->kinds.get(kind).explicitly_freed},
                                   page_cache_);
    if (span == nullptr) return false;
    span->shard = static_cast<uint8_t>(shard_ % Central::kShards);
  }
  slot.gap.set(0, 0);
  slot.span = span;
  span->gap.store(&slot.gap, std::memory_order_release);
  return true;
}

void ThreadCache::drop_span(Slot& slot, uint32_t kind, uint8_t size_class) {
  Span& span = *slot.span;
  const Gap gap = slot.gap;
  begin_change();
  if (gap.cursor < gap.gap_end) {
    const uint32_t object_bytes = kClasses[size_class].bytes;
    const auto unused = static_cast<uint32_t>((gap.gap_end - gap.cursor) / object_bytes);
    const auto offset = static_cast<uint32_t>(gap.cursor - span.start(heap_->space).raw);
    clear_alloc_bits(heap_->space, span, offset, unused);
    span.search_from = std::min(span.search_from, offset);
    count_allocated(span, -uint64_t{unused}, -(uint64_t{unused} * object_bytes));
  }
  span.gap.store(nullptr, std::memory_order_release);
  slot.gap.set(0, 0);
  end_change();
  slot.span = nullptr;
  if (span.freed.exchange(0, std::memory_order_relaxed) != 0) span.search_from = 0;
  const bool has_room = find_free_run(heap_->space, span, span.search_from, 1).slots != 0;
  heap_->kinds.central(kind, size_class).put(&span, has_room, heap_->generation());
}

void ThreadCache::zero_ahead(Gap& gap, uint64_t object_bytes) {
  if (gap.limit - gap.cursor >= object_bytes) return;
  const uint64_t wanted = std::max(object_bytes, kZeroStep);
  const uintptr_t end = std::min(gap.gap_end, gap.cursor + wanted);
  memset(Addr(gap.limit).as<void>(), 0, end - gap.limit);
  gap.limit = end;
}

void* ThreadCache::take_unseen(Gap& gap, uint64_t bytes, uint64_t object_bytes, Fill fill) {
  const uintptr_t object = gap.cursor;
  const uint64_t kept = fill == Fill::kZero ? 0 : std::min(bytes, object_bytes);
  memset(Addr(object + kept).as<void>(), 0, object_bytes - kept);
  __atomic_store_n(&gap.cursor, object + object_bytes, __ATOMIC_RELAXED);
  return Addr(object).as<void>();
}

void* ThreadCache::alloc_large(uint64_t bytes, uint32_t kind, uint64_t align, Fill fill) {
  if (bytes > heap_->space.reserved().raw) return nullptr;
  const PageCount pages = std::max(pages_for(ByteCount(bytes)), PageCount(1));
  heap_->collector->reclaim(pages);
  Span* span =
      heap_->pages.alloc_span({.pages = pages,
                               .align = PageCount(std::max(align >> kPageShift, uint64_t{1})),
                               .size_class = kLargeClass,
                               .kind = static_cast<uint8_t>(kind),
                               .sweep_gen = heap_->generation(),
                               .explicitly_freed = heap_->kinds.get(kind).explicitly_freed},
                              page_cache_);
  if (span == nullptr) return nullptr;
  void* object = span->start(heap_->space).as<void>();
  if (fill == Fill::kZero && !span->known_zero) memset(object, 0, span->size().raw);
  span->known_zero = false;
  count_allocated(*span, 1, span->size().raw);
  heap_->large.add(span, heap_->generation());
  return object;
}

void ThreadCache::count_allocated(const Span& span, uint64_t objects, uint64_t bytes) {
  const uint8_t size_class = span.size_class;
  // Only this thread writes its counters, so no locked operation is needed.
  auto& count = allocated_.objects[size_class];
  count.store(count.load(std::memory_order_relaxed) + objects, std::memory_order_release);
  if (size_class == kLargeClass) {
    auto& large = allocated_.large_bytes;
    large.store(large.load(std::memory_order_relaxed) + bytes, std::memory_order_release);
  }
  if (span.explicitly_freed) explicit_bytes_ += static_cast<int64_t>(bytes);
  uncounted_ += static_cast<int64_t>(bytes);
  if (uncounted_ >= static_cast<int64_t>(kCountStep)) publish_count();
}

void ThreadCache::publish_count() {
  heap_->allocated_since_gc.fetch_add(uncounted_, std::memory_order_relaxed);
  uncounted_ = 0;
}

void ThreadCache::flush() {
  for (uint32_t kind = 0; kind < kinds_used(); ++kind) {
    empty_lists(kind);
    for (unsigned size_class = 1; size_class < kSizeClasses; ++size_class) {
      Slot& slot = slot_at(kind, static_cast<uint8_t>(size_class));
      if (slot.span != nullptr) drop_span(slot, kind, static_cast<uint8_t>(size_class));
    }
  }
  heap_->pages.flush_cache(page_cache_);
  publish_count();
  heap_->explicit_bytes.fetch_add(explicit_bytes_, std::memory_order_relaxed);
  explicit_bytes_ = 0;
}

void ThreadCache::add_counters(uint64_t (&objects)[kSizeClasses], uint64_t* large_bytes) const {
  for (;;) {
    const uint32_t before = changes_.load(std::memory_order_acquire);
    if (before % 2 != 0) continue;
    uint64_t mine[kSizeClasses] = {};
    uint64_t my_large_bytes = 0;
    read_counters(mine, &my_large_bytes);
    if (changes_.load(std::memory_order_relaxed) != before) continue;
    for (unsigned i = 0; i < kSizeClasses; ++i) objects[i] += mine[i];
    *large_bytes += my_large_bytes;
    return;
  }
}

void ThreadCache::read_counters(uint64_t (&objects)[kSizeClasses], uint64_t* large_bytes) const {
  // Acquire, so that the second look at changes_ comes after all of these.
  for (unsigned size_class = 0; size_class < kSizeClasses; ++size_class) {
    objects[size_class] += allocated_.objects[size_class].load(std::memory_order_acquire);
  }
  *large_bytes += allocated_.large_bytes.load(std::memory_order_acquire);
  for (uint32_t kind = 0; kind < kinds_used(); ++kind) {
    const FreeList* lists = lists_of(kind);
    for (unsigned size_class = 1; size_class < kSizeClasses; ++size_class) {
      if (lists != nullptr) objects[size_class] += lists[size_class].popped();
      const Gap& gap = slots_[kind * kSizeClasses + size_class].gap;
      const uintptr_t end = __atomic_load_n(&gap.gap_end, __ATOMIC_ACQUIRE);
      const uintptr_t cursor = __atomic_load_n(&gap.cursor, __ATOMIC_ACQUIRE);
      if (cursor < end) objects[size_class] -= (end - cursor) / kClasses[size_class].bytes;
    }
  }
}

void ThreadCache::add_frees(uint64_t (&objects)[kSizeClasses]) const {
  for (uint32_t kind = 0; kind < kinds_used(); ++kind) {
    const FreeList* lists = lists_of(kind);
    for (unsigned size_class = 1; lists != nullptr && size_class < kSizeClasses; ++size_class) {
      objects[size_class] += lists[size_class].pushed();
    }
  }
}

void ThreadCache::retire_counters() {
  for (uint32_t kind = 0; kind < kinds_used(); ++kind) {
    FreeList* lists = lists_of(kind);
    for (unsigned size_class = 1; lists != nullptr && size_class < kSizeClasses; ++size_class) {
      FreeList& list = lists[size_class];
      heap_->retired.objects[size_class].fetch_add(list.popped(), std::memory_order_relaxed);
      heap_->count_freed(shard_, static_cast<uint8_t>(size_class), list.pushed(), ByteCount(0));
      list.forget_counts();
    }
  }
  for (unsigned size_class = 0; size_class < kSizeClasses; ++size_class) {
    auto& count = allocated_.objects[size_class];
    heap_->retired.objects[size_class].fetch_add(count.exchange(0), std::memory_order_relaxed);
  }
  heap_->retired.large_bytes.fetch_add(allocated_.large_bytes.exchange(0),
                                       std::memory_order_relaxed);
}

}  // namespace acre::rt
