#include "runtime/page/page_tables.h"

#include "runtime/base/check.h"

namespace acre::rt {

namespace {

constexpr uint64_t kCacheLine = 64;
constexpr uint64_t kKernelPage = 4096;

// Whole families of eight, so that reading the children of an entry never leaves the array: the entries
// beyond the capacity stay zero, nothing free.
constexpr uint64_t entries(PageCount capacity, unsigned level) {
  const uint64_t shift = level_shift(level);
  const uint64_t used = (capacity.raw + (uint64_t{1} << shift) - 1) >> shift;
  return align_up(used, kSummaryFanOut);
}

// Hands out pieces of the tables' memory one after the other; from null it only counts.
struct Carver {
  unsigned char* base;
  uint64_t used = 0;

  template <class T>
  T* take(uint64_t n) {
    T* piece = base == nullptr ? nullptr : reinterpret_cast<T*>(base + used);
    used = align_up(used + n * sizeof(T), kCacheLine);
    return piece;
  }
};

// One function for both questions, where things are and how much they need, so that they cannot differ.
PageTables lay_out(Carver& carver, PageCount capacity) {
  const uint64_t chunks = capacity.raw / kChunkPages;
  PageTables tables;
  for (unsigned level = 0; level < kLeafLevel; level++) {
    tables.level[level] = carver.take<PageSummary>(entries(capacity, level));
  }
  auto* words = carver.take<uint64_t>(ChunkSet::words_needed(chunks));
  if (words != nullptr) tables.candidates = ChunkSet(words, chunks);
  tables.level[kLeafLevel] = carver.take<PageSummary>(entries(capacity, kLeafLevel));
  tables.states = carver.take<ChunkState>(chunks);
  tables.chunks = carver.take<ChunkBits>(chunks);
  return tables;
}

void require_capacity(PageCount capacity) {
  ACRE_CHECK(is_power_of_two(capacity.raw) && capacity.raw >= kMinCapacityPages &&
                 capacity.raw <= kMaxCapacityPages,
             "a page allocator's capacity is a power of two from 64 MiB to 512 GiB");
}

}  // namespace

ByteCount PageTables::bytes(PageCount capacity) {
  require_capacity(capacity);
  Carver counter{nullptr};
  lay_out(counter, capacity);
  return ByteCount(align_up(counter.used, kKernelPage));
}

PageTables PageTables::carve(void* zeroed, PageCount capacity) {
  require_capacity(capacity);
  ACRE_CHECK(zeroed != nullptr && reinterpret_cast<uintptr_t>(zeroed) % kCacheLine == 0,
             "the page allocator's tables begin at a cache line");
  Carver carver{static_cast<unsigned char*>(zeroed)};
  return lay_out(carver, capacity);
}

}  // namespace acre::rt
