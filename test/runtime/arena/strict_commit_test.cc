// Where what is writable is charged (vm.overcommit_memory=2, pretended), a heap commits in steps and gives
// the charge back.

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <memory>
#include <vector>

#include "runtime/arena/space.h"
#include "test/runtime/heap/heap_state.h"
#include "test/runtime/os/kernel_view.h"

namespace acre::rt {
namespace {

using test::HeapState;

constexpr uint64_t kStep = kChunkPages * kPageBytes;

TableSizes small_tables(PageCount capacity) {
  return {ByteCount(8192), ByteCount(capacity.raw * 64)};
}

struct Ground {
  FaultPlan faults;
  Os os;
  Space space;

  explicit Ground(uint64_t reserve_bytes = 256 * kMiB, uint64_t max_map_count = 0) {
    faults.pretend_strict_overcommit();
    faults.pretend_max_map_count(max_map_count);
    os.init(&faults);
    BOOST_REQUIRE_EQUAL(
        space.init(&os, ByteCount(reserve_bytes), ACRE_HUGE_PAGES_AUTO, &small_tables), ACRE_OK);
  }
  ~Ground() { BOOST_CHECK(space.destroy()); }

  uint64_t committed() const { return os.counters().committed.raw; }
  void map(uint64_t arenas) {
    PageId first;
    BOOST_REQUIRE(space.map_arenas(arenas, false, &first));
  }
};

PageId chunk(uint64_t n) { return PageId(n * kChunkPages); }

BOOST_AUTO_TEST_SUITE(strict_commit)

BOOST_AUTO_TEST_CASE(an_empty_space_is_charged_little_and_no_arena_when_it_is_mapped) {
  auto g = std::make_unique<Ground>();
  BOOST_TEST(g->os.strict());
  BOOST_TEST(g->committed() <= 64 * kKiB);
  const uint64_t before = g->committed();
  g->map(1);
  // Page table, bits and spans of one arena: exactly.
  constexpr uint64_t kBooks = kArenaPages * (sizeof(PageTableWord) + 2 * kGranulesPerPage / 8 + 64);
  BOOST_TEST(g->committed() == before + kBooks);
  g->map(2);
  BOOST_TEST(g->committed() == before + 3 * kBooks);
  // They work.
  const PageId last(3 * kArenaPages - 1);
  g->space.set_page_entry(last, PageEntry::make(PageState::kSmall, 1, 2, last));
  g->space.mark_words()[3 * kArenaBytes / kGranuleBytes / 64 - 1].store(1);
  std::memset(g->space.span_table(), 1, 3 * kArenaPages * 64);
  BOOST_TEST(g->space.page_entry(last).in_span());
}

BOOST_AUTO_TEST_CASE(pages_are_charged_by_four_mebibytes_when_they_are_taken) {
  auto g = std::make_unique<Ground>();
  g->map(2);
  const uint64_t before = g->committed();
  const auto steps = [&] { return (g->committed() - before) / kStep; };
  BOOST_TEST(g->space.commit_pages(PageId(3), PageCount(1)));
  BOOST_TEST(steps() == 1u);
  BOOST_TEST(g->space.commit_pages(PageId(4), PageCount(508)));
  BOOST_TEST(steps() == 1u);
  BOOST_TEST(g->space.commit_pages(PageId(511), PageCount(2)));
  BOOST_TEST(steps() == 2u);
  BOOST_TEST(g->space.commit_pages(chunk(5), PageCount(3 * kChunkPages)));
  BOOST_TEST(steps() == 5u);
  BOOST_TEST((g->committed() - before) % kStep == 0u);
  std::memset(g->space.address(chunk(5)).as<void>(), 1, 3 * kStep);
  g->os.check();
}

BOOST_AUTO_TEST_CASE(a_chunk_that_goes_back_takes_its_charge_and_its_content_with_it) {
  auto g = std::make_unique<Ground>();
  g->map(1);
  const uint64_t before = g->committed();
  BOOST_REQUIRE(g->space.commit_pages(chunk(0), PageCount(4 * kChunkPages)));
  std::memset(g->space.address(chunk(0)).as<void>(), 7, 4 * kStep);
  BOOST_TEST(g->space.decommit_chunk(chunk(1)));
  BOOST_TEST(g->committed() == before + 3 * kStep);
  BOOST_TEST(!g->space.decommit_chunk(chunk(1)));
  BOOST_TEST(!g->space.decommit_chunk(chunk(9)));
  BOOST_TEST(*(g->space.address(chunk(2)) - ByteCount(0)).as<char>() == 7);
  BOOST_TEST(*(g->space.address(chunk(1)) - ByteCount(1)).as<char>() == 7);
  BOOST_TEST(g->space.commit_pages(chunk(1) + PageCount(17), PageCount(1)));
  BOOST_TEST(g->committed() == before + 4 * kStep);
  BOOST_TEST(*(g->space.address(chunk(1)) + ByteCount(kStep / 2)).as<char>() == 0);
  for (uint64_t i = 0; i < 4; ++i) BOOST_TEST(g->space.decommit_chunk(chunk(i)));
  BOOST_TEST(g->committed() == before);
}

BOOST_AUTO_TEST_CASE(meta_memory_is_charged_in_steps) {
  auto g = std::make_unique<Ground>();
  const uint64_t before = g->committed();
  uint64_t taken = 0;
  while (void* memory = g->space.meta_alloc(ByteCount(300 * kKiB), 64)) {
    std::memset(memory, 1, 300 * kKiB);
    taken += 300 * kKiB;
    BOOST_TEST_REQUIRE(g->committed() - before >= taken);
    BOOST_TEST_REQUIRE(g->committed() - before < taken + kStep);
  }
  BOOST_TEST(taken > 60 * kMiB);
}

BOOST_AUTO_TEST_CASE(any_refused_commit_leaves_the_space_usable) {
  for (uint64_t nth = 1; nth <= 3; ++nth) {
    auto g = std::make_unique<Ground>();
    g->faults.fail(OsCall::kCommit, nth);
    PageId first;
    BOOST_TEST(!g->space.map_arenas(1, false, &first));
    BOOST_TEST(g->space.mapped().raw == 0u);
    BOOST_TEST(g->space.map_arenas(1, false, &first));
    BOOST_TEST(first.raw == 0u);
    g->space.set_page_entry(PageId(kArenaPages - 1), PageEntry{});
    g->faults.fail(OsCall::kCommit, nth);
    BOOST_TEST(!g->space.commit_pages(chunk(0), PageCount(3 * kChunkPages)));
    BOOST_TEST(g->space.commit_pages(chunk(0), PageCount(3 * kChunkPages)));
    std::memset(g->space.address(chunk(0)).as<void>(), 1, 3 * kStep);
    g->faults.fail(OsCall::kCommit, 1);
    BOOST_TEST(g->space.meta_alloc(ByteCount(kMiB), 8) == nullptr);
    BOOST_TEST(g->space.meta_used().raw == 0u);
    void* memory = g->space.meta_alloc(ByteCount(kMiB), 8);
    BOOST_REQUIRE(memory != nullptr);
    std::memset(memory, 1, kMiB);
    g->faults.fail(OsCall::kDecommit, 1);
    BOOST_TEST(!g->space.decommit_chunk(chunk(1)));
    BOOST_TEST(*g->space.address(chunk(1)).as<char>() == 1);
    BOOST_TEST(g->space.decommit_chunk(chunk(1)));
  }
}

BOOST_AUTO_TEST_CASE(near_the_limit_of_vmas_no_holes_are_made) {
  auto g = std::make_unique<Ground>(256 * kMiB, 10);
  g->map(4);
  const uint64_t chunks = 4 * kArenaPages / kChunkPages;
  BOOST_REQUIRE(g->space.commit_pages(chunk(0), PageCount(4 * kArenaPages)));
  const uint64_t vmas = g->os.counters().vmas;
  for (uint64_t i = 0; i < chunks; i += 2) BOOST_TEST(!g->space.decommit_chunk(chunk(i)));
  BOOST_TEST(g->os.counters().vmas == vmas);
  BOOST_TEST(vmas <= 14u);
  *g->space.address(chunk(2)).as<char>() = 1;
}

// With more chunks than the books have places, holes must not use up what a commit needs.
BOOST_AUTO_TEST_CASE(holes_never_keep_a_chunk_or_records_from_being_committed) {
  auto g = std::make_unique<Ground>(8 * kGiB);
  constexpr uint64_t kArenas = 80;
  constexpr uint64_t kChunks = kArenas * kArenaPages / kChunkPages;
  g->map(kArenas);
  BOOST_REQUIRE(g->space.commit_pages(chunk(0), PageCount(kArenas * kArenaPages)));
  uint64_t holes = 0;
  for (uint64_t i = 0; i < kChunks; i += 2) holes += g->space.decommit_chunk(chunk(i)) ? 1 : 0;
  BOOST_TEST(holes > 400u);
  BOOST_TEST(g->space.meta_alloc(ByteCount(kMiB), 8) != nullptr);
  g->map(1);
  BOOST_TEST(g->space.commit_pages(chunk(kChunks + 3), PageCount(1)));
  for (uint64_t i = 0; i < kChunks; i += 2) {
    BOOST_TEST_REQUIRE(g->space.commit_pages(chunk(i), PageCount(1)));
  }
  BOOST_TEST(g->os.counters().vmas < 20u);
  g->os.check();
}

BOOST_AUTO_TEST_SUITE_END()

// The same by the page heap.
BOOST_AUTO_TEST_SUITE(strict_heap)

SpanRequest large(uint64_t pages) {
  return {.pages = PageCount(pages), .size_class = kLargeClass, .kind = 1, .sweep_gen = 0};
}

BOOST_AUTO_TEST_CASE(the_charge_follows_what_is_in_use) {
  FaultPlan faults;
  faults.pretend_strict_overcommit();
  HeapState heap(256 * kMiB, &faults);
  PageCache cache;
  Span* first = heap->pages.alloc_span(large(16), cache);
  BOOST_REQUIRE(first != nullptr);
  const uint64_t before = heap->os.counters().committed.raw;
  std::vector<Span*> spans;
  for (uint64_t i = 1; i <= 12; ++i) {
    spans.push_back(heap->pages.alloc_span(large(kChunkPages), cache));
    BOOST_REQUIRE(spans.back() != nullptr);
    std::memset(spans.back()->start(heap->space).as<void>(), 1, kStep);
    BOOST_TEST(heap->os.counters().committed.raw == before + i * kStep);
  }
  for (Span* span : spans) heap->pages.free_span(*span);
  BOOST_TEST(heap->os.counters().committed.raw == before + 12 * kStep);
  (void)heap->pages.retention().release_all();
  // The last of them had a part of the first chunk.
  BOOST_TEST(heap->os.counters().committed.raw <= before + kStep);
  BOOST_TEST(heap->os.counters().committed.raw >= before);
  BOOST_TEST(heap.complaints() == "");
  heap->pages.free_span(*first);
  (void)heap->pages.retention().release_all();
  BOOST_TEST(heap->os.counters().committed.raw == before - kStep);
  Span* again = heap->pages.alloc_span(large(2000), cache);
  BOOST_REQUIRE(again != nullptr);
  BOOST_TEST(again->known_zero);
  BOOST_TEST(*again->start(heap->space).as<char>() == 0);
  BOOST_TEST(heap->os.counters().calls_under_lock == 0u);
  heap->os.check();
}

BOOST_AUTO_TEST_CASE(whichever_commit_is_refused_the_heap_goes_on) {
  for (uint64_t nth = 1; nth <= 12; ++nth) {
    FaultPlan faults;
    faults.pretend_strict_overcommit();
    HeapState heap(128 * kMiB, &faults);
    PageCache cache;
    faults.fail(OsCall::kCommit, nth);
    uint64_t refused = 0;
    uint64_t in_use = 0;
    std::vector<Span*> spans;
    for (const uint64_t pages : {1, 700, 3, 1600, 20, 2000}) {
      Span* span = heap->pages.alloc_span(large(pages), cache);
      if (span == nullptr) {
        ++refused;
        BOOST_TEST(heap->pages.pages_in_use().raw == in_use);
        span = heap->pages.alloc_span(large(pages), cache);
      }
      BOOST_REQUIRE(span != nullptr);
      std::memset(span->start(heap->space).as<void>(), 1, span->size().raw);
      in_use += pages;
      spans.push_back(span);
    }
    BOOST_TEST(refused == 1u);
    heap->pages.flush_cache(cache);
    BOOST_TEST(heap.complaints() == "");
    for (Span* span : spans) heap->pages.free_span(*span);
    (void)heap->pages.retention().release_all();
    BOOST_TEST(heap->pages.retention().retained().raw == 0u);
    BOOST_TEST(heap.complaints() == "");
  }
}

BOOST_AUTO_TEST_CASE(holes_come_and_go_and_the_books_are_the_kernels) {
  FaultPlan faults;
  faults.pretend_strict_overcommit();
  HeapState heap(256 * kMiB, &faults);
  PageCache cache;
  std::vector<Span*> spans;
  for (int i = 0; i < 40; ++i) {
    spans.push_back(heap->pages.alloc_span(large(kChunkPages), cache));
    BOOST_REQUIRE(spans.back() != nullptr);
    *spans.back()->start(heap->space).as<char>() = 1;
  }
  const uint64_t vmas = heap->os.counters().vmas;
  for (size_t i = 0; i < spans.size(); i += 2) heap->pages.free_span(*spans[i]);
  (void)heap->pages.retention().release_all();
  BOOST_TEST(heap->os.counters().vmas > vmas + 30);
  BOOST_TEST(heap->os.counters().vmas <= vmas + 40);
  heap->os.check();
  // Of the arenas alone the kernel sees what is committed there.
  const test::KernelView view = test::kernel_view(heap->space.base(), heap->space.mapped());
  BOOST_TEST(view.writable.raw == 20 * kStep);
  for (size_t i = 0; i < spans.size(); i += 2) {
    spans[i] = heap->pages.alloc_span(large(kChunkPages), cache);
    BOOST_REQUIRE(spans[i] != nullptr);
    *spans[i]->start(heap->space).as<char>() = 1;
  }
  BOOST_TEST(heap->os.counters().vmas <= vmas);
  BOOST_TEST(heap.complaints() == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
