#include "runtime/page/page_cache.h"

#include <bit>
#include <boost/test/unit_test.hpp>
#include <random>

#include "test/runtime/page/page_state.h"

namespace acre::rt {
namespace {

using test::at;
using test::PageState;
using test::same;

BOOST_AUTO_TEST_SUITE(page_cache)

BOOST_AUTO_TEST_CASE(an_empty_cache_gives_nothing_at_any_size) {
  PageCache cache;
  BOOST_TEST(cache.empty());
  for (uint64_t n = 1; n <= 65; n++) BOOST_TEST(!cache.alloc(PageCount(n)).ok());
}

BOOST_AUTO_TEST_CASE(every_size_is_the_lowest_fit) {
  for (uint64_t n = 1; n <= 64; n++) {
    PageCache cache(PageId(128), ~uint64_t{0}, 0);
    for (uint64_t i = 0; i < 64 / n; i++) {
      same(cache.alloc(PageCount(n)), PageId(128 + i * n), n, 0);
    }
    BOOST_TEST(!cache.alloc(PageCount(n)).ok());
    BOOST_TEST(cache.free_pages().raw == 64 % n);
  }
}

BOOST_AUTO_TEST_CASE(a_fit_skips_runs_that_are_too_small) {
  PageCache cache(PageId(0), 0b111011010, 0);
  same(cache.alloc(PageCount(3)), PageId(6), 3, 0);
  same(cache.alloc(PageCount(2)), PageId(3), 2, 0);
  same(cache.alloc(PageCount(1)), PageId(1), 1, 0);
  BOOST_TEST(cache.empty());
}

BOOST_AUTO_TEST_CASE(scavenged_pages_are_counted_and_given_once) {
  PageCache cache(PageId(64), 0xff, 0x3c);
  BOOST_TEST(cache.scavenged_pages().raw == 4ULL);
  same(cache.alloc(PageCount(3)), PageId(64), 3, 1);
  same(cache.alloc(PageCount(2)), PageId(67), 2, 2);
  same(cache.alloc(PageCount(3)), PageId(69), 3, 1);
  BOOST_TEST(cache.scavenged_pages().raw == 0ULL);
}

BOOST_AUTO_TEST_CASE(random_allocations_equal_a_slow_search) {
  std::mt19937_64 random(test::seed());
  for (int round = 0; round < 2000; round++) {
    uint64_t free = random();
    free |= random();  // three quarters of the bits
    uint64_t scavenged = free & random();
    PageCache cache(PageId(640), free, scavenged);
    for (int step = 0; step < 20; step++) {
      const uint64_t n = random() % 8 + 1;
      const uint64_t ones = (uint64_t{1} << n) - 1;
      uint64_t first = 0;
      while (first + n <= 64 && (free >> first & ones) != ones) first++;
      const PageRun run = cache.alloc(PageCount(n));
      if (first + n > 64) {
        BOOST_TEST_REQUIRE(!run.ok());
        continue;
      }
      const auto zero = static_cast<uint64_t>(std::popcount(scavenged & ones << first));
      BOOST_TEST_REQUIRE(run.page == PageId(640 + first));
      BOOST_TEST_REQUIRE(run.scavenged.raw == zero);
      free &= ~(ones << first);
      scavenged &= ~(ones << first);
      BOOST_TEST_REQUIRE(cache.free_mask() == free);
      BOOST_TEST_REQUIRE(cache.scavenged_mask() == scavenged);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_full_aligned_block_is_taken_whole) {
  PageState pages({{0, {{0, 128}}, {{128, 384}}}});
  const PageCache cache = pages->alloc_to_cache();
  BOOST_TEST(cache.base() == at(0, 128));
  BOOST_TEST(cache.free_mask() == ~uint64_t{0});
  BOOST_TEST(cache.scavenged_mask() == ~uint64_t{0});
  pages.is({{0, {{0, 192}}, {{192, 320}}}});
  BOOST_TEST(pages->hint() == at(0, 192));
}

BOOST_AUTO_TEST_CASE(the_free_pages_of_a_mixed_block_are_taken_and_no_others) {
  PageState pages({{0, {{0, 70}, {80, 20}, {120, 200}}, {{72, 4}, {110, 20}}}});
  const PageCache cache = pages->alloc_to_cache();
  BOOST_TEST(cache.base() == at(0, 64));
  // Pages 70-79 and 100-119 were free, 72-75 and 110-119 scavenged.
  BOOST_TEST(cache.free_mask() == ((0x3ffULL << 6) | (0xfffffULL << 36)));
  BOOST_TEST(cache.scavenged_mask() == ((0xfULL << 8) | (0x3ffULL << 46)));
  pages.is({{0, {{0, 320}}, {}}});
}

BOOST_AUTO_TEST_CASE(blocks_come_in_order_until_none_is_left_and_then_cleanly_fail) {
  PageState pages({{0, {}}, {1, {test::kWhole}}, {5, {{0, 500}}}});
  for (uint64_t block = 0; block < 8; block++) {
    const PageCache cache = pages->alloc_to_cache();
    BOOST_TEST(cache.base() == at(0, block * 64));
    BOOST_TEST(cache.free_pages().raw == 64ULL);
    pages.sane();
  }
  PageCache last = pages->alloc_to_cache();
  BOOST_TEST(last.base() == at(5, 448));
  BOOST_TEST(last.free_mask() == 0xfffULL << 52);
  BOOST_TEST(pages->free_pages().raw == 0ULL);
  for (int i = 0; i < 3; i++) BOOST_TEST(pages->alloc_to_cache().empty());
  BOOST_TEST(!pages->alloc(PageCount(1)).ok());
  last.flush(*pages);
  same(pages->alloc(PageCount(1)), at(5, 500), 1, 0);
}

BOOST_AUTO_TEST_CASE(a_heap_that_never_grew_fills_an_empty_cache) {
  PageState pages;
  PageCache cache = pages->alloc_to_cache();
  BOOST_TEST(cache.empty());
  cache.flush(*pages);
  pages.is({});
}

BOOST_AUTO_TEST_CASE(a_flush_restores_free_and_scavenged_pages) {
  const std::vector<test::ChunkIs> state = {
      {2, {{0, 70}, {80, 20}, {120, 200}}, {{72, 4}, {110, 10}, {400, 30}}}};
  PageState pages(state);
  PageCache cache = pages->alloc_to_cache();
  cache.flush(*pages);
  BOOST_TEST(cache.empty());
  pages.is(state);
  // What left the cache is not given back.
  cache = pages->alloc_to_cache();
  same(cache.alloc(PageCount(5)), at(2, 70), 5, 3);
  cache.flush(*pages);
  pages.is({{2, {{0, 75}, {80, 20}, {120, 200}}, {{75, 1}, {110, 10}, {400, 30}}}});
}

BOOST_AUTO_TEST_CASE(flushed_pages_are_found_again_first) {
  PageState pages({{0, {}}, {1, {}}});
  PageCache cache = pages->alloc_to_cache();
  same(pages->alloc(PageCount(1)), at(0, 64), 1, 0);
  same(cache.alloc(PageCount(3)), at(0, 0), 3, 0);
  cache.flush(*pages);
  same(pages->alloc(PageCount(2)), at(0, 3), 2, 0);
  pages->free(at(0, 0), PageCount(3));
  same(pages->alloc(PageCount(3)), at(0, 0), 3, 0);
  pages.sane();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
