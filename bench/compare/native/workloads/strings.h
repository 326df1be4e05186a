// strings: short buffers without references, of which few outlive the next ones.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "bench/compare/native/arithmetic.h"
#include "bench/compare/native/memory.h"
#include "bench/compare/native/program.h"

namespace acre::compare {

template <Memory M>
class Strings {
 public:
  static Outcome run(bool quick) {
    const std::size_t slots = quick ? 2'000 : 20'000;
    const std::uint64_t strings = quick ? 500'000 : 20'000'000;
    const Stopwatch watch;
    typename M::Heap heap;
    heap.template declare<Place>();
    Mutator memory(heap);
    typename M::template Root<Place> root(memory, memory.template make_array<Place>(slots));
    Place* const window = root.get();

    Rng rng(7);
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < strings; ++i) {
      const std::uint64_t random = rng.next();
      const std::size_t length = 8 + (((random & 255) * ((random >> 8) & 255) * 505) >> 16);
      std::byte* const string = memory.make_uninit_bytes(length);
      std::memset(string, static_cast<int>((random >> 24) & 255), length);
      escape(string);
      std::memcpy(string, &i, sizeof(i));
      sum += std::to_integer<std::uint64_t>(escape(string)[length - 1]);
      if (((random >> 32) & 15) == 0) {
        Place& place = window[(random >> 36) % slots];
        memory.drop(place.ref);
        memory.store(window, place.ref, string);
      } else {
        memory.drop(string);
      }
    }
    Fold answer;
    answer.add(sum);
    for (std::size_t i = 0; i < slots; ++i) {
      std::byte* const string = window[i].ref;
      if (string == nullptr) continue;
      std::uint64_t number;
      std::memcpy(&number, string, sizeof(number));
      answer.add(number);
      memory.drop(string);
    }
    memory.drop(window);
    // What lives is small against the process.
    return {answer.get(), watch.read(), 0, 0, heap.collections()};
  }

 private:
  using Mutator = typename M::Mutator;
  using Place = Slot<M, std::byte>;
};

}  // namespace acre::compare
