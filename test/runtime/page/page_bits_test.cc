#include "runtime/page/page_bits.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <vector>

#include "runtime/page/chunk_set.h"
#include "test/runtime/page/page_state.h"

namespace acre::rt {
namespace {

using Naive = std::vector<bool>;

PageBits bits_of(const Naive& naive) {
  PageBits bits;
  for (unsigned i = 0; i < PageBits::kBits; i++) {
    if (naive[i]) bits.set(i, 1);
  }
  return bits;
}

bool equal(const PageBits& bits, const Naive& naive) {
  for (unsigned i = 0; i < PageBits::kBits; i++) {
    if (bits.test(i) != naive[i]) return false;
  }
  return true;
}

unsigned naive_find(const Naive& naive, unsigned n, unsigned from) {
  unsigned run = 0;
  for (unsigned i = from; i < PageBits::kBits; i++) {
    run = naive[i] ? run + 1 : 0;
    if (run == n) return i + 1 - n;
  }
  return PageBits::kNone;
}

unsigned naive_longest(const Naive& naive) {
  unsigned longest = 0;
  unsigned run = 0;
  for (const bool bit : naive) {
    run = bit ? run + 1 : 0;
    longest = run > longest ? run : longest;
  }
  return longest;
}

// Bitmaps of many textures: from single bits to runs of hundreds.
Naive random_bits(std::mt19937_64& random) {
  Naive naive(PageBits::kBits);
  const unsigned longest = 1U << random() % 10;
  bool value = random() % 2 == 0;
  for (unsigned i = 0; i < PageBits::kBits; value = !value) {
    for (auto n = static_cast<unsigned>(random() % longest + 1); n > 0 && i < PageBits::kBits;
         n--) {
      naive[i++] = value;
    }
  }
  return naive;
}

// The widths and places where a word begins, ends, or is crossed.
const unsigned kWidths[] = {1, 2, 5, 31, 63, 64, 65, 66, 127, 128, 129, 200, 256, 511, 512};
const unsigned kFirsts[] = {0, 1, 62, 63, 64, 65, 127, 128, 250, 300, 448, 511};

BOOST_AUTO_TEST_SUITE(page_bits)

BOOST_AUTO_TEST_CASE(setting_a_range_touches_only_its_bits) {
  for (const unsigned first : kFirsts) {
    for (const unsigned n : kWidths) {
      if (first + n > PageBits::kBits) continue;
      Naive naive(PageBits::kBits);
      for (unsigned i = first; i < first + n; i++) naive[i] = true;
      PageBits bits;
      bits.set(first, n);
      BOOST_TEST(equal(bits, naive), first << " " << n);
      BOOST_TEST(bits.count() == n);
      BOOST_TEST(bits.all(first, n));
      bits.clear(first, n);
      BOOST_TEST(bits.count() == 0U);
      BOOST_TEST(bits.none(0, PageBits::kBits));
    }
  }
}

BOOST_AUTO_TEST_CASE(clearing_a_range_touches_only_its_bits) {
  for (const unsigned first : kFirsts) {
    for (const unsigned n : kWidths) {
      if (first + n > PageBits::kBits) continue;
      Naive naive(PageBits::kBits, true);
      for (unsigned i = first; i < first + n; i++) naive[i] = false;
      PageBits bits;
      bits.set(0, PageBits::kBits);
      bits.clear(first, n);
      BOOST_TEST(equal(bits, naive), first << " " << n);
      BOOST_TEST(bits.count() == PageBits::kBits - n);
    }
  }
}

BOOST_AUTO_TEST_CASE(counts_of_ranges_equal_a_slow_count) {
  std::mt19937_64 random(test::seed());
  for (int round = 0; round < 1000; round++) {
    const Naive naive = random_bits(random);
    const PageBits bits = bits_of(naive);
    const auto first = static_cast<unsigned>(random() % PageBits::kBits);
    const auto n = static_cast<unsigned>(random() % (PageBits::kBits - first + 1));
    unsigned expected = 0;
    for (unsigned i = first; i < first + n; i++) expected += naive[i] ? 1 : 0;
    BOOST_TEST_REQUIRE(bits.count(first, n) == expected);
    BOOST_TEST_REQUIRE(bits.all(first, n) == (expected == n));
    BOOST_TEST_REQUIRE(bits.none(first, n) == (expected == 0));
  }
}

BOOST_AUTO_TEST_CASE(every_width_is_found_at_once_in_all_ones_and_never_in_zeros) {
  PageBits ones;
  ones.set(0, PageBits::kBits);
  const PageBits zeros;
  for (unsigned n = 1; n <= PageBits::kBits; n++) {
    BOOST_TEST_REQUIRE(ones.find_run(n, 0) == 0U);
    BOOST_TEST_REQUIRE(zeros.find_run(n, 0) == PageBits::kNone);
    BOOST_TEST_REQUIRE(ones.find_run(n, PageBits::kBits - n) == PageBits::kBits - n);
    BOOST_TEST_REQUIRE(ones.find_run(n, PageBits::kBits - n + 1) == PageBits::kNone);
  }
}

BOOST_AUTO_TEST_CASE(a_run_is_found_at_every_place_and_width) {
  for (unsigned n = 1; n <= PageBits::kBits; n = n < 70 ? n + 1 : n + 37) {
    for (unsigned first = 0; first + n <= PageBits::kBits; first++) {
      PageBits bits;
      bits.set(first, n);
      BOOST_TEST_REQUIRE(bits.find_run(n, 0) == first);
      BOOST_TEST_REQUIRE(bits.find_run(n + 1, 0) == PageBits::kNone);
      BOOST_TEST_REQUIRE(bits.longest_run() == n);
      BOOST_TEST_REQUIRE(bits.run_start(first + n - 1) == first);
      BOOST_TEST_REQUIRE(bits.highest_below(PageBits::kBits) == first + n - 1);
      BOOST_TEST_REQUIRE(bits.highest_below(first) == PageBits::kNone);
    }
  }
}

BOOST_AUTO_TEST_CASE(the_first_fit_skips_what_is_too_small) {
  PageBits bits;
  bits.set(0, 1);
  bits.set(10, 2);
  bits.set(60, 5);
  bits.set(100, 64);
  bits.set(200, 65);
  BOOST_TEST(bits.find_run(1, 0) == 0U);
  BOOST_TEST(bits.find_run(1, 1) == 10U);
  BOOST_TEST(bits.find_run(2, 0) == 10U);
  BOOST_TEST(bits.find_run(3, 0) == 60U);
  BOOST_TEST(bits.find_run(5, 0) == 60U);
  BOOST_TEST(bits.find_run(5, 61) == 100U);
  BOOST_TEST(bits.find_run(64, 0) == 100U);
  BOOST_TEST(bits.find_run(65, 0) == 200U);
  BOOST_TEST(bits.find_run(66, 0) == PageBits::kNone);
}

BOOST_AUTO_TEST_CASE(searches_equal_a_slow_search_on_random_bitmaps) {
  std::mt19937_64 random(test::seed());
  for (int round = 0; round < 1000; round++) {
    const Naive naive = random_bits(random);
    const PageBits bits = bits_of(naive);
    for (const unsigned n : kWidths) {
      const auto from = static_cast<unsigned>(random() % 4 == 0 ? 0 : random() % PageBits::kBits);
      BOOST_TEST_REQUIRE(bits.find_run(n, from) == naive_find(naive, n, from));
    }
    BOOST_TEST_REQUIRE(bits.longest_run() == naive_longest(naive));
  }
}

BOOST_AUTO_TEST_CASE(searches_from_the_top_equal_a_slow_search) {
  std::mt19937_64 random(test::seed());
  for (int round = 0; round < 1000; round++) {
    const Naive naive = random_bits(random);
    const PageBits bits = bits_of(naive);
    const auto limit = static_cast<unsigned>(random() % (PageBits::kBits + 1));
    unsigned expected = limit;
    while (expected > 0 && !naive[expected - 1]) expected--;
    if (expected == 0) {
      BOOST_TEST_REQUIRE(bits.highest_below(limit) == PageBits::kNone);
      continue;
    }
    BOOST_TEST_REQUIRE(bits.highest_below(limit) == expected - 1);
    unsigned start = expected - 1;
    while (start > 0 && naive[start - 1]) start--;
    BOOST_TEST_REQUIRE(bits.run_start(expected - 1) == start);
  }
}

BOOST_AUTO_TEST_CASE(runs_of_a_word_mark_where_they_start) {
  BOOST_TEST(runs_of(0xff, 8) == 1ULL);
  BOOST_TEST(runs_of(0xff, 3) == 0x3fULL);
  BOOST_TEST(runs_of(~uint64_t{0}, 64) == 1ULL);
  BOOST_TEST(runs_of(~uint64_t{0} - 1, 64) == 0ULL);
  BOOST_TEST(runs_of(0b1011011, 2) == 0b0001001ULL);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(chunk_set)

BOOST_AUTO_TEST_CASE(the_highest_member_equals_a_slow_search) {
  std::mt19937_64 random(test::seed());
  for (const uint64_t chunks : {uint64_t{16}, uint64_t{100}, uint64_t{4096}, uint64_t{1} << 17}) {
    std::vector<uint64_t> words(ChunkSet::words_needed(chunks));
    ChunkSet set(words.data(), chunks);
    std::vector<bool> naive(chunks);
    for (int step = 0; step < 2000; step++) {
      // Mostly removals in the second half, so that the set becomes sparse, then empty.
      const uint64_t chunk = random() % chunks;
      if (random() % 100 < (step < 1000 ? 60 : 5)) {
        set.insert(chunk);
        naive[chunk] = true;
      } else {
        const uint64_t member = set.highest_up_to(chunk);
        if (member != ChunkSet::kNone) {
          set.remove(member);
          naive[member] = false;
        }
      }
      if (step % 20 != 0) continue;
      const uint64_t from = random() % chunks;
      uint64_t expected = from + 1;
      while (expected > 0 && !naive[expected - 1]) expected--;
      BOOST_TEST_REQUIRE(set.highest_up_to(from) == expected - 1);  // 0 - 1 is kNone
      BOOST_TEST_REQUIRE(set.contains(from) == naive[from]);
      BOOST_TEST_REQUIRE(set.consistent(chunks));
    }
  }
}

BOOST_AUTO_TEST_CASE(members_far_apart_are_found_from_the_top_down) {
  const uint64_t chunks = uint64_t{1} << 17;
  std::vector<uint64_t> words(ChunkSet::words_needed(chunks));
  ChunkSet set(words.data(), chunks);
  BOOST_TEST(set.highest_up_to(chunks - 1) == ChunkSet::kNone);
  for (const uint64_t chunk : {0ULL, 63ULL, 64ULL, 4095ULL, 4096ULL, 70000ULL, (1ULL << 17) - 1}) {
    set.insert(chunk);
  }
  BOOST_TEST(set.highest_up_to(chunks - 1) == chunks - 1);
  BOOST_TEST(set.highest_up_to(chunks - 2) == 70000ULL);
  BOOST_TEST(set.highest_up_to(69999) == 4096ULL);
  BOOST_TEST(set.highest_up_to(4095) == 4095ULL);
  BOOST_TEST(set.highest_up_to(4094) == 64ULL);
  BOOST_TEST(set.highest_up_to(63) == 63ULL);
  BOOST_TEST(set.highest_up_to(62) == 0ULL);
  set.remove(0);
  BOOST_TEST(set.highest_up_to(62) == ChunkSet::kNone);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
