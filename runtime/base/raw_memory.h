// Owns reading memory that nobody promised to be readable as a C++ object: stacks of other threads,
// and objects whose type is the embedder's. Sanitizers would report it rightly, were it not what a
// conservative scan is; so under one of them the read is a call that it does not look into.

#ifndef ACRE_RUNTIME_BASE_RAW_MEMORY_H_
#define ACRE_RUNTIME_BASE_RAW_MEMORY_H_

#include <cstdint>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ACRE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ACRE_SANITIZED 1
#endif
#endif

namespace acre::rt {

#if defined(ACRE_SANITIZED)
__attribute__((no_sanitize("address", "thread", "undefined"), noinline))
#endif
inline uintptr_t
read_raw(uintptr_t address) {
  return *reinterpret_cast<const volatile uintptr_t*>(
      address);  // NOLINT(performance-no-int-to-ptr)
}

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_BASE_RAW_MEMORY_H_
