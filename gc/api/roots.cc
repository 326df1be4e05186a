// The public calls on roots.

#include "gc/cycle/cycle.h"
#include "runtime/thread/attachments.h"

using acre::rt::InsideAcre;

extern "C" {

acre_status acre_root_add(acre_heap* heap, void* start, size_t bytes, int conservative) {
  const InsideAcre inside;
  return heap == nullptr ? ACRE_E_INVALID : heap->roots.add_range(start, bytes, conservative != 0);
}

acre_status acre_root_remove(acre_heap* heap, void* start) {
  const InsideAcre inside;
  return heap == nullptr ? ACRE_E_INVALID : heap->roots.remove_range(start);
}

acre_handle* acre_handle_new(acre_thread* thread, void* object) {
  if (thread == nullptr) return nullptr;
  const InsideAcre inside;
  acre_handle* handle = thread->heap->roots.new_handle(object);
  if (handle == nullptr) thread->last_error = ACRE_E_NOMEM;
  return handle;
}

void* acre_handle_get(const acre_handle* handle) {
  return handle == nullptr ? nullptr : __atomic_load_n(&handle->object, __ATOMIC_ACQUIRE);
}

void acre_handle_set(acre_handle* handle, void* object) {
  __atomic_store_n(&handle->object, object, __ATOMIC_RELEASE);
}

void acre_handle_drop(acre_handle* handle) {
  const InsideAcre inside;
  if (handle != nullptr) acre::gc::RootSet::drop_handle(handle);
}

acre_status acre_root_scanner_add(acre_heap* heap, acre_root_scanner_fn scan, void* arg) {
  const InsideAcre inside;
  return heap == nullptr ? ACRE_E_INVALID : heap->roots.add_scanner(scan, arg);
}

acre_status acre_root_scanner_remove(acre_heap* heap, acre_root_scanner_fn scan, void* arg) {
  const InsideAcre inside;
  return heap == nullptr ? ACRE_E_INVALID : heap->roots.remove_scanner(scan, arg);
}

// In this order, also for a signal that stops the thread in between.
void acre_local_push(acre_thread* thread, acre_local* local) {
  if (thread == nullptr) return;
  local->previous = thread->inline_fields.locals;
  std::atomic_signal_fence(std::memory_order_release);
  thread->inline_fields.locals = local;
}

acre_status acre_local_pop(acre_thread* thread, acre_local* local) {
  if (thread == nullptr) return ACRE_E_INVALID;
  // A fiber may have moved to another thread, with its locals.
  const auto* os_thread = __atomic_load_n(&thread->os_thread, __ATOMIC_RELAXED);
  if (__builtin_expect(os_thread != &acre::rt::current_os_thread(), 0)) {
    thread = thread->registry->current();
    if (thread == nullptr) return ACRE_E_STATE;
  }
  if (local == nullptr || thread->inline_fields.locals != local) {
    thread->last_error = ACRE_E_STATE;
    return ACRE_E_STATE;
  }
  thread->inline_fields.locals = local->previous;
  return ACRE_OK;
}

}  // extern "C"
