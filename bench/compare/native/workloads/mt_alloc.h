// mt_alloc: threads that allocate small objects without references, each for itself.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "bench/compare/native/arithmetic.h"
#include "bench/compare/native/memory.h"
#include "bench/compare/native/program.h"
#include "bench/compare/native/threads.h"

namespace acre::compare {

template <Memory M, unsigned kThreads>
class MtAlloc {
 public:
  static Outcome run(bool quick) {
    const std::uint64_t objects = quick ? 1'000'000 : 30'000'000;
    typename M::Heap heap;
    heap.template declare<Place>();
    Mutator memory(heap);
    std::array<std::uint64_t, kThreads> sums;

    const Stopwatch watch;
    run_on_threads<M>(memory, kThreads, [&](unsigned t) { sums[t] = allocate(heap, t, objects); });
    const Elapsed elapsed = watch.read();
    Fold answer;
    for (const std::uint64_t sum : sums) answer.add(sum);
    return {answer.get(), elapsed, 0, 0, heap.collections()};
  }

 private:
  using Mutator = typename M::Mutator;
  using Place = Slot<M, std::uint64_t>;

  static constexpr std::size_t kRing = 1'000;

  static std::uint64_t allocate(typename M::Heap& heap, unsigned t, std::uint64_t objects) {
    Mutator memory(heap);
    typename M::template Root<Place> root(memory, memory.template make_array<Place>(kRing));
    Place* const ring = root.get();
    Rng rng(100 + t);
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < objects; ++i) {
      const std::size_t words = 2 * (1 + rng.below(8));
      std::uint64_t* const object = memory.template make_array<std::uint64_t>(words);
      object[0] = i;
      object[words - 1] = i ^ t;
      escape(object);
      Place& place = ring[i % kRing];
      if (std::uint64_t* const old = place.ref; old != nullptr) {
        sum += old[0];
        memory.drop(old);
      }
      memory.store(ring, place.ref, object);
    }
    if constexpr (M::kFrees) {
      for (std::size_t i = 0; i < kRing; ++i) memory.drop(ring[i].ref);
      memory.drop(ring);
    }
    return sum;
  }
};

}  // namespace acre::compare
