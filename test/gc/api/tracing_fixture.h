// Owns how the tests of kinds find out which words of an object are references: by what they keep alive.

#ifndef ACRE_TEST_GC_API_TRACING_FIXTURE_H_
#define ACRE_TEST_GC_API_TRACING_FIXTURE_H_

#include "test/gc/api/heap_fixture.h"

namespace acre::test {

// A heap and one rooted object of a kind, whose words are set one by one.
struct Tracing : PreciseHeap {
  // Numbers of words of a rooted object of `kind` that keep alive what they refer to.
  std::vector<size_t> words_that_keep(acre_kind kind, size_t words, uintptr_t tag = 0) {
    auto** object = static_cast<void**>(alloc(words * sizeof(void*), kind));
    const Handle root(thread, object);
    const size_t all = acre_object_size(heap, object) / sizeof(void*);
    std::vector<char*> referents;
    for (size_t i = 0; i < all; ++i) {
      referents.push_back(static_cast<char*>(alloc(64)));
      referents.back()[63] = static_cast<char>(i);
      acre_store(thread, object, &object[i], referents.back() + tag);
    }
    BOOST_TEST(heap_is_whole(heap));
    collect();
    std::vector<size_t> kept;
    for (size_t i = 0; i < all; ++i) {
      if (!holds(referents[i])) continue;
      kept.push_back(i);
      BOOST_TEST(referents[i][63] == static_cast<char>(i));
    }
    BOOST_TEST(live() == kept.size() + 1);
    return kept;
  }

  size_t words_of(size_t bytes) { return acre_object_size(heap, alloc(bytes)) / sizeof(void*); }

  static std::vector<size_t> where(size_t words, bool (*is_reference)(size_t)) {
    std::vector<size_t> result;
    for (size_t i = 0; i < words; ++i) {
      if (is_reference(i)) result.push_back(i);
    }
    return result;
  }
};

}  // namespace acre::test

#endif  // ACRE_TEST_GC_API_TRACING_FIXTURE_H_
