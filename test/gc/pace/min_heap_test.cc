#include "gc/pace/min_heap.h"

#include <boost/test/unit_test.hpp>

namespace acre::gc {
namespace {

using rt::kMiB;

BOOST_AUTO_TEST_SUITE(min_heap)

// A program that allocates `bytes_per_ms` and keeps next to nothing: where its minimum heap rests.
uint64_t resting_min_heap(uint64_t bytes_per_ms, uint64_t pause_ns) {
  MinHeap heap;
  for (int i = 0; i < 200; ++i) {
    heap.after_cycle(pause_ns, heap.bytes() * 1'000'000 / bytes_per_ms);
  }
  return heap.bytes();
}

BOOST_AUTO_TEST_CASE(the_minimum_heap_grows_only_where_collections_take_time) {
  // 4 MiB in 4 ms: a pause of 0.1 ms is little, 0.6 ms are much, 40 ms too much for any size.
  BOOST_TEST(resting_min_heap(kMiB, 100'000) == 4 * kMiB);
  BOOST_TEST(resting_min_heap(kMiB, 600'000) == 8 * kMiB);
  BOOST_TEST(resting_min_heap(kMiB, 1'000'000) == 16 * kMiB);
  BOOST_TEST(resting_min_heap(kMiB, 40'000'000) == kMaxMinHeapBytes);
}

BOOST_AUTO_TEST_CASE(the_minimum_heap_comes_back_when_the_program_calms_down) {
  MinHeap heap;
  for (unsigned i = 0; i < 10 * MinHeap::kCycles; ++i) heap.after_cycle(5'000'000, 1'000'000);
  BOOST_TEST(heap.bytes() == kMaxMinHeapBytes);
  for (unsigned i = 0; i < MinHeap::kCycles; ++i) heap.after_cycle(1'000'000, 999'000'000);
  BOOST_TEST(heap.bytes() == kMaxMinHeapBytes / 2);
  for (unsigned i = 0; i < 10 * MinHeap::kCycles; ++i) heap.after_cycle(1'000'000, 999'000'000);
  BOOST_TEST(heap.bytes() == kMinHeapBytes);
}

BOOST_AUTO_TEST_CASE(one_long_pause_among_short_ones_changes_nothing) {
  MinHeap heap;
  for (unsigned i = 0; i < 3 * MinHeap::kCycles; ++i) {
    heap.after_cycle(i % MinHeap::kCycles == 3 ? 2'000'000 : 20'000, 4'000'000);
    BOOST_TEST(heap.bytes() == kMinHeapBytes);
  }
  // Sums stop at the largest number.
  for (unsigned i = 0; i < 100; ++i) heap.after_cycle(UINT64_MAX, UINT64_MAX);
  BOOST_TEST(heap.bytes() == kMaxMinHeapBytes);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::gc
