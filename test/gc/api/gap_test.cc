// The gaps that inline code takes objects from lie where acre.h says, and move as it says. That code is
// compiled into programs, so these numbers are part of the ABI.

#include <cstddef>

#include "test/gc/api/heap_fixture.h"

namespace acre::test {
namespace {

static_assert(sizeof(acre_gap) == 32);
static_assert(offsetof(acre_gap, cursor) == 0 && offsetof(acre_gap, limit) == 8 &&
              offsetof(acre_gap, end) == 16 && offsetof(acre_gap, span) == 24);
static_assert(ACRE_GAPS_OFFSET == 1152 && ACRE_GAPS_PER_KIND == 66 && ACRE_INLINE_BYTES == 1024);
static_assert(offsetof(acre_thread_inline, stop_requested) == 0 &&
              offsetof(acre_thread_inline, phase) == 4 &&
              offsetof(acre_thread_inline, locals) == 8 && sizeof(acre_thread_inline) == 24);

// An object by the library moves the cursor of this gap, and of no other of its kind.
void check_gap_of(Heap& heap, size_t bytes, acre_kind kind) {
  const unsigned size_class = ACRE_INLINE_CLASS(bytes);
  uintptr_t before[ACRE_GAPS_PER_KIND];
  for (unsigned i = 0; i < ACRE_GAPS_PER_KIND; ++i) {
    before[i] = acre_gap_of(heap.thread, kind, i)->cursor;
  }
  const auto object = reinterpret_cast<uintptr_t>(heap.alloc(bytes, kind));
  BOOST_TEST_REQUIRE(object != 0u);
  const acre_gap& gap = *acre_gap_of(heap.thread, kind, size_class);
  BOOST_TEST_REQUIRE(gap.cursor == object + ACRE_INLINE_CLASS_BYTES(bytes));
  BOOST_TEST_REQUIRE(gap.cursor <= gap.limit);
  BOOST_TEST_REQUIRE(gap.limit <= gap.end);
  BOOST_TEST_REQUIRE(gap.span != nullptr);
  for (unsigned i = 0; i < ACRE_GAPS_PER_KIND; ++i) {
    if (i == size_class) continue;
    BOOST_TEST_REQUIRE(acre_gap_of(heap.thread, kind, i)->cursor == before[i], "gap " << i);
  }
}

BOOST_AUTO_TEST_SUITE(gap)

BOOST_FIXTURE_TEST_CASE(an_object_of_any_size_moves_the_cursor_of_its_gap, PreciseHeap) {
  for (acre_kind kind : {ACRE_KIND_LEAF, ACRE_KIND_CONSERVATIVE}) {
    for (size_t bytes = 0; bytes <= ACRE_INLINE_BYTES; ++bytes) check_gap_of(*this, bytes, kind);
  }
}

BOOST_FIXTURE_TEST_CASE(each_kind_up_to_the_last_has_its_own_gaps, PreciseHeap) {
  const uint8_t first_word = 1;
  acre_kind kind = ACRE_KIND_CONSERVATIVE;
  while (kind < ACRE_MAX_KINDS - 1) {
    kind = add_kind(&first_word, 1);
    for (const size_t bytes : {16, 1024}) check_gap_of(*this, bytes, kind);
  }
}

BOOST_FIXTURE_TEST_CASE(what_inline_code_took_is_an_object_like_any_other, PreciseHeap) {
  void* by_library = alloc(64);
  void* object = acre_alloc_inline(thread, 64, ACRE_KIND_LEAF);
  BOOST_TEST(static_cast<char*>(object) == static_cast<char*>(by_library) + 64);
  BOOST_TEST(holds(object));
  BOOST_TEST(acre_object_size(heap, object) == 64u);
  BOOST_TEST(acre_object_kind(heap, object) == unsigned{ACRE_KIND_LEAF});
  BOOST_TEST(all_zero(object, 64));
  BOOST_TEST(live() == 2u);
}

BOOST_FIXTURE_TEST_CASE(a_gap_without_room_gives_nothing, PreciseHeap) {
  acre_gap empty = {};
  BOOST_TEST(acre_gap_take(&empty, 16) == nullptr);
  BOOST_TEST(empty.cursor == 0u);
  acre_gap* gap = acre_gap_of(thread, ACRE_KIND_LEAF, ACRE_INLINE_CLASS(1024));
  BOOST_TEST(acre_gap_take(gap, 1024) == nullptr);  // none of this size yet
  BOOST_TEST(acre_alloc_inline(thread, 1024, ACRE_KIND_LEAF) != nullptr);
  while (acre_gap_take(gap, 1024) != nullptr) {
  }
  const acre_gap used_up = *gap;
  BOOST_TEST(acre_gap_take(gap, 1024) == nullptr);
  BOOST_TEST(gap->cursor == used_up.cursor);
  BOOST_TEST(holds(acre_alloc_inline(thread, 1024, ACRE_KIND_LEAF)));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
