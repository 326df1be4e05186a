#include "gc/roots/root_set.h"

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <vector>

#include "test/gc/cycle/test_heap.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

using gc::RootRange;
using gc::RootScanner;

void scan_nothing(acre_visitor*, void*) {}

struct Visited {
  std::map<void*, int> objects;
  std::vector<uintptr_t> ranges;
  std::vector<void*> scanners;

  explicit Visited(gc::RootSet& roots) {
    roots.for_each([this](void** slot) { ++objects[*slot]; },
                   [this](const RootRange& range) { ranges.push_back(range.start); },
                   [this](const RootScanner& scanner) { scanners.push_back(scanner.arg); });
  }
};

BOOST_AUTO_TEST_SUITE(root_set)

BOOST_AUTO_TEST_CASE(handles_in_use_are_visited_each_once) {
  std::mt19937_64 random(random_seed());
  TestHeap heap;
  gc::RootSet& roots = heap.get()->roots;
  std::vector<acre_handle*> held;
  std::map<void*, int> model;
  for (uintptr_t i = 1; i < 3000; ++i) {
    auto* value = reinterpret_cast<void*>(i * 16);
    held.push_back(roots.new_handle(value));
    BOOST_REQUIRE(held.back() != nullptr);
    ++model[value];
    if (random() % 3 == 0) continue;
    std::swap(held[random() % held.size()], held.back());
    model.erase(acre_handle_get(held.back()));
    gc::RootSet::drop_handle(held.back());
    held.pop_back();
  }
  BOOST_TEST(roots.handles() == held.size());
  BOOST_TEST((Visited(roots).objects == model));
  // Places are used again.
  const auto used = heap.space().meta_used();
  for (acre_handle* handle : held) gc::RootSet::drop_handle(handle);
  for (size_t i = 0; i < held.size(); ++i) BOOST_REQUIRE(roots.new_handle(nullptr) != nullptr);
  BOOST_TEST(heap.space().meta_used().raw == used.raw);
}

BOOST_AUTO_TEST_CASE(a_handle_that_is_dropped_twice_changes_nothing) {
  TestHeap heap;
  gc::RootSet& roots = heap.get()->roots;
  acre_handle* handle = roots.new_handle(nullptr);
  gc::RootSet::drop_handle(handle);
  gc::RootSet::drop_handle(handle);
  BOOST_TEST(roots.handles() == 0);
  BOOST_TEST(roots.new_handle(nullptr) != roots.new_handle(nullptr));
}

BOOST_AUTO_TEST_CASE(ranges_are_known_by_their_start) {
  TestHeap heap;
  gc::RootSet& roots = heap.get()->roots;
  void* words[4] = {};
  char* bytes = reinterpret_cast<char*>(words);
  BOOST_TEST(roots.add_range(nullptr, 8, false) == ACRE_E_INVALID);
  BOOST_TEST(roots.add_range(bytes + 4, 8, false) == ACRE_E_INVALID);
  BOOST_TEST(roots.add_range(words, 0, false) == ACRE_E_INVALID);
  BOOST_TEST(roots.add_range(words, 12, false) == ACRE_E_INVALID);
  BOOST_TEST(roots.add_range(words, SIZE_MAX - 7, false) == ACRE_E_INVALID);
  BOOST_TEST(roots.add_range(words, 16, false) == ACRE_OK);
  BOOST_TEST(roots.add_range(words, 8, true) == ACRE_E_INVALID);
  BOOST_TEST(roots.add_range(words + 2, 16, true) == ACRE_OK);
  BOOST_TEST(roots.scannable_bytes() == 32);
  BOOST_TEST(Visited(roots).ranges.size() == 2);
  BOOST_TEST(roots.remove_range(words + 1) == ACRE_E_INVALID);
  BOOST_TEST(roots.remove_range(words) == ACRE_OK);
  BOOST_TEST(roots.remove_range(words) == ACRE_E_INVALID);
  BOOST_TEST(Visited(roots).ranges.size() == 1);
}

BOOST_AUTO_TEST_CASE(scanners_are_known_by_function_and_argument) {
  TestHeap heap;
  gc::RootSet& roots = heap.get()->roots;
  int one = 0;
  int two = 0;
  BOOST_TEST(roots.add_scanner(nullptr, &one) == ACRE_E_INVALID);
  BOOST_TEST(roots.add_scanner(&scan_nothing, &one) == ACRE_OK);
  BOOST_TEST(roots.add_scanner(&scan_nothing, &one) == ACRE_E_INVALID);
  BOOST_TEST(roots.add_scanner(&scan_nothing, &two) == ACRE_OK);
  BOOST_TEST(roots.remove_scanner(&scan_nothing, nullptr) == ACRE_E_INVALID);
  BOOST_TEST(roots.remove_scanner(&scan_nothing, &one) == ACRE_OK);
  BOOST_TEST(Visited(roots).scanners == std::vector<void*>{&two}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(without_room_in_the_books_there_is_no_handle) {
  TestHeap heap;
  for (const uint64_t bytes : {4096, 8}) {
    while (heap.core().space.meta_alloc(rt::ByteCount(bytes), 8) != nullptr) {
    }
  }
  BOOST_TEST(acre_handle_new(heap.thread(), nullptr) == nullptr);
  BOOST_TEST(acre_last_error(heap.thread()) == ACRE_E_NOMEM);
  void* word[1] = {};
  BOOST_TEST(acre_root_add(heap.get(), word, 8, 0) == ACRE_E_NOMEM);
  BOOST_TEST(acre_root_scanner_add(heap.get(), &scan_nothing, word) == ACRE_E_NOMEM);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
