#include "runtime/base/bits.h"

#include <atomic>
#include <bit>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "test/runtime/base/random_seed.h"

namespace bits = acre::rt::bits;

namespace {

// An array of bits in both forms beside a naive model of it.
template <class Word>
class Pair {
 public:
  static constexpr uint64_t kBits = 64 * 9;

  Pair() : words_(new Word[kBits / 64]()), model_(kBits, false) {}

  Word* words() { return words_.get(); }

  bool set(uint64_t bit) {
    const bool was = model_[bit];
    model_[bit] = true;
    return !was;
  }
  bool clear(uint64_t bit) {
    const bool was = model_[bit];
    model_[bit] = false;
    return was;
  }
  void fill(uint64_t from, uint64_t end, bool value) {
    for (uint64_t i = from; i < end; ++i) model_[i] = value;
  }
  uint64_t next(uint64_t from, uint64_t end, bool value) const {
    while (from < end && model_[from] != value) ++from;
    return from < end ? from : end;
  }
  uint64_t previous_set(uint64_t begin, uint64_t from, uint64_t none) const {
    while (from > begin) {
      if (model_[--from]) return from;
    }
    return none;
  }
  uint64_t count(uint64_t from, uint64_t end) const {
    uint64_t total = 0;
    for (uint64_t i = from; i < end; ++i) total += model_[i] ? 1 : 0;
    return total;
  }
  bool agrees() {
    for (uint64_t i = 0; i < kBits; ++i) {
      if (bits::test(words(), i) != model_[i]) return false;
    }
    return true;
  }

 private:
  std::unique_ptr<Word[]> words_;
  std::vector<bool> model_;
};

template <class Word>
void change_at_random(Pair<Word>& pair, std::mt19937_64& random, uint64_t from, uint64_t end) {
  const uint64_t bit = random() % Pair<Word>::kBits;
  switch (random() % 8) {
    case 0: bits::set_range(pair.words(), from, end), pair.fill(from, end, true); break;
    case 1: bits::clear_range(pair.words(), from, end), pair.fill(from, end, false); break;
    case 2:
    case 3: BOOST_REQUIRE(bits::set(pair.words(), bit) == pair.set(bit)); break;
    case 4: BOOST_REQUIRE(bits::set_unshared(pair.words(), bit) == pair.set(bit)); break;
    default: BOOST_REQUIRE(bits::clear(pair.words(), bit) == pair.clear(bit));
  }
}

template <class Word>
void run_against_model(std::mt19937_64& random) {
  Pair<Word> pair;
  for (int step = 0; step < 3000; ++step) {
    uint64_t from = random() % (Pair<Word>::kBits + 1);
    uint64_t end = random() % (Pair<Word>::kBits + 1);
    if (from > end) std::swap(from, end);
    change_at_random(pair, random, from, end);
    BOOST_REQUIRE(pair.agrees());
    Word* words = pair.words();
    BOOST_REQUIRE(bits::find_next_set(words, from, end) == pair.next(from, end, true));
    BOOST_REQUIRE(bits::find_next_clear(words, from, end) == pair.next(from, end, false));
    BOOST_REQUIRE(bits::find_previous_set(words, from, end, 9999) ==
                  pair.previous_set(from, end, 9999));
    BOOST_REQUIRE(bits::count_set(words, from, end) == pair.count(from, end));
  }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bits_of_words)

BOOST_AUTO_TEST_CASE(a_mask_has_count_bits_from_first_on) {
  BOOST_TEST(bits::mask(0, 0) == 0u);
  BOOST_TEST(bits::mask(0, 64) == ~uint64_t{0});
  BOOST_TEST(bits::mask(63, 1) == uint64_t{1} << 63);
  BOOST_TEST(bits::mask(4, 3) == 0x70u);
  BOOST_TEST(bits::words_for(0) == 0u);
  BOOST_TEST(bits::words_for(64) == 1u);
  BOOST_TEST(bits::words_for(65) == 2u);
}

BOOST_AUTO_TEST_CASE(plain_words_agree_with_a_naive_model) {
  std::mt19937_64 random(acre::test::random_seed());
  run_against_model<uint64_t>(random);
}

BOOST_AUTO_TEST_CASE(atomic_words_agree_with_a_naive_model) {
  std::mt19937_64 random(acre::test::random_seed());
  run_against_model<std::atomic<uint64_t>>(random);
}

BOOST_AUTO_TEST_CASE(an_empty_range_is_neither_read_nor_written) {
  uint64_t* none = nullptr;
  bits::set_range(none, 5, 5);
  bits::clear_range(none, 5, 5);
  BOOST_TEST(bits::count_set(none, 5, 5) == 0u);
  BOOST_TEST(bits::find_next_set(none, 5, 5) == 5u);
  BOOST_TEST(bits::find_next_clear(none, 5, 5) == 5u);
  BOOST_TEST(bits::find_previous_set(none, 5, 5, 77) == 77u);
}

BOOST_AUTO_TEST_CASE(of_threads_that_set_the_same_bits_one_is_told_for_each) {
  constexpr uint64_t kBits = 64 * 64;
  constexpr int kThreads = 4;
  std::vector<std::atomic<uint64_t>> words(kBits / 64);
  std::atomic<uint64_t> told{0};
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      uint64_t mine = 0;
      for (uint64_t i = 0; i < kBits; ++i) mine += bits::set(words.data(), i) ? 1 : 0;
      told += mine;
    });
  }
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(told.load() == kBits);
  BOOST_TEST(bits::count_set(words.data(), 0, kBits) == kBits);
}

BOOST_AUTO_TEST_CASE(ranges_of_two_threads_may_meet_within_a_word) {
  constexpr uint64_t kBits = 64 * 3;
  constexpr uint64_t kBorder = 100;
  std::vector<std::atomic<uint64_t>> words(kBits / 64);
  const auto toggle = [&](uint64_t from, uint64_t end) {
    for (int i = 0; i < 2000; ++i) {
      bits::clear_range(words.data(), from, end);
      bits::set_range(words.data(), from, end);
    }
  };
  std::thread lower(toggle, 0, kBorder);
  std::thread upper(toggle, kBorder, kBits);
  lower.join();
  upper.join();
  BOOST_TEST(bits::count_set(words.data(), 0, kBits) == kBits);
}

BOOST_AUTO_TEST_SUITE_END()
