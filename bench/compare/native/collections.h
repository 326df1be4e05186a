// Full collections of a heap that has been built, timed: the workloads graph and list.
#pragma once

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

// One that is not timed, for what the first one has to do; then the means of two.
template <Memory M>
Elapsed time_collections(typename M::Mutator& memory) {
  memory.collect();
  Elapsed sum;
  for (int i = 0; i < 2; ++i) {
    const Stopwatch watch;
    memory.collect();
    const Elapsed elapsed = watch.read();
    sum.seconds += elapsed.seconds;
    sum.cpu_seconds += elapsed.cpu_seconds;
  }
  return {sum.seconds / 2, sum.cpu_seconds / 2};
}

}  // namespace acre::compare
