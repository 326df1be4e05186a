// Owns the way from registers to memory: a reference may live in a callee-saved register only, and
// a scan reads memory.
//
// Assembly, because setjmp mangles some registers and a compiler's own spill is not to be had
// otherwise.

#ifndef ACRE_RUNTIME_THREAD_SPILL_H_
#define ACRE_RUNTIME_THREAD_SPILL_H_

#include <cstdint>

extern "C" {

// Calls fn(arg, sp) with all callee-saved registers pushed at and above sp, where they stay until
// it returns: a scan from sp up sees them.
void acre_rt_call_spilled(void (*fn)(void* arg, uintptr_t sp), void* arg);

// Calls fn(arg) with the stack pointer at `sp`, which is aligned to 16, and comes back to this stack.
void acre_rt_call_on_stack(void (*fn)(void* arg), void* arg, uintptr_t sp);

}  // extern "C"

#endif  // ACRE_RUNTIME_THREAD_SPILL_H_
