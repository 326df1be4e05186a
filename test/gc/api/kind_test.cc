// Kinds: what each way of tracing keeps alive and what it lets go, and how a kind is refused.

#include "test/gc/api/tracing_fixture.h"

namespace acre::test {
namespace {

acre_status register_with(acre_heap* heap, acre_kind_info info, acre_kind* out) {
  return acre_kind_register(heap, &info, out);
}

void trace_nothing(void*, size_t, acre_visitor*) {}

BOOST_AUTO_TEST_SUITE(kind)

BOOST_FIXTURE_TEST_CASE(leaf_objects_keep_nothing, Tracing) {
  for (size_t words : {2, 100, 10000}) BOOST_TEST(words_that_keep(ACRE_KIND_LEAF, words).empty());
}

BOOST_FIXTURE_TEST_CASE(conservative_objects_keep_what_any_word_points_into, Tracing) {
  for (size_t words : {2, 100, 10000}) {
    for (uintptr_t tag : {0, 1, 8, 33, 63}) {
      BOOST_TEST(words_that_keep(ACRE_KIND_CONSERVATIVE, words, tag) ==
                     where(words_of(words * 8), [](size_t) { return true; }),
                 boost::test_tools::per_element());
    }
  }
}

BOOST_FIXTURE_TEST_CASE(bitmap_kinds_repeat_their_element_to_the_end, Tracing) {
  const uint8_t bits[] = {0b10010};  // words 1 and 4 of 5
  const acre_kind kind = add_kind(bits, 5);
  // 30000 words are scanned in pieces, whose size is no multiple of an element.
  for (size_t words : {5, 7, 12, 100, 1003, 30000}) {
    BOOST_TEST(words_that_keep(kind, words) ==
                   where(words_of(words * 8), [](size_t i) { return i % 5 == 1 || i % 5 == 4; }),
               boost::test_tools::per_element());
  }
}

BOOST_FIXTURE_TEST_CASE(bitmaps_of_one_word_and_of_more_than_64_work, Tracing) {
  const uint8_t all[] = {1};
  const acre_kind dense = add_kind(all, 1);
  BOOST_TEST(words_that_keep(dense, 50) == where(words_of(400), [](size_t) { return true; }),
             boost::test_tools::per_element());

  const uint8_t none[] = {0};
  const acre_kind empty = add_kind(none, 1);
  BOOST_TEST(words_that_keep(empty, 50).empty());

  uint8_t wide[9] = {};  // 67 words: 0, 63, 64, 66
  wide[0] = 1;
  wide[7] = 0x80;
  wide[8] = 0b101;
  const acre_kind odd = add_kind(wide, 67);
  BOOST_TEST(words_that_keep(odd, 67 * 3) == where(words_of(67 * 24),
                                                   [](size_t i) {
                                                     i %= 67;
                                                     return i == 0 || i == 63 || i == 64 || i == 66;
                                                   }),
             boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_bitmap_of_4096_words_works, Tracing) {
  std::vector<uint64_t> bits(64);
  bits[0] = 2;
  bits[63] = uint64_t{1} << 63;
  const acre_kind kind = add_kind(bits.data(), 4096);
  bits.assign(64, ~uint64_t{0});  // it was copied
  BOOST_TEST(words_that_keep(kind, 10000) ==
                 where(words_of(80000), [](size_t i) { return i % 4096 == 1 || i % 4096 == 4095; }),
             boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(a_bitmap_need_not_be_aligned_nor_longer_than_its_bits, Tracing) {
  // At the end of an allocation: asan sees a read behind it.
  std::vector<uint8_t> bytes(4);
  bytes[3] = 0b100;
  const acre_kind kind = add_kind(&bytes[3], 3);
  BOOST_TEST(words_that_keep(kind, 9) == where(words_of(72), [](size_t i) { return i % 3 == 2; }),
             boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(references_of_bitmap_kinds_may_be_interior_or_tagged, Tracing) {
  const uint8_t bits[] = {1};
  const acre_kind kind = add_kind(bits, 1);
  for (uintptr_t tag : {1, 7, 8, 15, 16, 40, 63}) {
    BOOST_TEST(words_that_keep(kind, 20, tag).size() == words_of(160));
  }
}

struct Traced {
  static inline size_t seen_size;
  static inline void* seen_object;
  static void every_second_word(void* object, size_t size, acre_visitor* visitor) {
    seen_size = size;
    seen_object = object;
    auto** words = static_cast<void**>(object);
    for (size_t i = 0; i < size / sizeof(void*); i += 2) acre_visit(visitor, &words[i]);
  }
  static void upper_half(void* object, size_t size, acre_visitor* visitor) {
    acre_visit_conservative(visitor, static_cast<char*>(object) + size / 2, size / 2);
  }
};

BOOST_FIXTURE_TEST_CASE(trace_functions_keep_what_they_visit, Tracing) {
  const acre_kind kind = add_kind(&Traced::every_second_word);
  for (size_t words : {2, 30, 1000, 50000}) {
    for (uintptr_t tag : {0, 1, 9, 15, 32, 63}) {
      BOOST_TEST(words_that_keep(kind, words, tag) ==
                     where(words_of(words * 8), [](size_t i) { return i % 2 == 0; }),
                 boost::test_tools::per_element());
      BOOST_TEST(Traced::seen_size == words_of(words * 8) * 8);  // acre_object_size
    }
  }
}

BOOST_FIXTURE_TEST_CASE(trace_functions_may_visit_conservatively, Tracing) {
  const acre_kind kind = add_kind(&Traced::upper_half);
  BOOST_TEST(words_that_keep(kind, 32, 5).size() == 16u);
}

BOOST_FIXTURE_TEST_CASE(visits_of_null_and_foreign_words_are_ignored, Tracing) {
  const acre_kind kind = add_kind(&Traced::every_second_word);
  auto** object = static_cast<void**>(alloc(10 * sizeof(void*), kind));
  const Handle root(thread, object);
  int local = 0;
  object[0] = &local;
  object[2] = reinterpret_cast<void*>(SIZE_MAX);
  object[4] = reinterpret_cast<void*>(3);
  object[6] = heap;
  object[8] = object;
  collect();
  BOOST_TEST(live() == 1u);
  BOOST_TEST(heap_is_whole(heap));
}

BOOST_FIXTURE_TEST_CASE(graphs_with_cycles_live_and_die_as_a_whole, Tracing) {
  const uint8_t bits[] = {3};
  const acre_kind node = add_kind(bits, 8);
  Handle root(thread, nullptr);
  void** head = nullptr;
  for (size_t i = 0; i < 100000; ++i) {
    auto** next = static_cast<void**>(alloc(64, node));
    next[7] = reinterpret_cast<void*>(i);
    acre_store(thread, next, &next[0], head);
    if (head != nullptr) acre_store(thread, head, &head[1], next);
    head = next;
  }
  root.set(head);
  collect();
  BOOST_TEST(live() == 100000u);
  size_t length = 0;
  for (head = static_cast<void**>(root.get()); head != nullptr;
       head = static_cast<void**>(head[0])) {
    BOOST_TEST_REQUIRE(head[7] == reinterpret_cast<void*>(100000 - ++length));
  }
  BOOST_TEST(length == 100000u);
  root.set(nullptr);
  collect();
  BOOST_TEST(live() == 0u);
}

BOOST_FIXTURE_TEST_CASE(misuse_of_registration_has_a_status, PreciseHeap) {
  const acre_kind_info good = {sizeof(good), "good", nullptr, nullptr, 0, 0};
  const uint64_t bits[64] = {1};
  acre_kind kind = 77;
  BOOST_TEST(acre_kind_register(nullptr, &good, &kind) == ACRE_E_INVALID);
  BOOST_TEST(acre_kind_register(heap, nullptr, &kind) == ACRE_E_INVALID);
  BOOST_TEST(acre_kind_register(heap, &good, nullptr) == ACRE_E_INVALID);
  const auto refused = [&](acre_kind_info info) {
    return register_with(heap, info, &kind) == ACRE_E_INVALID;
  };
  BOOST_TEST(refused({0, "a", nullptr, nullptr, 0, 0}));
  BOOST_TEST(refused({8, "a", nullptr, nullptr, 0, 0}));
  BOOST_TEST(refused({sizeof(good) - 1, "a", nullptr, nullptr, 0, 0}));
  BOOST_TEST(refused({sizeof(good) + 8, "a", nullptr, nullptr, 0, 0}));
  BOOST_TEST(refused({SIZE_MAX, "a", nullptr, nullptr, 0, 0}));
  BOOST_TEST(refused({sizeof(good), "a", nullptr, nullptr, 0, 4}));
  BOOST_TEST(refused({sizeof(good), "a", nullptr, bits, 1, 3}));
  BOOST_TEST(refused({sizeof(good), "a", nullptr, nullptr, 0, UINT64_MAX}));
  BOOST_TEST(refused({sizeof(good), "a", nullptr, nullptr, 1, 0}));
  BOOST_TEST(refused({sizeof(good), "a", &trace_nothing, nullptr, 1, 0}));
  BOOST_TEST(refused({sizeof(good), "a", &trace_nothing, bits, 1, 0}));
  BOOST_TEST(refused({sizeof(good), "a", nullptr, bits, 0, 0}));
  BOOST_TEST(refused({sizeof(good), "a", nullptr, bits, 4097, 0}));
  BOOST_TEST(refused({sizeof(good), "a", nullptr, bits, SIZE_MAX, 0}));
  BOOST_TEST(stats().kinds == 2u);
  BOOST_TEST(register_with(heap, {sizeof(good), "a", nullptr, bits, 4096, 0}, &kind) == ACRE_OK);
  BOOST_TEST(kind == 2u);
  BOOST_TEST(stats().kinds == 3u);
}

BOOST_FIXTURE_TEST_CASE(names_may_be_missing_or_long, PreciseHeap) {
  const std::string name(1000, 'x');
  acre_kind kind = 0;
  BOOST_TEST(register_with(heap, {sizeof(acre_kind_info), nullptr, nullptr, nullptr, 0, 0},
                           &kind) == ACRE_OK);
  BOOST_TEST(register_with(heap, {sizeof(acre_kind_info), "", nullptr, nullptr, 0, 0}, &kind) ==
             ACRE_OK);
  BOOST_TEST(register_with(heap, {sizeof(acre_kind_info), name.c_str(), nullptr, nullptr, 0, 0},
                           &kind) == ACRE_OK);
  BOOST_TEST(alloc(16, kind) != nullptr);
}

BOOST_FIXTURE_TEST_CASE(there_are_255_kinds_and_each_serves, PreciseHeap) {
  const acre_kind_info info = {sizeof(info), nullptr, &trace_nothing, nullptr, 0, 0};
  acre_kind kind = 0;
  for (acre_kind expected = 2; expected < ACRE_MAX_KINDS; ++expected) {
    BOOST_TEST_REQUIRE(acre_kind_register(heap, &info, &kind) == ACRE_OK);
    BOOST_TEST_REQUIRE(kind == expected);
  }
  kind = 12345;
  BOOST_TEST(acre_kind_register(heap, &info, &kind) == ACRE_E_LIMIT);
  BOOST_TEST(acre_kind_register(heap, &info, &kind) == ACRE_E_LIMIT);
  BOOST_TEST(stats().kinds == uint64_t{ACRE_MAX_KINDS});
  std::vector<Handle> roots;
  for (acre_kind k = 0; k < ACRE_MAX_KINDS; ++k) {
    for (size_t bytes : {16, 1000, 40000}) roots.emplace_back(thread, alloc(bytes, k));
    (void)alloc(16, k);
  }
  for (acre_kind k : {255u, 256u}) BOOST_TEST(alloc(16, k) == nullptr);
  collect();
  const Recount count = recount(heap);
  BOOST_TEST(count.objects == roots.size());
  for (acre_kind k = 0; k < ACRE_MAX_KINDS; ++k) BOOST_TEST(count.objects_of_kind[k] == 3u);
}

BOOST_FIXTURE_TEST_CASE(two_heaps_number_their_kinds_apart, PreciseHeap) {
  PreciseHeap other;
  const acre_kind mine = add_kind(&trace_nothing);
  BOOST_TEST(other.stats().kinds == 2u);
  BOOST_TEST(other.alloc(16, mine) == nullptr);
  BOOST_TEST(other.last_error() == ACRE_E_INVALID);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
