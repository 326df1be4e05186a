// Owns what Acre does with signals: a handler that is told where its thread was interrupted, sending one
// signal to one thread, and letting it through.
//
// A signal number gets Acre's handler in a process and keeps it. Whoever handled it before is called
// for each signal that Acre did not send, with the mask and the alternate stack that it asked for; what
// nobody handled does what the system does by default. (The kernel makes one of two signals that are both
// waiting for one thread: then a foreign one may be taken for ours.)
//
// What Acre sends is marked. When too many signals wait for the user's processes (RLIMIT_SIGPENDING) the kernel drops the
// mark, and all else that it would tell; such a signal is ours if a SignalsAsked says that one is on its way. A
// real-time signal it does not send at all then.
//
// The handler runs with all signals
// blocked but those of faults, on the alternate stack if the thread has one, and system calls are
// begun again (SA_RESTART).
//
// Threads: any. The function that is called is in a signal handler: no lock, no allocation.

#ifndef ACRE_RUNTIME_OS_SIGNALS_H_
#define ACRE_RUNTIME_OS_SIGNALS_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>

namespace acre::rt {

// Where a thread was when a signal came. Its registers, vector registers too, are in memory between the
// handler's own frame and `stack_pointer`; or, if the handler has another stack, in what is in use of that.
struct Interrupted {
  uintptr_t program_counter;
  // The lowest address that the interrupted code uses: with the red zone.
  uintptr_t stack_pointer;
  // The alternate stack that the thread has; both 0: none.
  uintptr_t alternate_low;
  uintptr_t alternate_high;
  bool in_system_call;  // as far as the instruction tells
};

// The signals that Acre has sent to one thread: which of them may not have come yet.
class SignalsAsked {
 public:
  void begin() { begun_.fetch_add(1, std::memory_order_seq_cst); }
  void end() { sent_.fetch_add(1, std::memory_order_seq_cst); }

  // In the thread's handler: whether one may have come. Those that are sent just now may come again.
  bool take() {
    const uint32_t sent = sent_.load(std::memory_order_seq_cst);
    const bool any = begun_.load(std::memory_order_seq_cst) != taken_;
    taken_ = sent;
    return any;
  }

 private:
  std::atomic<uint32_t> begun_{0};
  std::atomic<uint32_t> sent_{0};
  uint32_t taken_ = 0;  // the thread's own
};

// Returns whether one that Acre sent may have come.
using InterruptedFn = bool (*)(const Interrupted& at);

// Whether the number stands for a signal that can be handled and means no fault.
bool can_handle_signal(int number);

// From now on the process calls fn for each such signal, the same fn for all numbers. If somebody has taken Acre's handler
// away since the last call it comes back, before theirs. False: the system refuses, or it was taken away by too many.
bool handle_signal(int number, InterruptedFn fn);

// In a child of fork, where another thread may have been in handle_signal.
void reset_signals_in_child();

// To a thread that has not ended, whose handler looks at `asked`. It comes when the thread does not block it. The system
// may have no room for it just now: whoever waits for an effect sends it again.
void send_signal(pthread_t thread, int number, SignalsAsked* asked);

// For the calling thread. True: it was blocked before.
bool unblock_signal(int number);
void block_signal(int number);

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_OS_SIGNALS_H_
