// Owns how fast the background thread works: a hundredth of one processor, however long its pieces of
// work take and however late it is woken. Arithmetic only: the clock comes in by the caller.
//
// Every nanosecond of work pays for a hundred of time. What has been paid for is kept as the time at
// which the thread may work again; work that begins later than that has a little credit for it, at most
// kCredit, so that late timers do not lower the share, and a long sleep is no licence for a burst.
//
//     share = work / time = 1 / kTimePerWork, over any stretch longer than a few pieces of work
//
// Go reaches the same share by a proportional-integral controller of the ratio of sleep to work; here the
// thread measures both itself, and the sum is exact without one.

#ifndef ACRE_RUNTIME_SCAVENGE_WORK_PACER_H_
#define ACRE_RUNTIME_SCAVENGE_WORK_PACER_H_

#include <cstdint>

namespace acre::rt {

class WorkPacer {
 public:
  static constexpr uint64_t kTimePerWork = 100;
  // Of time. Larger: bursts of more than a millisecond's work; smaller: timers that fire late, by some
  // milliseconds on a busy machine, lower the share.
  static constexpr uint64_t kCreditNs = 50'000'000;
  // Of work, between two sleeps: as Go's. More: the processor's caches are disturbed less often, for
  // longer.
  static constexpr uint64_t kWorkNs = 1'000'000;

  // `worked_ns` of processor time were used, beginning at `began_ns`. Returns when work may go on, by the
  // same clock.
  uint64_t after_work(uint64_t began_ns, uint64_t worked_ns) {
    const uint64_t earliest = began_ns > kCreditNs ? began_ns - kCreditNs : 0;
    if (next_ns_ < earliest) next_ns_ = earliest;
    const uint64_t most = UINT64_MAX - next_ns_;
    next_ns_ += worked_ns < most / kTimePerWork ? worked_ns * kTimePerWork : most;
    return next_ns_;
  }

 private:
  uint64_t next_ns_ = 0;
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_SCAVENGE_WORK_PACER_H_
