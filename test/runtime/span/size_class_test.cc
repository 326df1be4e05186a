// The size classes: facts that the rest of the heap relies on, for every class and every size.

#include "runtime/span/size_class.h"

#include <boost/test/unit_test.hpp>

namespace {

using acre::rt::class_for;
using acre::rt::element_at;
using acre::rt::kClasses;
using acre::rt::kGranuleBytes;
using acre::rt::kMaxSmallBytes;
using acre::rt::kPageBytes;
using acre::rt::kSizeClasses;

}  // namespace

BOOST_AUTO_TEST_SUITE(size_class)

BOOST_AUTO_TEST_CASE(sizes_rise_are_whole_granules_and_end_at_32_kib) {
  BOOST_TEST(kClasses.size() == 66u);
  BOOST_TEST(kClasses[1].bytes == 16u);
  BOOST_TEST(kClasses[kSizeClasses - 1].bytes == kMaxSmallBytes);
  for (unsigned i = 2; i < kSizeClasses; ++i) {
    BOOST_TEST(kClasses[i].bytes > kClasses[i - 1].bytes);
    BOOST_TEST(kClasses[i].bytes % kGranuleBytes == 0u);
  }
}

BOOST_AUTO_TEST_CASE(at_most_an_eighth_of_a_span_is_left_at_its_end) {
  for (unsigned i = 1; i < kSizeClasses; ++i) {
    const uint64_t span = kClasses[i].pages * kPageBytes;
    BOOST_TEST(kClasses[i].elements >= 1u);
    BOOST_TEST((span - kClasses[i].used_bytes()) * 8 <= span, "class " << i);
  }
}

BOOST_AUTO_TEST_CASE(some_classes_are_go_s) {
  struct Fact {
    uint32_t bytes, span_bytes, objects;
  };
  // From Go 1.23's table.
  const Fact facts[] = {{64, 8192, 128},   {1408, 16384, 11}, {1792, 16384, 9},  {3072, 24576, 8},
                        {4864, 24576, 5},  {6784, 40960, 6},  {9472, 57344, 6},  {10240, 40960, 4},
                        {18432, 73728, 4}, {27264, 81920, 3}, {28672, 57344, 2}, {32768, 32768, 1}};
  for (const Fact& fact : facts) {
    const auto& size_class = kClasses[class_for(fact.bytes)];
    BOOST_TEST(size_class.bytes == fact.bytes);
    BOOST_TEST(size_class.pages * kPageBytes == fact.span_bytes);
    BOOST_TEST(size_class.elements == fact.objects);
  }
}

BOOST_AUTO_TEST_CASE(every_size_gets_the_smallest_class_that_holds_it) {
  unsigned expected = 1;
  for (uint64_t bytes = 0; bytes <= kMaxSmallBytes; ++bytes) {
    if (bytes > kClasses[expected].bytes) ++expected;
    BOOST_REQUIRE_EQUAL(unsigned{class_for(bytes)}, expected);
  }
}

BOOST_AUTO_TEST_CASE(the_reciprocal_divides_exactly_at_every_offset_of_a_span) {
  for (unsigned i = 1; i < kSizeClasses; ++i) {
    const uint32_t span = static_cast<uint32_t>(kClasses[i].pages * kPageBytes);
    for (uint32_t offset = 0; offset < span; ++offset) {
      const uint32_t element = element_at(static_cast<uint8_t>(i), offset);
      if (element != offset / kClasses[i].bytes) {
        BOOST_FAIL("class " << i << " offset " << offset << " gives " << element);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
