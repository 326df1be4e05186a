// Growth into a heap full of holes that are too small: the holes are given back for it, so that the heap
// takes at most a tenth more than it uses.

#include <random>

#include "test/gc/api/heap_fixture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

uint64_t held(const acre_stats& stats) { return stats.heap_sys - stats.heap_released; }

struct Holes : Heap {
  explicit Holes(const acre_options& options) : Heap(options) {}

  std::vector<Handle> handles;

  void add(size_t bytes) {
    void* object = heap_alloc(bytes);
    BOOST_TEST_REQUIRE(object != nullptr);
    handles.emplace_back(thread, object);
  }
  void* heap_alloc(size_t bytes) {
    void* object = alloc(bytes);
    if (object != nullptr) std::memset(object, 1, bytes);
    return object;
  }
  void drop_every_other() {
    for (size_t i = 0; i < handles.size(); i += 2) handles[i].set(nullptr);
  }
};

// Objects of `bytes` (0: of 32 KiB to 1 MiB at random), every other one dropped, then larger ones.
void grow_into_holes(int scavenger, size_t bytes) {
  std::mt19937_64 random(random_seed());
  acre_options options = precise_options();
  options.gc_percent = 100;
  options.scavenger = scavenger;
  Holes heap(options);
  size_t dropped = 0;
  for (size_t got = 0; got < 256 * kMiB;) {
    const size_t size = bytes != 0 ? bytes : 32 * kKiB + random() % (kMiB - 32 * kKiB);
    if (heap.handles.size() % 2 == 0) dropped += size;
    heap.add(size);
    got += size;
  }
  heap.drop_every_other();
  heap.collect();
  for (size_t got = 0; got < dropped; got += 4 * kMiB) heap.add(4 * kMiB);
  const acre_stats stats = heap.stats();
  BOOST_TEST_MESSAGE("scavenger " << scavenger << ", " << bytes << " bytes: holds "
                                  << held(stats) / kMiB << " MiB, uses "
                                  << stats.heap_inuse / kMiB);
  BOOST_TEST(held(stats) <= stats.heap_inuse + stats.heap_inuse / 10);
}

BOOST_AUTO_TEST_SUITE(swiss_cheese)

BOOST_AUTO_TEST_CASE(growth_past_holes_gives_them_back) {
  for (const size_t bytes : {32 * kKiB + 1, 256 * kKiB, kMiB, size_t{0}}) grow_into_holes(1, bytes);
}

BOOST_AUTO_TEST_CASE(it_does_without_a_background_thread) {
  for (const size_t bytes : {32 * kKiB + 1, 256 * kKiB, kMiB, size_t{0}}) grow_into_holes(0, bytes);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
