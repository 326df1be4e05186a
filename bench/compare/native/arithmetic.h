// The numbers that every program of bench/compare draws and the way it folds what it saw into an answer: the
// same in all languages, so that equal answers mean that equal work was done.
#pragma once

#include <cstdint>

namespace acre::compare {

// SplitMix64.
class Rng {
 public:
  explicit Rng(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() {
    state_ += 0x9E3779B97F4A7C15;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }

  // Less than `limit`, which is less than 2^32.
  std::uint64_t below(std::uint64_t limit) { return ((next() >> 32) * limit) >> 32; }

 private:
  std::uint64_t state_;
};

class Fold {
 public:
  void add(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001B3; }
  std::uint64_t get() const { return hash_; }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace acre::compare
