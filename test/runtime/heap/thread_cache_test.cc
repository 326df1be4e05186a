#include "runtime/heap/thread_cache.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "test/runtime/base/random_seed.h"
#include "test/runtime/heap/heap_state.h"

namespace acre::rt {
namespace {

using acre::test::random_seed;
using test::HeapState;

void* alloc(ThreadCache& cache, uint64_t bytes, uint32_t kind) {
  if (void* object = cache.try_alloc(bytes, kind)) return object;
  return cache.alloc_slow(bytes, kind, Fill::kZero);
}

struct Counts {
  uint64_t objects[kSizeClasses] = {};
  uint64_t large_bytes = 0;
};
Counts counts_of(const ThreadCache& cache) {
  Counts counts;
  cache.add_counters(counts.objects, &counts.large_bytes);
  return counts;
}

BOOST_AUTO_TEST_SUITE(thread_cache)

BOOST_AUTO_TEST_CASE(inline_code_computes_the_classes_of_the_table) {
  for (size_t bytes = 0; bytes <= ACRE_INLINE_BYTES; ++bytes) {
    const uint8_t size_class = class_for(bytes);
    BOOST_TEST_REQUIRE(ACRE_INLINE_CLASS(bytes) == unsigned{size_class}, "of " << bytes);
    BOOST_TEST_REQUIRE(ACRE_INLINE_CLASS_BYTES(bytes) == kClasses[size_class].bytes,
                       "of " << bytes);
  }
}

BOOST_AUTO_TEST_CASE(neighbours_come_one_after_the_other) {
  HeapState heap;
  ThreadCache& cache = heap.new_cache();
  auto* first = static_cast<char*>(alloc(cache, 48, ACRE_KIND_LEAF));
  for (int i = 1; i < 170; ++i) {
    BOOST_TEST_REQUIRE(alloc(cache, 40, ACRE_KIND_LEAF) == first + i * 48);
  }
  BOOST_TEST(counts_of(cache).objects[class_for(48)] == 170);
}

BOOST_AUTO_TEST_CASE(the_fast_path_refuses_what_it_cannot_serve) {
  HeapState heap;
  ThreadCache& cache = heap.new_cache();
  BOOST_TEST(cache.try_alloc(16, ACRE_KIND_LEAF) == nullptr);  // no gap yet
  BOOST_TEST(cache.try_alloc(kMaxSmallBytes + 1, ACRE_KIND_LEAF) == nullptr);
  BOOST_TEST(cache.try_alloc(SIZE_MAX, ACRE_KIND_LEAF) == nullptr);
  BOOST_TEST(cache.try_alloc(16, ACRE_KIND_NONE) == nullptr);
  BOOST_TEST(cache.try_alloc(16, 254) == nullptr);
}

BOOST_AUTO_TEST_CASE(a_flush_gives_everything_back_that_was_not_handed_out) {
  HeapState heap;
  ThreadCache& cache = heap.new_cache();
  void* object = alloc(cache, 64, ACRE_KIND_CONSERVATIVE);
  cache.flush();
  const Span& span = *find_object(heap->space, Addr(object)).span;
  BOOST_TEST(count_allocated(heap->space, span) == 1);
  BOOST_TEST(span.gap.load() == nullptr);
  BOOST_TEST(counts_of(cache).objects[class_for(64)] == 1);
  BOOST_TEST(heap->allocated_since_gc.load() == 64);
  // The span is in the central list and goes on from there.
  BOOST_TEST(heap->kinds.central(ACRE_KIND_CONSERVATIVE, class_for(64)).count_spans() == 1);
  BOOST_TEST(alloc(cache, 64, ACRE_KIND_CONSERVATIVE) == static_cast<char*>(object) + 64);
  cache.flush();
  cache.retire_counters();
  BOOST_TEST(counts_of(cache).objects[class_for(64)] == 0);
  BOOST_TEST(heap->retired.objects[class_for(64)].load() == 2);
  BOOST_TEST(heap.complaints() == "");
}

BOOST_AUTO_TEST_CASE(only_the_start_of_an_object_is_freed_and_only_once) {
  HeapState heap;
  ThreadCache& cache = heap.new_cache();
  for (const uint64_t bytes : {64, 100000}) {
    auto* object = static_cast<char*>(alloc(cache, bytes, ACRE_KIND_LEAF));
    BOOST_TEST(!cache.free_object(object + 16));
    BOOST_TEST(!cache.free_object(object + 64));  // of the gap, or inside
    BOOST_TEST(cache.free_object(object));
    BOOST_TEST(!cache.free_object(object));
  }
  BOOST_TEST(!cache.free_object(&heap));
  BOOST_TEST(heap->allocated_since_gc.load() ==
             static_cast<int64_t>(kPageBytes - 64));  // the gap counts until a flush
}

// Two caches of one heap against a map of what is allocated and what is written there.
BOOST_AUTO_TEST_CASE(random_allocation_and_freeing_agrees_with_a_model) {
  std::mt19937_64 random(random_seed());
  HeapState heap(256 * kMiB);
  ThreadCache* caches[2] = {&heap.new_cache(), &heap.new_cache()};
  struct Object {
    uint64_t bytes, tag;
  };
  std::map<char*, Object> model;
  uint64_t mallocs[kSizeClasses] = {};
  uint64_t frees[kSizeClasses] = {};
  uint64_t lost_until_swept = 0;  // freed bytes that no cache finds again before a sweep
  const auto class_of = [](uint64_t bytes) {
    return bytes > kMaxSmallBytes ? kLargeClass : class_for(bytes);
  };
  for (uint64_t step = 1; step < 30000; ++step) {
    ThreadCache& cache = *caches[random() % 2];
    if (random() % 100 < 55) {
      const uint64_t range = random() % 50 == 0 ? 200000 : random() % 4 == 0 ? 32769 : 300;
      const uint64_t bytes = std::max<uint64_t>(random() % range, 8);
      auto* object = static_cast<char*>(alloc(cache, bytes, random() % 2));
      BOOST_TEST_REQUIRE(object != nullptr);
      const uint64_t usable = object_at(heap->space, Addr(object)).span->object_bytes().raw;
      BOOST_TEST_REQUIRE(usable >= bytes);
      const auto next = model.lower_bound(object);
      if (next != model.end())
        BOOST_TEST_REQUIRE(Addr(object + usable).raw <= Addr(next->first).raw);
      if (next != model.begin()) {
        const auto& [start, before] = *std::prev(next);
        BOOST_TEST_REQUIRE(Addr(start + before.bytes).raw <= Addr(object).raw);
      }
      const bool zero = std::all_of(object, object + usable, [](char c) { return c == 0; });
      BOOST_TEST_REQUIRE(zero);
      memset(object, 0xee, usable);
      memcpy(object, &step, sizeof(step));
      model[object] = {usable, step};
      ++mallocs[class_of(bytes)];
    } else if (!model.empty()) {
      auto victim = model.lower_bound(
          std::next(model.begin(), random() % std::min<size_t>(model.size(), 50))->first);
      BOOST_TEST_REQUIRE(memcmp(victim->first, &victim->second.tag, 8) == 0);
      const Span& span = *object_at(heap->space, Addr(victim->first)).span;
      if (!span.is_large() && span.gap.load() == nullptr) lost_until_swept += victim->second.bytes;
      BOOST_TEST_REQUIRE(cache.free_object(victim->first));
      ++frees[class_of(victim->second.bytes)];
      model.erase(victim);
    }
    if (random() % 1000 == 0) cache.flush();
    if (random() % 5000 == 0) cache.retire_counters();
  }
  uint64_t live[kSizeClasses] = {};
  uint64_t bytes = 0;
  for (ThreadCache* cache : caches) cache->flush();
  for (const auto& [start, object] : model) {
    BOOST_TEST_REQUIRE(memcmp(start, &object.tag, 8) == 0);
    ++live[class_of(object.bytes)];
    bytes += object.bytes;
  }
  Counts counts = counts_of(*caches[0]);
  caches[1]->add_counters(counts.objects, &counts.large_bytes);
  for (unsigned i = 0; i < kSizeClasses; ++i) {
    BOOST_TEST(counts.objects[i] + heap->retired.objects[i].load() == mallocs[i]);
    BOOST_TEST(heap->freed[0].objects[i].load() == frees[i]);
    BOOST_TEST(mallocs[i] - frees[i] == live[i]);
  }
  BOOST_TEST(heap->allocated_since_gc.load() == static_cast<int64_t>(bytes + lost_until_swept));
  BOOST_TEST(lost_until_swept > 0u);
  BOOST_TEST(heap.complaints() == "");
}

BOOST_AUTO_TEST_CASE(a_heap_that_is_full_gives_null_and_then_again_what_was_freed) {
  HeapState heap;
  ThreadCache& cache = heap.new_cache();
  std::vector<void*> objects;
  while (void* object = alloc(cache, 8192, ACRE_KIND_LEAF)) objects.push_back(object);
  BOOST_TEST(objects.size() == kArenaPages);
  BOOST_TEST(alloc(cache, 1 << 20, ACRE_KIND_LEAF) == nullptr);
  for (size_t i = 0; i < 8; ++i) BOOST_TEST(cache.free_object(objects[i]));
  cache.flush();
  BOOST_TEST(heap.complaints() == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
