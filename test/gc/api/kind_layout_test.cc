// Bitmap kinds, with a header and without, against a model of their words, at random; and what is too small for an
// element.

#include <random>

#include "test/gc/api/tracing_fixture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

// A kind at random, and what it is by its definition.
struct Model {
  std::vector<bool> bits;
  bool header = false;
  acre_kind kind = ACRE_KIND_NONE;

  size_t least_bytes() const { return (bits.size() + (header ? 1 : 0)) * sizeof(void*); }
  bool is_reference(size_t word) const {
    if (header && word == 0) return false;
    return bits[(header ? word - 1 : word) % bits.size()];
  }
};

acre_kind register_bits(acre_heap* heap, const std::vector<bool>& bits, bool header) {
  std::vector<uint8_t> bytes((bits.size() + 7) / 8);
  for (size_t i = 0; i < bits.size(); ++i) {
    if (bits[i]) bytes[i / 8] = static_cast<uint8_t>(bytes[i / 8] | 1u << i % 8);
  }
  const acre_kind_info info = {sizeof(info), "layout",
                               nullptr,      bytes.data(),
                               bits.size(),  header ? uint64_t{ACRE_KIND_HAS_HEADER} : 0};
  acre_kind kind = ACRE_KIND_NONE;
  BOOST_REQUIRE(acre_kind_register(heap, &info, &kind) == ACRE_OK);
  return kind;
}

Model random_model(acre_heap* heap, std::mt19937_64& random) {
  static constexpr size_t kWords[] = {1, 2, 3, 7, 63, 64, 65, 127, 128, 700, 4096};
  Model model;
  model.bits.resize(random() % 3 == 0 ? 1 + random() % 200 : kWords[random() % std::size(kWords)]);
  model.header = random() % 2 == 0;
  // Dense, sparse.
  const uint64_t one_in = random() % 2 == 0 ? 2 : model.bits.size() / 3 + 1;
  for (auto&& bit : model.bits) bit = random() % one_in == 0;
  model.kind = register_bits(heap, model.bits, model.header);
  return model;
}

// One object in whose every word is the address of an object of its own: those that survive, against the model.
// Not by BOOST_TEST for each word: there are millions.
void check_object(Tracing& heap, const Model& model, size_t bytes, uint64_t seed) {
  auto** object = static_cast<void**>(heap.alloc(bytes, model.kind));
  BOOST_TEST_REQUIRE(object != nullptr);
  const Handle root(heap.thread, object);
  const size_t words = acre_object_size(heap.heap, object) / sizeof(void*);
  for (size_t i = 0; i < words; ++i) object[i] = heap.alloc(16);
  heap.collect();
  size_t wrong = 0;
  for (size_t i = 0; i < words; ++i) {
    wrong += heap.holds(object[i]) != model.is_reference(i) ? 1 : 0;
    object[i] = nullptr;
  }
  BOOST_TEST(wrong == 0u, wrong << " of " << words << " words wrong; element of "
                                << model.bits.size() << " words, header " << model.header
                                << ", seed " << seed);
}

BOOST_AUTO_TEST_SUITE(kind_layout)

BOOST_FIXTURE_TEST_CASE(each_word_keeps_what_the_model_says, Tracing) {
  const uint64_t seed = random_seed();
  std::mt19937_64 random(seed);
  for (int round = 0; round < 60; ++round) {
    const Model model = random_model(heap, random);
    const size_t least = model.least_bytes();
    // Small, and of more than 64 words.
    check_object(*this, model, least, seed);
    check_object(*this, model, least + random() % 2000, seed);
    // Large, in one piece and in several.
    check_object(*this, model, least + 33 * kKiB + random() % (60 * kKiB), seed);
    if (round % 4 == 0) check_object(*this, model, 128 * kKiB + random() % (400 * kKiB), seed);
  }
}

BOOST_FIXTURE_TEST_CASE(pieces_of_large_objects_begin_where_the_element_is, Tracing) {
  // 128 KiB are 16384 words: with the header, no multiple of any of these.
  for (const size_t words : {3, 5, 64, 4096}) {
    std::vector<bool> bits(words);
    bits[0] = true;
    bits[words - 1] = true;
    const Model model = {bits, true, register_bits(heap, bits, true)};
    check_object(*this, model, 400 * kKiB, 0);
  }
}

