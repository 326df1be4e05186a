#include "runtime/fiber/first_frame.h"

#include <cxxabi.h>

#include "runtime/thread/attachments.h"

extern "C" {
// (By a name of our own: the header has the function, but not as a weak one.)
__attribute__((weak)) void* exception_globals(void) asm("__cxa_get_globals");
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
  .weak _ZSt9terminatev
  .weak _ZTIN10__cxxabiv115__forced_unwindE
  .weak _Unwind_Resume
)");

namespace acre::rt {

ExceptionState* exception_state() {
  if (exception_globals == nullptr) return nullptr;
  return static_cast<ExceptionState*>(exception_globals());
}

}  // namespace acre::rt

// (The unwind by which a thread ends has no object: ubsan would take the reference to it amiss. tsan must not count
// a call that never returns.)
extern "C" __attribute__((no_sanitize("undefined", "thread"))) void acre_rt_run_new_fiber(
    const acre::rt::Start* start) {
  void* result = nullptr;
  bool returned = false;
  try {
    result = start->fn(acre::rt::current_os_thread().fiber, start->arg);
    returned = true;
  } catch (abi::__forced_unwind&) {
    // The thread ends here, by pthread_exit or pthread_cancel, and nobody may stop that: what comes runs on the
    // thread's own stack. Where there is no such type the handler is for all.
    if (&forced_unwind_type != nullptr) {
      acre::rt::OsThread& os_thread = acre::rt::current_os_thread();
      os_thread.lose_fibers(&os_thread);
      throw;
    }
  } catch (...) {
  }
  acre_rt_end_fiber(start->stack, result, returned);
}
