#include "runtime/heap/large_list.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

#include "runtime/base/bits.h"
#include "test/runtime/base/random_seed.h"
#include "test/runtime/heap/heap_state.h"

namespace acre::rt {
namespace {

using test::HeapState;

struct Spans {
  HeapState heap;
  PageCache cache;
  LargeList list{};  // made for zeroed memory

  Spans() { list.init(&heap->space); }
  Span* make(uint32_t gen) {
    Span* span = heap->pages.alloc_span(
        {.pages = PageCount(5), .size_class = kLargeClass, .kind = 0, .sweep_gen = gen}, cache);
    BOOST_REQUIRE(span != nullptr);
    list.add(span, gen);
    return span;
  }
  void mark(const Span& span) {
    bits::set(heap->space.mark_words(), heap->space.granule_of(span.start(heap->space)));
  }
};

BOOST_AUTO_TEST_SUITE(large_list)

BOOST_AUTO_TEST_CASE(the_marked_stay_and_the_others_are_handed_out) {
  Spans spans;
  Span* dead = spans.make(0);
  Span* live = spans.make(0);
  spans.mark(*live);
  Span* found = nullptr;
  BOOST_TEST(!spans.list.sweep_one(2, &found));
  spans.list.begin_sweep();
  BOOST_TEST(!spans.list.nothing_unswept());
  Span* given = nullptr;
  while (spans.list.sweep_one(2, &found)) {
    if (found != nullptr) given = found;
  }
  BOOST_TEST(given == dead);
  BOOST_TEST(spans.list.nothing_unswept());
  BOOST_TEST(live->sweep_gen.load() == 2);
  BOOST_TEST(!find_object(spans.heap->space, dead->start(spans.heap->space)));
  BOOST_TEST(static_cast<bool>(find_object(spans.heap->space, live->start(spans.heap->space))));
  BOOST_TEST(spans.list.take(live));
  BOOST_TEST(!spans.list.take(live));
}

BOOST_AUTO_TEST_CASE(a_place_that_was_freed_before_its_sweep_is_used_again_as_new) {
  Spans spans;
  Span* span = spans.make(0);
  spans.list.begin_sweep();
  BOOST_REQUIRE(spans.list.take(span));
  BOOST_TEST(spans.list.nothing_unswept());
  spans.heap->pages.free_span(*span);
  Span* again = spans.make(2);
  BOOST_REQUIRE(again == span);
  BOOST_REQUIRE(spans.list.take(again));
  BOOST_TEST(spans.list.nothing_unswept());
  spans.heap->pages.free_span(*again);
  spans.make(2);
  spans.list.begin_sweep();
  BOOST_TEST(!spans.list.nothing_unswept());
}

BOOST_AUTO_TEST_CASE(random_cycles_agree_with_a_model) {
  std::mt19937_64 random(acre::test::random_seed());
  Spans spans;
  std::vector<Span*> model;
  for (uint32_t gen = 2; gen < 200; gen += 2) {
    for (int i = 0; i < 20; ++i) model.push_back(spans.make(gen - 2));
    std::vector<Span*> expected;
    for (Span* span : model) {
      if (random() % 2 == 0) continue;
      spans.mark(*span);
      expected.push_back(span);
    }
    spans.list.begin_sweep();
    size_t gone = 0;
    const size_t dead = model.size() - expected.size();
    for (Span* span = nullptr; spans.list.sweep_one(gen, &span);) {
      if (span == nullptr) continue;
      ++gone;
      spans.heap->pages.free_span(*span);
    }
    BOOST_TEST_REQUIRE(gone == dead);
    BOOST_TEST_REQUIRE(spans.list.nothing_unswept());
    model = expected;
    while (model.size() > 60) {
      std::swap(model[random() % model.size()], model.back());
      BOOST_TEST_REQUIRE(spans.list.take(model.back()));
      spans.heap->pages.free_span(*model.back());
      model.pop_back();
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
