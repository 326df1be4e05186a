// Owns the fiber: making one, going from one stack to another, and what a scan must know of it.
//
// A fiber is an object of the heap, of a kind of its own; its stack comes from the StackPool. It is in one of
// these states:
//
//   new ──resume──► running ──yield──► suspended ──resume──► running ──its function returns──► done
//                     │  ▲
//             resumes │  │ that one yields, or is done
//             another ▼  │
//                   resuming
//
// Who resumed whom is a chain, from the fiber that runs (OsThread::fiber) by `resumer` to the thread's own
// stack. A switch is Boost.Context's jump: the callee-saved registers are pushed on the stack that is left,
// and the context is the stack pointer then. So for a scan
//
//   suspended             [context, high) of its stack, when the object is marked;
//   running               [the thread's stack pointer, high);
//   resuming              [resumer_context of the one that it resumed, high);
//   the thread's own      [resumer_context of the last in the chain, the stack's end).
//
// Those in a chain are roots, by their thread. A new one holds its argument. One that is done holds nothing:
// its stack has gone back.
//
// The common path of a resume:
//   1. the states are looked at: wrong ones are the caller's mistake, a status;
//   2. what belongs to who runs is exchanged: the thread's list of locals, the C++ runtime's record of
//      exceptions in flight;
//   3. the jump; when it returns, 2. is undone, and the context that comes with it is where the fiber
//      goes on.
// The stack that is gone to is cold: what leads back must not be read from it (Passed, in fiber.cc).
//
// Threads. A fiber is resumed by one thread at a time, any that is attached to its heap; what it finds of
// itself was written by the one that it was suspended on, and handing it over is the embedder's to order. No
// safepoint lies between the steps, and a signal finds the thread inside Acre, so a stopped world sees none of them
// half done. For threads that signals may stop, for sanitizers, and where a region forbids it a switch takes care;
// that there is nothing to care for is one word of OsThread.
//
// Stacks too small for a collector's own needs: what runs while the world is stopped does so on the thread's
// own stack, below where that was left (on_roomy_stack).

#ifndef ACRE_RUNTIME_FIBER_FIBER_H_
#define ACRE_RUNTIME_FIBER_FIBER_H_

#include <atomic>

#include "acre/acre.h"
#include "runtime/fiber/guarded_call.h"
#include "runtime/stack/stack_pool.h"
#include "runtime/thread/thread.h"

namespace acre::rt {

// 0 is what an object of that kind is that nobody made a fiber of.
enum class FiberState : uint8_t {
  kNone,
  kNew,
  kSuspended,
  kRunning,
  kResuming,
  kDone,
  kLost  // its thread ended, or is not in this child of fork
};

}  // namespace acre::rt

struct alignas(64) acre_fiber {
  // What a switch needs: one line of the cache.
  void* context;  // new, suspended: where it goes on
  acre_heap* heap;
  void* resumer_context;  // running, resuming: where its resumer goes on
  acre_fiber* resumer;    // NULL: the thread itself
  acre_thread* thread;    // running, resuming
  // Not running: its own. Else its resumer's.
  acre_local* locals;
  acre::rt::ExceptionState exceptions;
  std::atomic<acre::rt::FiberState> state;
  uint8_t status;  // an acre_status
  bool untrimmed;  // it ran since its unused stack was looked at

  acre::rt::Stack* stack;
  void* (*fn)(acre_fiber*, void*);
  void* arg;
  void* data;  // the embedder's
  uintptr_t stack_low;
  uintptr_t stack_high;
  // Sanitizers': this one's, and its resumer's while that waits.
  void* fake_stack;
  void* resumer_fake_stack;
  void* tsan_fiber;
  void* resumer_tsan_fiber;
  char name[32];  // for messages
};
static_assert(offsetof(acre_fiber, stack) == 64);

namespace acre::rt {

using Fiber = ::acre_fiber;

// It runs, or one that it resumed does; then `thread` and `resumer` are right.
inline bool is_in_chain(const Fiber& fiber) {
  const FiberState state = fiber.state.load(std::memory_order_relaxed);
  return state == FiberState::kRunning || state == FiberState::kResuming;
}

// Takes a stack for a fiber to be. NULL: see StackPool::take.
Stack* take_fiber_stack(StackPool& pool, Thread* thread, ByteCount bytes, acre_status* why);

// Makes a zeroed object a fiber on that stack.
void make_fiber(Fiber* fiber, Thread* thread, Stack* stack, void* (*fn)(Fiber*, void*), void* arg);

// NULL with last_error if it cannot be resumed.
void* resume_fiber(Thread* thread, Fiber* fiber, void* value);

// NULL with the fiber's thread's last_error if it does not run.
void* yield_fiber(Fiber* fiber, void* value);

// Its object is dead, or nobody will ever resume it: the stack goes back. World stopped, or the fiber is
// nobody else's.
void drop_fiber(StackPool& pool, Fiber* fiber, StackCache* cache);

// Sanitizers are told that nobody runs on a stack, or on any of the pool's.
void tell_stack_is_free(const Stack& stack);
void tell_stacks_are_free(StackPool& pool);

// The thread has ended on them, whatever their heap, and is on its own stack.
void lose_fibers(OsThread* os_thread);

// Calls fn(sp, low, high, fake_stack) for each stack in the chain of a thread that was stopped or blocks: those
// of its fibers, then its own. `fiber` is NULL for the last.
template <class Fn>
void for_each_stack(const Thread& thread, Fn fn) {
  uintptr_t sp = thread.scan_from();
  void* fake_stack = thread.caught ? thread.signals->caught.fake_stack : thread.fake_stack;
  for (Fiber* fiber = thread.os_thread->fiber; fiber != nullptr; fiber = fiber->resumer) {
    fn(fiber, sp, fiber->stack_low, fiber->stack_high, fake_stack);
    sp = reinterpret_cast<uintptr_t>(fiber->resumer_context);
    fake_stack = fiber->resumer_fake_stack;
  }
  fn(static_cast<Fiber*>(nullptr), sp, thread.stack_low.raw, thread.stack_high.raw, fake_stack);
}

// Calls fn() where there is room: on the thread's own stack if a fiber runs. No safepoint in it, and no
// exception out of it.
void call_on_roomy_stack(const Thread* thread, void (*fn)(void*), void* arg);
template <class Fn>
void on_roomy_stack(const Thread* thread, Fn fn) {
  call_on_roomy_stack(
      thread, [](void* f) { (*static_cast<Fn*>(f))(); }, &fn);
}

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_FIBER_FIBER_H_
