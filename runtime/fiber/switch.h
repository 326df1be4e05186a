// Owns the way from one stack to another.
//
// Both ends are in the one that is left: it writes down where it goes on, and jumps. What arrives returns to
// who called there, with a word. So a switch has no second half that would have to find out what the first one did,
// and whoever has nothing to do after it can end in it (a tail call), without a frame of its own.
//
// A context is a stack pointer with Boost.Context's frame above it, of the callee-saved registers, the floating-point
// control words and where to go on; Boost.Context makes those of new stacks. On x86-64 the jump is our own, which
// Boost.Context's cannot do; elsewhere Boost.Context jumps (switch.cc).

#ifndef ACRE_RUNTIME_FIBER_SWITCH_H_
#define ACRE_RUNTIME_FIBER_SWITCH_H_

#include <cstdint>

#include "acre/acre.h"
#include "runtime/fiber/first_frame.h"
#include "runtime/stack/stack.h"

namespace acre::rt {

inline constexpr ByteCount kStartBytes{32};
static_assert(sizeof(Start) <= kStartBytes.raw);

inline Start& start_of(const Stack& stack) {
  return *Addr(stack.high.raw - kStartBytes.raw).as<Start>();
}

// Of a stack where nothing ran yet: the first switch to it calls acre_rt_run_new_fiber there.
void* new_context(const Stack& stack);

}  // namespace acre::rt

extern "C" {

// Leaves this stack: its context goes to *save. On the one of context `to`, the call by which that was left returns
// `value`, with nothing more to say.
void* acre_rt_switch(void** save, void* to, void* value);
acre_fiber_turn acre_rt_switch_turn(void** save, void* to, void* value);

// The same, but what that call returns is then(value, fiber), called on that stack.
acre_fiber_turn acre_rt_switch_then(void** save, void* to, void* value, acre_fiber* fiber,
                                    acre_fiber_turn (*then)(void* value, acre_fiber* fiber));

}  // extern "C"

#endif  // ACRE_RUNTIME_FIBER_SWITCH_H_
