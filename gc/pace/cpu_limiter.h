// Owns the bound on what the memory limit may cost: a leaky bucket of processor time, so that a
// heap whose live objects do not fit under the limit passes it instead of collecting without end.
//
//   level     += collector time - mutator time          never below 0
//   capacity   = one second for each processor
//   fill       = min(level, capacity)
//   overflow   = all collector time that came when the bucket was full
//   limiting   = the next collection would not fit: level + cost of the last one > capacity
//
// So half of the processor time is the collector's, and a bucketful more after a time in which it
// needed less. An empty bucket gives no credit: a day of quiet does not pay for a spiral.
//
// What the caller does:
//   1. After each collection: add(its cost, mutator time since the last add), both in one measure.
//      Go's is time * processors, also for a stop of the world. Measured processor time is as good
//      for the share, but where few threads are busy the bucket lasts longer: with one marker and
//      one mutator, capacity is a second of the clock for each processor that the machine has.
//      The times of one call are set off against each other: half and half keeps the level.
//   2. When the heap is at its goal by limit while limiting: add(0, mutator time since the last
//      add) and ask again; as long as it is limiting, let the program allocate.
//   3. Collections by percent and forced ones are made in any case, and added.
// No locks: calls are the caller's to order.
//
// When limiting ends. Go (mgclimit.go: 50 %, one second a processor) is limiting while the bucket
// is full and no longer. That suits a collector whose assists are stopped in the middle. Ours comes
// in lumps of a whole collection, and with Go's rule the next one begins as soon as one nanosecond
// has leaked. Simulated (test/gc/pace/limiter_rules_test.cc): one processor, 30 s, collections of
// 300 ms, each wanted after 10 ms of mutator time:
//
//   begins                ends              overflow    collector's  longest   switches
//                                                       share        wait
//   full                  not full (Go's)   dropped     96 %          10 ms    187
//   full                  one more fits     dropped     66 %         300 ms     64
//   full                  one more fits     paid back   51 %         590 ms     56
//   one more won't fit    one more fits     paid back   51 %         300 ms     99    ours
//
// The last two come down to half. The last spaces collections evenly, where the one before makes
// two in a row and then lets the heap grow for twice as long. For a heap above its limit it is on
// after each collection and off before the next: two switches for each, none between. The price: it
// begins before the bucket is full, so where two collections are more than a bucketful, the second
// may have to wait even if the program needs less than half over a longer time.
//
// Paid back: a collection larger than the room (its cost rose, or it is larger than the whole
// bucket) lifts the level above the capacity, and mutator time drains that first. At most
// kMostOwedSeconds: a process that was stopped for an hour in the middle of a collection must not
// forget its limit for an hour. Longer pauses than that get more than half.

#ifndef ACRE_GC_PACE_CPU_LIMITER_H_
#define ACRE_GC_PACE_CPU_LIMITER_H_

#include <cstdint>

namespace acre::gc {

// What a collection that stops the world counts for, in time * processors: the processor time of its
// markers, or three fifths of the pause on every processor if that is more. With few markers on many
// processors the program would else stand still nearly always while the collector takes less than half;
// so it is paused for at most five sixths of the time. `in_vain`: it left more than the limit, as the next
// one will, and all of the pause counts: at most half of the time.
uint64_t collector_time(uint64_t gc_cpu_ns, uint64_t pause_ns, uint64_t processors, bool in_vain);

class CpuLimiter {
 public:
  // Larger: spirals last longer before they are limited. Smaller: a short burst of collections
  // makes the heap pass its limit.
  static constexpr uint64_t kCapacityNsPerProcessor = 1'000'000'000;
  // The highest level, in capacities. Larger: one strange measurement lifts the limit for longer.
  // Smaller: pauses of more seconds than this get more than half.
  static constexpr uint64_t kMostOwedSeconds = 10;

  void init(unsigned processors);

  // Any call with collector time is one collection, and the next is expected to cost as much.
  void add(uint64_t gc_ns, uint64_t mutator_ns);

  // Collections for the memory limit are to be put off.
  bool limiting() const;

  uint64_t fill_ns() const { return level_ns_ < capacity_ns_ ? level_ns_ : capacity_ns_; }
  uint64_t capacity_ns() const { return capacity_ns_; }
  uint64_t overflow_ns() const { return overflow_ns_; }

 private:
  uint64_t capacity_ns_ = kCapacityNsPerProcessor;
  uint64_t level_ns_ = 0;
  uint64_t last_gc_ns_ = 0;
  uint64_t overflow_ns_ = 0;
};

}  // namespace acre::gc

#endif  // ACRE_GC_PACE_CPU_LIMITER_H_
