#include "runtime/fiber/guarded_call.h"

extern "C" {
__attribute__((weak)) void* __cxa_get_globals(void);
}

// Referred to by what the compiler makes of `catch`.
asm(R"(
  .weak __gxx_personality_v0
  .weak __cxa_begin_catch
  .weak __cxa_end_catch
  .weak _Unwind_Resume
)");

namespace acre::rt {

bool call_guarded(void* (*fn)(acre_fiber*, void*), acre_fiber* fiber, void* arg, void** result) {
  try {
    *result = fn(fiber, arg);
    return true;
  } catch (...) {
    *result = nullptr;
    return false;
  }
}

ExceptionState* exception_state() {
  if (__cxa_get_globals == nullptr) return nullptr;
  return static_cast<ExceptionState*>(__cxa_get_globals());
}

}  // namespace acre::rt
