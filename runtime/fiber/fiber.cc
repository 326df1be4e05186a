#include "runtime/fiber/fiber.h"

#include "runtime/base/check.h"
#include "runtime/fiber/overflow.h"
#include "runtime/fiber/sanitizer.h"
#include "runtime/fiber/switch.h"
#include "runtime/thread/attachments.h"
#include "runtime/thread/registry.h"
#include "runtime/thread/spill.h"

#if defined(__SANITIZE_THREAD__)
#define ACRE_NO_TSAN __attribute__((no_sanitize_thread))
#else
#define ACRE_NO_TSAN
#endif

namespace acre::rt {
namespace {

// What a leaf function may keep below its stack pointer (the x86-64 ABI's red zone), with some more.
constexpr uintptr_t kBelowStackPointer = 256;

// The smallest pages that kernels have.
constexpr unsigned kMinPageShift = 12;

// The same, without the compiler knowing what it may be equal to (see fiber.h).
template <class T>
T* unrelated(T* pointer) {
  asm("" : "+r"(pointer));
  return pointer;
}

template <class T>
void exchange(T& a, T& b) {
  T old = a;
  a = b;
  b = old;
}

// What belongs to who runs on the thread: hardly ever is there anything.
bool has_own(const Thread* thread, const OsThread* os_thread) {
  const auto& exceptions = *static_cast<const ExceptionState*>(os_thread->exceptions);
  return (reinterpret_cast<uintptr_t>(thread->inline_fields.locals) |
          reinterpret_cast<uintptr_t>(exceptions.caught) | exceptions.uncaught) != 0;
}

// Returns kKeeps if there is something that the fiber keeps now.
uint8_t exchange_own(Thread* thread, OsThread* os_thread, FiberParts* parts) {
  const bool keeps = has_own(thread, os_thread);
  exchange(thread->inline_fields.locals, parts->locals);
  exchange(*static_cast<ExceptionState*>(os_thread->exceptions), parts->exceptions);
  return keeps ? kKeeps : 0;
}

// ---- Sanitizers. `fiber` is the one that is resumed, or that yields. Between being told of a switch and the
// jump, and in what both ends of it have open, tsan must not count calls and returns.

ACRE_NO_TSAN void tell_before_resume(Fiber* fiber) {
  FiberParts& parts = use_parts_of(*stack_of(*fiber));
  if (__tsan_switch_to_fiber != nullptr) {
    parts.resumer_tsan_fiber = __tsan_get_current_fiber();
    if (parts.tsan_fiber == nullptr) parts.tsan_fiber = __tsan_create_fiber(0);
    __tsan_switch_to_fiber(parts.tsan_fiber, 0);
  }
  if (__sanitizer_start_switch_fiber != nullptr) {
    const Stack& stack = *stack_of(*fiber);
    __sanitizer_start_switch_fiber(&parts.resumer_fake_stack, stack.low.as<void>(),
                                   stack.size().raw);
  }
}

// On the fiber's stack.
ACRE_NO_TSAN void tell_after_resume(Fiber* fiber) {
  if (__sanitizer_finish_switch_fiber != nullptr) {
    FiberParts& parts = use_parts_of(*stack_of(*fiber));
    __sanitizer_finish_switch_fiber(parts.fake_stack, nullptr, nullptr);
    parts.fake_stack = nullptr;
  }
}

ACRE_NO_TSAN void tell_before_yield(Fiber* fiber, bool done) {
  const Thread* thread = fiber->thread;
  FiberParts& parts = use_parts_of(*stack_of(*fiber));
  if (__tsan_switch_to_fiber != nullptr) __tsan_switch_to_fiber(parts.resumer_tsan_fiber, 0);
  if (__sanitizer_start_switch_fiber != nullptr) {
    const Stack* to = fiber->resumer != nullptr ? stack_of(*fiber->resumer) : nullptr;
    const Addr low = to != nullptr ? to->low : thread->stack_low;
    const Addr high = to != nullptr ? to->high : thread->stack_high;
    __sanitizer_start_switch_fiber(done ? nullptr : &parts.fake_stack, low.as<void>(),
                                   (high - low).raw);
  }
}

// On the resumer's stack.
ACRE_NO_TSAN void tell_after_yield(Fiber* fiber) {
  if (__sanitizer_finish_switch_fiber != nullptr) {
    FiberParts& parts = use_parts_of(*stack_of(*fiber));
    __sanitizer_finish_switch_fiber(parts.resumer_fake_stack, nullptr, nullptr);
    parts.resumer_fake_stack = nullptr;
  }
}

// ---- Switches that have to care. From what is before the switch to what is after it, on whichever stack that is,
// a signal must find the thread inside Acre.

// What comes after: `fiber` is the one that is resumed, or that yielded.
ACRE_NO_TSAN Turn after_resume(void* value, Fiber* fiber) {
  if (current_os_thread().annotates) tell_after_resume(fiber);
  InsideAcre::end();
  return {value, ACRE_OK, 0};
}

ACRE_NO_TSAN Turn after_yield(void* value, Fiber* fiber) {
  if (current_os_thread().annotates) tell_after_yield(fiber);
  InsideAcre::end();
  return {value, ACRE_OK, 0};
}

ACRE_NO_TSAN Turn after_done(void* result, Fiber* fiber) {
  Thread* thread = fiber->thread;
  if (thread->os_thread->annotates) tell_after_yield(fiber);
  drop_fiber(*thread->registry->stacks(), fiber, &thread->stacks);
  const acre_status status = status_of(*fiber);
  if (status != ACRE_OK) thread->last_error = status;
  InsideAcre::end();
  return {result, status, 1};
}

Turn refuse(Thread* thread, acre_status status) {
  thread->last_error = status;
  return {nullptr, status, 0};
}

Turn refuse_yield(Fiber* fiber) {
  if (fiber != nullptr && is_in_chain(*fiber)) return refuse(fiber->thread, ACRE_E_STATE);
  return {nullptr, ACRE_E_STATE, 0};
}

// What a thread needs that runs fibers.
__attribute__((noinline)) void prepare(Thread* thread) {
  OsThread* os_thread = thread->os_thread;
  if (void* exceptions = exception_state()) os_thread->exceptions = exceptions;
  os_thread->annotates = is_sanitized();
  os_thread->lose_fibers = &lose_fibers;
  os_thread->unready = false;
  give_signal_stack_to(thread);
}

// ---- What is written down of who runs. From here on the world sees the other one run.

// Returns where the fiber goes on.
inline void* begin_running(Thread* thread, OsThread* os_thread, Fiber* fiber, uint8_t keeps = 0) {
  void* context = fiber->context;
  fiber->resumer = os_thread->fiber;
  fiber->thread = thread;
  set_state(fiber, FiberState::kRunning, keeps);
  os_thread->fiber = fiber;
  return context;
}

// Fibers that were made one after the other lie side by side, and often take turns in that order. While they do, the
// stack of one that comes some turns later is fetched meanwhile: 10,000 in turn, 22 ns a turn instead of 29. In
// any other order it is not, which would cost an eighth.
ACRE_NO_TSAN inline void look_ahead(OsThread* os_thread, const Fiber* fiber) {
  constexpr int kTurns = 4;
  const bool in_turn = os_thread->latest + 1 == fiber;
  os_thread->latest = fiber;
  const Fiber* later = fiber + kTurns;
  // Memory of the same page is there, whatever it is now; and a word that is no address does no harm.
  const bool same_page = ((Addr(later).raw ^ Addr(fiber).raw) >> kMinPageShift) == 0;
  if (in_turn && same_page) __builtin_prefetch(later->context);
}

// What switches away writes the context, where `resumer` was.
inline void end_running(Thread* thread, OsThread* os_thread, Fiber* fiber, FiberState state,
                        uint8_t keeps = 0) {
  os_thread->fiber = fiber->resumer;
  fiber->heap = thread->heap;
  set_state(fiber, state, keeps);
}

ACRE_NO_TSAN __attribute__((noinline)) Turn resume_with_care(Thread* thread, Fiber* fiber,
                                                             void* value) {
  if (fiber == nullptr) return refuse(thread, ACRE_E_INVALID);
  if (!is_suspended(*fiber) && state_of(*fiber) != FiberState::kNew) {
    return refuse(thread, ACRE_E_STATE);
  }
  if (fiber->heap != thread->heap) return refuse(thread, ACRE_E_INVALID);
  OsThread* os_thread = thread->os_thread;
  if (os_thread->regions != 0) return refuse(thread, ACRE_E_STATE);
  if (os_thread->unready) prepare(thread);
  InsideAcre::begin();
  const uint8_t keeps = exchange_own(thread, os_thread, &use_parts_of(*stack_of(*fiber)));
  void* context = begin_running(thread, os_thread, fiber, keeps);
  if (os_thread->annotates) tell_before_resume(fiber);
  return acre_rt_switch_then(&fiber->resumer_context, context, value, fiber, &after_resume);
}

ACRE_NO_TSAN __attribute__((noinline)) Turn yield_with_care(Fiber* fiber, void* value) {
  OsThread* os_thread = &current_os_thread();
  // Of a fiber that does not run nothing is known but itself.
  if (fiber == nullptr || fiber != os_thread->fiber) return refuse_yield(fiber);
  Thread* thread = fiber->thread;
  if (os_thread->regions != 0) return refuse(thread, ACRE_E_STATE);
  InsideAcre::begin();
  const uint8_t keeps = exchange_own(thread, os_thread, &use_parts_of(*stack_of(*fiber)));
  if (os_thread->annotates) tell_before_yield(fiber, false);
  end_running(thread, os_thread, fiber, FiberState::kSuspended, keeps);
  return acre_rt_switch_then(&fiber->context, fiber->resumer_context, value, fiber, &after_yield);
}

// ---- With nothing to care for. These two end in the switch (a tail call): see switch.h.

template <class Result>
Result switch_stacks(void** save, void* to, void* value) {
  if constexpr (std::is_pointer_v<Result>) {
    return acre_rt_switch(save, to, value);
  } else {
    return acre_rt_switch_turn(save, to, value);
  }
}

template <class Result>
Result result_of(Turn turn) {
  if constexpr (std::is_pointer_v<Result>) {
    return turn.value;
  } else {
    return turn;
  }
}

}  // namespace

Stack* take_fiber_stack(StackPool& pool, Thread* thread, ByteCount bytes, acre_status* why) {
  return pool.take(stack_class_for(bytes), StackUse::kFiber, &thread->stacks,
                   thread->cache.page_cache(), why);
}

void make_fiber(Fiber* fiber, Thread* thread, Stack* stack, void* (*fn)(Fiber*, void*), void* arg) {
  stack->fiber = fiber;
  start_of(*stack) = {.fn = fn, .arg = arg, .stack = stack, .control_word = 0};
  fiber->context = new_context(*stack);
  fiber->heap = thread->heap;
  set_stack(fiber, stack, FiberState::kNew);
}

template <class Result>
ACRE_NO_TSAN Result resume_fiber(Thread* thread, Fiber* fiber, void* value) {
  if (__builtin_expect(fiber != nullptr, 1)) {
    OsThread* os_thread = thread->os_thread;
    // kNew, kSuspended or kTrimmed, with nothing that it keeps.
    constexpr unsigned kFirst = unsigned{static_cast<uint8_t>(FiberState::kNew)};
    constexpr unsigned kLast = unsigned{static_cast<uint8_t>(FiberState::kTrimmed)};
    const bool resumable = state_byte(*fiber) - kFirst <= kLast - kFirst;
    if (__builtin_expect(resumable && fiber->heap == thread->heap && os_thread->cares() == 0 &&
                             !has_own(thread, os_thread),
                         1)) {
      look_ahead(os_thread, fiber);
      void* context = begin_running(thread, os_thread, fiber);
      return switch_stacks<Result>(&fiber->resumer_context, context, value);
    }
  }
  return result_of<Result>(resume_with_care(thread, fiber, value));
}
template void* resume_fiber(Thread*, Fiber*, void*);
template Turn resume_fiber(Thread*, Fiber*, void*);

template <class Result>
ACRE_NO_TSAN Result yield_fiber(Fiber* fiber, void* value) {
  OsThread* os_thread = &current_os_thread();
  Fiber* self = unrelated(os_thread->fiber);
  if (__builtin_expect(self == fiber && self != nullptr, 1)) {
    self = unrelated(self);
    Thread* thread = self->thread;
    const bool keeps_nothing = state_byte(*self) == static_cast<uint8_t>(FiberState::kRunning);
    if (__builtin_expect(keeps_nothing && os_thread->cares() == 0 && !has_own(thread, os_thread),
                         1)) {
      end_running(thread, os_thread, self, FiberState::kSuspended);
      return switch_stacks<Result>(&self->context, self->resumer_context, value);
    }
  }
  return result_of<Result>(yield_with_care(fiber, value));
}
template void* yield_fiber(Fiber*, void*);
template Turn yield_fiber(Fiber*, void*);

// Frames that were never left would stay poisoned for the memory's next user.
void tell_stack_is_free(Stack& stack) {
  if (stack.fiber != nullptr && parts_of(stack).tsan_fiber != nullptr) {
    __tsan_destroy_fiber(parts_of(stack).tsan_fiber);
    use_parts_of(stack).tsan_fiber = nullptr;
  }
  if (__asan_unpoison_memory_region != nullptr) {
    __asan_unpoison_memory_region(stack.low.as<void>(), stack.size().raw);
  }
}

void tell_stacks_are_free(StackPool& pool) {
  if (!is_sanitized()) return;
  pool.for_each([](Stack& stack) {
    if (stack.use.load(std::memory_order_relaxed) != StackUse::kNone) tell_stack_is_free(stack);
  });
}

void drop_fiber(StackPool& pool, Fiber* fiber, StackCache* cache) {
  Stack* stack = stack_of(*fiber);
  if (stack == nullptr) return;
  if (is_sanitized()) tell_stack_is_free(*stack);
  fiber->data = parts_of(*stack).data;
  set_stack(fiber, nullptr, state_of(*fiber));
  if (stack->fiber_used) use_parts_of(*stack) = {};
  stack->fiber_used = false;
  pool.put(stack, cache);
}

void lose_fibers(OsThread* os_thread) {
  for (Fiber* fiber = os_thread->fiber; fiber != nullptr;) {
    Fiber* next = fiber->resumer;
    // What the thread's own stack has on its list; what a fiber has goes with it.
    fiber->thread->inline_fields.locals = parts_of(*stack_of(*fiber)).locals;
    set_state(fiber, FiberState::kLost);
    fiber->thread = nullptr;
    fiber->resumer = nullptr;
    fiber = next;
  }
  os_thread->fiber = nullptr;
}

void call_on_roomy_stack(const Thread* thread, void (*fn)(void*), void* arg) {
  if (thread == nullptr || thread->os_thread->on_roomy_stack) return fn(arg);
  auto sp = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  const Fiber* running = fiber_here(*thread);
  for (const Fiber* fiber = running; fiber != nullptr; fiber = fiber->resumer) {
    sp = reinterpret_cast<uintptr_t>(fiber->resumer_context);
  }
  if (sp >= thread->stack_low.raw && sp < thread->stack_high.raw) {
    if (running == nullptr) return fn(arg);
    thread->os_thread->on_roomy_stack = true;
    acre_rt_call_on_stack(fn, arg, (sp - kBelowStackPointer) & ~uintptr_t{15});
    thread->os_thread->on_roomy_stack = false;
    return;
  }
  // A coroutine's.
  SpareStack& spare = thread->registry->stacks()->spare();
  if (spare.high() == Addr{} || spare.contains(sp)) return fn(arg);
  LockGuard guard(spare.lock());
  acre_rt_call_on_stack(fn, arg, spare.high().raw);
}

}  // namespace acre::rt

extern "C" ACRE_NO_TSAN void acre_rt_end_fiber(acre::rt::Stack* stack, void* result,
                                               bool returned) {
  using namespace acre::rt;
  Fiber* fiber = stack->fiber;
  Thread* thread = fiber->thread;
  OsThread* os_thread = thread->os_thread;
  InsideAcre::begin();
  if (has_own(thread, os_thread) || stack->fiber_used) {
    (void)exchange_own(thread, os_thread, &use_parts_of(*stack));
  }
  if (os_thread->annotates) tell_before_yield(fiber, true);
  os_thread->fiber = fiber->resumer;
  set_stack(fiber, stack, returned ? FiberState::kDone : FiberState::kThrew);
  acre_rt_switch_then(&fiber->context, fiber->resumer_context, result, fiber, &after_done);
  __builtin_unreachable();
}
