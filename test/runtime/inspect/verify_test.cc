// Damage is planted by hand, one thing at a time: verify must tell, and be content when it is mended.

#include "runtime/inspect/verify.h"

#include <boost/test/unit_test.hpp>
#include <functional>

#include "runtime/base/bits.h"
#include "test/gc/cycle/test_heap.h"

namespace acre::test {
namespace {

using rt::Addr;
using rt::PageCount;
using rt::PageEntry;
using rt::PageId;
using rt::Span;

// A heap with a small, a large and a referring object, all reachable.
struct Patient {
  TestHeap heap;
  void* small = heap.alloc(64, ACRE_KIND_LEAF);
  void* large = heap.alloc(100000, ACRE_KIND_LEAF);
  void* roots[2] = {small, large};
  acre_root_scanner_fn visit = [](acre_visitor* visitor, void* slots) {
    for (int i = 0; i < 2; ++i) acre_visit(visitor, &static_cast<void**>(slots)[i]);
  };

  Patient() {
    BOOST_REQUIRE_EQUAL(acre_root_scanner_add(heap.get(), visit, roots), ACRE_OK);
    acre_collect(heap.thread());
    BOOST_REQUIRE_EQUAL(heap.complaints(), "");
  }

  rt::Space& space() { return heap.core().space; }
  Span& span_of(void* object) { return *object_at(space(), Addr(object)).span; }

  void complains_of(const char* about, const std::function<void()>& damage,
                    const std::function<void()>& mend) {
    BOOST_TEST_CONTEXT(about) {
      damage();
      const std::string text = heap.complaints();
      BOOST_TEST(text.find(about) != std::string::npos, text);
      mend();
      BOOST_TEST(heap.complaints() == "");
    }
  }
};

BOOST_AUTO_TEST_SUITE(verify)

BOOST_AUTO_TEST_CASE(a_wrong_page_entry_is_found) {
  Patient p;
  const PageId page = p.span_of(p.large).first_page() + PageCount(3);
  const PageEntry right = p.space().page_entry(page);
  p.complains_of(
      "lacks the entry of its span",
      [&] { p.space().set_page_entry(page, PageEntry{right.raw ^ uint64_t{1} << 40}); },
      [&] { p.space().set_page_entry(page, right); });
  const PageId free_page(p.space().mapped().raw / rt::kPageBytes - 1);
  p.complains_of(
      "does not reach it", [&] { p.space().set_page_entry(free_page, right); },
      [&] { p.space().set_page_entry(free_page, PageEntry{}); });
}

BOOST_AUTO_TEST_CASE(a_span_record_that_does_not_fit_is_found) {
  Patient p;
  Span& span = p.span_of(p.large);
  p.complains_of(
      "does not fit its entry", [&] { span.kind = 9; }, [&] { span.kind = ACRE_KIND_LEAF; });
  p.complains_of(
      "does not fit its entry", [&] { span.in_use = false; }, [&] { span.in_use = true; });
}

BOOST_AUTO_TEST_CASE(an_alloc_bit_inside_an_object_is_found) {
  Patient p;
  const uint64_t inside = p.space().granule_of(Addr(p.small)) + 1;
  p.complains_of(
      "an alloc bit inside an object", [&] { rt::bits::set(p.space().alloc_words(), inside); },
      [&] { rt::bits::clear(p.space().alloc_words(), inside); });
  const uint64_t inside_large = p.space().granule_of(Addr(p.large)) + 1000;
  p.complains_of(
      "an alloc bit inside an object",
      [&] { rt::bits::set(p.space().alloc_words(), inside_large); },
      [&] { rt::bits::clear(p.space().alloc_words(), inside_large); });
}

BOOST_AUTO_TEST_CASE(mark_bits_out_of_place_are_found) {
  Patient p;
  const uint64_t granule = p.space().granule_of(Addr(p.small));
  // verify's own marking clears them afterwards.
  p.complains_of(
      "a mark bit in a swept span", [&] { rt::bits::set(p.space().mark_words(), granule); }, [] {});
  p.complains_of(
      "a mark bit without an object", [&] { rt::bits::set(p.space().mark_words(), granule + 1); },
      [] {});
}

BOOST_AUTO_TEST_CASE(wrong_counters_are_found) {
  Patient p;
  auto& freed = p.heap.core().freed[0].objects[rt::class_for(64)];
  p.complains_of(
      "objects by the counters", [&] { ++freed; }, [&] { --freed; });
  const uint64_t granule = p.space().granule_of(Addr(p.small));
  p.complains_of(
      "objects by the counters", [&] { rt::bits::clear(p.space().alloc_words(), granule); },
      [&] { rt::bits::set(p.space().alloc_words(), granule); });
}

BOOST_AUTO_TEST_CASE(a_span_that_is_in_no_central_list_is_found) {
  Patient p;
  Span& span = p.span_of(p.small);
  rt::Central& central = p.heap.core().kinds.central(ACRE_KIND_LEAF, span.size_class);
  const uint32_t gen = p.heap.core().generation();
  p.complains_of(
      "spans in central lists",
      [&] { BOOST_REQUIRE(central.take_with_room(gen, 0, *p.heap.core().collector) == &span); },
      [&] { central.put(&span, true, gen); });
}

BOOST_AUTO_TEST_CASE(a_dangling_exact_reference_is_found_and_named) {
  Patient p;
  void* good = p.roots[0];
  void* stale = p.heap.alloc(640, ACRE_KIND_LEAF);
  acre_free(p.heap.thread(), stale);
  p.complains_of(
      "a reference leads to no object", [&] { p.roots[0] = stale; }, [&] { p.roots[0] = good; });
  p.complains_of(
      ", visited by a root scanner", [&] { p.roots[0] = stale; }, [&] { p.roots[0] = good; });
  // Also from within an object of a kind that says where its references are.
  const uint64_t bits = 1;
  const acre_kind kind = p.heap.kind({sizeof(acre_kind_info), "holder", nullptr, &bits, 1, 0});
  void** holder = p.heap.alloc(16, kind);
  p.roots[1] = holder;
  p.complains_of(
      "of kind holder", [&] { holder[1] = stale; }, [&] { holder[1] = nullptr; });
  // Other roots are named by their sort.
  acre_handle* handle = acre_handle_new(p.heap.thread(), nullptr);
  p.complains_of(
      ", a handle", [&] { acre_handle_set(handle, stale); }, [&] { acre_handle_drop(handle); });
  void* range[2] = {};
  BOOST_REQUIRE_EQUAL(acre_root_add(p.heap.get(), range, sizeof(range), 0), ACRE_OK);
  p.complains_of(
      ", in a root range", [&] { range[1] = stale; }, [&] { range[1] = nullptr; });
  BOOST_REQUIRE_EQUAL(acre_root_remove(p.heap.get(), range), ACRE_OK);
  acre_local local{nullptr, nullptr};
  acre_local_push(p.heap.thread(), &local);
  p.complains_of(
      ", an acre_local", [&] { local.object = stale; }, [&] { local.object = nullptr; });
  (void)acre_local_pop(p.heap.thread(), &local);
}

BOOST_AUTO_TEST_CASE(a_number_that_looks_like_a_reference_is_not_reported) {
  Patient p;
  void* stale = p.heap.alloc(640, ACRE_KIND_LEAF);
  acre_free(p.heap.thread(), stale);
  void** holder = p.heap.alloc(16, ACRE_KIND_CONSERVATIVE);
  p.roots[1] = holder;
  holder[0] = stale;
  BOOST_TEST(p.heap.complaints() == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
