// Owns the counts of stops: how long they took to come about, and how long they lasted.
//
// Threads: the one that stops the world writes; any may read.

#ifndef ACRE_RUNTIME_THREAD_STOP_STATS_H_
#define ACRE_RUNTIME_THREAD_STOP_STATS_H_

#include "runtime/base/histogram.h"

namespace acre::rt {

class StopStats {
 public:
  void stopped(uint64_t took_ns);
  void started(uint64_t lasted_ns);
  void count_given_up() { raise(given_up_, 1); }
  void count_signals(uint64_t signals) { raise(signals_, signals); }
  void count_let_go() { raise(let_go_, 1); }
  void count_reports(uint64_t reports) { raise(reports_, reports); }

  uint64_t last_to_stop_ns() const { return last_to_stop_ns_.load(std::memory_order_relaxed); }
  // All but struct_size.
  void read(acre_stop_stats* out) const;

 private:
  static void raise(std::atomic<uint64_t>& word, uint64_t by) {
    word.store(word.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
  }

  Histogram time_to_stop_;
  Histogram time_stopped_;
  std::atomic<uint64_t> last_to_stop_ns_;
  std::atomic<uint64_t> last_stopped_ns_;
  std::atomic<uint64_t> given_up_;
  std::atomic<uint64_t> signals_;
  std::atomic<uint64_t> let_go_;
  std::atomic<uint64_t> reports_;
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_THREAD_STOP_STATS_H_
