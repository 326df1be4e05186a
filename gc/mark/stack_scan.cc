#include "gc/mark/stack_scan.h"

#include "runtime/base/check.h"
#include "runtime/base/raw_memory.h"
#include "runtime/fiber/switch.h"
#include "runtime/thread/attachments.h"
#include "runtime/thread/fake_stack.h"
#include "runtime/thread/registry.h"

namespace acre::gc {

using rt::Addr;
using rt::Fiber;
using rt::FiberState;
using rt::is_suspended;
using rt::parts_of;
using rt::Stack;
using rt::stack_of;
using rt::start_of;
using rt::state_of;
using rt::Thread;

namespace {

template <class Visit>
void scan_frames(uintptr_t sp, uintptr_t high, void* fake_stack, Visit visit) {
  visit(sp, high);
  if (fake_stack == nullptr) return;
  // Frames may point to frames, but each frame's address is on the real stack as well.
  for (uintptr_t at = sp; at < high; at += sizeof(void*)) {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    if (rt::in_fake_stack(fake_stack, rt::read_raw(at), &begin, &end)) visit(begin, end);
  }
}

void scan(Marker& marker, uintptr_t sp, uintptr_t high, void* fake_stack) {
  scan_frames(sp, high, fake_stack,
              [&](uintptr_t start, uintptr_t end) { marker.visit_stack(start, end); });
}

void visit_locals(Marker& marker, acre_local* local) {
  for (; local != nullptr; local = local->previous) {
    marker.visit(Addr(local->object).raw, &local->object);
  }
}

// Somebody else's coroutine runs on the thread: where its own stack was left is not known, so all of that
// is scanned. The coroutine's is scanned with the other foreign ones. Or the stack is larger than it was.
uint64_t scan_whole_stack(Marker& marker, const Thread& thread, uintptr_t sp) {
  const Stack* stack = thread.registry->stacks()->find(Addr(sp));
  const bool idle = sp == rt::kNoStackPointer;
  const bool foreign = stack != nullptr && stack->use.load() == rt::StackUse::kForeign;
  const Addr high = thread.stack_high;
  const Addr low = rt::lowest_of_stack(thread.stack_low, high);
  const bool own = low.raw <= sp && sp < high.raw;
  // Coroutines on stacks that nobody knows would have their references missed, so better no collection.
  ACRE_CHECK(
      foreign || idle || own,
      "a thread calls Acre, or blocks, on its own stack, a fiber's, or one of acre_stack_new");
  const uintptr_t from = own ? sp : low.raw;
  scan(marker, from, high.raw, thread.fake_stack);
  return high.raw - from;
}

void visit_argument(acre_visitor* visitor, Fiber* fiber) {
  void*& arg = start_of(*stack_of(*fiber)).arg;
  acre_visit_conservative(visitor, &arg, sizeof(arg));
}

}  // namespace

// It is left elsewhere only if it yielded from somebody else's coroutine that it ran, on a stack of its own. Where
// its own stack was left is not known then.
uintptr_t lowest_used(const Fiber& fiber) {
  const Stack& stack = *stack_of(fiber);
  const Addr context(fiber.context);
  return stack.low <= context && context <= stack.high ? context.raw : stack.low.raw;
}

uint64_t depth_of(const Fiber& fiber) {
  return is_suspended(fiber) ? stack_of(fiber)->high.raw - lowest_used(fiber) : 0;
}

uint64_t scan_thread(Marker& marker, const Thread& thread, bool conservative) {
  (void)rt::fiber_at(thread, thread.scan_from());
  visit_locals(marker, thread.inline_fields.locals);
  if (thread.caught) {
    // Its registers are in the signal's frame: on the stack that it ran on, or here.
    marker.visit_stack(thread.signals->caught.other_low, thread.signals->caught.other_high);
  } else if (conservative) {
    const auto registers = reinterpret_cast<uintptr_t>(thread.registers);
    marker.visit_stack(registers, registers + sizeof(thread.registers));
  }
  uint64_t bytes = 0;
  rt::for_each_stack(thread,
                     [&](Fiber* fiber, uintptr_t sp, uintptr_t low, uintptr_t high, void* fake) {
                       if (fiber != nullptr) {
                         marker.visit(Addr(fiber).raw, nullptr);
                         visit_locals(marker, parts_of(*stack_of(*fiber)).locals);  // its resumer's
                       }
                       if (!conservative) return;
                       if (low <= sp && sp <= high) {
                         scan(marker, sp, high, fake);
                         bytes += high - sp;
                       } else {
                         bytes += scan_whole_stack(marker, thread, sp);
                       }
                     });
  return bytes;
}

uint64_t scan_foreign_stacks(Marker& marker, rt::StackPool& stacks) {
  uint64_t bytes = 0;
  stacks.for_each([&](Stack& stack) {
    if (stack.use.load(std::memory_order_relaxed) != rt::StackUse::kForeign) return;
    // Where it was never touched it reads zero.
    uintptr_t lowest = stack.low.raw;
    while (lowest < stack.high.raw && rt::read_raw(lowest) == 0) lowest += sizeof(void*);
    marker.visit_stack(lowest, stack.high.raw);
    bytes += stack.high.raw - lowest;
    stacks.set_used_from(stack, lowest);
  });
  return bytes;
}

void trace_fiber(void* object, size_t, acre_visitor* visitor) {
  trace_fiber_precisely(object, 0, visitor);
  const auto* fiber = static_cast<Fiber*>(object);
  if (!is_suspended(*fiber)) return;
  const Stack& stack = *stack_of(*fiber);
  scan_frames(lowest_used(*fiber), stack.high.raw, parts_of(stack).fake_stack,
              [&](uintptr_t start, uintptr_t end) { visitor->visit_suspended_stack(start, end); });
}

void trace_fiber_precisely(void* object, size_t, acre_visitor* visitor) {
  auto* fiber = static_cast<Fiber*>(object);
  switch (state_of(*fiber)) {
    case FiberState::kNew: return visit_argument(visitor, fiber);
    case FiberState::kSuspended:
    case FiberState::kTrimmed: return visit_locals(*visitor, parts_of(*stack_of(*fiber)).locals);
    // By their thread, or no more.
    case FiberState::kNone:
    case FiberState::kRunning:
    case FiberState::kDone:
    case FiberState::kThrew:
    case FiberState::kLost: return;
  }
}

}  // namespace acre::gc
