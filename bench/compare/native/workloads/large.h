// large: buffers from 64 KiB to 16 MiB, replaced at random.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "bench/compare/native/arithmetic.h"
#include "bench/compare/native/memory.h"
#include "bench/compare/native/program.h"

namespace acre::compare {

template <Memory M>
class Large {
 public:
  static Outcome run(bool quick) {
    const std::uint64_t buffers = quick ? 100 : 3'000;
    const Stopwatch watch;
    typename M::Heap heap;
    heap.template declare<Place>();
    Mutator memory(heap);
    typename M::template Root<Place> root(memory, memory.template make_array<Place>(kSlots));
    Place* const places = root.get();
    std::array<std::size_t, kSlots> sizes{};

    Rng rng(11);
    std::uint64_t sum = 0;
    std::uint64_t live = 0;
    std::uint64_t peak = 0;
    for (std::uint64_t i = 0; i < buffers; ++i) {
      const std::uint64_t doubled = rng.below(9);
      const std::size_t size = (std::size_t{65'536} << doubled) + 16 * rng.below(4096);
      std::byte* const buffer = memory.make_uninit_bytes(size);
      for (std::size_t at = 0; at < size - 8; at += kStride) std::memcpy(buffer + at, &i, 8);
      escape(buffer);
      live += size;
      peak = std::max(peak, live);
      const std::size_t slot = rng.below(kSlots);
      if (std::byte* const old = places[slot].ref; old != nullptr) {
        std::uint64_t number;
        std::memcpy(&number, old + kStride * ((sizes[slot] - 8) / kStride / 2), 8);
        sum += number;
        memory.drop(old);
        live -= sizes[slot];
      }
      memory.store(places, places[slot].ref, buffer);
      sizes[slot] = size;
    }
    Fold answer;
    answer.add(sum);
    if constexpr (M::kFrees) {
      for (std::size_t i = 0; i < kSlots; ++i) memory.drop(places[i].ref);
      memory.drop(places);
    }
    return {answer.get(), watch.read(), 0, peak, heap.collections()};
  }

 private:
  using Mutator = typename M::Mutator;
  using Place = Slot<M, std::byte>;

  static constexpr std::size_t kSlots = 32;
  static constexpr std::size_t kStride = 4096;
};

}  // namespace acre::compare
