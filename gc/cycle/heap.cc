#include <cstdlib>
#include <new>

#include "gc/cycle/cycle.h"
#include "gc/cycle/fork.h"
#include "runtime/thread/attachments.h"

acre_status acre_heap::create(const acre_options& options, acre::rt::FaultPlan* faults,
                              acre_heap** out) {
  *out = nullptr;
  if (acre::rt::ThreadRegistry::inside_any_stop()) return ACRE_E_STATE;
  if (!acre::gc::handle_forks()) return ACRE_E_NOMEM;
  // Not in the books: destroy() unmaps those, and must be able to say that the kernel refused.
  // Zeroed memory; the constructors that matter are for constants.
  void* memory = calloc(1, sizeof(acre_heap) + alignof(acre_heap));
  if (memory == nullptr) return ACRE_E_NOMEM;
  const uint64_t start = acre::rt::align_up(acre::rt::Addr(memory).raw + 1, alignof(acre_heap));
  auto* heap = new (acre::rt::Addr(start).as<void>()) acre_heap();
  heap->memory = memory;
  acre_status status = heap->core.init(options, faults);
  if (status == ACRE_OK) {
    heap->roots.init(&heap->core.space);
    heap->stacks.init(&heap->core);
    status = heap->cycle.barriers().init(&heap->core);
    if (status == ACRE_OK) status = heap->threads.init(&heap->core, heap, &heap->stacks);
    if (status == ACRE_OK) {
      heap->cycle.init(heap, &heap->core, &heap->threads, &heap->stacks, &heap->roots);
    } else {
      (void)heap->cycle.barriers().destroy();
      (void)heap->core.space.destroy();
    }
  }
  if (status != ACRE_OK) {
    free(memory);
    return status;
  }
  acre::gc::list_heap(heap);
  *out = heap;
  return ACRE_OK;
}

bool acre_heap::ask_oom_handler(acre_thread* thread, size_t bytes) {
  const acre_oom_fn handler = oom_handler.load(std::memory_order_acquire);
  if (handler == nullptr || thread->in_callback) return false;
  const acre::rt::OutsideAcre outside;
  thread->in_callback = true;
  ++thread->os_thread->regions;  // no fiber comes or goes
  const int again = handler(this, bytes, oom_arg.load(std::memory_order_acquire));
  --thread->os_thread->regions;
  thread->in_callback = false;
  return again != 0;
}

acre_status acre_heap::destroy() {
  if (acre::rt::ThreadRegistry::inside_any_stop()) return ACRE_E_STATE;
  if (threads.others_attached() != 0) return ACRE_E_STATE;
  acre_thread* self = threads.current();
  if (self != nullptr && (self->in_callback || acre::rt::fiber_here(*self) != nullptr))
    return ACRE_E_STATE;
  if (self != nullptr) threads.detach_now(self);
  threads.wait_for_detached();
  acre::gc::unlist_heap(this);
  cycle.stop_threads();
  acre::rt::tell_stacks_are_free(stacks);
  if (!cycle.barriers().destroy() || !core.space.destroy()) {
    acre::gc::list_heap(this);
    return ACRE_E_NOMEM;
  }
  stacks.spare().destroy();
  threads.destroy();
  void* block = memory;
  free(block);
  return ACRE_OK;
}
