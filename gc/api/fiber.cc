// The public calls on fibers, and on stacks for other people's coroutines.

#include "runtime/fiber/fiber.h"

#include <cstring>

#include "gc/cycle/cycle.h"
#include "runtime/fiber/overflow.h"
#include "runtime/thread/attachments.h"

namespace {

using acre::rt::Addr;
using acre::rt::ByteCount;
using acre::rt::FiberState;
using acre::rt::Stack;
using acre::rt::StackUse;

// False: too large.
bool stack_size(size_t asked, ByteCount* out) {
  *out = ByteCount(asked == 0 ? size_t{ACRE_FIBER_STACK} : asked);
  return asked <= ACRE_FIBER_STACK_MAX;
}

void collect_all(acre_heap* heap, acre_thread* thread) {
  if (acre::gc::leaves_it_to_polls(*thread)) return;
  heap->cycle.collect(thread, acre::gc::Reason::kNoMemory);
  heap->cycle.finish_sweep();
}

// As an allocation does (allocate.cc): dead fibers, and stacks of other sizes, may hold the pages or mappings that are
// wanted.
template <class Take>
Stack* take_or_collect(acre_thread* thread, ByteCount bytes, Take take) {
  acre_heap* heap = thread->heap;
  if (heap->core.wants_collection_of_stacks() && !acre::gc::leaves_it_to_polls(*thread)) {
    heap->cycle.collect(thread, acre::gc::Reason::kTrigger);
  }
  if (Stack* stack = take()) return stack;
  if (heap->cycle.give_back_idle_stacks(thread)) {
    if (Stack* stack = take()) return stack;
  }
  collect_all(heap, thread);
  if (Stack* stack = take()) return stack;
  if (!heap->ask_oom_handler(thread, bytes.raw)) return nullptr;
  collect_all(heap, thread);
  return take();
}

acre_status make(acre_thread* thread, ByteCount stack_bytes, acre_fiber_fn fn, void* arg,
                 acre_fiber** out) {
  acre_heap* heap = thread->heap;
  acre_kind kind = ACRE_KIND_NONE;
  if (const acre_status status = heap->cycle.fibers().kind(&kind)) return status;
  if (heap->core.options.overflow_report != 0) (void)acre::rt::report_overflows();
  acre_status why = ACRE_E_NOMEM;
  Stack* stack = take_or_collect(thread, stack_bytes, [&] {
    return take_fiber_stack(heap->stacks, thread, stack_bytes, &why);
  });
  if (stack == nullptr) return why;
  auto* fiber = static_cast<acre_fiber*>(acre_alloc(thread, sizeof(acre_fiber), kind));
  if (fiber == nullptr) {
    heap->stacks.put(stack, &thread->stacks);
    return thread->last_error;
  }
  make_fiber(fiber, thread, stack, fn, arg);
  *out = fiber;
  return ACRE_OK;
}

}  // namespace

