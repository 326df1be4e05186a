// larson: two threads that change arrays with each other, so that each drops what the other allocated.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "bench/compare/native/arithmetic.h"
#include "bench/compare/native/memory.h"
#include "bench/compare/native/program.h"
#include "bench/compare/native/threads.h"

namespace acre::compare {

template <Memory M>
class Larson {
 public:
  static Outcome run(bool quick) {
    const unsigned epochs = quick ? 10 : 50;
    const std::uint64_t operations = quick ? 20'000 : 200'000;
    const Stopwatch watch;
    typename M::Heap heap;
    heap.template declare<Place>();
    Mutator memory(heap);
    typename M::template Root<Place> first(memory, memory.template make_array<Place>(kSlots));
    typename M::template Root<Place> second(memory, memory.template make_array<Place>(kSlots));
    const std::array<Place*, kThreads> arrays{first.get(), second.get()};
    Barrier barrier(kThreads);
    std::array<std::uint64_t, kThreads> sums;

    run_on_threads<M>(memory, kThreads, [&](unsigned t) {
      Mutator own(heap);
      Rng rng(1000 + t);
      std::uint64_t sum = 0;
      for (unsigned epoch = 0; epoch < epochs; ++epoch) {
        sum += replace(own, rng, arrays[(t + epoch) % kThreads], epoch, operations);
        barrier.wait<M>(own);
      }
      sums[t] = sum;
    });
    Fold answer;
    for (const std::uint64_t sum : sums) answer.add(sum);
    if constexpr (M::kFrees) {
      for (Place* array : arrays) {
        for (std::size_t i = 0; i < kSlots; ++i) memory.drop(array[i].ref);
        memory.drop(array);
      }
    }
    return {answer.get(), watch.read(), 0, 0, heap.collections()};
  }

 private:
  using Mutator = typename M::Mutator;
  using Place = Slot<M, std::byte>;

  static constexpr unsigned kThreads = 2;
  static constexpr std::size_t kSlots = 5'000;

  static std::uint64_t replace(Mutator& memory, Rng& rng, Place* array, std::uint64_t epoch,
                               std::uint64_t operations) {
    std::uint64_t sum = 0;
    for (std::uint64_t op = 0; op < operations; ++op) {
      Place& place = array[rng.below(kSlots)];
      std::byte* const object = memory.make_uninit_bytes(16 + rng.below(497));
      const std::uint64_t number = (epoch << 32) + op;
      std::memcpy(object, &number, sizeof(number));
      escape(object);
      if (std::byte* const old = place.ref; old != nullptr) {
        std::uint64_t old_number;
        std::memcpy(&old_number, old, sizeof(old_number));
        sum += old_number;
        memory.drop(old);
      }
      memory.store(array, place.ref, object);
    }
    return sum;
  }
};

}  // namespace acre::compare
