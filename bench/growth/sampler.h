// A thread, not attached to the heap, that reads the heap's figures every 20 ms while a workload runs: the
// curves of the chart. On a terminal it also says on stderr how far things are.
//
// A heap's curves must not show the memory of the sampler, so its samples are allocated and touched
// before the run. When they are used up, every second one is dropped and the interval doubles.
//
// Threads: its calls are for the thread that made it; samples() is for after stop().
#pragma once

#include <acre/acre.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "bench/growth/workload.h"

namespace acre::bench {

struct Sample {
  double seconds;  // since the origin
  std::uint64_t mapped;
  std::uint64_t in_use;
  std::uint64_t heap_alloc;
  std::uint64_t live;
  std::uint64_t released;
  std::uint64_t resident;  // of the process, less what it was before the heap
  std::uint64_t collections;
};

class Sampler {
 public:
  explicit Sampler(bool show_progress);
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  // From here on samples are taken. `origin` and `resident` are those of the moment before the heap.
  void watch(acre_heap* heap, const Workload* workload, double origin, std::uint64_t resident);
  // Named for the progress line. Both take a sample at once, so that every edge has one.
  void begin_phase(const std::string& name);
  // Returns the longest pause seen since begin_phase.
  std::uint64_t end_phase();
  // What its own thread has used of the processor, up to its last reading. Any thread.
  double processor_seconds() const { return processor_.load(std::memory_order_relaxed); }
  // Takes the last sample; the heap is not read any more after it returned.
  void stop();

  const std::vector<Sample>& samples() const { return samples_; }

 private:
  void run();
  void take();  // with mutex_ held, as the next two
  void thin();
  void show(const Sample& sample);

  static constexpr std::size_t kMostSamples = 2000;

  const bool show_progress_;
  std::mutex mutex_;
  std::condition_variable wake_;
  acre_heap* heap_ = nullptr;
  const Workload* workload_ = nullptr;
  double origin_ = 0;
  std::uint64_t resident_ = 0;
  double interval_ = 0.02;
  double shown_ = 0;
  std::string phase_;
  bool ended_ = false;
  std::vector<Sample> samples_;
  std::uint64_t collections_ = 0;
  std::uint64_t longest_pause_ns_ = 0;
  acre_stats stats_{};
  std::atomic<double> processor_{0};
  std::thread thread_;
};

}  // namespace acre::bench
