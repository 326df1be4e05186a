// grow_raw, grow_raw_huge: what grow would cost if memory came from the kernel only: a mapping of its size, in
// which all words are written that grow writes. The limit for every system.
#pragma once

#include <sys/mman.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

#include "bench/compare/native/arithmetic.h"
#include "bench/compare/native/memory.h"
#include "bench/compare/native/program.h"
#include "bench/compare/native/workloads/grow.h"

namespace acre::compare {

class GrowRaw {
 public:
  static Outcome run(bool quick) { return map_and_write(quick, false); }
  static Outcome run_huge(bool quick) { return map_and_write(quick, true); }

 private:
  struct Cell {
    std::uint64_t words[8];
  };

  static Outcome map_and_write(bool quick, bool huge) {
    const std::size_t count = grow_count(quick);
    const Stopwatch watch;
    void* mapping = mmap(nullptr, count * sizeof(Cell), PROT_READ | PROT_WRITE,
                         MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED) system_failure("mmap", errno);
    if (huge && madvise(mapping, count * sizeof(Cell), MADV_HUGEPAGE) != 0) {
      system_failure("madvise(MADV_HUGEPAGE)", errno);
    }
    Cell* const cells = static_cast<Cell*>(mapping);
    for (std::size_t i = 0; i < count; ++i) {
      for (std::uint64_t& word : cells[i].words) word = i;
    }
    escape(cells);
    const Elapsed elapsed = watch.read();

    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < count; ++i) sum = sum * 31 + cells[i].words[1];
    Fold answer;
    answer.add(sum);
    munmap(mapping, count * sizeof(Cell));
    return {answer.get(), elapsed, 0, count * sizeof(Cell), 0};
  }
};

}  // namespace acre::compare
