// Owns the simulated program and collector that the pacer's arithmetic is tested with: a heap that
// is a few numbers, a clock that goes on by what is allocated and marked.
//
// A cycle:
//   1. the goals from what the last collection found, and the percent and limit of the moment
//   2. the program allocates in steps until the heap is at its goal; at the goal by limit it goes
//      on while the CPU limiter is limiting
//   3. the world stops; what lives is the working set and a part of what was allocated since the
//      last collection (it lives through one collection only), and never more than there was
//   4. the pause, from how fast is marked, is told to the limiter and the minimum heap
//
// Overhead: books that never shrink, by the highest heap so far, and gaps in spans beside what
// lives.

#ifndef ACRE_TEST_GC_PACE_SIMULATION_H_
#define ACRE_TEST_GC_PACE_SIMULATION_H_

#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

#include "gc/pace/cpu_limiter.h"
#include "gc/pace/pacer.h"

namespace acre::test {

// What the program does in one cycle.
struct Phase {
  uint64_t working_set = 0;
  unsigned survival_per_mille = 0;  // of what was allocated since the last collection
  uint64_t stack_bytes = 0;
  uint64_t root_bytes = 0;
  uint64_t alloc_per_ms = rt::kMiB;
  uint64_t scan_per_ms = 4 * rt::kMiB;
  int percent = 100;
  uint64_t limit = UINT64_MAX;
};

using Program = std::function<Phase(unsigned cycle)>;

struct CycleResult {
  Phase phase;
  gc::HeapGoals goals;
  uint64_t min_heap;
  uint64_t live;      // at the start
  uint64_t peak;      // when the world stopped
  uint64_t overhead;  // then
  uint64_t mutator_ns;
  uint64_t gc_ns;
  bool limited;  // put off for the limiter

  uint64_t total() const { return peak + overhead; }
};

class Simulation {
 public:
  static constexpr uint64_t kStepBytes = 64 * rt::kKiB;  // between two looks at the goal

  explicit Simulation(Program program, unsigned processors = 1)
      : program_(std::move(program)), processors_(processors) {
    limiter_.init(processors);
  }

  // Books and gaps when the heap has been `highest` and `live` of it lives.
  static uint64_t overhead(uint64_t highest, uint64_t live) {
    return 2 * rt::kMiB + highest / 40 + live / 20;
  }

  CycleResult cycle() {
    const Phase phase = program_(cycles_++);
    CycleResult result{.phase = phase,
                       .goals = goals(phase),
                       .min_heap = min_heap_.bytes(),
                       .live = live_,
                       .peak = 0,
                       .overhead = 0,
                       .mutator_ns = 0,
                       .gc_ns = 0,
                       .limited = false};
    allocate(result);
    collect(result);
    return result;
  }

  const gc::CpuLimiter& limiter() const { return limiter_; }

 private:
  gc::HeapGoals goals(const Phase& phase) const {
    return gc::heap_goals({.live_bytes = live_,
                           .stack_bytes = phase.stack_bytes,
                           .root_bytes = phase.root_bytes,
                           .overhead_bytes = overhead(highest_, live_),
                           .percent = phase.percent,
                           .memory_limit = phase.limit,
                           .min_heap = min_heap_.bytes()});
  }

  void allocate(CycleResult& result) {
    const uint64_t step_ns = kStepBytes * 1'000'000 / result.phase.alloc_per_ms;
    uint64_t heap = live_;
    while (!due(heap, result)) {
      heap += kStepBytes;
      result.mutator_ns += step_ns;
      unseen_ns_ += step_ns;
    }
    result.peak = heap;
    highest_ = std::max(highest_, heap);
    result.overhead = overhead(highest_, live_);
  }

  bool due(uint64_t heap, CycleResult& result) {
    if (heap >= result.goals.by_percent) return true;
    if (heap < result.goals.by_limit) return false;
    limiter_.add(0, std::exchange(unseen_ns_, 0) * processors_);
    if (!limiter_.limiting()) return true;
    result.limited = true;
    return false;
  }

  void collect(CycleResult& result) {
    const Phase& phase = result.phase;
    const uint64_t young = (result.peak - live_) * phase.survival_per_mille / 1000;
    live_ = std::min(result.peak, phase.working_set + young);
    result.gc_ns = (live_ + phase.stack_bytes + phase.root_bytes) * 1'000'000 / phase.scan_per_ms;
    limiter_.add(result.gc_ns * processors_, std::exchange(unseen_ns_, 0) * processors_);
    min_heap_.after_cycle(result.gc_ns, result.mutator_ns);
  }

  Program program_;
  unsigned processors_;
  gc::MinHeap min_heap_;
  gc::CpuLimiter limiter_;
  unsigned cycles_ = 0;
  uint64_t live_ = 0;
  uint64_t highest_ = 0;
  uint64_t unseen_ns_ = 0;  // mutator time that the limiter was not told yet
};

}  // namespace acre::test

#endif  // ACRE_TEST_GC_PACE_SIMULATION_H_
