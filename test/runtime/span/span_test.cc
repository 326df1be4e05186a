// Spans and their bits, in a small space of their own with spans written into the page table by hand;
// every address of a span is asked about and compared with a model.

#include "runtime/span/span.h"

#include <boost/test/unit_test.hpp>
#include <memory>
#include <random>
#include <vector>

#include "runtime/base/bits.h"
#include "runtime/span/span_set.h"
#include "test/runtime/base/random_seed.h"

namespace {

using namespace acre::rt;  // NOLINT(google-build-using-namespace): all of it is under test

TableSizes only_spans(PageCount capacity) { return {ByteCount(0), span_table_bytes(capacity)}; }

struct SpaceFixture {
  // Zeroed, as a heap's memory is.
  std::unique_ptr<Os> os = std::make_unique<Os>();
  std::unique_ptr<Space> space{new Space()};

  SpaceFixture() {
    os->init(nullptr);
    BOOST_REQUIRE(space->init(os.get(), kMinReservation, ACRE_HUGE_PAGES_AUTO, &only_spans) ==
                  ACRE_OK);
    PageId first;
    BOOST_REQUIRE(space->map_arenas(1, true, &first));
  }
  ~SpaceFixture() { BOOST_TEST(space->destroy()); }

  Span& make_span(uint64_t page, uint8_t size_class, uint32_t large_pages = 0) {
    Span& span = *span_at(*space, PageId(page));
    span.start_page = static_cast<uint32_t>(page);
    span.page_count = size_class == kLargeClass ? large_pages : kClasses[size_class].pages;
    span.size_class = size_class;
    span.kind = 1;
    span.in_use = true;
    const PageState state = size_class == kLargeClass ? PageState::kLarge : PageState::kSmall;
    for (uint64_t i = 0; i < span.page_count; ++i) {
      space->set_page_entry(PageId(page + i), PageEntry::make(state, 1, size_class, PageId(page)));
    }
    return span;
  }

