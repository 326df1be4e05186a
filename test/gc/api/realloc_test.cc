// acre_realloc: content kept, what is added zero, kind kept, nothing lost when it fails.

#include <algorithm>
#include <random>

#include "test/gc/api/heap_fixture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

unsigned char pattern(size_t i) { return static_cast<unsigned char>(i * 7 + 1) | 1; }

void fill(void* object, size_t from, size_t to) {
  auto* bytes = static_cast<unsigned char*>(object);
  for (size_t i = from; i < to; ++i) bytes[i] = pattern(i);
}

bool filled(const void* object, size_t bytes) {
  const auto* at = static_cast<const unsigned char*>(object);
  for (size_t i = 0; i < bytes; ++i) {
    if (at[i] != pattern(i)) return false;
  }
  return true;
}

BOOST_AUTO_TEST_SUITE(realloc)

BOOST_FIXTURE_TEST_CASE(null_gives_a_new_leaf_object, PreciseHeap) {
  for (size_t bytes : kSizes) {
    void* object = acre_realloc(thread, nullptr, bytes);
    BOOST_TEST_REQUIRE(object != nullptr);
    BOOST_TEST(acre_object_kind(heap, object) == acre_kind{ACRE_KIND_LEAF});
    BOOST_TEST(acre_object_size(heap, object) >= bytes);
    BOOST_TEST(all_zero(object, acre_object_size(heap, object)));
  }
}

BOOST_FIXTURE_TEST_CASE(from_every_size_to_every_size_content_stays_and_the_rest_is_zero,
                        PreciseHeap) {
  for (acre_kind kind : {ACRE_KIND_LEAF, ACRE_KIND_CONSERVATIVE}) {
    for (size_t from : kSizes) {
      for (size_t to : kSizes) {
        void* object = alloc(from, kind);
        fill(object, 0, from);
        void* moved = acre_realloc(thread, object, to);
        BOOST_TEST_REQUIRE(moved != nullptr);
        const size_t size = acre_object_size(heap, moved);
        const size_t kept = std::min(from, to);
        BOOST_TEST_REQUIRE(size >= to);
        BOOST_TEST_REQUIRE(filled(moved, kept));
        // What the program cut off may not come back, and what is added is zero.
        const size_t added_from = from < to ? from : to;
        if (!all_zero(static_cast<char*>(moved) + added_from, size - added_from)) {
          BOOST_TEST(false, "kind " << kind << ", from " << from << " to " << to);
        }
        BOOST_TEST_REQUIRE(acre_object_kind(heap, moved) == kind);
        BOOST_TEST_REQUIRE((moved == object || !holds(object)));
        acre_free(thread, moved);
      }
    }
  }
  BOOST_TEST(live() == 0u);
  check_identities(stats());
}

BOOST_FIXTURE_TEST_CASE(growing_back_after_shrinking_in_place_finds_zeros, PreciseHeap) {
  void* object = alloc(200);
  const size_t size = acre_object_size(heap, object);
  fill(object, 0, size);
  BOOST_TEST(acre_realloc(thread, object, 150) == object);
  BOOST_TEST(acre_realloc(thread, object, size) == object);
  BOOST_TEST(filled(object, 150));
  BOOST_TEST(all_zero(static_cast<char*>(object) + 150, size - 150));
}

BOOST_FIXTURE_TEST_CASE(uninitialised_objects_grow_by_zeros_too, PreciseHeap) {
  for (size_t bytes : kSizes) {  // dirty what will be reused
    void* object = alloc(bytes);
    memset(object, 0xff, acre_object_size(heap, object));
    acre_free(thread, object);
  }
  collect();
  for (size_t bytes : kSizes) {
    void* object = acre_alloc_uninit(thread, bytes, ACRE_KIND_LEAF);
    fill(object, 0, bytes);
    void* grown = acre_realloc(thread, object, bytes * 2 + 100);
    BOOST_TEST_REQUIRE(filled(grown, bytes));
    BOOST_TEST_REQUIRE(
        all_zero(static_cast<char*>(grown) + bytes, acre_object_size(heap, grown) - bytes));
  }
}

