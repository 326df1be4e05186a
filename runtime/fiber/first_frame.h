// Owns the first frame on a fiber's stack: it calls the embedder's function, from which a C++ exception may come.
//
// It is the only one of ours below that function, and small: what a fiber touches once, when it begins, drives from
// the near caches what others need.
//
// The core runs in processes without a C++ runtime, so what catching needs of it is referred to weakly:
// without it nobody throws.

#ifndef ACRE_RUNTIME_FIBER_FIRST_FRAME_H_
#define ACRE_RUNTIME_FIBER_FIRST_FRAME_H_

#include <cstdint>

struct acre_fiber;

namespace acre::rt {

struct Stack;

// What a fiber begins with, at the top of its stack.
struct Start {
  void* (*fn)(acre_fiber*, void*);
  void* arg;
  Stack* stack;
  uint64_t control_word;  // of switch.cc
};

// The C++ runtime's record of the exceptions that the calling thread is handling, after the Itanium ABI
// (__cxa_eh_globals): a fiber has its own.
struct __attribute__((packed, aligned(4))) ExceptionState {
  void* caught;
  unsigned uncaught;
};

// NULL: there is no C++ runtime. The same for the thread's life.
ExceptionState* exception_state();

}  // namespace acre::rt

extern "C" {

// On the stack of the fiber that runs.
[[noreturn]] __attribute__((visibility("hidden"))) void acre_rt_run_new_fiber(
    const acre::rt::Start* start);

// Of fiber.cc. `returned` is false: an exception left the function, and is gone. (Not that by which a thread ends:
// that passes.)
[[noreturn]] __attribute__((visibility("hidden"))) void acre_rt_end_fiber(acre::rt::Stack* stack,
                                                                          void* result,
                                                                          bool returned);

}  // extern "C"

#endif  // ACRE_RUNTIME_FIBER_FIRST_FRAME_H_
