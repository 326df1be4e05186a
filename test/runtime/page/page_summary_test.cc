#include "runtime/page/page_summary.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

#include "runtime/page/page_tables.h"
#include "test/runtime/page/page_state.h"

namespace acre::rt {
namespace {

PageSummary slow_summary(const std::vector<bool>& free) {
  uint64_t start = 0;
  uint64_t max = 0;
  uint64_t run = 0;
  for (size_t i = 0; i < free.size(); i++) {
    run = free[i] ? run + 1 : 0;
    max = std::max(max, run);
    if (run == i + 1) start = run;
  }
  return PageSummary::of(start, max, run);
}

PageBits free_bits(std::initializer_list<test::Range> ranges) {
  PageBits bits;
  for (const test::Range& range : ranges) {
    bits.set(static_cast<unsigned>(range.first), static_cast<unsigned>(range.n));
  }
  return bits;
}

BOOST_AUTO_TEST_SUITE(page_summary)

BOOST_AUTO_TEST_CASE(a_packed_summary_unpacks_to_its_fields) {
  const PageSummary summary = PageSummary::of(3, 70, 12);
  BOOST_TEST(summary.start() == 3ULL);
  BOOST_TEST(summary.max() == 70ULL);
  BOOST_TEST(summary.end() == 12ULL);
  const uint64_t most = PageSummary::kMaxPages - 1;
  const PageSummary nearly = PageSummary::of(most, most, 0);
  BOOST_TEST(nearly.start() == most);
  BOOST_TEST(nearly.max() == most);
  BOOST_TEST(nearly.end() == 0ULL);
  BOOST_TEST(PageSummary::of(0, most, most).end() == most);
  BOOST_TEST(PageSummary().nothing_free());
  BOOST_TEST(PageSummary::of(0, 0, 0) == PageSummary());
}

BOOST_AUTO_TEST_CASE(a_free_block_of_the_top_level_fits_although_21_bits_do_not_hold_it) {
  const PageSummary summary = PageSummary::all_free(PageSummary::kMaxPages);
  BOOST_TEST(summary.start() == PageSummary::kMaxPages);
  BOOST_TEST(summary.max() == PageSummary::kMaxPages);
  BOOST_TEST(summary.end() == PageSummary::kMaxPages);
  BOOST_TEST(!summary.nothing_free());
}

BOOST_AUTO_TEST_CASE(hand_made_chunks_are_summarized) {
  BOOST_TEST(summarize(free_bits({})) == PageSummary());
  BOOST_TEST(summarize(free_bits({{0, 512}})) == PageSummary::of(512, 512, 512));
  BOOST_TEST(summarize(free_bits({{0, 1}})) == PageSummary::of(1, 1, 0));
  BOOST_TEST(summarize(free_bits({{511, 1}})) == PageSummary::of(0, 1, 1));
  BOOST_TEST(summarize(free_bits({{0, 511}})) == PageSummary::of(511, 511, 0));
  BOOST_TEST(summarize(free_bits({{1, 511}})) == PageSummary::of(0, 511, 511));
  BOOST_TEST(summarize(free_bits({{0, 3}, {60, 8}, {510, 2}})) == PageSummary::of(3, 8, 2));
  BOOST_TEST(summarize(free_bits({{0, 64}, {65, 62}, {128, 384}})) ==
             PageSummary::of(64, 384, 384));
  BOOST_TEST(summarize(free_bits({{63, 130}})) == PageSummary::of(0, 130, 0));
}

BOOST_AUTO_TEST_CASE(a_thousand_random_chunks_summarize_as_a_slow_count_does) {
  std::mt19937_64 random(test::seed());
  for (int round = 0; round < 1000; round++) {
    std::vector<bool> naive(kChunkPages);
    PageBits bits;
    const unsigned longest = 1U << random() % 9;
    for (unsigned i = 0; i < kChunkPages;) {
      const auto n = static_cast<unsigned>(std::min(random() % longest + 1, kChunkPages - i));
      if (random() % 2 == 0) {
        bits.set(i, n);
        std::fill(naive.begin() + i, naive.begin() + i + n, true);
      }
      i += n;
    }
    BOOST_TEST_REQUIRE(summarize(bits) == slow_summary(naive));
  }
}

BOOST_AUTO_TEST_CASE(eight_children_merge_as_a_slow_count_of_them_all) {
  std::mt19937_64 random(test::seed());
  for (const unsigned child_pages : {1U, 2U, 8U, 64U}) {
    for (int round = 0; round < 2000; round++) {
      std::vector<bool> naive;
      PageSummary children[kSummaryFanOut];
      for (PageSummary& child : children) {
        // A third full, a third empty, the rest mixed: runs over several children are what is hard.
        const uint64_t kind = random() % 3;
        std::vector<bool> part(child_pages, kind == 0);
        if (kind == 2) {
          for (unsigned i = 0; i < child_pages; i++) part[i] = random() % 4 != 0;
        }
        child = slow_summary(part);
        naive.insert(naive.end(), part.begin(), part.end());
      }
      BOOST_TEST_REQUIRE(merge(children, child_pages) == slow_summary(naive));
    }
  }
}

BOOST_AUTO_TEST_CASE(eight_free_children_of_the_second_level_merge_to_the_special_case) {
  const uint64_t child_pages = PageSummary::kMaxPages / kSummaryFanOut;
  PageSummary children[kSummaryFanOut];
  for (PageSummary& child : children) child = PageSummary::all_free(child_pages);
  BOOST_TEST(merge(children, child_pages) == PageSummary::all_free(PageSummary::kMaxPages));
  children[7] = PageSummary::of(child_pages - 1, child_pages - 1, 0);
  const uint64_t most = PageSummary::kMaxPages - 1;
  BOOST_TEST(merge(children, child_pages) == PageSummary::of(most, most, 0));
}

BOOST_AUTO_TEST_CASE(tables_are_as_small_as_the_design_says) {
  BOOST_TEST(PageTables::bytes(test::kSmall).raw == 4096ULL);
  const uint64_t all = PageTables::bytes(test::kLarge).raw;
  BOOST_TEST(all < 19 * kMiB);
  uint64_t summaries = 0;
  for (unsigned level = 0; level < kSummaryLevels; level++) {
    summaries += (kMaxCapacityPages >> level_shift(level)) * sizeof(PageSummary);
  }
  BOOST_TEST(summaries < kMiB + kMiB / 5);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
