// The hard limit: NULL with ACRE_E_LIMIT, nothing is taken above it, and nothing is harmed by it.

#include <algorithm>
#include <iterator>

#include "test/gc/api/limit_fixture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

acre_options with_hard_limit(size_t bytes, int percent = 100) {
  acre_options options = precise_options();
  options.gc_percent = percent;
  options.hard_limit = bytes;
  return options;
}

// Marking takes what it needs in the books, with its threads' stacks (large ones for sanitizers), whatever
// the limit is.
constexpr uint64_t kBuffers = ACRE_TEST_SHADOW_MEMORY ? 4 * kMiB : kMiB / 2;

// Fills the heap with live objects of these sizes until one is refused.
struct Filled : LimitedHeap {
  explicit Filled(const acre_options& options, size_t slots = 100'000)
      : LimitedHeap(options, slots) {
    if (options.hard_limit - 1 < kGiB) most = options.hard_limit + kBuffers;
  }

  uint64_t most = UINT64_MAX;

  // Returns the size that was refused. What is accounted is looked at after each `every` objects.
  size_t fill(std::initializer_list<size_t> sizes, int every = 1) {
    for (int i = 0;; ++i) {
      const size_t size = sizes.begin()[static_cast<size_t>(i) % sizes.size()];
      if (!keep(size)) return size;
      if (i % every == 0) check_accounted(most);
    }
  }
};

// An OOM handler that drops all and says so.
struct Drop {
  Filled* heap;
  int calls = 0;
  static int handler(acre_heap*, size_t, void* arg) {
    auto* self = static_cast<Drop*>(arg);
    ++self->calls;
    self->heap->drop_all();
    return 1;
  }
};

BOOST_AUTO_TEST_SUITE(hard_limit)

BOOST_AUTO_TEST_CASE(a_full_heap_gives_null_with_the_reason_and_works_again_when_data_is_dropped) {
  Filled heap(with_hard_limit(32 * kMiB));
  OomCalls asked;
  acre_set_oom_handler(heap.heap, &OomCalls::handler, &asked);
  const size_t refused = heap.fill({1000, 64, 5000, 20000, 100, 50000, 32768}, 16);
  BOOST_TEST(heap.last_error() == ACRE_E_LIMIT);
  BOOST_TEST(asked.calls == 1);
  BOOST_TEST(asked.bytes == refused);
  const acre_stats full = heap.stats();
  BOOST_TEST(full.hard_limit == 32 * kMiB);
  BOOST_TEST(full.accounted <= heap.most);
  BOOST_TEST(full.accounted >= 31 * kMiB);
  BOOST_TEST(heap_is_whole(heap.heap));
  BOOST_TEST(heap.intact());
  heap.drop_all();
  asked.calls = 0;
  for (int i = 0; i < 5; ++i) {
    heap.fill({3000, 30000, 300000}, 4);
    BOOST_TEST(heap.stats().accounted >= 30 * kMiB);
    BOOST_TEST(heap.intact());
    heap.drop_all();
  }
  BOOST_TEST(asked.calls == 5);
}

BOOST_AUTO_TEST_CASE(each_way_to_allocate_is_refused) {
  Filled heap(with_hard_limit(16 * kMiB), kManySlots);
  heap.fill({400000, 40000, 4000, 400, 40});
  for (const size_t size : {4000, 400, 40, 16}) heap.fill({size}, 64);
  void* const large = heap.kept(0);
  const size_t large_size = acre_object_size(heap.heap, large);
  const auto refused = [&heap](const void* object) {
    return object == nullptr && heap.last_error() == ACRE_E_LIMIT;
  };
  acre_thread* const thread = heap.thread;
  for (const size_t size : {100000, 2000000, 17 * int{kMiB}}) {
    BOOST_TEST(refused(acre_alloc(thread, size, ACRE_KIND_CONSERVATIVE)), size);
    BOOST_TEST(refused(acre_alloc_uninit(thread, size, ACRE_KIND_LEAF)), size);
    BOOST_TEST(refused(acre_alloc_aligned(thread, size, 65536, ACRE_KIND_LEAF)), size);
    BOOST_TEST(refused(acre_realloc(thread, nullptr, size)), size);
  }
  BOOST_TEST(refused(acre_realloc(thread, large, 4 * kMiB)));
  BOOST_TEST(acre_object_size(heap.heap, large) == large_size);
  BOOST_TEST(heap.holds(large));
  // A kind and a size that no span is there for.
  BOOST_TEST(refused(acre_alloc(thread, 1500, ACRE_KIND_CONSERVATIVE)));
  BOOST_TEST(refused(acre_alloc_aligned(thread, 1500, 4096, ACRE_KIND_CONSERVATIVE)));
  heap.check_accounted(heap.most);
  BOOST_TEST(heap.intact());
}

BOOST_AUTO_TEST_CASE(an_object_larger_than_the_limit_is_refused_however_often_it_is_asked_for) {
  Filled heap(with_hard_limit(24 * kMiB));
  // Free pages that hold memory, before those that do not.
  BOOST_TEST(heap.keep(100000));
  acre_free(heap.thread, heap.alloc(3 * kMiB));
  for (int i = 0; i < 4; ++i) {
    for (const size_t size : {25 * kMiB, 63 * kMiB, 200 * kMiB}) {
      BOOST_TEST(heap.alloc(size) == nullptr, "try " << i << ", " << size / kMiB << " MiB");
      BOOST_TEST(heap.last_error() == ACRE_E_LIMIT);
      heap.check_accounted(heap.most);
    }
  }
  BOOST_TEST(heap.alloc(15 * kMiB) != nullptr);
  heap.check_accounted(heap.most);
}

BOOST_AUTO_TEST_CASE(what_was_refused_is_no_memory_taken) {
  Filled heap(with_hard_limit(24 * kMiB));
  BOOST_TEST(heap.keep(10 * kMiB));
  const uint64_t before = heap.stats().accounted;
  for (int i = 0; i < 20; ++i) {
    BOOST_TEST(heap.alloc(20 * kMiB) == nullptr);
    BOOST_TEST(heap.stats().accounted <= before + kBuffers);
  }
  BOOST_TEST(heap.alloc(8 * kMiB) != nullptr);
}

BOOST_AUTO_TEST_CASE(garbage_alone_is_never_refused) {
  for (const int percent : {-1, 100}) {
    Filled heap(with_hard_limit(24 * kMiB, percent));
    OomCalls asked;
    acre_set_oom_handler(heap.heap, &OomCalls::handler, &asked);
    std::mt19937_64 random(random_seed());
    for (uint64_t allocated = 0; allocated < kChurnBytes / 2;) {
      // Each size must find 8 MiB in a row.
      const size_t size = random() % 64 == 0 ? random() % (8 * kMiB) : random_size(random);
      if (heap.alloc(size) == nullptr) BOOST_TEST_REQUIRE(false, "refused: " << size);
      allocated += size;
      if (random() % 64 == 0) heap.check_accounted(heap.most);
    }
    BOOST_TEST(asked.calls == 0);
  }
}

BOOST_AUTO_TEST_CASE(garbage_beside_live_data_is_never_refused) {
  Filled heap(with_hard_limit(48 * kMiB, -1));
  std::mt19937_64 random(random_seed());
  heap.fill_to(24 * kMiB, random);
  for (uint64_t allocated = 0; allocated < kChurnBytes / 2;) {
    const size_t size = random_size(random);
    if (!heap.replace_one(size, random)) BOOST_TEST_REQUIRE(false, "refused: " << size);
    allocated += size;
    if (random() % 64 == 0) heap.check_accounted(heap.most);
  }
  BOOST_TEST(heap.intact());
}

BOOST_AUTO_TEST_CASE(a_handler_that_drops_data_and_says_so_is_always_believed) {
  Filled heap(with_hard_limit(40 * kMiB), kManySlots);
  Drop drop{&heap};
  acre_set_oom_handler(heap.heap, &Drop::handler, &drop);
  for (int i = 0; drop.calls < 60 && i < 60 * 1'500'000; ++i) {
    if (!heap.keep(32)) BOOST_TEST_REQUIRE(false, "refused after " << drop.calls << " calls");
  }
  BOOST_TEST(drop.calls == 60);
}

BOOST_AUTO_TEST_CASE(
    refusals_over_and_over_do_not_collect_without_end_and_end_when_data_is_dropped) {
  Filled heap(with_hard_limit(40 * kMiB), kManySlots);
  heap.fill({32}, 1024);
  heap.fill({16}, 1024);
  const acre_stats before = heap.stats();
  const uint64_t cpu_before = process_cpu_ns();
  constexpr int kTries = 200'000;
  for (int i = 0; i < kTries; ++i) BOOST_REQUIRE(heap.alloc(1500) == nullptr);
  const acre_stats after = heap.stats();
  const uint64_t cpu = process_cpu_ns() - cpu_before;
  BOOST_TEST_MESSAGE(after.num_gc - before.num_gc << " collections, " << cpu / 1000000 << " ms");
  BOOST_TEST(after.num_gc - before.num_gc < uint64_t{kTries} / 10);
  heap.drop_all();
  BOOST_TEST(heap.allocates_again(1500));
}

BOOST_AUTO_TEST_CASE(a_handler_that_drops_data_is_believed_while_collections_are_put_off) {
  Filled heap(with_hard_limit(40 * kMiB), kManySlots);
  heap.fill({32}, 1024);
  heap.fill({16}, 1024);
  for (int i = 0; i < 20'000'000 && heap.stats().limiting == 0; ++i) {
    BOOST_REQUIRE(heap.alloc(1500) == nullptr);
  }
  BOOST_TEST(heap.stats().limiting == 1u);
  Drop drop{&heap};
  acre_set_oom_handler(heap.heap, &Drop::handler, &drop);
  BOOST_TEST(heap.alloc(1500) != nullptr);
  BOOST_TEST(drop.calls == 1);
}

BOOST_AUTO_TEST_CASE(set_below_what_is_taken_no_more_is_taken_and_nothing_is_lost) {
  Filled heap(with_hard_limit(ACRE_NO_LIMIT));
  std::mt19937_64 random(random_seed());
  heap.fill_to(40 * kMiB, random);
  BOOST_TEST(acre_set_hard_limit(heap.heap, 16 * kMiB) == ACRE_NO_LIMIT);
  BOOST_TEST(acre_set_hard_limit(heap.heap, 0) == 16 * kMiB);
  BOOST_TEST(heap.stats().hard_limit == 16 * kMiB);
  const uint64_t before = heap.stats().accounted;
  BOOST_TEST(heap.alloc(kMiB) == nullptr);
  BOOST_TEST(heap.last_error() == ACRE_E_LIMIT);
  heap.fill({20000, 3000, 300, 100000});
  BOOST_TEST(heap.stats().accounted <= before + kBuffers);
  BOOST_TEST(heap.intact());
  BOOST_TEST(heap_is_whole(heap.heap));

  heap.drop_all();
  BOOST_TEST(heap.allocates_again(kMiB));
  heap.fill({20000, 3000, 300, 100000});
  BOOST_TEST(heap.stats().accounted <= 16 * kMiB + kBuffers);
  BOOST_TEST(heap.stats().accounted >= 15 * kMiB);

  BOOST_TEST(acre_set_hard_limit(heap.heap, 64 * kMiB) == 16 * kMiB);
  BOOST_TEST(heap.alloc(40 * kMiB) != nullptr);
  heap.check_accounted(64 * kMiB + kBuffers);
  BOOST_TEST(acre_set_hard_limit(heap.heap, ACRE_NO_LIMIT) == 64 * kMiB);
  BOOST_TEST(heap.alloc(100 * kMiB) != nullptr);
}

BOOST_AUTO_TEST_CASE(with_a_limit_of_a_byte_nothing_is_allocated) {
  Filled heap(with_hard_limit(1));
  for (const size_t size : {1, 16, 1000, 32768, 100000}) {
    BOOST_TEST(heap.alloc(size) == nullptr);
    BOOST_TEST(heap.last_error() == ACRE_E_LIMIT);
    BOOST_TEST(heap.alloc(size, ACRE_KIND_CONSERVATIVE) == nullptr);
  }
  heap.collect();
  BOOST_TEST(heap.live() == 0u);
  BOOST_TEST(heap.stats().heap_inuse == 0u);
  (void)acre_set_hard_limit(heap.heap, ACRE_NO_LIMIT);
  BOOST_TEST(heap.alloc(1000) != nullptr);
}

BOOST_AUTO_TEST_CASE(a_full_range_is_no_memory_and_not_the_limit) {
  acre_options options = with_hard_limit(kGiB);
  options.reserve_bytes = 64 * kMiB;
  Filled heap(options);
  heap.fill({100000, 1000});
  BOOST_TEST(heap.last_error() == ACRE_E_NOMEM);
}

BOOST_AUTO_TEST_CASE(zero_in_the_options_is_no_limit) {
  Filled heap(with_hard_limit(0));
  BOOST_TEST(heap.stats().hard_limit == ACRE_NO_LIMIT);
  BOOST_TEST(acre_set_hard_limit(heap.heap, 0) == ACRE_NO_LIMIT);
  BOOST_TEST(heap.alloc(100 * kMiB) != nullptr);
}

BOOST_AUTO_TEST_CASE(
    the_soft_limit_below_the_hard_one_keeps_collecting_before_anything_is_refused) {
  acre_options options = with_hard_limit(48 * kMiB, -1);
  options.memory_limit = 40 * kMiB;
  Filled heap(options);
  OomCalls asked;
  acre_set_oom_handler(heap.heap, &OomCalls::handler, &asked);
  std::mt19937_64 random(random_seed());
  heap.fill_to(16 * kMiB, random);
  for (uint64_t allocated = 0; allocated < kChurnBytes / 4;) {
    const size_t size = random_size(random);
    if (!heap.replace_one(size, random)) BOOST_TEST_REQUIRE(false, "refused: " << size);
    allocated += size;
    if (random() % 64 == 0) heap.check_accounted(heap.most);
  }
  heap.fill({5000, 100, 40000}, 8);
  BOOST_TEST(heap.last_error() == ACRE_E_LIMIT);
  BOOST_TEST(asked.calls == 1);
  BOOST_TEST(heap.stats().accounted >= 45 * kMiB);
  BOOST_TEST(heap.stats().limit_events > 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
