// A heap that is left alone: does its resident memory fall to what its live data justifies, by itself, how
// soon, and what does that cost of the processor?
//
// The waiting knows neither heap nor kernel: what it reads and how it waits are handed in.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace acre::bench {

// The target: at most 1.2 times the live data and 32 MiB, within so many seconds.
inline constexpr double kIdleTargetSeconds = 60;
std::uint64_t idle_bound(std::uint64_t live);

struct IdleReading {
  double seconds = 0;         // monotonic clock
  double processor = 0;       // of the process so far, without the threads that only watch
  std::int64_t resident = 0;  // of the process, less what it was before the heap
};

struct IdleFigures {
  std::uint64_t live = 0;
  std::uint64_t bound = 0;  // idle_bound(live)
  bool met = false;
  double seconds = 0;  // until the bound was met; else how long was waited
  double processor_seconds = 0;
  std::int64_t resident_start = 0;
  std::int64_t resident_end = 0;

  // Share of one CPU.
  double processor_share() const;
};

// Reads every 100 ms until the bound is met or `most_seconds` are over. The last reading is never before
// that.
IdleFigures wait_idle(std::uint64_t live, double most_seconds,
                      const std::function<IdleReading()>& read,
                      const std::function<void(double seconds)>& pause);

// "12.3 s", or "not met: 310 MiB after 60.0 s".
std::string outcome_text(const IdleFigures& idle);
// From where to where, and at what cost.
std::string course_text(const IdleFigures& idle);

}  // namespace acre::bench
