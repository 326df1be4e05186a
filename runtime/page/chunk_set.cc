#include "runtime/page/chunk_set.h"

#include <bit>

namespace acre::rt {

namespace {

constexpr uint64_t bit_of(uint64_t i) { return uint64_t{1} << (i % 64); }

// The bits of a word that are not above bit i.
constexpr uint64_t up_to(uint64_t i) { return ~uint64_t{0} >> (63 - i % 64); }

constexpr uint64_t highest(uint64_t word) {
  return 63 - static_cast<uint64_t>(std::countl_zero(word));
}

}  // namespace

void ChunkSet::insert(uint64_t chunk) {
  leaf_[chunk / 64] |= bit_of(chunk);
  middle_[chunk / 4096] |= bit_of(chunk / 64);
  *top_ |= bit_of(chunk / 4096);
}

void ChunkSet::remove(uint64_t chunk) {
  leaf_[chunk / 64] &= ~bit_of(chunk);
  if (leaf_[chunk / 64] != 0) return;
  middle_[chunk / 4096] &= ~bit_of(chunk / 64);
  if (middle_[chunk / 4096] != 0) return;
  *top_ &= ~bit_of(chunk / 4096);
}

uint64_t ChunkSet::highest_up_to(uint64_t chunk) const {
  uint64_t word = chunk / 64;
  const uint64_t here = leaf_[word] & up_to(chunk);
  if (here != 0) return word * 64 + highest(here);
  // Nothing in the chunk's own word: the next lower word that has a member, then its highest.
  uint64_t group = word / 64;
  const uint64_t words = word % 64 == 0 ? 0 : middle_[group] & up_to(word - 1);
  if (words != 0) {
    word = group * 64 + highest(words);
  } else {
    const uint64_t groups = group == 0 ? 0 : *top_ & up_to(group - 1);
    if (groups == 0) return kNone;
    group = highest(groups);
    word = group * 64 + highest(middle_[group]);
  }
  return word * 64 + highest(leaf_[word]);
}

bool ChunkSet::consistent(uint64_t chunks) const {
  for (uint64_t word = 0; word < (chunks + 63) / 64; word++) {
    const bool said = (middle_[word / 64] & bit_of(word)) != 0;
    if (said != (leaf_[word] != 0)) return false;
  }
  for (uint64_t group = 0; group < (chunks + 4095) / 4096; group++) {
    const bool said = (*top_ & bit_of(group)) != 0;
    if (said != (middle_[group] != 0)) return false;
  }
  return true;
}

}  // namespace acre::rt