extern "C" {

acre_status acre_fiber_new(acre_thread* thread, size_t stack_bytes, acre_fiber_fn fn, void* arg,
                           acre_fiber** out) {
  if (out == nullptr) return ACRE_E_INVALID;
  *out = nullptr;
  ByteCount bytes;
  if (thread == nullptr || fn == nullptr || !stack_size(stack_bytes, &bytes)) return ACRE_E_INVALID;
  if (thread->blocking_depth != 0 || thread->heap->threads.inside_stop()) return ACRE_E_STATE;
  const acre::rt::InsideAcre inside;
  // Alive until the fiber holds it, if it is a reference.
  acre_local keep{nullptr, acre_object_base(thread->heap, arg)};
  acre_local_push(thread, &keep);
  const acre_status status = make(thread, bytes, fn, arg, out);
  (void)acre_local_pop(thread, &keep);
  return status;
}

void* acre_fiber_resume(acre_thread* thread, acre_fiber* fiber, void* value) {
  if (thread == nullptr) return nullptr;
  return acre::rt::resume_fiber<void*>(thread, fiber, value);
}

acre_fiber_turn acre_fiber_resume_turn(acre_thread* thread, acre_fiber* fiber, void* value) {
  if (thread == nullptr) return {nullptr, ACRE_E_INVALID, 0};
  return acre::rt::resume_fiber<acre_fiber_turn>(thread, fiber, value);
}

void* acre_fiber_yield(acre_fiber* fiber, void* value) {
  return acre::rt::yield_fiber<void*>(fiber, value);
}

acre_fiber_turn acre_fiber_yield_turn(acre_fiber* fiber, void* value) {
  return acre::rt::yield_fiber<acre_fiber_turn>(fiber, value);
}

int acre_fiber_done(const acre_fiber* fiber) {
  const FiberState state = acre::rt::state_of(*fiber);
  return state == FiberState::kDone || state == FiberState::kThrew ? 1 : 0;
}

acre_status acre_fiber_status(const acre_fiber* fiber) { return acre::rt::status_of(*fiber); }

acre_fiber* acre_fiber_current(acre_thread* thread) {
  return thread == nullptr ? nullptr : acre::rt::fiber_here(*thread);
}

acre_thread* acre_fiber_thread(const acre_fiber* fiber) {
  return acre::rt::is_in_chain(*fiber) ? fiber->thread : nullptr;
}

size_t acre_fiber_stack_bytes(const acre_fiber* fiber) {
  const Stack* stack = acre::rt::stack_of(*fiber);
  return stack == nullptr ? 0 : stack->size().raw;
}

void* acre_fiber_data(const acre_fiber* fiber) {
  const Stack* stack = acre::rt::stack_of(*fiber);
  return stack == nullptr ? fiber->data : acre::rt::parts_of(*stack).data;
}

void acre_fiber_set_data(acre_fiber* fiber, void* data) {
  Stack* stack = acre::rt::stack_of(*fiber);
  (stack == nullptr ? fiber->data : acre::rt::use_parts_of(*stack).data) = data;
}

void acre_fiber_set_name(acre_fiber* fiber, const char* name) {
  Stack* stack = acre::rt::stack_of(*fiber);
  if (stack == nullptr) return;
  auto& to = acre::rt::use_parts_of(*stack).name;
  memset(to, 0, sizeof(to));
  if (name != nullptr) strncpy(to, name, sizeof(to) - 1);
}

acre_status acre_stack_new(acre_heap* heap, size_t stack_bytes, acre_stack* out) {
  if (out == nullptr) return ACRE_E_INVALID;
  *out = {nullptr, nullptr};
  const acre::rt::InsideAcre inside;
  ByteCount bytes;
  if (heap == nullptr || !stack_size(stack_bytes, &bytes)) return ACRE_E_INVALID;
  if (heap->core.options.conservative_stacks == 0) return ACRE_E_INVALID;
  if (heap->threads.inside_stop()) return ACRE_E_STATE;
  if (heap->core.options.overflow_report != 0) {
    (void)acre::rt::report_overflows();
    // Who makes a stack is who runs on it, mostly, and no call of ours tells.
    if (acre_thread* thread = heap->threads.current()) acre::rt::give_signal_stack_to(thread);
  }
  // A collection of whoever runs on it needs room.
  if (!heap->stacks.spare().prepare()) return ACRE_E_NOMEM;
  acre_status why = ACRE_E_NOMEM;
  // The thread's caches are for fibers; here, a lock more does not matter.
  acre::rt::PageCache pages{};
  Stack* stack = nullptr;
  heap->threads.outside_stops([&] {
    stack = heap->stacks.take(acre::rt::stack_class_for(bytes), StackUse::kForeign, nullptr, pages,
                              &why);
    heap->core.pages.flush_cache(pages);
  });
  if (stack == nullptr) return why;
  *out = {stack->low.as<void>(), stack->high.as<void>()};
  return ACRE_OK;
}

acre_status acre_stack_free(acre_heap* heap, const acre_stack* stack) {
  if (heap == nullptr || stack == nullptr) return ACRE_E_INVALID;
  const acre::rt::InsideAcre inside;
  if (heap->threads.inside_stop()) return ACRE_E_STATE;
  Stack* known = heap->stacks.find(Addr(stack->low));
  if (known == nullptr || known->low != Addr(stack->low) || known->high != Addr(stack->high) ||
      known->use.load(std::memory_order_acquire) != StackUse::kForeign) {
    return ACRE_E_INVALID;
  }
  acre::rt::tell_stack_is_free(*known);
  heap->threads.outside_stops([&] { heap->stacks.put(known, nullptr); });
  return ACRE_OK;
}

}  // extern "C"
