#include "runtime/heap/page_heap.h"

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <random>
#include <vector>

#include "test/runtime/base/random_seed.h"
#include "test/runtime/heap/heap_state.h"

namespace acre::rt {
namespace {

using acre::test::random_seed;
using test::HeapState;

SpanRequest large(uint64_t pages, uint64_t align = 1) {
  return {.pages = PageCount(pages),
          .align = PageCount(align),
          .size_class = kLargeClass,
          .kind = 1,
          .sweep_gen = 0};
}

SpanRequest small(uint8_t size_class) {
  return {.pages = PageCount(kClasses[size_class].pages),
          .size_class = size_class,
          .kind = 3,
          .sweep_gen = 0};
}

bool is_zero(const Space& space, const Span& span) {
  const auto* words = span.start(space).as<const uint64_t>();
  for (uint64_t i = 0; i < span.size().raw / 8; ++i) {
    if (words[i] != 0) return false;
  }
  return true;
}

BOOST_AUTO_TEST_SUITE(page_heap)

BOOST_AUTO_TEST_CASE(a_spans_pages_all_lead_to_it) {
  HeapState heap;
  PageCache cache;
  Span* span = heap->pages.alloc_span(small(class_for(27264)), cache);
  BOOST_REQUIRE(span != nullptr);
  BOOST_TEST(span->page_count == 10);
  BOOST_TEST(span->in_use);
  for (uint64_t i = 0; i < 10; ++i) {
    const PageEntry entry = heap->space.page_entry(span->first_page() + PageCount(i));
    BOOST_TEST((entry.state() == PageState::kSmall));
    BOOST_TEST(entry.start().raw == span->start_page);
    BOOST_TEST(int{entry.kind()} == 3);
    BOOST_TEST(entry.size_class() == class_for(27264));
  }
  BOOST_TEST(!heap->space.page_entry(span->first_page() + PageCount(10)).in_span());
  BOOST_TEST(heap->pages.pages_in_use().raw == 10);
  const PageId first = span->first_page();
  heap->pages.free_span(*span);
  BOOST_TEST(heap->pages.pages_in_use().raw == 0);
  for (uint64_t i = 0; i < 10; ++i)
    BOOST_TEST(heap->space.page_entry(first + PageCount(i)).raw == 0);
  heap->pages.flush_cache(cache);
  BOOST_TEST(heap.complaints() == "");
}

BOOST_AUTO_TEST_CASE(aligned_spans_are_aligned) {
  HeapState heap(128 * kMiB);
  PageCache cache;
  BOOST_REQUIRE(heap->pages.alloc_span(large(1), cache) != nullptr);
  for (const uint64_t align : {2, 4, 16, 128}) {
    Span* span = heap->pages.alloc_span(large(3, align), cache);
    BOOST_REQUIRE(span != nullptr);
    BOOST_TEST(span->start(heap->space).raw % (align * kPageBytes) == 0);
  }
}

BOOST_AUTO_TEST_CASE(an_exact_fit_of_the_whole_range_is_given) {
  HeapState heap;
  PageCache cache;
  Span* span = heap->pages.alloc_span(large(kArenaPages), cache);
  BOOST_REQUIRE(span != nullptr);
  BOOST_TEST(heap->pages.alloc_span(large(1), cache) == nullptr);
  heap->pages.free_span(*span);
  BOOST_TEST(heap->pages.alloc_span(large(1), cache) != nullptr);
}

BOOST_AUTO_TEST_CASE(growth_maps_no_more_arenas_than_needed) {
  HeapState heap(512 * kMiB);
  PageCache cache;
  BOOST_REQUIRE(heap->pages.alloc_span(large(kArenaPages), cache) != nullptr);
  BOOST_TEST(heap->space.mapped().raw == kArenaBytes);
  BOOST_REQUIRE(heap->pages.alloc_span(large(2 * kArenaPages), cache) != nullptr);
  BOOST_TEST(heap->space.mapped().raw == 3 * kArenaBytes);
}

// Against a list of who has which page and what is in it.
BOOST_AUTO_TEST_CASE(random_spans_do_not_overlap_and_known_zero_is_zero) {
  std::mt19937_64 random(random_seed());
  HeapState heap(128 * kMiB);
  PageCache caches[3];
  struct Held {
    Span* span;
    uint64_t tag;
  };
  std::vector<Held> held;
  std::vector<uint64_t> owner(heap->space.capacity().raw);
  uint64_t next_tag = 1;
  uint64_t in_use = 0;
  uint64_t known_zero = 0;
  for (int step = 0; step < 6000; ++step) {
    if (random() % 100 < 52) {
      SpanRequest request = small(static_cast<uint8_t>(1 + random() % (kSizeClasses - 1)));
      if (random() % 4 == 0) request = large(1 + random() % 200, uint64_t{1} << random() % 6);
      Span* span = heap->pages.alloc_span(request, caches[random() % 3]);
      if (span == nullptr) continue;
      BOOST_TEST_REQUIRE(span->page_count == request.pages.raw);
      if (span->known_zero) BOOST_TEST_REQUIRE(is_zero(heap->space, *span));
      known_zero += span->known_zero ? 1 : 0;
      for (uint64_t i = 0; i < span->page_count; ++i) {
        BOOST_TEST_REQUIRE(owner[span->start_page + i] == 0);
        owner[span->start_page + i] = next_tag;
        *(span->start(heap->space) + ByteCount(i * kPageBytes)).as<uint64_t>() = next_tag;
      }
      in_use += span->page_count;
      held.push_back({span, next_tag++});
    } else if (!held.empty()) {
      std::swap(held[random() % held.size()], held.back());
      const Held gone = held.back();
      held.pop_back();
      for (uint64_t i = 0; i < gone.span->page_count; ++i) {
        BOOST_TEST_REQUIRE(owner[gone.span->start_page + i] == gone.tag);
        BOOST_TEST_REQUIRE(
            *(gone.span->start(heap->space) + ByteCount(i * kPageBytes)).as<uint64_t>() ==
            gone.tag);
        owner[gone.span->start_page + i] = 0;
      }
      in_use -= gone.span->page_count;
      heap->pages.free_span(*gone.span);
    }
    if (step % 500 == 0) heap->pages.flush_cache(caches[random() % 3]);
    if (step % 1000 == 999) {
      (void)heap->pages.retention().release_all();
      BOOST_TEST_REQUIRE(heap.complaints() == "");
    }
    BOOST_TEST_REQUIRE(heap->pages.pages_in_use().raw == in_use);
  }
  BOOST_TEST(known_zero > 0);
  for (const Held& each : held) heap->pages.free_span(*each.span);
  for (PageCache& cache : caches) heap->pages.flush_cache(cache);
  BOOST_TEST(heap->pages.usage().in_use.raw == 0);
  BOOST_TEST(heap->pages.usage().idle().raw == heap->space.mapped().raw);
  BOOST_TEST(heap.complaints() == "");
}

BOOST_AUTO_TEST_CASE(what_is_released_reads_zero_and_is_out_of_memory) {
  HeapState heap;
  PageCache cache;
  Span* span = heap->pages.alloc_span(large(1000), cache);
  BOOST_REQUIRE(span != nullptr);
  memset(span->start(heap->space).as<void>(), 0x5a, span->size().raw);
  const ByteCount resident = heap->space.resident_arenas();
  heap->pages.free_span(*span);
  BOOST_TEST(heap->pages.usage().released.raw == (kArenaPages - 1000) * kPageBytes);
  BOOST_TEST(heap->pages.retention().release_all().raw == 1000 * kPageBytes);
  BOOST_TEST(heap->pages.usage().released.raw == kArenaBytes);
  BOOST_TEST(heap->space.resident_arenas().raw + 900 * kPageBytes < resident.raw);
  BOOST_TEST(heap->pages.retention().release_all().raw == 0);
  Span* again = heap->pages.alloc_span(large(1000), cache);
  BOOST_REQUIRE(again == span);
  BOOST_TEST(again->known_zero);
  BOOST_TEST(is_zero(heap->space, *again));
}

BOOST_AUTO_TEST_CASE(pages_that_the_kernel_keeps_are_not_known_zero) {
  FaultPlan faults;
  HeapState heap(64 * kMiB, &faults);
  PageCache cache;
  Span* span = heap->pages.alloc_span(large(1000), cache);
  BOOST_REQUIRE(span != nullptr);
  memset(span->start(heap->space).as<void>(), 0x5a, span->size().raw);
  heap->pages.free_span(*span);
  faults.fail(OsCall::kRelease, 1);  // one of the two runs of 4 MiB and less
  const ByteCount released = heap->pages.retention().release_all();
  BOOST_TEST(released.raw > 0);
  BOOST_TEST(released.raw < 1000 * kPageBytes);
  BOOST_TEST(heap.complaints() == "");
  span = heap->pages.alloc_span(large(1000), cache);
  BOOST_REQUIRE(span != nullptr);
  BOOST_TEST(!span->known_zero);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
