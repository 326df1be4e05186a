// Owns the memory limits of a heap: what was asked, what that amounts to, whether it can be kept, and what
// happens when it cannot.
//
//   asked ──(auto and percentages: of what the system allows, read anew now and then)──► in effect
//                                           ▲ raised by ACRE_LIMIT_RAISE, until the limit is set again
//
// Where limit_policy says fail, and no handler decides, the limit is a hard one. What a handler says holds
// until it is asked again, a second later, or FAIL until the limit is kept.
//
// The limit is kept by others: the pacer's goal lies below it (pacing.h), pages are given back for it
// (runtime/heap/retention.h). Here is the limiter of what that may cost: collections for the limit's sake
// are put off while they would take more than half of the processor time (gc/pace/cpu_limiter.h). For it,
// as in Go,
//
//   collector time = collector_time of gc/pace: what its markers take, or part of the pause
//   mutator time   = the time passed on all processors, less that: what the program could have had
//
// Times are CLOCK_MONOTONIC and come in by the caller.
//
// Threads: any.

#ifndef ACRE_GC_CYCLE_MEMORY_LIMIT_H_
#define ACRE_GC_CYCLE_MEMORY_LIMIT_H_

#include <atomic>

#include "acre/acre.h"
#include "gc/pace/cpu_limiter.h"
#include "runtime/base/lock.h"
#include "runtime/heap/retention.h"

namespace acre::gc {

class MemoryLimit {
 public:
  void init(const acre_options& options, rt::Retention* retention, unsigned processors,
            uint64_t now_ns);

  // In effect; UINT64_MAX: none.
  uint64_t bytes() const { return in_effect_.load(std::memory_order_relaxed); }
  size_t asked() const { return asked_.load(std::memory_order_relaxed); }
  uint64_t hard() const { return hard_.load(std::memory_order_relaxed); }

  // The embedder has a handler: limit_policy does not decide.
  void set_has_handler(bool has_handler);

  // Both return what was asked before.
  size_t set(size_t asked);
  size_t set_hard(size_t bytes);

  bool follows_system() const;
  // Reads again what the system allows. True: the limit in effect has changed.
  bool refresh();

  // Around the stop of a collection: it took so much processor time, and stopped the world for so long,
  // until now.
  void before_collection(uint64_t now_ns);
  void after_collection(uint64_t now_ns, uint64_t gc_cpu_ns, uint64_t pause_ns);
  bool limiting(uint64_t now_ns);
  // More than half of the processor time goes to collections: the next ones make do with half of the
  // processors. So it is the pauses that bring the limiter on, if anything.
  bool pressed() const { return pressed_.load(std::memory_order_relaxed); }
  uint64_t events() const { return events_.load(std::memory_order_relaxed); }

  // Around fork: nobody asks or sets.
  void lock_for_fork() { lock_.lock(); }
  void unlock_after_fork() { lock_.unlock(); }

  // After a collection, and after what is free above the limit was given back: whether the limit cannot
  // be kept, and it is time to say so.
  bool event_due(uint64_t now_ns, uint64_t live_bytes, acre_limit_event* event);
  // What the handler, or the option, says to it. True: the limit in effect has changed.
  bool apply(int policy);

 private:
  bool update();  // with lock_: in_effect_ and the heap's limits
  void add_to_limiter(uint64_t now_ns, uint64_t gc_cpu_ns, uint64_t pause_ns);

  rt::Retention* retention_;
  rt::Lock lock_{rt::LockRank::kLeaf};
  std::atomic<size_t> asked_;
  std::atomic<uint64_t> hard_;
  std::atomic<uint64_t> in_effect_;
  std::atomic<uint64_t> events_;
  std::atomic<bool> pressed_;
  // With lock_.
  uint64_t raised_;   // by ACRE_LIMIT_RAISE; 0: not
  uint64_t allowed_;  // by the system; 0: never read
  bool has_handler_;
  int option_policy_;
  int policy_;    // what the handler said last
  bool in_vain_;  // the last collection left more than the limit
  bool failing_;  // a handler's ACRE_LIMIT_FAIL is in effect
  uint64_t last_event_ns_;
  bool collecting_;  // what passes is neither's time until it is known whose
  CpuLimiter limiter_;
  uint64_t processors_;
  uint64_t last_now_ns_;  // up to which the limiter knows
};

}  // namespace acre::gc

#endif  // ACRE_GC_CYCLE_MEMORY_LIMIT_H_
