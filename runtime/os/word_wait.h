// Owns waiting for a word in memory to change, without a lock: the only way to wait that a signal handler
// has.
//
// Threads: any, signal handlers too. What was written before wake_waiters is seen by who then reads
// the word itself, with acquire: these calls order nothing.

#ifndef ACRE_RUNTIME_OS_WORD_WAIT_H_
#define ACRE_RUNTIME_OS_WORD_WAIT_H_

#include <atomic>
#include <cstdint>

namespace acre::rt {

inline constexpr uint64_t kNoTimeout = UINT64_MAX;

// Sleeps if the word is `seen`, until wake_waiters or the timeout; may return at any time: ask in a loop.
// errno is kept.
void wait_while(const std::atomic<uint32_t>& word, uint32_t seen, uint64_t timeout_ns = kNoTimeout);
void wake_waiters(const std::atomic<uint32_t>& word);

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_OS_WORD_WAIT_H_
