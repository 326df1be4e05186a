#include "runtime/page/page_alloc.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <string>
#include <vector>

#include "test/runtime/page/page_oracle.h"
#include "test/runtime/page/page_state.h"

namespace acre::rt {
namespace {

using test::at;
using test::kLarge;
using test::kSmall;
using test::kWhole;
using test::PageOracle;
using test::PageState;
using test::same;

PageCount chunks(uint64_t n) { return PageCount(n * kChunkPages); }

BOOST_AUTO_TEST_SUITE(page_alloc_growth)

BOOST_AUTO_TEST_CASE(before_it_grows_there_is_nothing) {
  PageState pages;
  BOOST_TEST(pages->capacity() == kSmall);
  BOOST_TEST(!pages->alloc(PageCount(1)).ok());
  BOOST_TEST(!pages->alloc_aligned(PageCount(1), PageCount(16)).ok());
  BOOST_TEST(!pages->take_for_release(PageId(kMinCapacityPages), PageCount(8)).ok());
  BOOST_TEST(!pages->is_allocated(PageId(0)));
  BOOST_TEST(!pages->is_scavenged(PageId(0)));
  pages.is({});
}

BOOST_AUTO_TEST_CASE(contiguous_growth_extends_the_bounds) {
  PageState pages;
  pages->grow(at(1), chunks(1));
  BOOST_TEST(pages->lowest() == at(1));
  BOOST_TEST(pages->highest() == at(2));
  pages->grow(at(2), chunks(2));
  BOOST_TEST(pages->lowest() == at(1));
  BOOST_TEST(pages->highest() == at(4));
  pages->grow(at(0), chunks(1));
  BOOST_TEST(pages->lowest() == at(0));
  pages.is({{0, {}, {kWhole}}, {1, {}, {kWhole}}, {2, {}, {kWhole}}, {3, {}, {kWhole}}});
}

BOOST_AUTO_TEST_CASE(scattered_growth_leaves_the_holes_alone) {
  PageState pages;
  pages->grow(at(9), chunks(1));
  pages->grow(at(2), chunks(2));
  pages->grow(at(15), chunks(1));
  BOOST_TEST(pages->lowest() == at(2));
  BOOST_TEST(pages->highest() == at(16));
  BOOST_TEST(!pages->is_allocated(at(5)));
  pages.is({{2, {}, {kWhole}}, {3, {}, {kWhole}}, {9, {}, {kWhole}}, {15, {}, {kWhole}}});
  // A hole is not bridged: 2 and 3 are neighbours, 9 and 15 are not.
  same(pages->alloc(chunks(2)), at(2), 1024, 1024);
  BOOST_TEST(!pages->alloc(PageCount(513)).ok());
  same(pages->alloc(chunks(1)), at(9), 512, 512);
  same(pages->alloc(chunks(1)), at(15), 512, 512);
  BOOST_TEST(!pages->alloc(PageCount(1)).ok());
  pages.is({{2, {kWhole}}, {3, {kWhole}}, {9, {kWhole}}, {15, {kWhole}}});
}

BOOST_AUTO_TEST_CASE(what_grows_below_is_allocated_first) {
  PageState pages;
  pages->grow(at(8), chunks(1));
  same(pages->alloc(PageCount(3)), at(8), 3, 3);
  pages->grow(at(4), chunks(1));
  same(pages->alloc(PageCount(3)), at(4), 3, 3);
  same(pages->alloc(PageCount(509)), at(4, 3), 509, 509);
  same(pages->alloc(PageCount(1)), at(8, 3), 1, 1);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(page_alloc_alloc)

BOOST_AUTO_TEST_CASE(sizes_up_to_several_chunks_are_the_lowest_fit) {
  for (const uint64_t n : {1, 2, 5, 63, 64, 65, 511, 512, 513, 1024, 1025, 2048}) {
    PageState pages({{0, {}, {}}, {1, {}, {}}, {2, {}, {}}, {3, {}, {}}});
    for (uint64_t i = 0; i < 2048 / n; i++) same(pages->alloc(PageCount(n)), PageId(i * n), n, 0);
    BOOST_TEST(!pages->alloc(PageCount(n)).ok());
    BOOST_TEST(pages->free_pages().raw == 2048 % n);
    pages.sane();
  }
}

BOOST_AUTO_TEST_CASE(an_exhausted_heap_gave_every_page_once_in_order) {
  PageState pages;
  pages->grow(at(0), PageCount(kMinCapacityPages));
  for (uint64_t i = 0; i < kMinCapacityPages; i++) {
    const PageRun run = pages->alloc(PageCount(1));
    BOOST_TEST_REQUIRE(run.page == PageId(i));
    BOOST_TEST_REQUIRE(run.scavenged.raw == 1ULL);
  }
  BOOST_TEST(!pages->alloc(PageCount(1)).ok());
  BOOST_TEST(pages->free_pages().raw == 0ULL);
  pages.sane();
}

BOOST_AUTO_TEST_CASE(a_fit_reports_how_many_of_its_pages_were_scavenged) {
  PageState pages({{0, {{0, 10}}, {{12, 4}, {30, 482}}}, {1, {}, {{0, 7}, {500, 12}}}});
  same(pages->alloc(PageCount(2)), at(0, 10), 2, 0);
  same(pages->alloc(PageCount(3)), at(0, 12), 3, 3);
  same(pages->alloc(PageCount(20)), at(0, 15), 20, 6);
  same(pages->alloc(PageCount(477 + 100)), at(0, 35), 577, 484);
  pages.is({{0, {kWhole}}, {1, {{0, 100}}, {{500, 12}}}});
}

BOOST_AUTO_TEST_CASE(a_run_over_the_edge_of_a_chunk_is_found) {
  PageState pages({{0, {{0, 511}}}, {1, {{1, 510}}}, {2, {{511, 1}}}});
  same(pages->alloc(PageCount(3)), at(1, 511), 3, 0);
  same(pages->alloc(PageCount(2)), at(0, 511), 2, 0);
  same(pages->alloc(PageCount(509)), at(2, 2), 509, 0);
  BOOST_TEST(!pages->alloc(PageCount(1)).ok());
}

BOOST_AUTO_TEST_CASE(a_run_over_whole_chunks_between_two_edges_is_found) {
  PageState pages({{6, {{0, 512}}},
                   {7, {{0, 400}, {410, 2}}},
                   {8, {}},
                   {9, {}},
                   {10, {{50, 462}}},
                   {11, {}},
                   {12, {}},
                   {13, {}}});
  same(pages->alloc(PageCount(100 + 1024 + 51)), at(11), 1175, 0);
  same(pages->alloc(PageCount(100 + 1024 + 50)), at(7, 412), 1174, 0);
  same(pages->alloc(PageCount(11)), at(13, 151), 11, 0);
  same(pages->alloc(PageCount(10)), at(7, 400), 10, 0);
  pages.sane();
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_leaves_the_heap_as_it_was) {
  const std::vector<test::ChunkIs> state = {{0, {{100, 1}}, {{0, 50}}}, {3, {{0, 1}}, {{7, 7}}}};
  PageState pages(state);
  for (const uint64_t n : {512ULL, 513ULL, 8192ULL, 1ULL << 26, 1ULL << 40}) {
    BOOST_TEST(!pages->alloc(PageCount(n)).ok());
    BOOST_TEST(!pages->alloc_aligned(PageCount(n), PageCount(2)).ok());
    pages.is(state);
  }
  same(pages->alloc(PageCount(511)), at(3, 1), 511, 7);
}

BOOST_AUTO_TEST_CASE(large_requests_do_not_hide_small_holes_from_later_ones) {
  PageState pages({{0, {{1, 511}}}, {1, {{0, 511}}}, {2, {}}, {3, {}}});
  same(pages->alloc(PageCount(600)), at(1, 511), 600, 0);
  same(pages->alloc(PageCount(300)), at(3, 87), 300, 0);
  same(pages->alloc(PageCount(1)), at(0, 0), 1, 0);
  same(pages->alloc(PageCount(1)), at(3, 387), 1, 0);
}

BOOST_AUTO_TEST_CASE(the_hint_follows_the_first_free_page) {
  // The first free page is far above the hint: in a chunk, at its start, and at the start of an entry
  // of a higher level.
  for (const PageId first : {at(0, 77), at(3, 5), at(5), at(8), at(9, 1)}) {
    PageState pages;
    pages->grow(at(0), chunks(16));
    same(pages->alloc(chunks(10)), at(0), 5120, 5120);
    pages->free(at(0), PageCount(1));
    pages->free(first, PageCount(2));
    same(pages->alloc(PageCount(1)), at(0), 1, 0);
    BOOST_TEST(pages->hint() == at(0, 1));
    same(pages->alloc(PageCount(1)), first, 1, 0);
    BOOST_TEST(pages->hint() == first + PageCount(1));
    same(pages->alloc(PageCount(1)), first + PageCount(1), 1, 0);
    same(pages->alloc(PageCount(5)), at(10), 5, 5);
    BOOST_TEST(pages->hint() == at(10, 5));
  }
}

BOOST_AUTO_TEST_CASE(the_hint_ends_above_a_full_heap) {
  PageState pages({{0, {kWhole}}, {3, {kWhole}}});
  BOOST_TEST(!pages->alloc(PageCount(1)).ok());
  BOOST_TEST(pages->hint() >= pages->highest());
  pages->free(at(0, 9), PageCount(1));
  BOOST_TEST(pages->hint() == at(0, 9));
  BOOST_TEST(!pages->alloc(PageCount(2)).ok());
  BOOST_TEST(pages->hint() <= at(0, 9));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(page_alloc_aligned)

BOOST_AUTO_TEST_CASE(the_lowest_aligned_fit_leaves_the_trimmings_as_they_were) {
  PageState pages({{0, {{0, 3}}, {{3, 20}}}, {1, {}, {kWhole}}});
  same(pages->alloc_aligned(PageCount(4), PageCount(16)), at(0, 16), 4, 4);
  pages.is({{0, {{0, 3}, {16, 4}}, {{3, 13}, {20, 3}}}, {1, {}, {kWhole}}});
  same(pages->alloc_aligned(PageCount(600), PageCount(128)), at(0, 128), 600, 216);
  same(pages->alloc(PageCount(13)), at(0, 3), 13, 13);
}

BOOST_AUTO_TEST_CASE(an_aligned_hole_of_the_exact_size_is_enough) {
  PageState pages({{0, {{0, 65}, {127, 1}, {136, 376}}}});
  same(pages->alloc_aligned(PageCount(8), PageCount(128)), at(0, 128), 8, 0);
  BOOST_TEST(!pages->alloc_aligned(PageCount(1), PageCount(128)).ok());
  same(pages->alloc_aligned(PageCount(1), PageCount(1)), at(0, 65), 1, 0);
}

BOOST_AUTO_TEST_CASE(alignments_beyond_a_chunk_count_from_the_start_of_the_range) {
  PageState pages;
  pages->grow(at(1), chunks(15));
  same(pages->alloc_aligned(PageCount(1), chunks(4)), at(4), 1, 1);
  same(pages->alloc_aligned(chunks(2), chunks(2)), at(2), 1024, 1024);
  same(pages->alloc_aligned(PageCount(1), chunks(8)), at(8), 1, 1);
  BOOST_TEST(!pages->alloc_aligned(PageCount(1), chunks(16)).ok());
  BOOST_TEST(!pages->alloc_aligned(PageCount(1), PageCount(1ULL << 40)).ok());
  pages.sane();
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(page_alloc_free)

BOOST_AUTO_TEST_CASE(freeing_restores_bits_and_sets_no_scavenged_ones) {
  PageState pages;
  pages->grow(at(0), chunks(4));
  same(pages->alloc(chunks(4)), at(0), 2048, 2048);
  pages->free(at(0, 5), PageCount(1));
  pages->free(at(0, 64), PageCount(64));
  pages->free(at(1, 500), PageCount(30));
  pages->free(at(3), chunks(1));
  pages.is({{0, {{0, 5}, {6, 58}, {128, 384}}}, {1, {{0, 500}}}, {2, {{18, 494}}}, {3, {}}});
  pages->free(at(0, 128), PageCount(884));
  pages->free(at(2, 18), PageCount(494));
  pages.is({{0, {{0, 5}, {6, 58}}}, {1, {}}, {2, {}}, {3, {}}});
}

BOOST_AUTO_TEST_CASE(round_trips_return_the_same_addresses) {
  for (const uint64_t n : {1, 2, 7, 64, 65, 300, 512, 700, 1536}) {
    PageState pages;
    pages->grow(at(2), chunks(4));
    std::vector<PageRun> first;
    for (PageRun run = pages->alloc(PageCount(n)); run.ok(); run = pages->alloc(PageCount(n))) {
      first.push_back(run);
    }
    BOOST_TEST(first.size() == 2048 / n);
    // Back in an order that is neither up nor down.
    for (size_t i = 0; i < first.size(); i += 2) pages->free(first[i].page, PageCount(n));
    for (size_t i = 1; i < first.size(); i += 2) pages->free(first[i].page, PageCount(n));
    for (const PageRun& run : first) same(pages->alloc(PageCount(n)), run.page, n, 0);
    pages.sane();
  }
}

BOOST_AUTO_TEST_CASE(a_page_freed_below_is_the_next_one_given) {
  PageState pages;
  pages->grow(at(0), chunks(16));
  same(pages->alloc(chunks(12)), at(0), 12 * 512, 12 * 512);
  pages->free(at(11, 3), PageCount(1));
  pages->free(at(2, 8), PageCount(2));
  same(pages->alloc(PageCount(1)), at(2, 8), 1, 0);
  same(pages->alloc(PageCount(2)), at(12), 2, 2);
  same(pages->alloc(PageCount(1)), at(2, 9), 1, 0);
  same(pages->alloc(PageCount(1)), at(11, 3), 1, 0);
  same(pages->alloc(PageCount(1)), at(12, 2), 1, 1);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(page_alloc_large)

BOOST_AUTO_TEST_CASE(a_range_of_512_gib_costs_only_what_is_used) {
  PageState pages(kLarge);
  const uint64_t last_arena = kMaxCapacityPages - kArenaPages;
  for (const uint64_t base : {uint64_t{0}, uint64_t{5} << 21, last_arena}) {
    pages->grow(PageId(base), PageCount(kArenaPages));
  }
  BOOST_TEST(pages->highest() == PageId(kMaxCapacityPages));
  for (uint64_t i = 0; i < 3 * kArenaPages; i++) {
    BOOST_TEST_REQUIRE(pages->alloc(PageCount(1)).ok());
  }
  BOOST_TEST(!pages->alloc(PageCount(1)).ok());
  pages->free(PageId(last_arena + 7000), PageCount(1000));
  pages->free(PageId((uint64_t{5} << 21) + 100), PageCount(500));
  same(pages->alloc(PageCount(501)), PageId(last_arena + 7000), 501, 0);
  const PageRun out = pages->take_for_release(pages->highest(), PageCount(512));
  same(out, PageId(last_arena + 7680), 320, 0);
  pages->give_back(out.page, out.pages, true);
  same(pages->take_for_release(PageId(last_arena), PageCount(512)), PageId((5ULL << 21) + 512), 88,
       0);
  BOOST_TEST(pages.tables().resident_bytes() <= 256 * kKiB);
  pages.sane();
}

BOOST_AUTO_TEST_CASE(init_touches_none_of_the_tables) {
  PageState pages(kLarge);
  BOOST_TEST(pages.tables().bytes() > 16 * kMiB);
  BOOST_TEST(pages.tables().resident_bytes() == 0ULL);
}

BOOST_AUTO_TEST_CASE(the_whole_range_can_be_one_run) {
  PageState pages(kLarge);
  pages->grow(PageId(0), kLarge);
  same(pages->alloc(kLarge), PageId(0), kMaxCapacityPages, kMaxCapacityPages);
  BOOST_TEST(!pages->alloc(PageCount(1)).ok());
  // Runs of more pages than one entry of the top level has, off its edges.
  const PageCount big((uint64_t{3} << 21) + 5);
  pages->free(PageId((uint64_t{7} << 21) - 3), big);
  BOOST_TEST(!pages->alloc(big + PageCount(1)).ok());
  same(pages->alloc(big - PageCount(1)), PageId((uint64_t{7} << 21) - 3), big.raw - 1, 0);
  pages->free(PageId(kMaxCapacityPages - 1), PageCount(1));
  same(pages->alloc(PageCount(1)), PageId((uint64_t{10} << 21) + 1), 1, 0);
  same(pages->alloc(PageCount(1)), PageId(kMaxCapacityPages - 1), 1, 0);
  BOOST_TEST(pages->free_pages().raw == 0ULL);
}

BOOST_AUTO_TEST_CASE(every_capacity_from_64_mib_to_512_gib_works_to_its_end) {
  for (uint64_t capacity = kMinCapacityPages; capacity <= kMaxCapacityPages; capacity *= 2) {
    PageState pages((PageCount(capacity)));
    const PageId last(capacity - kChunkPages);
    pages->grow(last, chunks(1));
    same(pages->alloc(PageCount(500)), last, 500, 500);
    same(pages->alloc(PageCount(12)), last + PageCount(500), 12, 12);
    BOOST_TEST(!pages->alloc(PageCount(1)).ok());
    pages->free(last + PageCount(511), PageCount(1));
    same(pages->take_for_release(PageId(capacity), PageCount(9)), last + PageCount(511), 1, 0);
    pages.sane();
  }
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(page_alloc_check)

// What check() says after something was changed behind the allocator's back.
template <class Change>
std::string complaint(Change change) {
  PageState pages({{0, {{0, 100}}, {{200, 50}}}, {1, {kWhole}}, {2, {}, {kWhole}}});
  PageTables tables = PageTables::carve(pages.tables().get(), kSmall);
  change(pages, tables);
  std::string text;
  BOOST_TEST(!pages->check(test::report_to_string, &text));
  BOOST_TEST(!pages->check(nullptr, nullptr));
  return text;
}

bool has(const std::string& text, const char* part) {
  BOOST_TEST_INFO(text);
  return text.find(part) != std::string::npos;
}

BOOST_AUTO_TEST_CASE(check_finds_each_invariant_that_is_broken) {
  BOOST_TEST(has(complaint([](PageState&, PageTables& t) { t.chunks[0].free.clear(210, 1); }),
                 "scavenged pages are free"));
  BOOST_TEST(has(complaint([](PageState&, PageTables& t) { t.level[kLeafLevel][0] = {}; }),
                 "a chunk's summary equals a recount"));
  BOOST_TEST(has(complaint([](PageState&, PageTables& t) { t.chunks[0].free.set(50, 1); }),
                 "free_pages equals a recount"));
  BOOST_TEST(has(complaint([](PageState&, PageTables& t) { t.chunks[0].scavenged.set(150, 1); }),
                 "scavenged_pages equals a recount"));
  BOOST_TEST(has(complaint([](PageState&, PageTables& t) { t.states[1].in_use--; }),
                 "in_use equals a recount"));
  BOOST_TEST(has(complaint([](PageState&, PageTables& t) { t.states[2].scavenged--; }),
                 "a chunk's scavenged count equals a recount"));
  BOOST_TEST(has(complaint([](PageState&, PageTables& t) { t.states[2] = ChunkState{}; }),
                 "a chunk that was never grown has no free page"));
  BOOST_TEST(has(complaint([](PageState&, PageTables& t) { t.states[2] = ChunkState{}; }),
                 "grown_pages equals a recount"));
  BOOST_TEST(has(complaint([](PageState&, PageTables& t) { t.candidates.insert(2); }),
                 "a chunk is in the candidate set"));
  BOOST_TEST(has(complaint([](PageState&, PageTables& t) { t.candidates.remove(0); }),
                 "a chunk is in the candidate set"));
  for (unsigned level = 0; level < kLeafLevel; level++) {
    BOOST_TEST(has(complaint([level](PageState&, PageTables& t) { t.level[level][0] = {}; }),
                   "a summary equals the merge of its children"));
  }
  // The hint stands above pages 100 and 200 when the bits of a full chunk below it change.
  BOOST_TEST(has(complaint([](PageState& pages, PageTables& t) {
                   same(pages->alloc(PageCount(412)), at(0, 100), 412, 50);
                   t.chunks[0].free.set(100, 1);
                 }),
                 "no page below the hint is free"));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(page_alloc_oracle)

struct Load {
  const char* name;
  PageCount capacity;
  uint64_t max_run;  // pages of an allocation
  uint64_t chunks;   // grown at a time
  int steps;
  int check_every;
};

void run_against_oracle(const Load& load) {
  std::mt19937_64 random(test::seed());
  PageState pages(load.capacity);
  PageOracle oracle(load.capacity);
  test::RandomUse use(*pages, oracle, random, load.max_run, load.chunks);
  for (int step = 0; step < load.steps; step++) {
    BOOST_TEST_CONTEXT(load.name << ", step " << step) {
      use.step();
      if (step % load.check_every == 0) {
        pages.sane();
        use.compare_all();
      }
    }
  }
  use.release_caches();
  pages.sane();
  use.compare_all();
}

BOOST_AUTO_TEST_CASE(small_runs_in_a_small_heap_equal_the_oracle) {
  run_against_oracle({"small", kSmall, 20, 1, 6000, 1});
}

BOOST_AUTO_TEST_CASE(runs_of_several_chunks_equal_the_oracle) {
  run_against_oracle({"middle", PageCount(1 << 14), 1500, 2, 6000, 5});
}

BOOST_AUTO_TEST_CASE(runs_of_many_chunks_equal_the_oracle) {
  run_against_oracle({"large", PageCount(1 << 18), 60000, 40, 1500, 50});
}

BOOST_AUTO_TEST_CASE(runs_over_several_entries_of_the_top_level_equal_the_oracle) {
  run_against_oracle({"huge", PageCount(1 << 24), 5000000, 3000, 60, 30});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
