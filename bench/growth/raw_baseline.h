// The limit that no heap can beat: fresh anonymous memory from mmap, with the heap's huge page setting,
// and the same number of threads writing to it.
#pragma once

#include <acre/acre.h>

#include <cstdint>
#include <string>
#include <vector>

namespace acre::bench {

struct RawFigures {
  std::string name;
  std::uint64_t stride = 0;  // bytes from one written place to the next
  std::uint64_t bytes = 0;
  double seconds = 0;  // mmap, madvise and the writes
  double processor_seconds = 0;
  std::uint64_t minor_faults = 0;
  std::uint64_t resident = 0;

  double bytes_per_second() const;
};

// One write for each 4 KiB, and what `small` does to each 64 bytes (three words of eight), each in a
// mapping of its own. Empty, if the kernel refuses so much.
std::vector<RawFigures> measure_raw(std::uint64_t bytes, unsigned threads, int huge_pages);

}  // namespace acre::bench
