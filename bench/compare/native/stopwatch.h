// Wall time and the processor time of all threads since it was made.
#pragma once

#include <ctime>

namespace acre::compare {

struct Elapsed {
  double seconds = 0;
  double cpu_seconds = 0;
};

class Stopwatch {
 public:
  Elapsed read() const { return {read_wall(), now(CLOCK_PROCESS_CPUTIME_ID) - cpu_}; }
  double read_wall() const { return now(CLOCK_MONOTONIC) - wall_; }

 private:
  static double now(clockid_t clock) {
    timespec time;
    clock_gettime(clock, &time);
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
  }

  double wall_ = now(CLOCK_MONOTONIC);
  double cpu_ = now(CLOCK_PROCESS_CPUTIME_ID);
};

}  // namespace acre::compare
