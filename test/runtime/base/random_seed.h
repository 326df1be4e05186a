// Owns the seed of random tests: new in each run, printed, and taken from ACRE_TEST_SEED to repeat
// one.

#ifndef ACRE_TEST_RUNTIME_BASE_RANDOM_SEED_H_
#define ACRE_TEST_RUNTIME_BASE_RANDOM_SEED_H_

#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <cstdlib>
#include <random>

namespace acre::test {

inline uint64_t random_seed() {
  const char* given = std::getenv("ACRE_TEST_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device()();
  BOOST_TEST_MESSAGE("ACRE_TEST_SEED=" << seed);
  return seed;
}

}  // namespace acre::test

#endif  // ACRE_TEST_RUNTIME_BASE_RANDOM_SEED_H_
