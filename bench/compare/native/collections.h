// Full collections of a heap that has been built, timed: the workloads graph and list.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "bench/compare/native/memory.h"
#include "bench/compare/native/stopwatch.h"

namespace acre::compare {

// A collector that scans stacks may take for a reference what functions left there that have returned. This
// writes over it; to be called by the one that called them.
[[gnu::noinline]] inline void clear_dead_stack() {
  std::array<std::uint64_t, 2048> words;
  words.fill(0);
  asm volatile("" : : "r"(words.data()) : "memory");
}

// One that is not timed, for what the first one has to do; then the median wall time of three, and the
// mean of their processor times.
template <Memory M>
Elapsed time_collections(typename M::Mutator& memory) {
  memory.collect();
  std::array<double, 3> seconds;
  double cpu = 0;
  for (double& second : seconds) {
    const Stopwatch watch;
    memory.collect();
    const Elapsed elapsed = watch.read();
    second = elapsed.seconds;
    cpu += elapsed.cpu_seconds;
  }
  std::sort(seconds.begin(), seconds.end());
  return {seconds[1], cpu / 3};
}

}  // namespace acre::compare
