// The mechanism of giving memory back: PageAlloc::take_for_release and give_back.

#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

#include "runtime/page/page_alloc.h"
#include "test/runtime/page/page_state.h"

namespace acre::rt {
namespace {

using test::at;
using test::kNothing;
using test::kWhole;
using test::PageState;
using test::same;

const PageId kTop(kMinCapacityPages);
const ReleaseRule kHuge{.huge_page = PageCount(256)};
const ReleaseRule kSkipDense{.skip_dense = true};

PageRun take(PageState& pages, PageId below, uint64_t max, ReleaseRule rule = {}) {
  return pages->take_for_release(below, PageCount(max), rule);
}

BOOST_AUTO_TEST_SUITE(page_release)

BOOST_AUTO_TEST_CASE(the_highest_pages_go_first_and_then_nothing_is_left) {
  PageState pages({{0, {{0, 500}}}, {3, {{10, 492}}, {{505, 5}}}, {9, {}, {kWhole}}});
  struct {
    PageId page;
    uint64_t n;
  } const expected[] = {{at(3, 510), 2}, {at(3, 502), 3}, {at(3, 2), 8},
                        {at(3, 0), 2},   {at(0, 504), 8}, {at(0, 500), 4}};
  PageId below = kTop;
  for (const auto& piece : expected) {
    const PageRun run = take(pages, below, 8);
    same(run, piece.page, piece.n, 0);
    pages->give_back(run.page, run.pages, true);
    below = run.page;
    pages.sane();
  }
  BOOST_TEST(!take(pages, below, 8).ok());
  BOOST_TEST(!take(pages, kTop, 8).ok());
  BOOST_TEST(pages->scavenged_pages() == pages->free_pages());
}

BOOST_AUTO_TEST_CASE(pages_out_for_release_are_allocated_until_they_come_back) {
  PageState pages({{0, {{0, 510}}}});
  const PageRun run = take(pages, kTop, 100);
  same(run, at(0, 510), 2, 0);
  pages.is({{0, {kWhole}}});
  BOOST_TEST(!pages->alloc(PageCount(1)).ok());
  BOOST_TEST(!take(pages, kTop, 100).ok());
  pages->give_back(run.page, run.pages, true);
  pages.is({{0, {{0, 510}}, {{510, 2}}}});
  same(pages->alloc(PageCount(2)), at(0, 510), 2, 2);
}

BOOST_AUTO_TEST_CASE(what_was_not_released_can_be_taken_again) {
  PageState pages({{0, {{0, 500}}}});
  const PageRun run = take(pages, kTop, 4);
  pages->give_back(run.page, run.pages, false);
  pages.is({{0, {{0, 500}}}});
  same(take(pages, kTop, 4), at(0, 508), 4, 0);
}

BOOST_AUTO_TEST_CASE(the_limit_from_above_cuts_runs_and_skips_chunks) {
  PageState pages({{0, {}}, {1, {}}, {15, {}}});
  same(take(pages, at(15, 100), 64), at(15, 36), 64, 0);
  same(take(pages, at(15, 36), 64), at(15, 0), 36, 0);
  same(take(pages, at(15), 64), at(1, 448), 64, 0);
  same(take(pages, at(1, 10), 64), at(1, 0), 10, 0);
  same(take(pages, at(0, 1), 64), at(0, 0), 1, 0);
  BOOST_TEST(!take(pages, PageId(0), 64).ok());
  same(take(pages, PageId(~uint64_t{0}), 1), at(15, 511), 1, 0);
}

BOOST_AUTO_TEST_CASE(a_run_is_at_most_one_chunk) {
  PageState pages({{4, {}}, {5, {}}});
  same(take(pages, kTop, 1 << 20), at(5), 512, 0);
  same(take(pages, kTop, 1 << 20), at(4), 512, 0);
  BOOST_TEST(!take(pages, kTop, 1 << 20).ok());
  BOOST_TEST(!take(pages, kTop, 0).ok());
}

BOOST_AUTO_TEST_CASE(every_maximum_takes_everything_exactly_once) {
  std::mt19937_64 random(test::seed());
  for (uint64_t max = 1; max <= 600; max += 1 + random() % 40) {
    PageState pages({{0, {{3, 9}, {100, 1}}, {{200, 60}}}, {1, {}, {{0, 100}}}, {7, {{1, 510}}}});
    const uint64_t candidates = (pages->free_pages() - pages->scavenged_pages()).raw;
    uint64_t total = 0;
    PageId below = kTop;
    for (PageRun run = take(pages, below, max); run.ok(); run = take(pages, below, max)) {
      BOOST_TEST_REQUIRE(run.pages.raw <= max);
      BOOST_TEST_REQUIRE(run.page + run.pages <= below);
      pages->give_back(run.page, run.pages, true);
      total += run.pages.raw;
      below = run.page;
    }
    BOOST_TEST(total == candidates);
    BOOST_TEST(pages->scavenged_pages() == pages->free_pages());
    pages.sane();
  }
}

BOOST_AUTO_TEST_CASE(a_granularity_takes_whole_aligned_groups_only) {
  // Free: 0-15, 17-39, 56-63, and 64-191.
  const std::vector<test::ChunkIs> state = {{0, {{16, 1}, {40, 16}, {192, 320}}}};
  const auto groups = [](uint64_t n) { return ReleaseRule{.granularity = PageCount(n)}; };
  {
    PageState pages(state);
    same(take(pages, kTop, 100, groups(16)), at(0, 96), 96, 0);
    same(take(pages, kTop, 100, groups(16)), at(0, 64), 32, 0);
    same(take(pages, kTop, 100, groups(16)), at(0, 0), 16, 0);
    BOOST_TEST(!take(pages, kTop, 100, groups(16)).ok());
  }
  {
    PageState pages(state);
    same(take(pages, kTop, 512, groups(64)), at(0, 64), 128, 0);
    BOOST_TEST(!take(pages, kTop, 512, groups(64)).ok());
    same(take(pages, kTop, 512, groups(8)), at(0, 56), 8, 0);
    same(take(pages, kTop, 512, groups(8)), at(0, 24), 16, 0);
    same(take(pages, kTop, 512, groups(2)), at(0, 18), 6, 0);
    BOOST_TEST(!take(pages, kTop, 1, groups(2)).ok());
  }
  {
    PageState pages(state);
    same(take(pages, at(0, 100), 512, groups(8)), at(0, 56), 40, 0);
  }
}

BOOST_AUTO_TEST_CASE(a_huge_page_that_is_free_as_a_whole_is_not_cut) {
  PageState pages({{2, {kNothing}}});
  same(take(pages, kTop, 8, kHuge), at(2, 256), 256, 0);
  same(take(pages, kTop, 300, kHuge), at(2, 0), 256, 0);
}

BOOST_AUTO_TEST_CASE(a_huge_page_that_is_cut_already_is_taken_in_pieces) {
  PageState pages({{2, {{300, 2}}}});
  // The upper one has pages in use: no reason to take more than was asked.
  same(take(pages, kTop, 8, kHuge), at(2, 504), 8, 0);
  same(take(pages, at(2, 300), 8, kHuge), at(2, 292), 8, 0);
  // Reaching down into the lower one from its end takes all of it.
  same(take(pages, at(2, 292), 40, kHuge), at(2, 0), 292, 0);
}

BOOST_AUTO_TEST_CASE(dense_chunks_are_hidden_when_the_rule_says_so) {
  PageState pages({{0, {{0, 400}}}, {1, {{0, PageAlloc::kDensePages}}}});
  pages->begin_generation();
  same(take(pages, kTop, 512, kSkipDense), at(0, 400), 112, 0);
  BOOST_TEST(!take(pages, kTop, 512, kSkipDense).ok());
  same(take(pages, kTop, 512), at(1, 496), 16, 0);
}

BOOST_AUTO_TEST_CASE(a_chunk_just_below_dense_is_not_hidden) {
  PageState pages({{1, {{0, PageAlloc::kDensePages - 1}}}});
  pages->begin_generation();
  same(take(pages, kTop, 512, kSkipDense), at(1, 495), 17, 0);
}

BOOST_AUTO_TEST_CASE(a_chunk_that_was_dense_stays_hidden_for_the_generation_that_empties_it) {
  PageState pages({{0, {kWhole}}});
  pages->begin_generation();
  pages->free(at(0, 100), PageCount(300));
  BOOST_TEST(!take(pages, kTop, 512, kSkipDense).ok());
  pages->begin_generation();
  same(take(pages, kTop, 512, kSkipDense), at(0, 100), 300, 0);
}

BOOST_AUTO_TEST_CASE(generations_may_wrap) {
  PageState pages({{0, {{0, 500}}}});
  for (int i = 0; i < 200000; i++) {
    pages->begin_generation();
    // Rarely, but always about where 16 bits run out.
    if (i % 1000 != 0 && i % 65536 < 65500 && i % 65536 > 30) continue;
    BOOST_TEST_REQUIRE(pages->is_allocated(at(0)));
    const PageRun run = pages->alloc(PageCount(1));
    pages->free(run.page, run.pages);
    pages.sane();
  }
}

BOOST_AUTO_TEST_CASE(scavenged_bits_are_clear_for_pages_in_use_whatever_happens) {
  PageState pages;
  pages->grow(at(0), PageCount(2 * kChunkPages));
  const PageRun run = pages->alloc(PageCount(700));
  pages->free(run.page, PageCount(100));
  const PageRun out = take(pages, kTop, 512);
  same(out, at(0, 0), 100, 0);
  pages->give_back(out.page, out.pages, true);
  pages.is({{0, {{100, 412}}, {{0, 100}}}, {1, {{0, 188}}, {{188, 324}}}});
}

BOOST_AUTO_TEST_CASE(a_chunk_that_is_free_and_released_can_be_taken_as_a_whole) {
  PageState pages({{0, {}, {{0, 511}}},                      // one page holds memory
                   {1, {{300, 1}}, {{0, 300}, {301, 211}}},  // one is in use
                   {2, {}, {kWhole}},
                   {4, {}, {kWhole}}});
  for (const PageId page : {at(0), at(0, 511), at(1, 7), at(3), at(15), at(3, 511)}) {
    BOOST_TEST(!pages->take_free_chunk(page).ok());
  }
  same(pages->take_free_chunk(at(2, 100)), at(2), 512, 512);
  BOOST_TEST(pages->is_allocated(at(2)));
  BOOST_TEST(pages->is_allocated(at(2, 511)));
  BOOST_TEST(!pages->take_free_chunk(at(2)).ok());
  pages.is({{0, {}, {{0, 511}}},
            {1, {{300, 1}}, {{0, 300}, {301, 211}}},
            {2, {kWhole}},
            {4, {}, {kWhole}}});
  pages->give_back(at(2), PageCount(512), true);
  pages.is({{0, {}, {{0, 511}}},
            {1, {{300, 1}}, {{0, 300}, {301, 211}}},
            {2, {}, {kWhole}},
            {4, {}, {kWhole}}});
  same(pages->take_free_chunk(at(4, 511)), at(4), 512, 512);
  pages.sane();
}

// Dense, and with memory in all of it.
BOOST_AUTO_TEST_CASE(dense_chunks_are_found_upwards_without_those_that_a_huge_page_would_fill) {
  PageState pages({{0, {{0, 400}}},
                   {1, {kWhole}},
                   {2, {{0, 500}}},
                   {3, {{0, 500}}, {{500, 1}}},
                   {6, {{12, 496}}}});
  PageId next;
  same(pages->find_dense_chunk(at(0), 100, &next), at(1), 512, 0);
  BOOST_TEST(next == at(2));
  same(pages->find_dense_chunk(next, 100, &next), at(2), 512, 0);
  same(pages->find_dense_chunk(next, 100, &next), at(6), 512, 0);
  BOOST_TEST(!pages->find_dense_chunk(next, 100, &next).ok());
  BOOST_TEST(next == at(7));
  // So many are looked at.
  BOOST_TEST(!pages->find_dense_chunk(at(3), 3, &next).ok());
  BOOST_TEST(next == at(6));
  BOOST_TEST(!pages->is_allocated(at(2, 505)));
}

BOOST_AUTO_TEST_SUITE_END()

// Our own bugs end the process. Each misuse runs in a child.
template <class Misuse>
bool aborts(Misuse misuse) {
  const pid_t child = fork();
  if (child == 0) {
    if (freopen("/dev/null", "w", stderr) == nullptr) _exit(1);
    misuse();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

BOOST_AUTO_TEST_SUITE(page_misuse)

BOOST_AUTO_TEST_CASE(growing_twice_or_in_parts_of_chunks_aborts) {
  PageState pages({{1, {kNothing}}});
  BOOST_TEST(aborts([&] { pages->grow(at(1), PageCount(kChunkPages)); }));
  BOOST_TEST(aborts([&] { pages->grow(at(0), PageCount(2 * kChunkPages)); }));
  BOOST_TEST(aborts([&] { pages->grow(at(2), PageCount(100)); }));
  BOOST_TEST(aborts([&] { pages->grow(at(2, 1), PageCount(kChunkPages)); }));
  BOOST_TEST(aborts([&] { pages->grow(at(16), PageCount(kChunkPages)); }));
  BOOST_TEST(!aborts([&] { pages->grow(at(2), PageCount(kChunkPages)); }));
}

BOOST_AUTO_TEST_CASE(freeing_what_is_free_aborts) {
  PageState pages({{1, {kNothing}}});
  BOOST_TEST(aborts([&] { pages->free(at(1), PageCount(1)); }));
  BOOST_TEST(aborts([&] { pages->free(at(0), PageCount(1)); }));
  BOOST_TEST(aborts([&] { pages->free(at(1), PageCount(1000)); }));
  BOOST_TEST(aborts([&] { pages->alloc(PageCount(0)); }));
}

#if defined(ACRE_DEBUG) && ACRE_DEBUG
BOOST_AUTO_TEST_CASE(in_debug_builds_freeing_a_page_twice_aborts_among_others_in_use) {
  PageState pages({{0, {{0, 100}}}, {5, {{0, 100}}}});
  pages->free(at(0, 7), PageCount(1));
  BOOST_TEST(aborts([&] { pages->free(at(0, 7), PageCount(1)); }));
  BOOST_TEST(aborts([&] { pages->free(at(0, 6), PageCount(3)); }));
  BOOST_TEST(aborts([&] { pages->free(at(3), PageCount(1)); }));
  BOOST_TEST(!aborts([&] { pages->free(at(0, 8), PageCount(3)); }));
}
#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
