#include "runtime/page/page_bits.h"

namespace acre::rt {

namespace {

// The part of a range that lies in one word.
struct WordPart {
  unsigned word;
  uint64_t mask;
};

// Calls visit for each word that [first, first + n) touches.
template <class Visit>
inline void for_each_word(unsigned first, unsigned n, Visit visit) {
  while (n != 0) {
    const unsigned bit = first % 64;
    const unsigned in_word = n < 64 - bit ? n : 64 - bit;
    visit(WordPart{first / 64, low_bits(in_word) << bit});
    first += in_word;
    n -= in_word;
  }
}

}  // namespace

void PageBits::set(unsigned first, unsigned n) {
  for_each_word(first, n, [this](WordPart part) { words_[part.word] |= part.mask; });
}

void PageBits::clear(unsigned first, unsigned n) {
  for_each_word(first, n, [this](WordPart part) { words_[part.word] &= ~part.mask; });
}

unsigned PageBits::count() const {
  int total = 0;
  for (const uint64_t word : words_) total += std::popcount(word);
  return static_cast<unsigned>(total);
}

unsigned PageBits::count(unsigned first, unsigned n) const {
  int total = 0;
  for_each_word(first, n, [this, &total](WordPart part) {
    total += std::popcount(words_[part.word] & part.mask);
  });
  return static_cast<unsigned>(total);
}

unsigned PageBits::find_run(unsigned n, unsigned from) const {
  if (from >= kBits) return kNone;
  unsigned run = 0;  // set bits in a row that end where the word begins
  uint64_t visible = ~low_bits(from % 64);
  for (unsigned i = from / 64; i < kWords; i++) {
    const uint64_t word = words_[i] & visible;
    visible = ~uint64_t{0};
    const unsigned base = i * 64;
    if (run + static_cast<unsigned>(std::countr_one(word)) >= n) return base - run;
    if (word == ~uint64_t{0}) {
      run += 64;
      continue;
    }
    // A run of 64 fills a word, and that was seen just now.
    if (n < 64) {
      const uint64_t starts = runs_of(word, n);
      if (starts != 0) return base + static_cast<unsigned>(std::countr_zero(starts));
    }
    run = static_cast<unsigned>(std::countl_one(word));
  }
  return kNone;
}

unsigned PageBits::run_at_start() const {
  for (unsigned i = 0; i < kWords; i++) {
    if (words_[i] != ~uint64_t{0}) {
      return i * 64 + static_cast<unsigned>(std::countr_one(words_[i]));
    }
  }
  return kBits;
}

unsigned PageBits::run_at_end() const {
  for (unsigned i = kWords; i-- > 0;) {
    if (words_[i] != ~uint64_t{0}) {
      return (kWords - 1 - i) * 64 + static_cast<unsigned>(std::countl_one(words_[i]));
    }
  }
  return kBits;
}

unsigned PageBits::longest_run() const {
  unsigned longest = 0;
  unsigned run = 0;  // set bits in a row that end where the word begins
  for (const uint64_t word : words_) {
    if (word == ~uint64_t{0}) {
      run += 64;
      continue;
    }
    run += static_cast<unsigned>(std::countr_one(word));
    if (run > longest) longest = run;
    run = static_cast<unsigned>(std::countl_one(word));
    // Only a run longer than the record matters: each turn finds one, measures it, and asks again.
    while (longest < 63) {
      const uint64_t starts = runs_of(word, longest + 1);
      if (starts == 0) break;
      longest = static_cast<unsigned>(std::countr_one(word >> std::countr_zero(starts)));
    }
  }
  return run > longest ? run : longest;
}

unsigned PageBits::highest_below(unsigned limit) const {
  if (limit > kBits) limit = kBits;
  for (unsigned i = (limit + 63) / 64; i-- > 0;) {
    const unsigned bits = limit - i * 64;
    const uint64_t word = words_[i] & low_bits(bits < 64 ? bits : 64);
    if (word != 0) return i * 64 + 63 - static_cast<unsigned>(std::countl_zero(word));
  }
  return kNone;
}

unsigned PageBits::run_start(unsigned i) const {
  // Shifted so that bit i is the highest of its word, the run is the ones from the top.
  unsigned word = i / 64;
  unsigned run = static_cast<unsigned>(std::countl_one(words_[word] << (63 - i % 64)));
  unsigned start = i + 1 - run;
  while (start % 64 == 0 && word > 0) {
    word--;
    run = static_cast<unsigned>(std::countl_one(words_[word]));
    if (run == 0) break;
    start -= run;
  }
  return start;
}

}  // namespace acre::rt
