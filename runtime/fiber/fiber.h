// Owns the fiber: making one, going from one stack to another, and what a scan must know of it.
//
// A fiber is an object of the heap, of a kind of its own; its stack comes from the StackPool. It is in one of
// these states:
//
//   new ──resume──► running ──yield──► suspended ──resume──► running ──its function returns──► done
//
// Who resumed whom is a chain, from the fiber that runs (OsThread::fiber) by `resumer` to the thread's own
// stack. A switch (switch.h) pushes the callee-saved registers on the stack that is left, and the context is the
// stack pointer then. So for a scan
//
//   suspended             [context, high) of its stack, when the object is marked;
//   running               [the thread's stack pointer, high);
//   running, it resumed   [resumer_context of the one that it resumed, high);
//   the thread's own      [resumer_context of the last in the chain, the stack's end).
//
// Those in a chain are roots, by their thread. A new one holds its argument. One that is done holds nothing:
// its stack has gone back.
//
// The common path of a resume:
//   1. it is looked at whether there is anything but the switch to do: a wrong state is the caller's mistake, a
//      status; locals, exceptions in flight, signals, sanitizers are cared for (resume_with_care);
//   2. who runs is written down; from here on it is the fiber;
//   3. the switch, which returns to where the fiber yielded.
// A yield is the same the other way round. The stack that is gone to is cold, 10,000 fibers in turn: a processor that
// waited for it would take twice as long as one that goes on to the next fiber meanwhile. It can, as long as nothing
// that leads back to the resumer is read from that stack, or found through what is. So a yield learns from the thread
// who it is; what its caller says, it only compares.
//
// Threads. A fiber is resumed by one thread at a time, any that is attached to its heap; what it finds of
// itself was written by the one that it was suspended on, and handing it over is the embedder's to order. No
// safepoint lies between the steps, and a signal finds a thread that signals may stop inside Acre, so a stopped world
// sees none of them half done.
//
// Stacks too small for a collector's own needs: what runs while the world is stopped does so on the thread's
// own stack, below where that was left, or if it was left for somebody else's coroutine, which nobody is told, on the
// heap's spare one (on_roomy_stack).

#ifndef ACRE_RUNTIME_FIBER_FIBER_H_
#define ACRE_RUNTIME_FIBER_FIBER_H_

#include <bit>

#include "acre/acre.h"
#include "runtime/fiber/first_frame.h"
#include "runtime/stack/stack_pool.h"
#include "runtime/thread/thread.h"

namespace acre::rt {

// 0 is what an object of that kind is that nobody made a fiber of.
enum class FiberState : uint8_t {
  kNone,
  kNew,
  kSuspended,
  kTrimmed,  // suspended, and what it does not use of its stack was given back
  kRunning,  // or one that it resumed does
  kDone,
  kThrew,  // done by an exception
  kLost    // its thread ended, or is not in this child of fork
};

}  // namespace acre::rt

// Small: many that are resumed in turn are to fit into the near caches.
struct alignas(32) acre_fiber {
  union {
    void* context;        // new, suspended: where it goes on
    acre_fiber* resumer;  // running; NULL: the thread itself
    void* data;           // without a stack: see FiberParts
  };
  void* resumer_context;  // running: where its resumer goes on
  union {
    acre_heap* heap;
    acre_thread* thread;  // running
  };
  // Its Stack, or NULL, and in the highest byte, which in addresses is 0, its FiberState and kKeeps.
  uint64_t word;
};
static_assert(sizeof(acre_fiber) == 32);
static_assert(std::endian::native == std::endian::little);

namespace acre::rt {

using Fiber = ::acre_fiber;
using Turn = ::acre_fiber_turn;

// The rest, beside its stack. All 0 while Stack::fiber_used is not set.
struct FiberParts {
  void* data;  // the embedder's
  // Not running: its own. Else its resumer's. kKeeps: not all is empty.
  acre_local* locals;
  ExceptionState exceptions;
  // Sanitizers': this one's, and its resumer's while that waits.
  void* fake_stack;
  void* resumer_fake_stack;
  void* tsan_fiber;
  void* resumer_tsan_fiber;
  char name[32];  // for messages
};
static_assert(sizeof(FiberParts) <= Stack::kFiberBytes);

inline constexpr uint8_t kKeeps = 8;
inline constexpr unsigned kStateShift = 56;

// The state, and kKeeps.
inline uint8_t state_byte(const Fiber& fiber) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(&fiber.word);
  return __atomic_load_n(bytes + kStateShift / 8, __ATOMIC_ACQUIRE);
}
inline FiberState state_of(const Fiber& fiber) {
  return static_cast<FiberState>(state_byte(fiber) & ~kKeeps);
}
inline void set_state(Fiber* fiber, FiberState state, uint8_t keeps = 0) {
  const auto byte = static_cast<uint8_t>(static_cast<uint8_t>(state) | keeps);
  // What a fiber's next thread finds was written before.
  __atomic_store_n(reinterpret_cast<uint8_t*>(&fiber->word) + kStateShift / 8, byte,
                   __ATOMIC_RELEASE);
}