  // Sets the slots' bits as the model says.
  void allocate(const Span& span, const std::vector<bool>& slots) {
    for (size_t i = 0; i < slots.size(); ++i) {
      const auto offset = static_cast<uint32_t>(i * span.object_bytes().raw);
      if (slots[i]) set_alloc_bits(*space, span, offset, 1);
    }
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(span, SpaceFixture)

BOOST_AUTO_TEST_CASE(every_address_of_a_span_leads_to_its_object_or_to_none) {
  std::mt19937_64 random(acre::test::random_seed());
  uint64_t page = 3;
  for (uint8_t size_class = 1; size_class < kSizeClasses; ++size_class) {
    Span& span = make_span(page, size_class);
    std::vector<bool> slots(span.elements());
    for (size_t i = 0; i < slots.size(); ++i) slots[i] = random() % 3 != 0;
    allocate(span, slots);
    const Addr start = span.start(*space);
    const uint64_t step = span.object_bytes().raw;
    for (uint64_t offset = 0; offset < span.size().raw; ++offset) {
      const ObjectRef found = find_object(*space, start + ByteCount(offset));
      const uint64_t slot = offset / step;
      const bool expected = slot < slots.size() && slots[slot];
      if (static_cast<bool>(found) != expected ||
          (expected && (found.base != start + ByteCount(slot * step) || found.span != &span))) {
        BOOST_FAIL("class " << unsigned{size_class} << " offset " << offset);
      }
      const bool exact = static_cast<bool>(object_at(*space, start + ByteCount(offset)));
      if (exact != (expected && offset % step == 0)) BOOST_FAIL("object_at, offset " << offset);
    }
    page += span.page_count;
  }
}

BOOST_AUTO_TEST_CASE(an_address_outside_of_spans_and_of_the_space_is_in_no_object) {
  make_span(10, 4);
  BOOST_TEST(!find_object(*space, space->address(PageId(9))));
  BOOST_TEST(!find_object(*space, space->address(PageId(11))));
  BOOST_TEST(!find_object(*space, space->base() - ByteCount(1)));
  BOOST_TEST(!find_object(*space, space->base() + space->mapped()));
  BOOST_TEST(!find_object(*space, Addr(uintptr_t{0})));
  BOOST_TEST(!find_object(*space, Addr(UINTPTR_MAX)));
  BOOST_TEST(!find_object(*space, Addr(this)));
}

BOOST_AUTO_TEST_CASE(a_large_object_is_found_from_all_of_its_pages) {
  Span& span = make_span(100, kLargeClass, 20);
  BOOST_TEST(!find_object(*space, span.start(*space)));
  set_alloc_bits(*space, span, 0, 1);
  for (uint64_t offset = 0; offset < span.size().raw; offset += 1000) {
    BOOST_TEST(
        (find_object(*space, span.start(*space) + ByteCount(offset)).base == span.start(*space)));
  }
  BOOST_TEST(!find_object(*space, span.start(*space) + span.size()));
}

BOOST_AUTO_TEST_CASE(what_a_gap_has_not_handed_out_is_in_no_object) {
  Span& span = make_span(50, class_for(64));
  const Addr start = span.start(*space);
  Gap gap{};
  gap.set((start + ByteCount(640)).raw, (start + ByteCount(1280)).raw);
  set_alloc_bits(*space, span, 0, 30);
  span.gap.store(&gap);
  BOOST_TEST(count_allocated(*space, span) == 20u);
  BOOST_TEST(static_cast<bool>(find_object(*space, start + ByteCount(639))));
  BOOST_TEST(!find_object(*space, start + ByteCount(640)));
  BOOST_TEST(!find_object(*space, start + ByteCount(1279)));
  BOOST_TEST(static_cast<bool>(find_object(*space, start + ByteCount(1280))));
  span.gap.store(nullptr);
  BOOST_TEST(count_allocated(*space, span) == 30u);
}

BOOST_AUTO_TEST_CASE(runs_of_free_slots_are_those_of_a_model) {
  std::mt19937_64 random(acre::test::random_seed());
  for (int round = 0; round < 2000; ++round) {
    const auto size_class = static_cast<uint8_t>(1 + random() % (kSizeClasses - 1));
    Span& span = make_span(200, size_class);
    clear_all_bits(*space, span.first_page(), span.pages());
    std::vector<bool> slots(span.elements());
    const unsigned density = 1 + random() % 8;
    for (size_t i = 0; i < slots.size(); ++i) slots[i] = random() % density != 0;
    allocate(span, slots);

    const size_t from = random() % (slots.size() + 1);
    const auto most = static_cast<uint32_t>(1 + random() % slots.size());
    size_t first = from;
    while (first < slots.size() && slots[first]) ++first;
    size_t length = 0;
    while (first + length < slots.size() && !slots[first + length] && length < most) ++length;

    const uint64_t step = span.object_bytes().raw;
    const SlotRun run = find_free_run(*space, span, static_cast<uint32_t>(from * step), most);
    BOOST_REQUIRE_EQUAL(run.slots, length);
    if (length != 0) BOOST_REQUIRE_EQUAL(run.offset, first * step);
  }
}

BOOST_AUTO_TEST_CASE(setting_and_clearing_slots_touches_no_other_bit) {
  std::mt19937_64 random(acre::test::random_seed());
  for (uint8_t size_class = 1; size_class < kSizeClasses; ++size_class) {
    Span& span = make_span(300, size_class);
    clear_all_bits(*space, span.first_page(), span.pages());
    const auto count = static_cast<uint32_t>(1 + random() % span.elements());
    const auto first = static_cast<uint32_t>(random() % (span.elements() - count + 1));
    const auto offset = static_cast<uint32_t>(first * span.object_bytes().raw);
    const uint64_t begin = span.first_page().raw * kGranulesPerPage;
    const uint64_t end = begin + span.pages().raw * kGranulesPerPage;
    set_alloc_bits(*space, span, offset, count);
    BOOST_TEST(bits::count_set(space->alloc_words(), begin, end) == count);
    for (uint32_t i = 0; i < count; ++i) {
      BOOST_TEST(bits::test(space->alloc_words(),
                            begin + ((first + i) * span.object_bytes().raw >> kGranuleShift)));
    }
    clear_alloc_bits(*space, span, offset, count);
    BOOST_TEST(bits::count_set(space->alloc_words(), begin, end) == 0u);
  }
}

// Of each class each slot by itself, the last one too, between neighbours whose bits are all set or all
// clear, in whole spans before and behind.
BOOST_AUTO_TEST_CASE(each_slot_of_each_class_is_found_and_changed_alone) {
  for (uint8_t size_class = 1; size_class < kSizeClasses; ++size_class) {
    Span& span = make_span(400, size_class);
    const auto words = space->alloc_words();
    const uint64_t begin = span.first_page().raw * kGranulesPerPage;
    const uint64_t end = begin + span.pages().raw * kGranulesPerPage;
    const auto step = static_cast<uint32_t>(span.object_bytes().raw);
    const uint32_t slots = span.elements();
    uint64_t wrong = 0;
    for (const bool neighbours : {false, true}) {
      for (uint64_t word = begin / 64 - 8; word < end / 64 + 8; ++word) {
        const bool outside = word * 64 < begin || word * 64 >= end;
        words[word].store(outside && neighbours ? ~uint64_t{0} : 0);
      }
      const auto outside_set = [&] {
        return bits::count_set(words, begin - 512, begin) + bits::count_set(words, end, end + 512);
      };
      const uint64_t expected_outside = neighbours ? 1024 : 0;
      for (uint32_t slot = 0; slot < slots; ++slot) {
        // Alone in use: two runs, before it and behind it.
        set_alloc_bits(*space, span, slot * step, 1);
        wrong += bits::count_set(words, begin, end) != 1 || outside_set() != expected_outside;
        const SlotRun before = find_free_run(*space, span, 0, slots);
        const SlotRun behind = find_free_run(*space, span, slot * step, slots);
        wrong += before.slots != (slot > 0 ? slot : slots - 1);
        wrong += before.slots != 0 && before.offset != (slot > 0 ? 0 : step);
        wrong += behind.slots != slots - 1 - slot;
        wrong += behind.slots != 0 && behind.offset != (slot + 1) * step;
        clear_alloc_bits(*space, span, slot * step, 1);
        wrong += bits::count_set(words, begin, end) != 0 || outside_set() != expected_outside;
      }
      // All but one in use.
      set_alloc_bits(*space, span, 0, slots);
      wrong += bits::count_set(words, begin, end) != slots || outside_set() != expected_outside;
      wrong += find_free_run(*space, span, 0, slots).slots != 0;
      for (uint32_t slot = 0; slot < slots; ++slot) {
        clear_alloc_bits(*space, span, slot * step, 1);
        for (const uint32_t from : {0u, slot}) {
          const SlotRun only = find_free_run(*space, span, from * step, slots);
          wrong += only.slots != 1 || only.offset != slot * step;
        }
        wrong += find_free_run(*space, span, (slot + 1) * step, slots).slots != 0;
        set_alloc_bits(*space, span, slot * step, 1);
      }
      clear_alloc_bits(*space, span, 0, slots);
      wrong += bits::count_set(words, begin, end) != 0 || outside_set() != expected_outside;
    }
    BOOST_TEST(wrong == 0u, "class " << unsigned{size_class});
    clear_all_bits(*space, PageId(390), PageCount(40));
  }
}

BOOST_AUTO_TEST_CASE(the_one_slot_of_a_large_span_is_found_until_it_is_taken) {
  Span& span = make_span(500, kLargeClass, 9);
  BOOST_TEST(find_free_run(*space, span, 0, 5).slots == 1u);
  set_alloc_bits(*space, span, 0, 0);
  BOOST_TEST(find_free_run(*space, span, 0, 1).slots == 1u);
  set_alloc_bits(*space, span, 0, 1);
  BOOST_TEST(find_free_run(*space, span, 0, 1).slots == 0u);
  const uint64_t begin = span.first_page().raw * kGranulesPerPage;
  BOOST_TEST(bits::count_set(space->alloc_words(), begin, begin + 9 * kGranulesPerPage) == 1u);
  clear_alloc_bits(*space, span, 0, 1);
  BOOST_TEST(find_free_run(*space, span, 0, 1).slots == 1u);
  BOOST_TEST(find_free_run(*space, span, static_cast<uint32_t>(span.size().raw), 1).slots == 0u);
}

BOOST_AUTO_TEST_CASE(a_set_gives_back_the_last_span_first_and_counts_them) {
  SpanSet set{};
  BOOST_TEST(set.empty());
  BOOST_TEST(set.pop() == nullptr);
  Span& one = make_span(1, 1);
  Span& two = make_span(2, 1);
  set.push(&one);
  set.push(&two);
  BOOST_TEST(set.count() == 2u);
  BOOST_TEST(set.count() == 2u);
  BOOST_TEST(set.pop() == &two);
  BOOST_TEST(set.pop() == &one);
  BOOST_TEST(set.empty());
  BOOST_TEST(set.count() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()
