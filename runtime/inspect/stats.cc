#include "runtime/inspect/stats.h"

#include <algorithm>

namespace acre::rt {
namespace {

void read_counts(const Heap& heap, ThreadRegistry& threads, AllocationCounts& counts) {
  counts = {};
  // Frees first: an object is counted as allocated before it can be freed, so that no reading finds
  // more freed than allocated.
  threads.for_each([&counts](const Thread& thread) { thread.cache.add_frees(counts.frees); });
  for (const ClassCounters& freed : heap.freed) {
    for (unsigned i = 0; i < kSizeClasses; ++i) {
      counts.frees[i] += freed.objects[i].load(std::memory_order_acquire);
    }
    counts.large_free_bytes += freed.large_bytes.load(std::memory_order_acquire);
  }
  for (unsigned i = 0; i < kSizeClasses; ++i) {
    counts.mallocs[i] = heap.retired.objects[i].load(std::memory_order_relaxed);
  }
  counts.large_malloc_bytes = heap.retired.large_bytes.load(std::memory_order_relaxed);
  threads.for_each([&counts](const Thread& thread) {
    thread.cache.add_counters(counts.mallocs, &counts.large_malloc_bytes);
  });
}

}  // namespace

uint64_t AllocationCounts::total(const uint64_t (&counts)[kSizeClasses]) const {
  uint64_t sum = 0;
  for (const uint64_t count : counts) sum += count;
  return sum;
}

uint64_t AllocationCounts::bytes(const uint64_t (&counts)[kSizeClasses],
                                 uint64_t large_bytes) const {
  uint64_t sum = large_bytes;
  for (unsigned i = 1; i < kSizeClasses; ++i) sum += counts[i] * kClasses[i].bytes;
  return sum;
}

AllocationCounts count_allocations(Heap& heap, ThreadRegistry& threads) {
  AllocationCounts counts;
  read_counts(heap, threads, counts);
  return counts;
}

namespace {

// In place: a copy is a kilobyte of somebody's small stack.
void count_allocations_locked(Heap& heap, ThreadRegistry& threads, AllocationCounts& counts) {
  threads.with_list_locked([&] { read_counts(heap, threads, counts); });
}

}  // namespace

void read_heap_stats(Heap& heap, ThreadRegistry& threads, acre_stats* stats) {
  AllocationCounts counts;
  count_allocations_locked(heap, threads, counts);
  stats->mallocs = counts.total(counts.mallocs);
  stats->frees = counts.total(counts.frees);
  stats->live_objects = stats->mallocs - stats->frees;
  stats->total_alloc = counts.bytes(counts.mallocs, counts.large_malloc_bytes);
  stats->total_freed = counts.bytes(counts.frees, counts.large_free_bytes);
  stats->alloc = stats->total_alloc - stats->total_freed;
  stats->heap_alloc = stats->alloc;
  for (unsigned i = 0; i < kSizeClasses; ++i) {
    stats->by_size[i] = {kClasses[i].bytes, counts.mallocs[i], counts.frees[i]};
  }

  const PageHeap::Usage usage = heap.pages.usage();
  const ByteCount stacks = std::min(threads.stacks()->bytes(), usage.in_use);
  stats->stack_sys = stacks.raw;
  stats->stacks = threads.stacks()->in_use();
  stats->heap_sys = (usage.mapped - stacks).raw;
  stats->mapped = usage.mapped.raw;
  stats->heap_inuse = (usage.in_use - stacks).raw;
  stats->heap_idle = usage.idle().raw;
  stats->heap_released = usage.released.raw;
  const Retention& retention = heap.pages.retention();
  stats->stack_untouched = std::min(retention.untouched(), stacks).raw;
  const ByteCount retained = usage.mapped - usage.released - ByteCount(stats->stack_untouched);
  stats->gc_sys = (retained.raw >> kPageShift) * (2 * kGranulesPerPage / 8);
  stats->span_sys = Retention::books_of(retained).raw - stats->gc_sys;
  stats->cache_sys = heap.space.meta_used().raw;
  stats->other_sys = sizeof(Heap) + retention.extra_books().raw;

  stats->reserved = heap.space.reserved().raw;
  stats->reserved_asked = heap.options.reserve_bytes;
  const Os::Counters os = heap.os.counters();
  stats->vmas = os.vmas;
  stats->os_calls = os.all_calls();
  stats->os_call_ns = os.all_nanoseconds();
  stats->os_failures = os.all_failures();
  stats->os_locked_calls = os.calls_under_lock;
  stats->os_locked_max_ns = os.longest_under_lock_ns;
  stats->committed = os.committed.raw;
  stats->strict_commit = heap.os.strict() ? 1 : 0;
  stats->process_vmas = heap.os.process_vmas();
  stats->max_vmas = heap.os.max_vmas();
  stats->huge_pages = heap.space.wants_huge_pages() ? 1 : 0;
  stats->retain_goal = retention.goal().raw;
  stats->released_background = retention.released_by(ReleaseBy::kBackground).raw;
  stats->released_allocating = retention.released_by(ReleaseBy::kAllocation).raw;
  stats->released_request = retention.released_by(ReleaseBy::kRequest).raw;
  stats->threads = threads.attached();
  stats->kinds = heap.kinds.count();
}

}  // namespace acre::rt
