// word_wait.h on Linux: futex.

#include "runtime/os/word_wait.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <climits>

#include "runtime/os/errno_keeper.h"

namespace acre::rt {

void wait_while(const std::atomic<uint32_t>& word, uint32_t seen, uint64_t timeout_ns) {
  const ErrnoKeeper errno_keeper;
  constexpr uint64_t kSecond = 1'000'000'000;
  timespec timeout;
  timeout.tv_sec = static_cast<time_t>(timeout_ns / kSecond);
  timeout.tv_nsec = static_cast<long>(timeout_ns % kSecond);
  (void)syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, seen,
                timeout_ns == kNoTimeout ? nullptr : &timeout, nullptr, 0);
}

void wake_waiters(const std::atomic<uint32_t>& word) {
  const ErrnoKeeper errno_keeper;
  (void)syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace acre::rt
