// Owns the hint to the processor that a loop waits for another thread.

#ifndef ACRE_RUNTIME_BASE_PAUSE_H_
#define ACRE_RUNTIME_BASE_PAUSE_H_

namespace acre::rt {

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_BASE_PAUSE_H_