BOOST_FIXTURE_TEST_CASE(a_header_is_no_reference_whatever_it_holds, Tracing) {
  const Model model = {{true}, true, register_bits(heap, {true}, true)};
  std::vector<size_t> all_but_first;
  for (size_t i = 1; i < 8; ++i) all_but_first.push_back(i);
  BOOST_TEST(words_that_keep(model.kind, 8) == all_but_first, boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(leaf_and_traced_kinds_may_have_one_too, Tracing) {
  acre_kind_info info = {sizeof(info), "leaf", nullptr, nullptr, 0, ACRE_KIND_HAS_HEADER};
  acre_kind leaf = ACRE_KIND_NONE;
  BOOST_REQUIRE(acre_kind_register(heap, &info, &leaf) == ACRE_OK);
  BOOST_TEST(words_that_keep(leaf, 6).empty());
  BOOST_TEST(acre_alloc_uninit(thread, 10, leaf) != nullptr);
  // A trace function says all by itself, of the header, too.
  info.trace = [](void* object, size_t, acre_visitor* visitor) {
    acre_visit(visitor, static_cast<void**>(object));
  };
  acre_kind traced = ACRE_KIND_NONE;
  BOOST_REQUIRE(acre_kind_register(heap, &info, &traced) == ACRE_OK);
  BOOST_TEST(words_that_keep(traced, 6) == std::vector<size_t>{0},
             boost::test_tools::per_element());
}

BOOST_FIXTURE_TEST_CASE(an_object_too_small_for_an_element_is_refused, PreciseHeap) {
  const std::vector<bool> bits(5, true);
  for (const bool header : {false, true}) {
    const size_t least = header ? 48 : 40;
    const acre_kind kind = register_bits(heap, bits, header);
    const uint64_t before = live();
    // What counts is the object that the request would get.
    for (size_t bytes = 1; bytes <= 32; ++bytes) {
      BOOST_TEST(alloc(bytes, kind) == nullptr);
      BOOST_TEST(last_error() == ACRE_E_INVALID);
      BOOST_TEST(acre_alloc_aligned(thread, bytes, 16, kind) == nullptr);
    }
    BOOST_TEST(acre_alloc_inline(thread, 32, kind) == nullptr);
    BOOST_TEST(acre_alloc_uninit(thread, 100, kind) == nullptr);
    BOOST_TEST(live() == before);
    for (size_t bytes : {size_t{33}, least, size_t{1000}, size_t{100000}}) {
      void* object = alloc(bytes, kind);
      BOOST_TEST_REQUIRE(object != nullptr);
      BOOST_TEST(acre_object_size(heap, object) >= least);
    }
    // Alignment gives more than was asked for, and that counts.
    for (size_t align : {64, 4096, 16384}) {
      void* object = acre_alloc_aligned(thread, 1, align, kind);
      BOOST_TEST(object != nullptr);
      BOOST_TEST(reinterpret_cast<uintptr_t>(object) % align == 0u);
    }
    BOOST_TEST(acre_alloc_aligned(thread, 1, 32, kind) == nullptr);
  }
}

BOOST_FIXTURE_TEST_CASE(an_element_may_be_larger_than_the_page_of_an_aligned_object, PreciseHeap) {
  const acre_kind kind = register_bits(heap, std::vector<bool>(4096, true), false);
  BOOST_TEST(acre_alloc_aligned(thread, 100, 65536, kind) == nullptr);
  BOOST_TEST(last_error() == ACRE_E_INVALID);
  BOOST_TEST(acre_alloc_aligned(thread, 30000, 65536, kind) != nullptr);  // four pages
}

BOOST_FIXTURE_TEST_CASE(no_elements_get_room_for_one, PreciseHeap) {
  const acre_kind kind = register_bits(heap, std::vector<bool>(100, true), true);
  for (int i = 0; i < 100; ++i) BOOST_TEST(acre_object_size(heap, alloc(0, kind)) >= 808u);
  for (size_t align : {16, 32, 4096, 65536}) {
    void* object = acre_alloc_aligned(thread, 0, align, kind);
    BOOST_TEST(acre_object_size(heap, object) >= 808u);
    BOOST_TEST(reinterpret_cast<uintptr_t>(object) % align == 0u);
  }
  BOOST_TEST(alloc(16, kind) == nullptr);
}

BOOST_FIXTURE_TEST_CASE(realloc_does_not_cut_the_only_element, PreciseHeap) {
  const acre_kind kind = register_bits(heap, std::vector<bool>(100, false), false);
  for (const size_t bytes : {size_t{800}, size_t{20000}, size_t{200000}}) {
    auto* object = static_cast<char*>(alloc(bytes, kind));
    memset(object, 7, acre_object_size(heap, object));
    // Where it would shrink in place, and where it would be copied.
    for (const size_t less : {size_t{1}, size_t{600}}) {
      BOOST_TEST(acre_realloc(thread, object, less) == nullptr);
      BOOST_TEST(last_error() == ACRE_E_INVALID);
      BOOST_TEST(acre_object_base(heap, object) == object);
      BOOST_TEST(object[bytes - 1] == 7);
    }
    auto* shrunk = static_cast<char*>(acre_realloc(thread, object, 801));
    BOOST_TEST_REQUIRE(shrunk != nullptr);
    BOOST_TEST(shrunk[800] == 7);
    BOOST_TEST(shrunk[801] == 0);
    void* none = acre_realloc(thread, shrunk, 0);
    BOOST_TEST(acre_object_size(heap, none) >= 800u);
    BOOST_TEST(all_zero(none, acre_object_size(heap, none)));
  }
}

BOOST_FIXTURE_TEST_CASE(verify_names_the_header_of_who_holds_a_dangling_reference, PreciseHeap) {
  const acre_kind kind = register_bits(heap, {true}, true);
  auto** object = static_cast<void**>(alloc(64, kind));
  const Handle root(thread, object);
  object[0] = reinterpret_cast<void*>(0xfeed);
  object[3] = alloc(64);
  collect();
  void* freed = object[3];
  acre_free(thread, freed);
  std::string text;
  const auto append = [](const char* line, void* to) { *static_cast<std::string*>(to) += line; };
  BOOST_TEST(acre_verify(heap, append, &text) == ACRE_E_STATE);
  BOOST_TEST(text.find("of kind layout, header 0xfeed") != std::string::npos, text);
  object[3] = nullptr;
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
