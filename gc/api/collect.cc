// The public calls that collect and that inspect the heap.

#include <algorithm>
#include <cstring>

#include "gc/cycle/cycle.h"
#include "runtime/inspect/stats.h"
#include "runtime/inspect/walk.h"

namespace {

using acre::gc::CycleStats;
using acre::gc::Reason;
using acre::rt::Addr;
using acre::rt::InsideAcre;
using acre::rt::Span;

void read_cycle_stats(acre_heap* heap, acre_stats* stats) {
  const CycleStats& cycles = heap->cycle.stats();
  acre::gc::Cycle& cycle = heap->cycle;
  stats->live_after_gc = cycle.pacing().live();
  stats->next_gc = cycle.pacing().goal();
  stats->memory_limit = cycle.limit().bytes();
  stats->hard_limit = cycle.limit().hard();
  stats->limiting = cycle.limit().limiting(acre::rt::now_ns()) ? 1 : 0;
  stats->limit_events = cycle.limit().events();
  stats->background_cpu_ns = cycle.background().work_ns();
  stats->gc_percent = cycle.pacing().percent();
  stats->num_idle_gc = cycles.idle;
  stats->num_forced_gc = cycles.forced;
  stats->num_gc = cycles.cycles;
  stats->last_gc_ns = cycles.last_end_ns;
  stats->pause_total_ns = cycles.pause_total_ns;
  stats->pause_last_ns = cycles.pause_last_ns;
  stats->pause_max_ns = cycles.pause_max_ns;
  stats->gc_cpu_ns = cycles.cpu_ns;
  stats->gc_sys += heap->cycle.pool().bytes().raw;
  stats->cache_sys -= std::min(stats->cache_sys, heap->cycle.pool().bytes().raw);
  stats->handles = heap->roots.handles();
  const acre::gc::SpecialCounts& specials = cycle.weak().specials.counts();
  stats->weak_references = specials.weak;
  stats->finalizers = specials.finalizers;
  stats->cleanups = specials.cleanups;
  stats->finalizers_waiting = specials.queued;
  stats->finalizers_run = specials.run;
}

void read_all(acre_heap* heap, acre_stats* all) {
  *all = {};
  acre::rt::read_heap_stats(heap->core, heap->threads, all);
  read_cycle_stats(heap, all);
  all->sys = all->heap_sys + all->stack_sys + all->span_sys + all->cache_sys + all->gc_sys +
             all->other_sys;
  all->accounted = all->sys - all->heap_released - all->stack_untouched;
}

}  // namespace

extern "C" {

void acre_collect(acre_thread* thread) {
  if (thread == nullptr) return;
  const InsideAcre inside;
  if (thread->blocking_depth != 0 || !thread->heap->cycle.collect(thread, Reason::kForced)) {
    thread->last_error = ACRE_E_STATE;
    return;
  }
  thread->heap->cycle.finish_sweep();
}

void acre_release_memory(acre_thread* thread) {
  if (thread == nullptr) return;
  const InsideAcre inside;
  if (thread->blocking_depth != 0 || !thread->heap->cycle.collect_and_release(thread)) {
    thread->last_error = ACRE_E_STATE;
  }
}

int acre_set_gc_percent(acre_heap* heap, int percent) {
  const InsideAcre inside;
  return heap->cycle.pacing().set_percent(percent);
}

size_t acre_set_memory_limit(acre_heap* heap, size_t bytes) {
  const InsideAcre inside;
  return bytes == 0 ? heap->cycle.limit().asked() : heap->cycle.set_memory_limit(bytes);
}

size_t acre_set_hard_limit(acre_heap* heap, size_t bytes) {
  const InsideAcre inside;
  return bytes == 0 ? heap->cycle.limit().hard() : heap->cycle.set_hard_limit(bytes);
}

void acre_set_limit_handler(acre_heap* heap, acre_limit_fn handler, void* arg) {
  const InsideAcre inside;
  heap->limit_handler.store(nullptr, std::memory_order_release);
  heap->limit_arg.store(arg, std::memory_order_release);
  heap->limit_handler.store(handler, std::memory_order_release);
  heap->cycle.limit().set_has_handler(handler != nullptr);
}

void acre_set_oom_handler(acre_heap* heap, acre_oom_fn handler, void* arg) {
  // Never the new function with the old argument.
  heap->oom_handler.store(nullptr, std::memory_order_release);
  heap->oom_arg.store(arg, std::memory_order_release);
  heap->oom_handler.store(handler, std::memory_order_release);
}

void acre_stats_read(acre_heap* heap, acre_stats* stats) {
  if (heap == nullptr || stats == nullptr) return;
  const InsideAcre inside;
  const size_t wanted = stats->struct_size == 0 ? sizeof(acre_stats) : stats->struct_size;
  if (wanted >= sizeof(acre_stats)) {
    read_all(heap, stats);
  } else {
    // An older caller's.
    acre::rt::on_roomy_stack(heap->threads.current(), [&] {
      acre_stats all;
      read_all(heap, &all);
      memcpy(stats, &all, wanted);
    });
  }
  stats->struct_size = wanted;
}

uint64_t acre_resident_bytes(acre_heap* heap) {
  if (heap == nullptr) return 0;
  const InsideAcre inside;
  return (heap->core.space.resident_arenas() + heap->core.space.resident_books()).raw;
}

acre_status acre_verify(acre_heap* heap, acre_report_fn report, void* arg) {
  if (heap == nullptr) return ACRE_E_INVALID;
  const InsideAcre inside;
  return heap->cycle.verify(heap->threads.current(), report, arg);
}

acre_status acre_audit_roots(acre_heap* heap, acre_report_fn report, void* arg, size_t* count) {
  if (count != nullptr) *count = 0;
  if (heap == nullptr) return ACRE_E_INVALID;
  const InsideAcre inside;
  uint64_t found = 0;
  const acre_status status = heap->cycle.audit_roots(heap->threads.current(), report, arg, &found);
  if (count != nullptr) *count = found;
  return status;
}

acre_status acre_check_barriers(acre_heap* heap, acre_report_fn report, void* arg, size_t* count) {
  if (count != nullptr) *count = 0;
  if (heap == nullptr) return ACRE_E_INVALID;
  const InsideAcre inside;
  uint64_t found = 0;
  const acre_status status =
      heap->cycle.check_barriers(heap->threads.current(), report, arg, &found);
  if (count != nullptr) *count = found;
  return status;
}

uint64_t acre_barrier_violations(acre_heap* heap) {
  return heap == nullptr ? 0 : heap->cycle.barriers().violations();
}

acre_status acre_heap_walk(acre_heap* heap, acre_walk_fn fn, void* arg) {
  if (heap == nullptr || fn == nullptr) return ACRE_E_INVALID;
  const InsideAcre inside;
  const acre::rt::Space& space = heap->core.space;
  const auto walk = [&] {
    for_each_span(space, [&](const Span& span) {
      return for_each_object(space, span, [&](Addr base) {
        return fn(base.as<void>(), span.object_bytes().raw, span.kind, arg) == 0;
      });
    });
  };
  acre_thread* self = heap->threads.current();
  const auto walk_with_room = [&] { acre::rt::on_roomy_stack(self, walk); };
  return heap->threads.with_stopped_world(self, walk_with_room) ? ACRE_OK : ACRE_E_STATE;
}

}  // extern "C"
