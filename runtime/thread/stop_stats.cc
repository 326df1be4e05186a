#include "runtime/thread/stop_stats.h"

namespace acre::rt {

void StopStats::stopped(uint64_t took_ns) {
  time_to_stop_.add(took_ns);
  last_to_stop_ns_.store(took_ns, std::memory_order_relaxed);
}

void StopStats::started(uint64_t lasted_ns) {
  time_stopped_.add(lasted_ns);
  last_stopped_ns_.store(lasted_ns, std::memory_order_relaxed);
}

void StopStats::read(acre_stop_stats* out) const {
  time_to_stop_.read(&out->time_to_stop);
  time_stopped_.read(&out->time_stopped);
  out->last_to_stop_ns = last_to_stop_ns();
  out->last_stopped_ns = last_stopped_ns_.load(std::memory_order_relaxed);
  out->given_up = given_up_.load(std::memory_order_relaxed);
  out->signals = signals_.load(std::memory_order_relaxed);
  out->let_go = let_go_.load(std::memory_order_relaxed);
  out->watchdog_reports = reports_.load(std::memory_order_relaxed);
}

}  // namespace acre::rt