// All of the word: who reads that soon finds it in one piece.
inline void set_stack(Fiber* fiber, const Stack* stack, FiberState state) {
  fiber->word = Addr(stack).raw | uint64_t{static_cast<uint8_t>(state)} << kStateShift;
}
inline Stack* stack_of(const Fiber& fiber) {
  return Addr(fiber.word & ~(~uint64_t{0} << kStateShift)).as<Stack>();
}
inline const FiberParts& parts_of(const Stack& stack) {
  return *reinterpret_cast<const FiberParts*>(stack.of_fiber);
}
// To write.
inline FiberParts& use_parts_of(Stack& stack) {
  stack.fiber_used = true;
  return *reinterpret_cast<FiberParts*>(stack.of_fiber);
}

// Its stack is to be read from its context on.
inline bool is_suspended(const Fiber& fiber) {
  const FiberState state = state_of(fiber);
  return state == FiberState::kSuspended || state == FiberState::kTrimmed;
}

inline acre_status status_of(const Fiber& fiber) {
  const FiberState state = state_of(fiber);
  if (state == FiberState::kLost) return ACRE_E_STATE;
  return state == FiberState::kThrew ? ACRE_E_EXCEPTION : ACRE_OK;
}

// It runs, or one that it resumed does; then `thread` and `resumer` are right.
inline bool is_in_chain(const Fiber& fiber) { return state_of(fiber) == FiberState::kRunning; }

// Takes a stack for a fiber to be. NULL: see StackPool::take.
Stack* take_fiber_stack(StackPool& pool, Thread* thread, ByteCount bytes, acre_status* why);

// Makes an object a fiber on that stack.
void make_fiber(Fiber* fiber, Thread* thread, Stack* stack, void* (*fn)(Fiber*, void*), void* arg);

// acre_fiber_resume and acre_fiber_yield (void*), and the same with acre_fiber_turn.
template <class Result>
Result resume_fiber(Thread* thread, Fiber* fiber, void* value);
template <class Result>
Result yield_fiber(Fiber* fiber, void* value);

// Its object is dead, or nobody will ever resume it: the stack goes back. World stopped, or the fiber is
// nobody else's.
void drop_fiber(StackPool& pool, Fiber* fiber, StackCache* cache);

// Sanitizers are told that nobody runs on a stack, or on any of the pool's.
void tell_stack_is_free(Stack& stack);
void tell_stacks_are_free(StackPool& pool);

// The thread ends on them, whatever their heap: nothing of its own runs there any more.
void lose_fibers(OsThread* os_thread);

// Calls fn(sp, low, high, fake_stack) for each stack in the chain of a thread that was stopped or blocks: those
// of its fibers, then its own. `fiber` is NULL for the last.
template <class Fn>
void for_each_stack(const Thread& thread, Fn fn) {
  uintptr_t sp = thread.scan_from();
  void* fake_stack = thread.caught ? thread.signals->caught.fake_stack : thread.fake_stack;
  for (Fiber* fiber = thread.os_thread->fiber; fiber != nullptr; fiber = fiber->resumer) {
    const Stack& stack = *stack_of(*fiber);
    fn(fiber, sp, stack.low.raw, stack.high.raw, fake_stack);
    sp = reinterpret_cast<uintptr_t>(fiber->resumer_context);
    fake_stack = parts_of(stack).resumer_fake_stack;
  }
  fn(static_cast<Fiber*>(nullptr), sp, thread.stack_low.raw, thread.stack_high.raw, fake_stack);
}

// Calls fn() where there is room: on the thread's own stack if a fiber runs, on the spare one if a coroutine does. No
// safepoint in it, and no exception out of it.
void call_on_roomy_stack(const Thread* thread, void (*fn)(void*), void* arg);
template <class Fn>
void on_roomy_stack(const Thread* thread, Fn fn) {
  call_on_roomy_stack(
      thread, [](void* f) { (*static_cast<Fn*>(f))(); }, &fn);
}

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_FIBER_FIBER_H_
