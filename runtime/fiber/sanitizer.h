// Owns what AddressSanitizer and ThreadSanitizer are told of a switch from one stack to another. Their calls
// are weak: without them they are null and nothing here does anything.

#ifndef ACRE_RUNTIME_FIBER_SANITIZER_H_
#define ACRE_RUNTIME_FIBER_SANITIZER_H_

#include <cstddef>

extern "C" {
__attribute__((weak)) void __sanitizer_start_switch_fiber(void** fake_stack_save,
                                                          const void* bottom, size_t size);
__attribute__((weak)) void __sanitizer_finish_switch_fiber(void* fake_stack_save,
                                                           const void** bottom_old,
                                                           size_t* size_old);
__attribute__((weak)) void* __tsan_get_current_fiber(void);
__attribute__((weak)) void* __tsan_create_fiber(unsigned flags);
__attribute__((weak)) void __tsan_destroy_fiber(void* fiber);
__attribute__((weak)) void __tsan_switch_to_fiber(void* fiber, unsigned flags);
__attribute__((weak)) void __asan_unpoison_memory_region(const volatile void* start, size_t size);
}

namespace acre::rt {

inline bool is_sanitized() {
  return __sanitizer_start_switch_fiber != nullptr || __tsan_switch_to_fiber != nullptr;
}

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_FIBER_SANITIZER_H_
