// The states of a span in a sweep, from mark bits set by hand.

#include "gc/sweep/sweeper.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <vector>

#include "runtime/base/bits.h"
#include "test/gc/cycle/test_heap.h"
#include "test/gc/sweep/sweeper_door.h"

namespace acre::test {
namespace {

using rt::Addr;
using rt::PageCount;
using rt::Span;
using rt::SweptSpan;

// One span of objects of 1024 bytes (8 of them), flushed, in the state between mark and sweep.
struct Marked {
  TestHeap heap;
  SweeperDoor sweeper{heap.core()};
  std::vector<void*> objects;

  // 'm': allocated and marked, 'd': allocated and dead, '.': free.
  explicit Marked(const std::string& slots) {
    for (size_t i = 0; i < 8; ++i) objects.push_back(heap.alloc(1024, ACRE_KIND_LEAF));
    for (size_t i = 0; i < 8; ++i) {
      if (slots[i] == '.') acre_free(heap.thread(), objects[i]);
    }
    heap.thread()->cache.flush();
    for (size_t i = 0; i < 8; ++i) {
      if (slots[i] == 'm') rt::bits::set(heap.space().mark_words(), granule(i));
    }
    sweeper.begin();
  }
  uint64_t granule(size_t i) const { return heap.space().granule_of(Addr(objects[i])); }
  Span& span() { return *span_at(heap.space(), heap.space().page_of(Addr(objects[0]))); }
  // As in the constructor; marks are 'M'.
  std::string slots() const {
    std::string text;
    for (size_t i = 0; i < 8; ++i) {
      const bool marked = rt::bits::test(heap.space().mark_words(), granule(i));
      const bool allocated = rt::bits::test(heap.space().alloc_words(), granule(i));
      text += marked ? 'M' : allocated ? 'd' : '.';
    }
    return text;
  }
  Span* take() {
    return heap.core()
        .kinds.central(ACRE_KIND_LEAF, rt::class_for(1024))
        .take_unswept(heap.core().generation());
  }
  uint64_t freed() const { return heap.core().freed[0].objects[rt::class_for(1024)].load(); }
};

BOOST_AUTO_TEST_SUITE(sweeper)

BOOST_AUTO_TEST_CASE(the_dead_become_room) {
  Marked m("mddm.mmm");
  Span* span = m.take();
  BOOST_REQUIRE(span == &m.span());
  BOOST_TEST(!m.heap.core().swept(*span));
  BOOST_TEST((m.sweeper.sweep(*span) == SweptSpan::kHasRoom));
  BOOST_TEST(m.slots() == "d..d.ddd");
  BOOST_TEST(m.freed() == 3);
  BOOST_TEST(m.heap.core().swept(*span));
  BOOST_TEST(span->search_from == 0);
}

BOOST_AUTO_TEST_CASE(one_free_slot_is_room) {
  Marked m("mmmmmmmd");
  BOOST_TEST((m.sweeper.sweep(*m.take()) == SweptSpan::kHasRoom));
  BOOST_TEST(m.slots() == "ddddddd.");
}

BOOST_AUTO_TEST_CASE(a_span_without_dead_is_full) {
  Marked m("mmmmmmmm");
  BOOST_TEST((m.sweeper.sweep(*m.take()) == SweptSpan::kFull));
  BOOST_TEST(m.slots() == "dddddddd");
  BOOST_TEST(m.freed() == 0);
}

BOOST_AUTO_TEST_CASE(a_span_without_living_goes_back_to_the_page_heap) {
  Marked m("dd.ddddd");
  BOOST_TEST((m.sweeper.sweep(*m.take()) == SweptSpan::kFreed));
  BOOST_TEST(!m.span().in_use);
  BOOST_TEST(m.freed() == 8);
  BOOST_TEST(m.heap.core().pages.pages_in_use().raw == 0);
}

BOOST_AUTO_TEST_CASE(sweeping_in_place_frees_no_span_and_happens_once) {
  Marked m("dddddddd");
  m.sweeper.sweep_in_place(m.span());
  BOOST_TEST(m.slots() == "........");
  BOOST_TEST(m.freed() == 8);
  BOOST_TEST(m.span().in_use);
  m.sweeper.sweep_in_place(m.span());
  BOOST_TEST(m.freed() == 8);
  BOOST_TEST((m.sweeper.sweep(*m.take()) == SweptSpan::kFreed));
}

BOOST_AUTO_TEST_CASE(an_object_that_is_freed_before_its_span_is_swept_stays_freed) {
  Marked m("mmmddmmm");
  acre_free(m.heap.thread(), m.objects[0]);
  BOOST_TEST(m.slots() == ".dd..ddd");
  acre_free(m.heap.thread(), m.objects[3]);  // dead already
  BOOST_TEST(acre_last_error(m.heap.thread()) == ACRE_E_INVALID);
  BOOST_TEST(m.freed() == 3);
  m.sweeper.finish();
  BOOST_TEST(m.heap.complaints() == "");
}

BOOST_AUTO_TEST_CASE(reclaiming_stops_when_enough_pages_came_free) {
  TestHeap heap;
  SweeperDoor sweeper(heap.core());
  for (int i = 0; i < 100; ++i) (void)heap.alloc(8192, ACRE_KIND_LEAF);
  heap.thread()->cache.flush();
  sweeper.begin();
  BOOST_TEST(!sweeper.done());
  sweeper.reclaim(PageCount(10));
  BOOST_TEST(heap.core().pages.pages_in_use().raw == 90);
  BOOST_TEST(!sweeper.done());
  sweeper.reclaim(PageCount(1000));
  BOOST_TEST(heap.core().pages.pages_in_use().raw == 0);
  BOOST_TEST(sweeper.done());
  sweeper.begin();
  sweeper.finish();
  BOOST_TEST(sweeper.done());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
