// Owns what Acre and its signal handler know of an operating-system thread, whatever it is attached to; and
// the scopes in which that thread is not to be stopped by a signal.
//
// A signal may come between any two instructions. Inside Acre the thread may hold a lock, or have half
// of an allocation done, so every public call that is more than one store or load has an InsideAcre:
// while `inside` is not 0 the handler lets the thread run on, and at the scope's end (and
// at its beginning) the thread comes to the safepoints of all stops that have begun. While a callback of the embedder's
// runs, an OutsideAcre takes that back.
//
// On a stack that nobody knows a scan would not find what it holds, so there it does not come to stops, as the signal
// does not stop it there: stops wait until it is back. A fork does not wait for that, but it for the fork.
//
// Why no stop is missed: the thread writes `inside`, then reads whether its heaps stop; a stopper writes that,
// then reads `inside`; all sequentially consistent, so at least one sees the other. A stop for a fork, which
// lets threads run outside Acre, needs that too.
//
// For threads that are nowhere attached as uncooperative a scope is a count up and down.
//
// Threads: one thread's own, and its signal handler's. The stopper reads `inside` and `caught`, and asks for
// `program_counter`.

#ifndef ACRE_RUNTIME_THREAD_THREAD_SIGNALS_H_
#define ACRE_RUNTIME_THREAD_THREAD_SIGNALS_H_

#include <atomic>
#include <cstdint>

#include "runtime/os/signals.h"

struct acre_thread;

namespace acre::rt {

// What a scan reads of a thread that a signal stopped, beside the part of its stack above stack_pointer:
// the part of the alternate stack that holds its registers, if the handler runs there.
struct Caught {
  uintptr_t stack_pointer;
  uintptr_t other_low;
  uintptr_t other_high;
  void* fake_stack;
};

struct ThreadSignals {
  std::atomic<uint32_t> inside;
  uintptr_t frame;  // inside: of the outermost call of Acre; where it returns to is the word above
  std::atomic<uint32_t> uncooperative;     // attachments of that manner
  std::atomic<acre_thread*> attachments;   // all, to any heap
  Caught caught;                           // while one of them is in state kCaught
  std::atomic<uint32_t> places_asked;      // by watchdogs
  std::atomic<uint32_t> places_told;       // how many of them were answered
  std::atomic<uintptr_t> program_counter;  // the last answer
  std::atomic<bool> in_system_call;
  std::atomic<int64_t> number;
  SignalsAsked asked;
};

// The model: a handler may not call what finds thread-local variables of libraries that came late.
extern constinit thread_local ThreadSignals my_signals __attribute__((tls_model("initial-exec")));

class InsideAcre {
 public:
  __attribute__((always_inline)) InsideAcre() { begin(); }
  ~InsideAcre() { end(); }
  // What began on one stack may end on another of the same thread.
  // (Inlined in any build, so that the frame is the call's.)
  __attribute__((always_inline)) static void begin() {
    const uint32_t depth = my_signals.inside.load(std::memory_order_relaxed);
    if (depth == 0) my_signals.frame = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    my_signals.inside.store(depth + 1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (__builtin_expect(depth == 0 && is_uncooperative(), 0)) enter();
  }
  static void end() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    const uint32_t depth = my_signals.inside.load(std::memory_order_relaxed);
    if (__builtin_expect(depth == 1 && is_uncooperative(), 0)) {
      leave();
    } else {
      my_signals.inside.store(depth - 1, std::memory_order_relaxed);
    }
  }
  InsideAcre(const InsideAcre&) = delete;
  InsideAcre& operator=(const InsideAcre&) = delete;

 private:
  friend class OutsideAcre;

  static bool is_uncooperative() {
    return my_signals.uncooperative.load(std::memory_order_relaxed) != 0;
  }
  static void enter();
  static void leave();
};

// For the time of a callback.
class OutsideAcre {
 public:
  OutsideAcre()
      : depth_(my_signals.inside.load(std::memory_order_relaxed)), frame_(my_signals.frame) {
    if (InsideAcre::is_uncooperative()) {
      InsideAcre::leave();
    } else {
      my_signals.inside.store(0, std::memory_order_relaxed);
    }
  }
  ~OutsideAcre() {
    my_signals.inside.store(depth_, std::memory_order_relaxed);
    my_signals.frame = frame_;
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (InsideAcre::is_uncooperative()) InsideAcre::enter();
  }
  OutsideAcre(const OutsideAcre&) = delete;
  OutsideAcre& operator=(const OutsideAcre&) = delete;

 private:
  uint32_t depth_;
  uintptr_t frame_;
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_THREAD_THREAD_SIGNALS_H_
