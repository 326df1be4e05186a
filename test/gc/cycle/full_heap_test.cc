// A heap that is full gives NULL only when there truly is no room: the retry after a collection finds all
// of it.

#include <boost/test/unit_test.hpp>
#include <vector>

#include "test/gc/cycle/test_heap.h"

namespace acre::test {
namespace {

using rt::kKiB;
using rt::kMiB;

// Handles on objects of one size that fill a heap of 64 MiB to the last.
struct Full {
  TestHeap heap{quiet_options(64 * kMiB)};
  std::vector<acre_handle*> handles;

  void fill(size_t bytes) {
    while (void* object = acre_alloc(heap.thread(), bytes, ACRE_KIND_LEAF)) {
      handles.push_back(acre_handle_new(heap.thread(), object));
      BOOST_REQUIRE(handles.back() != nullptr);
    }
    BOOST_REQUIRE_EQUAL(acre_last_error(heap.thread()), ACRE_E_NOMEM);
  }
  bool fits(size_t bytes) { return acre_alloc(heap.thread(), bytes, ACRE_KIND_LEAF) != nullptr; }
};

BOOST_AUTO_TEST_SUITE(full_heap)

BOOST_AUTO_TEST_CASE(what_was_let_go_is_found_wherever_it_lies) {
  for (const size_t where : {0, 100, 2000, 7000}) {
    Full full;
    full.fill(8 * kKiB);
    const size_t count = full.handles.size();
    BOOST_REQUIRE(count > 8000);
    // Every second one below, which makes no room for a large object, and 1 MiB in a row.
    for (size_t i = 0; i < count; i += 2) acre_handle_set(full.handles[i], nullptr);
    for (size_t i = where; i < where + 140; ++i) acre_handle_set(full.handles[i], nullptr);
    BOOST_TEST(full.fits(kMiB), where);
    BOOST_TEST(full.heap.complaints() == "");
  }
}

BOOST_AUTO_TEST_CASE(one_slot_in_a_thousand_full_spans_is_found) {
  for (const size_t where : {10, 100000, 500000, 900000}) {
    Full full;
    full.fill(64);
    BOOST_REQUIRE(full.handles.size() > where);
    acre_handle_set(full.handles[where], nullptr);
    void* found = acre_alloc(full.heap.thread(), 64, ACRE_KIND_LEAF);
    BOOST_TEST_REQUIRE(found != nullptr, where);
    acre_handle_set(full.handles[where], found);
    BOOST_TEST(!full.fits(64));
  }
}

BOOST_AUTO_TEST_CASE(the_handler_is_asked_before_null_and_may_make_room) {
  Full full;
  full.fill(kMiB);
  struct Asked {
    Full* full;
    int times = 0;
  } asked{&full};
  acre_set_oom_handler(
      full.heap.get(),
      [](acre_heap*, size_t bytes, void* arg) {
        auto* to = static_cast<Asked*>(arg);
        BOOST_TEST(bytes == 2 * kMiB);
        if (++to->times == 1) return 0;
        acre_handle_set(to->full->handles[10], nullptr);
        acre_handle_set(to->full->handles[11], nullptr);
        return 1;
      },
      &asked);
  BOOST_TEST(!full.fits(2 * kMiB));
  BOOST_TEST(full.fits(2 * kMiB));
  BOOST_TEST(asked.times == 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
