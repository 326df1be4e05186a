// Marking finds all that is reachable, also when it has no room for what waits to be scanned.

#include "gc/mark/marker.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

#include "runtime/base/bits.h"
#include "test/gc/cycle/test_heap.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

using gc::WorkBuffer;
using rt::kMiB;

BOOST_AUTO_TEST_SUITE(marker)

BOOST_AUTO_TEST_CASE(hot_structs_have_their_size) {
  BOOST_TEST(sizeof(WorkBuffer) == 4096);
  BOOST_TEST(sizeof(gc::Grey) == 8);
  BOOST_TEST(sizeof(gc::HandleBlock) == 4096);
}

BOOST_AUTO_TEST_CASE(no_room_for_grey_objects_costs_time_and_no_object) {
  std::mt19937_64 random(random_seed());
  for (const uint64_t max_buffers : {uint64_t{0}, uint64_t{1}, uint64_t{2}, UINT64_MAX}) {
    TestHeap heap;
    heap.get()->cycle.pool().init(&heap.core().space, max_buffers);
    // A wide tree with children at random places: 3000 live, 3000 dead.
    std::vector<void**> live;
    acre_handle* root = acre_handle_new(heap.thread(), nullptr);
    live.push_back(heap.alloc(4096));
    acre_handle_set(root, live[0]);
    while (live.size() < 3000) {
      void** holder = live[random() % live.size()];
      const size_t words = acre_object_size(heap.get(), holder) / sizeof(void*);
      void** slot = &holder[random() % words];
      (void)heap.alloc(64);
      void** node = heap.alloc(16 + random() % (random() % 100 == 0 ? 300000 : 500));
      if (*slot != nullptr) continue;
      acre_store(heap.thread(), holder, slot, node);
      live.push_back(node);
    }
    acre_collect(heap.thread());
    BOOST_TEST(heap.stats().live_objects == live.size());
    for (void** node : live) {
      BOOST_TEST_REQUIRE(acre_object_base(heap.get(), node) == node);
    }
    BOOST_TEST(heap.complaints() == "");
    acre_handle_drop(root);
    acre_collect(heap.thread());
    BOOST_TEST(heap.stats().live_objects == 0);
  }
}

// More words in one place than all buffers hold, most of them marked already when they are seen again.
BOOST_AUTO_TEST_CASE(many_roots_and_wide_objects_are_marked_with_two_buffers) {
  for (const bool exact : {false, true}) {
    TestHeap heap;
    heap.get()->cycle.pool().init(&heap.core().space, 0);
    const unsigned char every_word[] = {1};
    const acre_kind references =
        exact ? heap.kind({sizeof(acre_kind_info), "references", nullptr, every_word, 1, 0})
              : acre_kind{ACRE_KIND_CONSERVATIVE};
    std::vector<acre_handle*> handles;
    for (int i = 0; i < 3000; ++i) {
      handles.push_back(acre_handle_new(heap.thread(), heap.alloc(64)));
    }
    constexpr size_t kWords = 20000;  // two pieces
    void** array = heap.alloc(kWords * sizeof(void*), references);
    handles.push_back(acre_handle_new(heap.thread(), array));
    for (size_t i = 0; i < kWords; ++i) array[i] = heap.alloc(32);
    for (int cycle = 0; cycle < 2; ++cycle) {
      acre_collect(heap.thread());
      BOOST_TEST(heap.stats().live_objects == 3000 + 1 + kWords);
    }
    BOOST_TEST(heap.complaints() == "");
    for (acre_handle* handle : handles) acre_handle_drop(handle);
  }
}

BOOST_AUTO_TEST_CASE(a_list_of_a_million_is_marked_without_recursion) {
  TestHeap heap(quiet_options(512 * kMiB));
  acre_handle* head = acre_handle_new(heap.thread(), nullptr);
  for (int i = 0; i < 1000000; ++i) {
    void** node = heap.alloc(16);
    acre_store(heap.thread(), node, node, acre_handle_get(head));
    acre_handle_set(head, node);
  }
  acre_collect(heap.thread());
  BOOST_TEST(heap.stats().live_objects == 1000000);
  BOOST_TEST(heap.stats().live_after_gc == 16000000);
}

BOOST_AUTO_TEST_CASE(every_word_of_an_array_in_many_pieces_is_seen) {
  const unsigned char bits[] = {0x04};  // the third word of three
  for (const bool bitmap : {false, true}) {
    TestHeap heap;
    const acre_kind kind = bitmap
                               ? heap.kind({sizeof(acre_kind_info), "triples", nullptr, bits, 3, 0})
                               : acre_kind{ACRE_KIND_CONSERVATIVE};
    constexpr size_t kWords = 100000;  // 800 KB, more than six pieces of 128 KiB
    acre_handle* root = acre_handle_new(heap.thread(), nullptr);
    void** array = heap.alloc(kWords * sizeof(void*), kind);
    acre_handle_set(root, array);
    size_t seen = 1;
    for (size_t i = 0; i < kWords; ++i) {
      array[i] = heap.alloc(16, ACRE_KIND_LEAF);
      seen += !bitmap || i % 3 == 2 ? 1 : 0;
    }
    acre_collect(heap.thread());
    BOOST_TEST(heap.stats().live_objects == seen);
    BOOST_TEST(heap.complaints() == "");
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
