// What the kernel says about this process and this machine. Everything is read from /proc; what cannot be
// read there is 0 or "unknown", for a benchmark should not fail for want of a label.
#pragma once

#include <cstdint>
#include <string>

namespace acre::bench {

// Resident bytes, exact: the kernel walks the page tables (about a millisecond a GiB).
std::uint64_t resident_exact();

// Resident bytes from /proc/self/statm: cheap enough for a sampler, but older kernels keep this sum by
// processor and it may lag by some hundred KiB.
std::uint64_t resident_quick();

// Mappings (VMAs) of the process: lines of /proc/self/maps.
std::uint64_t vma_count();

// Page faults that needed no disk, of all threads, so far.
std::uint64_t minor_faults();

// MemAvailable: what may be allocated without swapping; 0 when unknown.
std::uint64_t memory_available();

// Seconds on the monotonic clock.
double now_seconds();

// Processor time of all threads so far: beside the wall time it shows whether the machine was busy with
// other things.
double processor_seconds();

// The same, of the calling thread alone.
double thread_processor_seconds();

struct Machine {
  std::string kernel;     // uname -sr
  std::string processor;  // "model name" of the first one
  unsigned cores = 0;
  std::uint64_t page_bytes = 0;
  std::uint64_t memory_total = 0;
  std::uint64_t memory_available = 0;
  std::string huge_pages;  // the system's setting of transparent huge pages: always, madvise, never
};

Machine read_machine();

}  // namespace acre::bench
