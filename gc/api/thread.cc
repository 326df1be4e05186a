// The public calls on threads. acre_blocking_begin is in runtime/thread/spill.cc.

#include <algorithm>
#include <cstring>
#include <utility>

#include "gc/cycle/cycle.h"

using acre::gc::Reason;
using acre::rt::InsideAcre;

namespace {

acre_status may_attach(acre_heap* heap, acre_thread** out) {
  if (out == nullptr) return ACRE_E_INVALID;
  *out = nullptr;
  if (heap == nullptr) return ACRE_E_INVALID;
  return heap->threads.inside_stop() ? ACRE_E_STATE : ACRE_OK;
}

}  // namespace

extern "C" {

acre_status acre_thread_attach(acre_heap* heap, acre_thread** out) {
  const InsideAcre inside;
  const acre_status status = may_attach(heap, out);
  return status == ACRE_OK ? heap->threads.attach(out) : status;
}

acre_status acre_thread_attach_as(acre_heap* heap, int manner, acre_thread** out) {
  const InsideAcre inside;
  const acre_status status = may_attach(heap, out);
  if (status != ACRE_OK) return status;
  if (manner != ACRE_THREAD_COOPERATIVE && manner != ACRE_THREAD_UNCOOPERATIVE) {
    return ACRE_E_INVALID;
  }
  return heap->threads.attach_as(manner == ACRE_THREAD_UNCOOPERATIVE, out);
}

acre_status acre_thread_detach(acre_thread* thread) {
  if (thread == nullptr) return ACRE_E_INVALID;
  const InsideAcre inside;
  return thread->registry->detach(thread);
}

acre_thread* acre_thread_current(acre_heap* heap) {
  return heap == nullptr ? nullptr : heap->threads.current();
}

acre_status acre_last_error(const acre_thread* thread) {
  return thread == nullptr ? ACRE_E_INVALID : thread->last_error;
}

// A stop sets its flag before it sets the thread's word: who takes that back looks at the flag afterwards (safepoint).
void acre_safepoint_slow(acre_thread* thread) {
  using AtPoll = acre_thread::AtPoll;
  const InsideAcre inside;
  const AtPoll wanted = std::exchange(thread->at_poll, AtPoll::kNothing);
  if (wanted != AtPoll::kNothing) {
    __atomic_store_n(&thread->inline_fields.stop_requested, 0, __ATOMIC_SEQ_CST);
  }
  thread->registry->safepoint(thread);
  if (wanted == AtPoll::kNothing || thread->blocking_depth != 0) return;
  acre_heap* heap = thread->heap;
  if (wanted == AtPoll::kForced) heap->cycle.collect(thread, Reason::kForced);
  if (heap->core.wants_collection()) heap->cycle.collect(thread, Reason::kTrigger);
}

void acre_idle_begin(acre_thread* thread) {
  if (thread == nullptr) return;
  const InsideAcre inside;
  thread->registry->idle_begin(thread);
}

void acre_blocking_end(acre_thread* thread) {
  const InsideAcre inside;
  thread->registry->blocking_end(thread);
}

acre_status acre_kind_register(acre_heap* heap, const acre_kind_info* info, acre_kind* out) {
  if (heap == nullptr || info == nullptr || out == nullptr) return ACRE_E_INVALID;
  const InsideAcre inside;
  return heap->core.kinds.add(*info, out);
}

uint64_t acre_histogram_quantile(const acre_histogram* histogram, double q) {
  return histogram == nullptr ? 0 : acre::rt::histogram_quantile(*histogram, q);
}

void acre_stop_stats_read(acre_heap* heap, acre_stop_stats* stats) {
  if (heap == nullptr || stats == nullptr) return;
  const size_t wanted = stats->struct_size == 0 ? sizeof(*stats) : stats->struct_size;
  acre_stop_stats all{};
  heap->threads.stop_stats().read(&all);
  all.struct_size = wanted;
  memcpy(stats, &all, std::min(wanted, sizeof(all)));
}

acre_status acre_set_stop_watchdog(acre_heap* heap, uint64_t ms, acre_stop_watchdog_fn fn,
                                   void* arg) {
  if (heap == nullptr) return ACRE_E_INVALID;
  const InsideAcre inside;
  return heap->threads.set_watchdog(ms, fn, arg);
}

}  // extern "C"
