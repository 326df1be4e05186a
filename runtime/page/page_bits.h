// Owns the bitmap of one chunk: 512 bits, one a page. A set bit means "yes" (free, or scavenged), so
// that memory fresh from the kernel, all zeros, says of every page that it is not usable.
//
//   words[0] bit 0 = the chunk's first page ... words[7] bit 63 = its last
//
// Ranges are [first, first + n) and must lie inside the chunk. The caller owns the locking.

#ifndef ACRE_RUNTIME_PAGE_PAGE_BITS_H_
#define ACRE_RUNTIME_PAGE_PAGE_BITS_H_

#include <bit>
#include <cstdint>

#include "runtime/base/units.h"

namespace acre::rt {

// Bit i of the result is set when bits i .. i+n-1 of `bits` all are. 1 <= n <= 64.
constexpr uint64_t runs_of(uint64_t bits, unsigned n) {
  // Each step lengthens the known run by its own length, so that n = 64 takes six of them.
  for (unsigned known = 1; known < n;) {
    const unsigned step = known < n - known ? known : n - known;
    bits &= bits >> step;
    known += step;
  }
  return bits;
}

// The n lowest bits; 0 <= n <= 64.
constexpr uint64_t low_bits(unsigned n) { return n == 0 ? 0 : ~uint64_t{0} >> (64 - n); }

class PageBits {
 public:
  static constexpr unsigned kBits = kChunkPages;
  static constexpr unsigned kWords = kBits / 64;
  static constexpr unsigned kNone = kBits;  // the answer of a search that found nothing

  bool test(unsigned i) const { return (words_[i / 64] >> (i % 64) & 1) != 0; }
  uint64_t word(unsigned i) const { return words_[i]; }
  uint64_t& word(unsigned i) { return words_[i]; }

  void set(unsigned first, unsigned n);
  void clear(unsigned first, unsigned n);

  unsigned count() const;
  unsigned count(unsigned first, unsigned n) const;
  bool all(unsigned first, unsigned n) const { return count(first, n) == n; }
  bool none(unsigned first, unsigned n) const { return count(first, n) == 0; }

  // The start of the lowest run of n set bits at or after `from`, or kNone. 1 <= n.
  unsigned find_run(unsigned n, unsigned from) const;

  unsigned run_at_start() const;  // set bits in a row from bit 0
  unsigned run_at_end() const;    // set bits in a row up to bit 511
  unsigned longest_run() const;

  // The highest set bit below `limit`, or kNone.
  unsigned highest_below(unsigned limit) const;
  // The start of the run of set bits that bit i, which is set, belongs to.
  unsigned run_start(unsigned i) const;

 private:
  uint64_t words_[kWords] = {};
};
static_assert(sizeof(PageBits) == 64, "one cache line");

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_PAGE_PAGE_BITS_H_
