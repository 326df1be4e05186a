#include "runtime/fiber/guarded_call.h"

#include <cxxabi.h>

extern "C" {
__attribute__((weak)) void* __cxa_get_globals(void);
// The typeinfo of abi::__forced_unwind. Not every C++ runtime has that.
__attribute__((weak)) extern const char forced_unwind_type asm(
    "_ZTIN10__cxxabiv115__forced_unwindE");
}

// Referred to by what the compiler makes of `catch`.
asm(R"(
  .weak __gxx_personality_v0
  .weak __cxa_begin_catch
  .weak __cxa_end_catch
  .weak __cxa_rethrow
  .weak _ZTIN10__cxxabiv115__forced_unwindE
  .weak _Unwind_Resume
)");

namespace acre::rt {

// (The unwind by which a thread ends has no object: ubsan would take the reference to it amiss.)
__attribute__((no_sanitize("undefined"))) bool call_guarded(void* (*fn)(acre_fiber*, void*),
                                                            acre_fiber* fiber, void* arg,
                                                            void** result) {
  try {
    *result = fn(fiber, arg);
    return true;
  } catch (abi::__forced_unwind&) {
    // The thread ends here, by pthread_exit or pthread_cancel, and nobody may stop that. Where there is no
    // such type the handler is for all.
    if (&forced_unwind_type != nullptr) throw;
  } catch (...) {
  }
  *result = nullptr;
  return false;
}

ExceptionState* exception_state() {
  if (__cxa_get_globals == nullptr) return nullptr;
  return static_cast<ExceptionState*>(__cxa_get_globals());
}

}  // namespace acre::rt
