// frag: objects of eight sizes in turn, and those of former sizes stay among the new ones until chance takes
// them: how much memory is held for how much that lives.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "bench/compare/native/arithmetic.h"
#include "bench/compare/native/memory.h"
#include "bench/compare/native/program.h"

namespace acre::compare {

template <Memory M>
class Frag {
 public:
  static Outcome run(bool quick) {
    const std::uint64_t target = std::uint64_t{quick ? 16u : 256u} << 20;
    const std::size_t most = target / 32 + 1;
    const Stopwatch watch;
    typename M::Heap heap;
    heap.template declare<Place>();
    Mutator memory(heap);
    typename M::template Root<Place> root(memory, memory.template make_array<Place>(most));
    Objects objects{memory, root.get(), std::vector<std::uint32_t>(most)};

    for (const std::uint64_t base : {32, 48, 80, 128, 256, 512, 1024, 2048}) {
      for (std::uint64_t allocated = 0; allocated < target + target / 2;) {
        const std::size_t size = base + 8 * objects.rng.below(base / 8);
        objects.add(size);
        allocated += size;
        while (objects.live > target) objects.remove_any();
      }
    }
    Fold answer;
    answer.add(objects.sum);
    answer.add(objects.live);
    if constexpr (M::kFrees) {
      for (std::size_t i = 0; i < objects.count; ++i) memory.drop(objects.table[i].ref);
      memory.drop(objects.table);
    }
    return {answer.get(), watch.read(), 0, objects.peak, heap.collections()};
  }

 private:
  using Mutator = typename M::Mutator;
  using Place = Slot<M, std::byte>;

  // Those that live: the first `count` of the table.
  struct Objects {
    Mutator& memory;
    Place* table;
    std::vector<std::uint32_t> sizes;
    Rng rng{5};
    std::size_t count = 0;
    std::uint64_t made = 0;
    std::uint64_t live = 0;
    std::uint64_t peak = 0;
    std::uint64_t sum = 0;

    void add(std::size_t size) {
      std::byte* const object = memory.make_uninit_bytes(size);
      std::memcpy(object, &made, 8);
      std::memcpy(object + size - 8, &made, 8);
      ++made;
      memory.store(table, table[count].ref, escape(object));
      sizes[count++] = static_cast<std::uint32_t>(size);
      live += size;
      peak = std::max(peak, live);
    }

    void remove_any() {
      const std::size_t x = rng.below(count);
      std::byte* const object = table[x].ref;
      std::uint64_t number;
      std::memcpy(&number, object, 8);
      sum += number;
      live -= sizes[x];
      memory.drop(object);
      --count;
      std::byte* const last = table[count].ref;
      memory.store(table, table[x].ref, last);
      memory.store(table, table[count].ref, static_cast<std::byte*>(nullptr));
      sizes[x] = sizes[count];
    }
  };
};

}  // namespace acre::compare
