// Owns a set of chunk numbers that answers "the highest member at or below this one" in a few steps,
// however sparse it is: three bitmaps on top of each other, where a bit above says that the 64 bits
// below it are not all zero.
//
//   top      1 word            one bit for 4096 chunks     (at most 2^18 chunks)
//   middle   up to 32 words    one bit for 64 chunks
//   leaf     up to 2048 words  one bit for one chunk
//
// All-zero memory is the empty set. The memory is handed in; locking is the caller's.

#ifndef ACRE_RUNTIME_PAGE_CHUNK_SET_H_
#define ACRE_RUNTIME_PAGE_CHUNK_SET_H_

#include <cstdint>

namespace acre::rt {

class ChunkSet {
 public:
  static constexpr uint64_t kNone = ~uint64_t{0};

  static constexpr uint64_t words_needed(uint64_t chunks) {
    return 1 + (chunks + 4095) / 4096 + (chunks + 63) / 64;
  }

  ChunkSet() = default;
  ChunkSet(uint64_t* zeroed_words, uint64_t chunks)
      : top_(zeroed_words), middle_(top_ + 1), leaf_(middle_ + (chunks + 4095) / 4096) {}

  bool contains(uint64_t chunk) const { return (leaf_[chunk / 64] >> chunk % 64 & 1) != 0; }
  void insert(uint64_t chunk);
  void remove(uint64_t chunk);
  // The highest member that is not above `chunk`, or kNone.
  uint64_t highest_up_to(uint64_t chunk) const;
  // The levels agree for all chunks below `chunks`; for PageAlloc::check.
  bool consistent(uint64_t chunks) const;

 private:
  uint64_t* top_ = nullptr;
  uint64_t* middle_ = nullptr;
  uint64_t* leaf_ = nullptr;
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_PAGE_CHUNK_SET_H_
