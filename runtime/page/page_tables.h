// Owns the layout of the page allocator's tables in the memory that PageAlloc::init is given.
//
//   | level 0..3 | candidate chunks | level 4 | chunk states | chunk bits |
//     small, first                    8 bytes   8 bytes        128 bytes     a chunk of 512 pages
//
// For 512 GiB these are 0.15 + 0.02 + 1 + 1 + 16 MiB of address space. All-zero memory is the state
// "nothing grown", so nothing is written before a chunk is used, and the kernel backs only what is.

#ifndef ACRE_RUNTIME_PAGE_PAGE_TABLES_H_
#define ACRE_RUNTIME_PAGE_PAGE_TABLES_H_

#include <cstdint>

#include "runtime/base/units.h"
#include "runtime/page/chunk_set.h"
#include "runtime/page/page_bits.h"
#include "runtime/page/page_summary.h"

namespace acre::rt {

inline constexpr unsigned kSummaryLevels = 5;
inline constexpr unsigned kLeafLevel = kSummaryLevels - 1;

// The pages under one entry of a level, as a power of two: 21, 18, 15, 12, 9.
constexpr unsigned level_shift(unsigned level) {
  return kChunkShift + kSummaryFanOutShift * (kLeafLevel - level);
}
static_assert((uint64_t{1} << level_shift(0)) == PageSummary::kMaxPages);

inline constexpr uint64_t kMinCapacityPages = uint64_t{1} << 13;  // 64 MiB
inline constexpr uint64_t kMaxCapacityPages = uint64_t{1} << 26;  // 512 GiB

struct ChunkBits {
  PageBits free;
  PageBits scavenged;  // free, and known to be zero: a subset of `free`
};
static_assert(sizeof(ChunkBits) == 128);

// What the scavenger needs to know of a chunk without reading its bits.
struct ChunkState {
  uint16_t in_use;       // allocated pages: 512 less the free ones
  uint16_t last_in_use;  // what in_use was when `generation` began
  uint16_t scavenged;    // scavenged pages
  uint16_t generation;   // of the last change; 0 only for a chunk that was never grown

  bool grown() const { return generation != 0; }
  // Free pages that hold memory: what the scavenger may take.
  unsigned candidates() const {
    return grown() ? static_cast<unsigned>(kChunkPages) - in_use - scavenged : 0;
  }
};
static_assert(sizeof(ChunkState) == 8);

struct PageTables {
  PageSummary* level[kSummaryLevels] = {};
  ChunkBits* chunks = nullptr;
  ChunkState* states = nullptr;
  ChunkSet candidates;  // the chunks whose candidates() is not 0

  static ByteCount bytes(PageCount capacity);
  static PageTables carve(void* zeroed, PageCount capacity);
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_PAGE_PAGE_TABLES_H_
