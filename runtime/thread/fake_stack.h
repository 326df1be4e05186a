// Owns what a scan must know of AddressSanitizer: with its use-after-return check, locals of functions do
// not live on the stack but in frames elsewhere ("fake stack"), and the stack holds pointers to those.
//
// The sanitizer's calls are weak: without it they are null and nothing here does anything. So an embedder
// built with it may link a library that is not.

#ifndef ACRE_RUNTIME_THREAD_FAKE_STACK_H_
#define ACRE_RUNTIME_THREAD_FAKE_STACK_H_

#include <cstdint>

extern "C" {
__attribute__((weak)) void* __asan_get_current_fake_stack(void);
__attribute__((weak)) void* __asan_addr_is_in_fake_stack(void* fake_stack, void* address,
                                                         void** begin, void** end);
}

namespace acre::rt {

// Of the calling thread; NULL if it has none (now: it comes with the first such frame).
inline void* current_fake_stack() {
  return __asan_get_current_fake_stack != nullptr ? __asan_get_current_fake_stack() : nullptr;
}

// Whether `word` points into a live frame there, which is [*begin, *end).
inline bool in_fake_stack(void* fake_stack, uintptr_t word, uintptr_t* begin, uintptr_t* end) {
  if (fake_stack == nullptr || __asan_addr_is_in_fake_stack == nullptr) return false;
  void* first = nullptr;
  void* last = nullptr;
  void* address = reinterpret_cast<void*>(word);
  if (__asan_addr_is_in_fake_stack(fake_stack, address, &first, &last) == nullptr) return false;
  *begin = reinterpret_cast<uintptr_t>(first);
  *end = reinterpret_cast<uintptr_t>(last);
  return true;
}

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_THREAD_FAKE_STACK_H_
