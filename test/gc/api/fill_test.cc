// What is allocated to be zero is zero, although others that need not be come from the same gap, and all
// that was ever freed was full of something else.

#include <random>

#include "test/gc/api/heap_fixture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

acre_options dirty_options(int gc_every) {
  acre_options options = precise_options();
  options.reserve_bytes = 256 * kMiB;
  options.gc_every = gc_every;
  options.clobber_free = 1;
  return options;
}

// Every way to a leaf object of `bytes`.
void* allocate(acre_thread* thread, uint64_t way, size_t bytes, bool* zeroed) {
  *zeroed = way != 0;
  switch (way) {
    case 0: return acre_alloc_uninit(thread, bytes, ACRE_KIND_LEAF);
    case 1: return acre_alloc(thread, bytes, ACRE_KIND_LEAF);
    default:
      switch (bytes) {
        case 16: return acre_alloc_inline(thread, 16, ACRE_KIND_LEAF);
        case 48: return acre_alloc_inline(thread, 48, ACRE_KIND_LEAF);
        case 100: return acre_alloc_inline(thread, 100, ACRE_KIND_LEAF);
        case 512: return acre_alloc_inline(thread, 512, ACRE_KIND_LEAF);
        case 700: return acre_alloc_inline(thread, 700, ACRE_KIND_LEAF);
        case 1024: return acre_alloc_inline(thread, 1024, ACRE_KIND_LEAF);
        default: return acre_alloc(thread, bytes, ACRE_KIND_LEAF);
      }
  }
}

// Mixes them, keeps some, frees and reallocates some.
void mix(Heap& heap, int allocations, uint64_t seed) {
  std::mt19937_64 random(seed);
  constexpr size_t kMixed[] = {16, 48, 100, 512, 700, 1024, 2000, 4096, 5000, 10000, 40000};
  std::vector<Handle> kept;
  for (int i = 0; i < 200; ++i) kept.emplace_back(heap.thread, nullptr);
  uint64_t runs = 0;  // of one size, so that one gap serves all ways
  size_t bytes = 16;
  for (int i = 0; i < allocations; ++i) {
    if (runs-- == 0) {
      runs = random() % 200;
      bytes = kMixed[random() % (random() % 8 == 0 ? std::size(kMixed) : 7)];
    }
    bool zeroed = false;
    void* object = allocate(heap.thread, random() % 4, bytes, &zeroed);
    BOOST_TEST_REQUIRE(object != nullptr);
    const size_t size = acre_object_size(heap.heap, object);
    if (zeroed) BOOST_TEST_REQUIRE(all_zero(object, size), "the " << i << "th, of " << bytes);
    BOOST_TEST_REQUIRE(all_zero(static_cast<char*>(object) + bytes, size - bytes), bytes);
    memset(object, 0xbb, size);
    Handle& slot = kept[random() % kept.size()];
    switch (random() % 8) {
      case 0: slot.set(object); break;
      case 1: acre_free(heap.thread, object); break;
      case 2:
        if (void* old = slot.get()) {
          slot.set(nullptr);
          acre_free(heap.thread, old);
        }
        break;
      default: break;
    }
    if (random() % 20000 == 0) heap.collect();
  }
}

BOOST_AUTO_TEST_SUITE(fill)

BOOST_AUTO_TEST_CASE(zeroed_objects_are_zero_among_others_that_are_not) {
  Heap heap(dirty_options(0));
  mix(heap, 150000, random_seed());
}

BOOST_AUTO_TEST_CASE(they_are_when_collections_are_frequent) {
  for (const int every : {1, 3, 50}) {
    Heap heap(dirty_options(every));
    mix(heap, every == 1 ? 1500 : 5000, random_seed());
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
