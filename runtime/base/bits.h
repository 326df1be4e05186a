// Owns operations on arrays of bits: bit i is bit i % 64 of word i / 64.
//
// A word is a std::atomic<uint64_t> where threads share the array (mark and alloc bits) or a
// uint64_t where a lock guards it: the same functions serve both. All atomic operations are
// relaxed: a bit tells about itself only. Who publishes memory by setting a bit orders that
// himself.
//
// An array is a pointer to its words, or PairedWords where two arrays lie in one another.
//
// Ranges are [from, end) in bits. A range function writes no word outside its range, and of the
// words at its edges, which a neighbour may be writing, it changes its own bits only, atomically.

#ifndef ACRE_RUNTIME_BASE_BITS_H_
#define ACRE_RUNTIME_BASE_BITS_H_

#include <algorithm>
#include <atomic>
#include <bit>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace acre::rt::bits {

inline constexpr unsigned kWordBits = 64;

template <class Word>
concept BitWord = std::same_as<std::remove_const_t<Word>, uint64_t> ||
    std::same_as<std::remove_const_t<Word>, std::atomic<uint64_t>>;

// One of two arrays whose words alternate, so that the bits of both that stand for one thing are in
// one line of the processor's cache.
struct PairedWords {
  std::atomic<uint64_t>* first;

  std::atomic<uint64_t>& operator[](uint64_t index) const { return first[2 * index]; }
};

template <class Words>
concept BitArray = requires(Words words, uint64_t index) {
  requires BitWord<std::remove_reference_t<decltype(words[index])>>;
};

// `count` bits from bit `first` on; first + count <= 64.
constexpr uint64_t mask(unsigned first, unsigned count) {
  return count == 0 ? 0 : (~uint64_t{0} >> (kWordBits - count)) << first;
}

constexpr uint64_t words_for(uint64_t bit_count) { return (bit_count + kWordBits - 1) / kWordBits; }

inline uint64_t load(const uint64_t& word) { return word; }
inline uint64_t load(const std::atomic<uint64_t>& word) {
  return word.load(std::memory_order_relaxed);
}

inline void store(uint64_t& word, uint64_t value) { word = value; }
inline void store(std::atomic<uint64_t>& word, uint64_t value) {
  word.store(value, std::memory_order_relaxed);
}

// These two return the word as it was.
inline uint64_t fetch_set(uint64_t& word, uint64_t mask) {
  const uint64_t old = word;
  word = old | mask;
  return old;
}
inline uint64_t fetch_set(std::atomic<uint64_t>& word, uint64_t mask) {
  return word.fetch_or(mask, std::memory_order_relaxed);
}
inline uint64_t fetch_clear(uint64_t& word, uint64_t mask) {
  const uint64_t old = word;
  word = old & ~mask;
  return old;
}
inline uint64_t fetch_clear(std::atomic<uint64_t>& word, uint64_t mask) {
  return word.fetch_and(~mask, std::memory_order_relaxed);
}

template <BitArray Words>
bool test(Words words, uint64_t bit) {
  return (load(words[bit / kWordBits]) >> (bit % kWordBits) & 1) != 0;
}

// Sets the bit; true if it was clear, and of several threads that set it one is told so. Looks
// first: of a marker's bits most are set already, and a locked operation costs 20 cycles and the
// cache line.
template <BitArray Words>
bool set(Words words, uint64_t bit) {
  auto& word = words[bit / kWordBits];
  const uint64_t one = uint64_t{1} << (bit % kWordBits);
  if ((load(word) & one) != 0) return false;
  return (fetch_set(word, one) & one) == 0;
}

// As set, for an array that no other thread writes meanwhile: no locked operation.
template <BitArray Words>
bool set_unshared(Words words, uint64_t bit) {
  auto& word = words[bit / kWordBits];
  const uint64_t one = uint64_t{1} << (bit % kWordBits);
  const uint64_t old = load(word);
  if ((old & one) != 0) return false;
  store(word, old | one);
  return true;
}

// Clears the bit; true if it was set.
template <BitArray Words>
bool clear(Words words, uint64_t bit) {
  const uint64_t one = uint64_t{1} << (bit % kWordBits);
  return (fetch_clear(words[bit / kWordBits], one) & one) != 0;
}

// Calls edge(word, mask) for words that the range covers in part, whole(word) for the others.
template <BitArray Words, class Edge, class Whole>
void for_each_word(Words words, uint64_t from, uint64_t end, Edge edge, Whole whole) {
  while (from < end) {
    const unsigned first = from % kWordBits;
    const auto count = static_cast<unsigned>(std::min<uint64_t>(kWordBits - first, end - from));
    auto& word = words[from / kWordBits];
    if (count == kWordBits) {
      whole(word);
    } else {
      edge(word, mask(first, count));
    }
    from += count;
  }
}

template <BitArray Words>
void set_range(Words words, uint64_t from, uint64_t end) {
  for_each_word(
      words, from, end, [](auto& word, uint64_t mask) { fetch_set(word, mask); },
      [](auto& word) { store(word, ~uint64_t{0}); });
}

template <BitArray Words>
void clear_range(Words words, uint64_t from, uint64_t end) {
  for_each_word(
      words, from, end, [](auto& word, uint64_t mask) { fetch_clear(word, mask); },
      [](auto& word) { store(word, 0); });
}

template <BitArray Words>
uint64_t count_set(Words words, uint64_t from, uint64_t end) {
  uint64_t total = 0;
  for_each_word(
      words, from, end,
      [&](const auto& word, uint64_t mask) {
        total += static_cast<unsigned>(std::popcount(load(word) & mask));
      },
      [&](const auto& word) { total += static_cast<unsigned>(std::popcount(load(word))); });
  return total;
}

// The search of the next two; `flip` is ~0 to look for clear bits.
template <BitArray Words>
uint64_t find_next(Words words, uint64_t from, uint64_t end, uint64_t flip) {
  if (from >= end) return end;
  uint64_t index = from / kWordBits;
  uint64_t word = (load(words[index]) ^ flip) & (~uint64_t{0} << (from % kWordBits));
  const uint64_t last = (end - 1) / kWordBits;
  while (word == 0) {
    if (index == last) return end;
    word = load(words[++index]) ^ flip;
  }
  return std::min(end, index * kWordBits + std::countr_zero(word));
}

// The first set (clear) bit at or after `from`, `end` if there is none.
template <BitArray Words>
uint64_t find_next_set(Words words, uint64_t from, uint64_t end) {
  return find_next(words, from, end, 0);
}
template <BitArray Words>
uint64_t find_next_clear(Words words, uint64_t from, uint64_t end) {
  return find_next(words, from, end, ~uint64_t{0});
}

// The last set bit before `from` and not before `begin`; `none` if there is none.
template <BitArray Words>
uint64_t find_previous_set(Words words, uint64_t begin, uint64_t from, uint64_t none) {
  if (from <= begin) return none;
  uint64_t index = (from - 1) / kWordBits;
  uint64_t word = load(words[index]) & mask(0, static_cast<unsigned>((from - 1) % kWordBits) + 1);
  const uint64_t first = begin / kWordBits;
  while (word == 0) {
    if (index == first) return none;
    word = load(words[--index]);
  }
  const uint64_t found = index * kWordBits + kWordBits - 1 - std::countl_zero(word);
  return found >= begin ? found : none;
}

}  // namespace acre::rt::bits

#endif  // ACRE_RUNTIME_BASE_BITS_H_
