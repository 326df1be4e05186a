// Owns calling an embedder's function from which a C++ exception may come.
//
// The core runs in processes without a C++ runtime, so what catching needs of it is referred to weakly:
// without it nobody throws.

#ifndef ACRE_RUNTIME_FIBER_GUARDED_CALL_H_
#define ACRE_RUNTIME_FIBER_GUARDED_CALL_H_

struct acre_fiber;

namespace acre::rt {

// False: an exception left fn, and is gone. (Not that by which a thread ends: that passes.)
bool call_guarded(void* (*fn)(acre_fiber*, void*), acre_fiber* fiber, void* arg, void** result);

// The C++ runtime's record of the exceptions that the calling thread is handling, after the Itanium ABI
// (__cxa_eh_globals): a fiber has its own.
struct __attribute__((packed, aligned(4))) ExceptionState {
  void* caught;
  unsigned uncaught;
};

// NULL: there is no C++ runtime. The same for the thread's life.
ExceptionState* exception_state();

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_FIBER_GUARDED_CALL_H_
