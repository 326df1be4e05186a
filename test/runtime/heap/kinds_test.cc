#include "runtime/heap/kinds.h"

#include <boost/test/unit_test.hpp>
#include <string>

#include "test/runtime/heap/heap_state.h"

namespace acre::rt {
namespace {

using test::HeapState;

acre_kind_info info_with(const void* bitmap = nullptr, size_t words = 0,
                         acre_trace_fn trace = nullptr) {
  return {sizeof(acre_kind_info), nullptr, trace, bitmap, words, 0};
}

void trace_nothing(void*, size_t, acre_visitor*) {}

BOOST_AUTO_TEST_SUITE(kinds)

BOOST_AUTO_TEST_CASE(leaf_and_conservative_are_built_in) {
  HeapState heap;
  BOOST_TEST(heap->kinds.count() == 2);
  BOOST_TEST((heap->kinds.get(ACRE_KIND_LEAF).tracing == Tracing::kLeaf));
  BOOST_TEST((heap->kinds.get(ACRE_KIND_CONSERVATIVE).tracing == Tracing::kConservative));
  BOOST_TEST(std::string(heap->kinds.get(ACRE_KIND_LEAF).name) == "leaf");
  BOOST_TEST(!heap->kinds.known(2));
  BOOST_TEST(!heap->kinds.known(ACRE_KIND_NONE));
}

BOOST_AUTO_TEST_CASE(a_bitmap_is_copied_bit_by_bit) {
  HeapState heap;
  unsigned char bits[] = {0x01, 0x80, 0, 0, 0, 0, 0, 0, 0xff};
  acre_kind kind = 0;
  BOOST_REQUIRE_EQUAL(heap->kinds.add(info_with(bits, 66), &kind), ACRE_OK);
  BOOST_TEST(kind == 2);
  bits[0] = 0;
  const Kind& record = heap->kinds.get(kind);
  BOOST_TEST((record.tracing == Tracing::kBitmap));
  BOOST_TEST(record.element_words == 66);
  BOOST_TEST(record.bitmap[0] == 0x8001);
  BOOST_TEST(record.bitmap[1] == 0x3);  // what lies behind the last word is not read
  BOOST_TEST(std::string(record.name) == "kind 2");
}

BOOST_AUTO_TEST_CASE(mistakes_are_a_status_and_register_nothing) {
  HeapState heap;
  const uint64_t bits[64] = {};
  acre_kind kind = 77;
  acre_kind_info wrong_size = info_with();
  wrong_size.struct_size -= 8;
  acre_kind_info wrong_flags = info_with();
  wrong_flags.flags = 4;
  for (const acre_kind_info& info :
       {wrong_size, wrong_flags, info_with(bits, 0), info_with(bits, 4097), info_with(nullptr, 1),
        info_with(bits, 1, &trace_nothing)}) {
    BOOST_TEST(heap->kinds.add(info, &kind) == ACRE_E_INVALID);
  }
  BOOST_TEST(kind == 77);
  BOOST_TEST(heap->kinds.count() == 2);
  BOOST_TEST(heap->kinds.add(info_with(bits, 4096), &kind) == ACRE_OK);
}

BOOST_AUTO_TEST_CASE(elements_begin_behind_a_header) {
  HeapState heap;
  const uint64_t bits[] = {0b011};
  acre_kind_info info = info_with(bits, 3);
  acre_kind plain = 0;
  acre_kind headed = 0;
  BOOST_REQUIRE_EQUAL(heap->kinds.add(info, &plain), ACRE_OK);
  info.flags = ACRE_KIND_HAS_HEADER;
  BOOST_REQUIRE_EQUAL(heap->kinds.add(info, &headed), ACRE_OK);
  const Kind& with = heap->kinds.get(headed);
  const Kind& without = heap->kinds.get(plain);
  BOOST_TEST(!with.refers(0));
  for (uint64_t word = 0; word < 100; ++word) {
    BOOST_TEST(without.refers(word) == (word % 3 != 2));
    BOOST_TEST(with.refers(word + 1) == without.refers(word));
  }
  BOOST_TEST(without.least_bytes() == 24);
  BOOST_TEST(with.least_bytes() == 32);
  const uint8_t four = class_for(64);
  const Shape& shape =
      heap->kinds.shape(PageEntry::make(PageState::kSmall, headed, four, PageId(0)));
  BOOST_TEST(shape.mask == 0b10110110);
}

BOOST_AUTO_TEST_CASE(long_names_are_cut) {
  HeapState heap;
  acre_kind_info info = info_with();
  const std::string name(100, 'x');
  info.name = name.c_str();
  acre_kind kind = 0;
  BOOST_REQUIRE_EQUAL(heap->kinds.add(info, &kind), ACRE_OK);
  BOOST_TEST(std::string(heap->kinds.get(kind).name) == std::string(31, 'x'));
}

BOOST_AUTO_TEST_CASE(there_are_255_and_then_a_limit) {
  HeapState heap;
  acre_kind kind = 0;
  for (unsigned i = 2; i < ACRE_MAX_KINDS; ++i) {
    BOOST_TEST_REQUIRE(heap->kinds.add(info_with(nullptr, 0, &trace_nothing), &kind) == ACRE_OK);
    BOOST_TEST_REQUIRE(kind == i);
  }
  BOOST_TEST(heap->kinds.add(info_with(), &kind) == ACRE_E_LIMIT);
  // The last one serves.
  ThreadCache& cache = heap.new_cache();
  BOOST_TEST(cache.alloc_slow(16, ACRE_MAX_KINDS - 1, Fill::kZero) != nullptr);
}

BOOST_AUTO_TEST_CASE(without_room_in_the_books_the_status_says_so) {
  HeapState heap;
  while (heap->space.meta_alloc(ByteCount(4096), 8) != nullptr) {
  }
  acre_kind kind = 0;
  BOOST_TEST(heap->kinds.add(info_with(), &kind) == ACRE_E_NOMEM);
  BOOST_TEST(heap->kinds.count() == 2);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
