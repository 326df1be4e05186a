// The figures of a phase: the state at its end, and the difference of the counters over it.
#pragma once

#include <acre/acre.h>

#include <cstdint>
#include <string>

namespace acre::bench {

// Everything that is read at an edge between phases.
struct Edge {
  double seconds = 0;  // monotonic clock
  double processor = 0;
  std::uint64_t minor_faults = 0;
  std::uint64_t resident = 0;  // of the process, exact
  std::uint64_t vmas = 0;      // of the process
  std::uint64_t heap_resident = 0;
  acre_stats stats{};

  // The clock first, then what takes time: for the end of a phase.
  static Edge at_end(acre_heap* heap);
  // The reverse: for its beginning. Without a heap, its part is zero.
  static Edge at_start(acre_heap* heap);
};

struct PhaseFigures {
  std::string name;
  bool completed = true;
  double start = 0;  // seconds since the heap was made
  double seconds = 0;
  double processor_seconds = 0;
  std::uint64_t allocated = 0;
  std::uint64_t minor_faults = 0;
  std::uint64_t collections = 0;
  double pause_total = 0;  // seconds
  double pause_longest = 0;
  // At the end of the phase:
  std::uint64_t reserved = 0;
  std::uint64_t mapped = 0;
  std::uint64_t in_use = 0;
  std::uint64_t heap_alloc = 0;
  std::uint64_t live_after_gc = 0;
  std::uint64_t live = 0;  // what the workload knows to be reachable
  std::uint64_t released = 0;
  std::int64_t resident = 0;  // of the process, less what it was before the heap
  std::uint64_t heap_resident = 0;
  std::int64_t vmas = 0;  // of the process, less what they were before the heap
  std::uint64_t heap_vmas = 0;

  double bytes_per_second() const;
};

// `seen_pause_ns` is the longest pause that the sampler saw in this phase. acre_stats knows the longest
// since the heap was made, which is this phase's if it rose; otherwise the sampler's, which may have
// missed one of two that fell between two samples, and never less than the mean.
PhaseFigures figures_of(std::string name, const Edge& before_heap, const Edge& start,
                        const Edge& end, std::uint64_t live, std::uint64_t seen_pause_ns);

}  // namespace acre::bench
