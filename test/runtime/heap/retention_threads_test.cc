// Pages on their way to the kernel are missing for a moment. Whoever needs them waits.

#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "runtime/heap/retention.h"
#include "test/runtime/base/random_seed.h"
#include "test/runtime/heap/heap_state.h"

namespace acre::rt {
namespace {

using acre::test::random_seed;
using test::HeapState;

// A retention with locks and pages of its own, so that a test can be the kernel that is slow.
struct Parts {
  Os os;
  Space space;
  PageAlloc pages;
  Lock page_lock{LockRank::kPageHeap};
  Lock grow_lock{LockRank::kGrow};
  Retention retention{};

  Parts() {
    os.init(nullptr);
    BOOST_REQUIRE_EQUAL(
        space.init(&os, kMinReservation, ACRE_HUGE_PAGES_NEVER, &PageHeap::table_sizes), ACRE_OK);
    pages.init(space.page_alloc_tables(), space.capacity());
    retention.init(&space, &pages, &page_lock, &grow_lock, ByteCount(0), ReleaseHow::kNow);
    PageId first;
    BOOST_REQUIRE(space.map_arenas(1, true, &first));
    pages.grow(first, PageCount(kArenaPages));
  }
  ~Parts() { BOOST_CHECK(space.destroy()); }
};

// Pages in use, and `free_pages` that are free and hold memory; limits that only leave room for the former
// and `more`.
void fill(Parts& parts, uint64_t used, uint64_t free_pages, uint64_t more) {
  const PageRun run = parts.pages.alloc(PageCount(used + free_pages));
  parts.pages.free(run.page + PageCount(used), PageCount(free_pages));
  parts.retention.publish();
  const ByteCount kept = bytes_of(PageCount(used + more));
  const ByteCount limit = kept + Retention::books_of(kept) + parts.space.meta_used();
  parts.retention.set_limits(limit, limit);
}

BOOST_AUTO_TEST_SUITE(retention_threads)

BOOST_AUTO_TEST_CASE(pages_on_their_way_are_no_reason_to_refuse_or_to_collect) {
  auto parts = std::make_unique<Parts>();
  fill(*parts, 1000, 500, 100);
  std::atomic<bool> answered{false};
  bool kept = false;
  std::thread other;
  {
    LockGuard releasing(parts->retention.release_lock());
    PageRun run;
    {
      LockGuard guard(parts->page_lock);
      run = parts->pages.take_for_release(PageId(UINT64_MAX), PageCount(500));
      BOOST_REQUIRE(run.ok());
      BOOST_REQUIRE(run.pages.raw >= 450u);
      // It is one run, but for a chunk's border.
      const PageRun rest = parts->pages.take_for_release(run.page, PageCount(500));
      if (rest.ok()) parts->pages.give_back(rest.page, rest.pages, true);
      const PageRun fresh = parts->pages.alloc_aligned(PageCount(64), PageCount(4096));
      BOOST_REQUIRE(fresh.ok());
      parts->retention.publish();
    }
    BOOST_TEST(parts->retention.releasable().raw == 0u);
    other = std::thread([&] {
      kept = parts->retention.keep_within(PageCount(64));
      answered = true;
    });
    // Too soon is wrong; that it has not come after so long proves nothing, and need not.
    for (int i = 0; i < 20 && !answered; ++i) usleep(1000);
    BOOST_TEST(!answered);
    LockGuard guard(parts->page_lock);
    parts->pages.give_back(run.page, run.pages, true);
    parts->retention.publish();
  }
  other.join();
  BOOST_TEST(kept);
  BOOST_TEST(!parts->retention.over_limit());
}

// Four spans fill the range. Whoever frees one finds room for the next, wherever the kernel is at.
BOOST_AUTO_TEST_CASE(no_allocation_fails_while_all_that_is_free_is_on_its_way) {
  constexpr uint64_t kThreads = 4;
  constexpr uint64_t kSpan = kArenaPages / kThreads;
  const uint64_t seed = random_seed();
  HeapState heap(64 * kMiB);
  std::atomic<bool> done{false};
  std::atomic<uint64_t> releases{0};
  std::atomic<uint64_t> refused{0};
  std::atomic<uint64_t> broken{0};
  std::thread releaser([&] {
    while (!done) releases += heap->pages.retention().release_all().raw > 0 ? 1 : 0;
  });
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(seed + t);
      PageCache cache;
      // Aligned, so that what is on its way leaves no room between two of them.
      const SpanRequest request{.pages = PageCount(kSpan),
                                .align = PageCount(kSpan),
                                .size_class = kLargeClass,
                                .kind = 1,
                                .sweep_gen = 0};
      // At least so often, and until the releaser had its turn.
      for (uint64_t i = 1; i <= 400 || (releases == 0 && i < 1'000'000); ++i) {
        Span* span = heap->pages.alloc_span(request, cache);
        if (span == nullptr) {
          ++refused;
          continue;
        }
        uint64_t* words = span->start(heap->space).as<uint64_t>();
        const uint64_t step = kPageBytes / 8 * (1 + random() % 200);
        const bool zero = span->known_zero;
        for (uint64_t w = 0; w < kSpan * kPageBytes / 8; w += step) {
          if (zero && words[w] != 0) ++broken;
          words[w] = i * kThreads + t;
        }
        if (i % 8 == 0) std::this_thread::yield();
        for (uint64_t w = 0; w < kSpan * kPageBytes / 8; w += step) {
          if (words[w] != i * kThreads + t) ++broken;
        }
        heap->pages.free_span(*span);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  done = true;
  releaser.join();
  BOOST_TEST(refused == 0u);
  BOOST_TEST(broken == 0u);
  BOOST_TEST(releases > 0u);
  BOOST_TEST(heap.complaints() == "");
  BOOST_TEST(heap->os.counters().calls_under_lock == 0u);
}

// All who release, with goal and limits, while spans of all sizes come and go: the hard limit leaves room
// for all of them, if what is free goes back.
BOOST_AUTO_TEST_CASE(nobody_is_refused_below_the_hard_limit_while_others_release) {
  constexpr uint64_t kThreads = 3;
  constexpr uint64_t kMost = 500;
  const uint64_t seed = random_seed();
  HeapState heap(256 * kMiB);
  Retention& retention = heap->pages.retention();
  const ByteCount room = bytes_of(PageCount(kThreads * (kMost + 2 * PageCache::kPages)));
  const ByteCount limit = retention.accounted() + room + Retention::books_of(room);
  retention.set_limits(limit, limit);
  retention.set_goal(ByteCount(room.raw / 2));
  std::atomic<bool> done{false};
  std::atomic<uint64_t> refused{0};
  std::thread background([&] {
    while (!done) {
      retention.begin_generation();
      (void)retention.release_towards_goal(ByteCount(kMiB));
      if (retention.releasable().raw > room.raw / 4) (void)retention.release_all();
    }
  });
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      std::mt19937_64 random(seed + t);
      PageCache cache;
      for (int i = 0; i < 3000; ++i) {
        const SpanRequest request{.pages = PageCount(1 + random() % kMost),
                                  .size_class = kLargeClass,
                                  .kind = 1,
                                  .sweep_gen = 0};
        Span* span = heap->pages.alloc_span(request, cache);
        if (span == nullptr) {
          ++refused;
          continue;
        }
        *span->start(heap->space).as<uint64_t>() = i;
        heap->pages.free_span(*span);
      }
      heap->pages.flush_cache(cache);
    });
  }
  for (std::thread& thread : threads) thread.join();
  done = true;
  background.join();
  BOOST_TEST(refused == 0u);
  BOOST_TEST(heap.complaints() == "");
  BOOST_TEST(heap->pages.usage().in_use.raw == 0u);
  BOOST_TEST(retention.retained().raw == retention.releasable().raw);
  BOOST_TEST(heap->os.counters().calls_under_lock == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
