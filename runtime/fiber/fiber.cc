#include "runtime/fiber/fiber.h"

#include <boost/context/detail/fcontext.hpp>

#include "runtime/base/check.h"
#include "runtime/fiber/overflow.h"
#include "runtime/fiber/sanitizer.h"
#include "runtime/thread/attachments.h"
#include "runtime/thread/registry.h"
#include "runtime/thread/spill.h"

// A processor predicts where `ret` goes by the calls that it saw, which after a switch were another stack's:
// wrong always. An indirect jump is predicted by where it went before. 10,000 fibers in turn: 75 ns a resume
// instead of 152. The compiler has this for other reasons (its name is from there); it calls the routine for
// each return.
#if defined(__x86_64__) && defined(__has_attribute)
#if __has_attribute(function_return)
#define ACRE_RETURNS_BY_JUMP __attribute__((function_return("thunk-extern")))
asm(R"(
  .text
  .p2align 4
  .globl __x86_return_thunk
  .hidden __x86_return_thunk
  .type __x86_return_thunk, @function
__x86_return_thunk:
  .cfi_startproc
  popq %rcx
  .cfi_def_cfa_offset 0
  .cfi_register %rip, %rcx
  jmpq *%rcx
  .cfi_endproc
  .size __x86_return_thunk, .-__x86_return_thunk
)");
#endif
#endif
#if !defined(ACRE_RETURNS_BY_JUMP)
#define ACRE_RETURNS_BY_JUMP
#endif

#if defined(__SANITIZE_THREAD__)
#define ACRE_NO_TSAN __attribute__((no_sanitize_thread))
#else
#define ACRE_NO_TSAN
#endif

