// The public calls on threads. acre_blocking_begin is in runtime/thread/spill.cc.

#include "gc/cycle/cycle.h"

extern "C" {

acre_status acre_thread_attach(acre_heap* heap, acre_thread** out) {
  if (out == nullptr) return ACRE_E_INVALID;
  *out = nullptr;
  if (heap == nullptr) return ACRE_E_INVALID;
  if (heap->threads.inside_stop()) return ACRE_E_STATE;
  return heap->threads.attach(out);
}

acre_status acre_thread_detach(acre_thread* thread) {
  if (thread == nullptr) return ACRE_E_INVALID;
  return thread->registry->detach(thread);
}

acre_thread* acre_thread_current(acre_heap* heap) {
  return heap == nullptr ? nullptr : heap->threads.current();
}

acre_status acre_last_error(const acre_thread* thread) {
  return thread == nullptr ? ACRE_E_INVALID : thread->last_error;
}

void acre_safepoint_slow(acre_thread* thread) { thread->registry->safepoint(thread); }

void acre_idle_begin(acre_thread* thread) { thread->registry->idle_begin(thread); }

void acre_blocking_end(acre_thread* thread) { thread->registry->blocking_end(thread); }

acre_status acre_kind_register(acre_heap* heap, const acre_kind_info* info, acre_kind* out) {
  if (heap == nullptr || info == nullptr || out == nullptr) return ACRE_E_INVALID;
  return heap->core.kinds.add(*info, out);
}

}  // extern "C"
