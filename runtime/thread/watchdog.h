// Owns whom to tell of threads that do not stop, and after what time; and what is told.
//
// Threads: set() by any; the rest by the one that stops the world, with no lock held.

#ifndef ACRE_RUNTIME_THREAD_WATCHDOG_H_
#define ACRE_RUNTIME_THREAD_WATCHDOG_H_

#include <acre/acre.h>

#include <atomic>

#include "runtime/base/lock.h"
#include "runtime/os/code_place.h"

namespace acre::rt {

// A thread that others wait for.
struct LateThread {
  acre_thread* thread;  // valid for comparing only, once the list was unlocked
  char name[kThreadNameBytes];
  int64_t number;
  uint32_t asked;  // its answer is due when places_told is this
  bool uncooperative;
  bool inside_acre;
  bool in_system_call;
  uintptr_t program_counter;
};

class Watchdog {
 public:
  void init(uint64_t ms) {
    lock_.set_rank(LockRank::kLeaf);
    set(ms, nullptr, nullptr);
  }
  void set(uint64_t ms, acre_stop_watchdog_fn fn, void* arg);
  // 0: never.
  uint64_t after_ns() const { return after_ns_.load(std::memory_order_relaxed); }
  void tell(acre_heap* heap, const LateThread& late, uint64_t waited_ns);
  void reset_in_child() { lock_.reset_in_child(); }

 private:
  Lock lock_;  // of fn_ and arg_
  std::atomic<uint64_t> after_ns_;
  acre_stop_watchdog_fn fn_;
  void* arg_;
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_THREAD_WATCHDOG_H_