namespace acre::rt {
namespace {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

// What a leaf function may keep below its stack pointer (the x86-64 ABI's red zone), with some more.
constexpr uintptr_t kBelowStackPointer = 256;

// What a resume hands over, in its frame.
//
// 10,000 fibers in turn: each time the stack that is gone to is in no near cache, and a processor that waited for it
// would take twice as long as one that goes on to the next fiber meanwhile. It can, as long as nothing that leads
// back to the resumer is read from that stack, or found through what is. So from here a fiber learns who it is when
// it goes on, and from the thread when it yields; what it was told by its caller, it only compares.
struct Passed {
  Fiber* fiber;
  void* value;
};

// The same, without the compiler knowing what it may be equal to.
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
inline void exchange_with(Thread* thread, OsThread* os_thread, Fiber* fiber) {
  auto& exceptions = *static_cast<ExceptionState*>(os_thread->exceptions);
  const bool none = thread->inline_fields.locals == nullptr && fiber->locals == nullptr &&
                    exceptions.caught == nullptr && fiber->exceptions.caught == nullptr &&
                    (exceptions.uncaught | fiber->exceptions.uncaught) == 0;
  if (__builtin_expect(none, 1)) return;
  exchange(thread->inline_fields.locals, fiber->locals);
  exchange(exceptions, fiber->exceptions);
}

// ---- Sanitizers. `fiber` is the one that is resumed, or that yields. Between being told of a switch and the
// jump, and in what both ends of it have open, tsan must not count calls and returns.

ACRE_NO_TSAN void tell_before_resume(Fiber* fiber) {
  if (__tsan_switch_to_fiber != nullptr) {
    fiber->resumer_tsan_fiber = __tsan_get_current_fiber();
    if (fiber->tsan_fiber == nullptr) fiber->tsan_fiber = __tsan_create_fiber(0);
    __tsan_switch_to_fiber(fiber->tsan_fiber, 0);
  }
  if (__sanitizer_start_switch_fiber != nullptr) {
    __sanitizer_start_switch_fiber(&fiber->resumer_fake_stack, Addr(fiber->stack_low).as<void>(),
                                   fiber->stack_high - fiber->stack_low);
  }
}

// On the fiber's stack.
ACRE_NO_TSAN void tell_after_resume(Fiber* fiber) {
  if (__sanitizer_finish_switch_fiber != nullptr) {
    __sanitizer_finish_switch_fiber(fiber->fake_stack, nullptr, nullptr);
    fiber->fake_stack = nullptr;
  }
}

ACRE_NO_TSAN void tell_before_yield(Fiber* fiber, bool done) {
  const Thread* thread = fiber->thread;
  if (__tsan_switch_to_fiber != nullptr) __tsan_switch_to_fiber(fiber->resumer_tsan_fiber, 0);
  if (__sanitizer_start_switch_fiber != nullptr) {
    const Fiber* to = fiber->resumer;
    const uintptr_t low = to != nullptr ? to->stack_low : thread->stack_low.raw;
    const uintptr_t high = to != nullptr ? to->stack_high : thread->stack_high.raw;
    __sanitizer_start_switch_fiber(done ? nullptr : &fiber->fake_stack, Addr(low).as<void>(),
                                   high - low);
  }
}

// On the resumer's stack.
ACRE_NO_TSAN void tell_after_yield(Fiber* fiber) {
  if (__sanitizer_finish_switch_fiber != nullptr) {
    __sanitizer_finish_switch_fiber(fiber->resumer_fake_stack, nullptr, nullptr);
    fiber->resumer_fake_stack = nullptr;
  }
}

// ---- Switches that have to care. From the one before the jump to the one after it, on whichever stack that is, a
// signal must find the thread inside Acre.

ACRE_NO_TSAN __attribute__((noinline)) void after_resume(OsThread* os_thread, Fiber* fiber) {
  if (os_thread->annotates) tell_after_resume(fiber);
  os_thread->in_switch = false;
  InsideAcre::end();
}

ACRE_NO_TSAN __attribute__((noinline)) void before_yield(OsThread* os_thread, Fiber* fiber,
                                                         bool done) {
  InsideAcre::begin();
  os_thread->in_switch = true;
  if (os_thread->annotates) tell_before_yield(fiber, done);
}

ACRE_NO_TSAN __attribute__((noinline)) void after_yield(OsThread* os_thread, Fiber* fiber) {
  if (os_thread->annotates) tell_after_yield(fiber);
  os_thread->in_switch = false;
  InsideAcre::end();
}

// Where a fiber begins, and ends.
[[noreturn]] ACRE_NO_TSAN void enter(transfer_t from) {
  Fiber* fiber = static_cast<const Passed*>(from.data)->fiber;
  fiber->resumer_context = from.fctx;
  void* arg = fiber->arg;  // not the fiber's to keep alive from here on
  OsThread* os_thread = fiber->thread->os_thread;
  if (os_thread->in_switch) after_resume(os_thread, fiber);
  void* result = nullptr;
  if (!call_guarded(fiber->fn, fiber, arg, &result)) fiber->status = ACRE_E_EXCEPTION;
  os_thread = fiber->thread->os_thread;  // another one perhaps
  if (os_thread->cares() != 0) before_yield(os_thread, fiber, true);
  fiber->state.store(FiberState::kDone, std::memory_order_relaxed);
  jump_fcontext(fiber->resumer_context, result);
  __builtin_unreachable();
}

__attribute__((noinline)) void* refuse(Thread* thread, acre_status status) {
  thread->last_error = status;
  return nullptr;
}

__attribute__((noinline)) void* refuse_yield(Fiber* fiber) {
  if (fiber != nullptr && is_in_chain(*fiber)) fiber->thread->last_error = ACRE_E_STATE;
  return nullptr;
}

// What a thread needs that runs fibers.
__attribute__((noinline)) void prepare(Thread* thread) {
  OsThread* os_thread = thread->os_thread;
  os_thread->exceptions = exception_state();
  if (os_thread->exceptions == nullptr) os_thread->exceptions = os_thread->no_exceptions;
  os_thread->annotates = is_sanitized();
  os_thread->lose_fibers = &lose_fibers;
  os_thread->unready = false;
  give_signal_stack_to(thread);
}

__attribute__((noinline)) void* end_resume(Thread* thread, Fiber* fiber, void* result) {
  const InsideAcre inside;
  drop_fiber(*thread->registry->stacks(), fiber, &thread->stacks);
  if (fiber->status != ACRE_OK) thread->last_error = static_cast<acre_status>(fiber->status);
  return result;
}

}  // namespace

Stack* take_fiber_stack(StackPool& pool, Thread* thread, ByteCount bytes, acre_status* why) {
  return pool.take(stack_class_for(bytes), StackUse::kFiber, &thread->stacks,
                   thread->cache.page_cache(), why);
}

void make_fiber(Fiber* fiber, Thread* thread, Stack* stack, void* (*fn)(Fiber*, void*), void* arg) {
  stack->fiber = fiber;
  fiber->heap = thread->heap;
  fiber->stack = stack;
  fiber->stack_low = stack->low.raw;
  fiber->stack_high = stack->high.raw;
  fiber->fn = fn;
  fiber->arg = arg;
  fiber->context = make_fcontext(stack->high.as<void>(), stack->size().raw, &enter);
  fiber->state.store(FiberState::kNew, std::memory_order_release);
}

ACRE_NO_TSAN ACRE_RETURNS_BY_JUMP void* resume_fiber(Thread* thread, Fiber* fiber, void* value) {
  if (fiber == nullptr) return refuse(thread, ACRE_E_INVALID);
  const FiberState state = fiber->state.load(std::memory_order_acquire);
  OsThread* os_thread = thread->os_thread;
  if (state != FiberState::kSuspended && state != FiberState::kNew) {
    return refuse(thread, ACRE_E_STATE);
  }
  if (fiber->heap != thread->heap) return refuse(thread, ACRE_E_INVALID);
  const bool cares = os_thread->cares() != 0;
  if (__builtin_expect(cares, 0)) {
    if (os_thread->regions != 0) return refuse(thread, ACRE_E_STATE);
    if (os_thread->unready) prepare(thread);
    InsideAcre::begin();
    os_thread->in_switch = true;
  }
  Fiber* self = os_thread->fiber;
  fiber->resumer = self;
  fiber->thread = thread;
  exchange_with(thread, os_thread, fiber);
  fiber->untrimmed = true;
  fiber->state.store(FiberState::kRunning, std::memory_order_relaxed);
  if (self != nullptr) self->state.store(FiberState::kResuming, std::memory_order_relaxed);
  os_thread->fiber = fiber;
  if (__builtin_expect(cares, 0) && os_thread->annotates) tell_before_resume(fiber);
  Passed passed{fiber, value};
  const transfer_t from = jump_fcontext(fiber->context, &passed);
  fiber->context = from.fctx;
  os_thread->fiber = self;
  if (self != nullptr) self->state.store(FiberState::kRunning, std::memory_order_relaxed);
  exchange_with(thread, os_thread, fiber);
  const bool done = fiber->state.load(std::memory_order_relaxed) == FiberState::kDone;
  if (!done) fiber->state.store(FiberState::kSuspended, std::memory_order_release);
  if (__builtin_expect(os_thread->in_switch, 0)) after_yield(os_thread, fiber);
  return __builtin_expect(done, 0) ? end_resume(thread, fiber, from.data) : from.data;
}

ACRE_NO_TSAN ACRE_RETURNS_BY_JUMP void* yield_fiber(Fiber* fiber, void* value) {
  OsThread* os_thread = &current_os_thread();
  Fiber* self = unrelated(os_thread->fiber);
  // Of a fiber that does not run nothing is known but itself.
  if (self != fiber || self == nullptr) return refuse_yield(fiber);
  self = unrelated(self);
  if (__builtin_expect(os_thread->cares() != 0, 0)) {
    if (os_thread->regions != 0) return refuse(self->thread, ACRE_E_STATE);
    before_yield(os_thread, self, false);
  }
  const transfer_t from = jump_fcontext(self->resumer_context, value);
  const Passed* passed = static_cast<const Passed*>(from.data);
  self = passed->fiber;
  self->resumer_context = from.fctx;
  void* given = passed->value;
  os_thread = self->thread->os_thread;  // another one perhaps
  if (__builtin_expect(os_thread->in_switch, 0)) after_resume(os_thread, self);
  return given;
}

// Frames that were never left would stay poisoned for the memory's next user.
void tell_stack_is_free(const Stack& stack) {
  if (stack.fiber != nullptr && stack.fiber->tsan_fiber != nullptr) {
    __tsan_destroy_fiber(stack.fiber->tsan_fiber);
    stack.fiber->tsan_fiber = nullptr;
  }
  if (__asan_unpoison_memory_region != nullptr) {
    __asan_unpoison_memory_region(stack.low.as<void>(), stack.size().raw);
  }
}

void tell_stacks_are_free(StackPool& pool) {
  if (!is_sanitized()) return;
  pool.for_each([](const Stack& stack) {
    if (stack.use.load(std::memory_order_relaxed) != StackUse::kNone) tell_stack_is_free(stack);
  });
}

void drop_fiber(StackPool& pool, Fiber* fiber, StackCache* cache) {
  if (fiber->stack == nullptr) return;
  Stack* stack = fiber->stack;
  if (is_sanitized()) tell_stack_is_free(*stack);
  fiber->stack = nullptr;
  fiber->locals = nullptr;
  pool.put(stack, cache);
}

void lose_fibers(OsThread* os_thread) {
  for (Fiber* fiber = os_thread->fiber; fiber != nullptr;) {
    Fiber* next = fiber->resumer;
    fiber->state.store(FiberState::kLost, std::memory_order_relaxed);
    fiber->status = ACRE_E_STATE;
    fiber->thread = nullptr;
    fiber->resumer = nullptr;
    fiber = next;
  }
  os_thread->fiber = nullptr;
}

void call_on_roomy_stack(const Thread* thread, void (*fn)(void*), void* arg) {
  const Fiber* fiber = thread == nullptr ? nullptr : thread->os_thread->fiber;
  if (fiber == nullptr) return fn(arg);
  while (fiber->resumer != nullptr) fiber = fiber->resumer;
  const auto sp = reinterpret_cast<uintptr_t>(fiber->resumer_context);
  acre_rt_call_on_stack(fn, arg, (sp - kBelowStackPointer) & ~uintptr_t{15});
}

}  // namespace acre::rt