BOOST_FIXTURE_TEST_CASE(a_buffer_that_doubles_to_large_keeps_its_content, PreciseHeap) {
  size_t bytes = 1;
  void* object = alloc(bytes);
  fill(object, 0, bytes);
  while (bytes < 8 * kMiB) {
    object = acre_realloc(thread, object, bytes * 2);
    BOOST_TEST_REQUIRE(filled(object, bytes));
    BOOST_TEST_REQUIRE(all_zero(static_cast<char*>(object) + bytes, bytes));
    fill(object, bytes, bytes * 2);
    bytes *= 2;
  }
  while (bytes > 1) {
    bytes /= 2;
    object = acre_realloc(thread, object, bytes);
    BOOST_TEST_REQUIRE(filled(object, bytes));
  }
  BOOST_TEST(live() == 1u);  // each old one is freed at once
  BOOST_TEST(stats().heap_alloc <= 512u);
}

BOOST_FIXTURE_TEST_CASE(what_is_not_the_start_of_an_object_is_refused, PreciseHeap) {
  void* object = alloc(100);
  fill(object, 0, 100);
  int local = 0;
  void* freed = alloc(100);
  acre_free(thread, freed);
  for (void* bad : {static_cast<void*>(static_cast<char*>(object) + 16),
                    static_cast<void*>(static_cast<char*>(object) + 1), static_cast<void*>(&local),
                    freed, reinterpret_cast<void*>(1), reinterpret_cast<void*>(SIZE_MAX)}) {
    (void)alloc(SIZE_MAX);
    BOOST_TEST(acre_realloc(thread, bad, 1000) == nullptr);
    BOOST_TEST(last_error() == ACRE_E_INVALID);
  }
  BOOST_TEST(filled(object, 100));
  BOOST_TEST(live() == 1u);
}

BOOST_AUTO_TEST_CASE(without_memory_it_gives_null_and_the_object_is_untouched) {
  acre_options options = precise_options();
  options.reserve_bytes = 64 * kMiB;
  Heap heap(options);
  void* object = heap.alloc(20 * kMiB);
  const Handle root(heap.thread, object);
  fill(object, 0, 20 * kMiB);
  BOOST_TEST(acre_realloc(heap.thread, object, 60 * kMiB) == nullptr);
  BOOST_TEST(heap.last_error() == ACRE_E_NOMEM);
  BOOST_TEST(heap.holds(object));
  BOOST_TEST(filled(object, 20 * kMiB));
}

// The caller hands the object over; that no other root holds it must not matter.
BOOST_AUTO_TEST_CASE(a_collection_within_it_does_not_take_the_object) {
  acre_options options = precise_options();
  options.gc_every = 1;
  options.clobber_free = 1;
  Heap heap(options);
  for (size_t bytes : {16, 100, 1000, 20000, 100000}) {
    void* object = heap.alloc(bytes);
    fill(object, 0, bytes);
    void* grown = acre_realloc(heap.thread, object, bytes * 4);
    BOOST_TEST_REQUIRE(grown != nullptr);
    BOOST_TEST(filled(grown, bytes));
    BOOST_TEST(all_zero(static_cast<char*>(grown) + bytes, bytes * 3));
  }
}

BOOST_FIXTURE_TEST_CASE(random_sequences_match_a_vector, PreciseHeap) {
  std::mt19937_64 random(random_seed());
  struct Twin {
    unsigned char* object;
    std::vector<unsigned char> model;
    acre_kind kind;
  };
  std::vector<Twin> twins;
  for (int i = 0; i < 40; ++i) {
    const acre_kind kind = i % 2 == 0 ? ACRE_KIND_LEAF : ACRE_KIND_CONSERVATIVE;
    twins.push_back({static_cast<unsigned char*>(alloc(0, kind)), {}, kind});
  }
  for (int step = 0; step < 8000; ++step) {
    Twin& twin = twins[random() % twins.size()];
    const size_t bytes = random() % 16 == 0 ? random() % 100000 : random() % 2000;
    twin.object = static_cast<unsigned char*>(acre_realloc(thread, twin.object, bytes));
    BOOST_TEST_REQUIRE(twin.object != nullptr);
    twin.model.resize(bytes);
    BOOST_TEST_REQUIRE(memcmp(twin.object, twin.model.data(), bytes) == 0);
    BOOST_TEST_REQUIRE(acre_object_kind(heap, twin.object) == twin.kind);
    for (int i = 0; bytes > 0 && i < 8; ++i) {
      const size_t at = random() % bytes;
      twin.object[at] = twin.model[at] = static_cast<unsigned char>(random());
    }
  }
  BOOST_TEST(live() == twins.size());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
