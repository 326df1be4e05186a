// What waits for its key, against a multimap: each pair is ready once, when its key is marked, however the table
// has grown meanwhile; and all pages go back.

#include <boost/test/unit_test.hpp>
#include <map>
#include <random>
#include <set>
#include <vector>

#include "test/gc/cycle/test_heap.h"
#include "test/gc/weak/waiting_keys_door.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

using gc::WeakPair;

BOOST_AUTO_TEST_SUITE(waiting_keys)

BOOST_AUTO_TEST_CASE(nothing_waits_at_first) {
  TestHeap heap;
  WaitingKeysDoor keys(&heap.core());
  keys.marked(heap.space().base().raw);
  BOOST_TEST(keys.take_ready() == nullptr);
}

BOOST_AUTO_TEST_CASE(each_is_ready_once_when_its_key_is_marked) {
  std::mt19937_64 random(random_seed());
  TestHeap heap;
  const uint64_t in_use = heap.core().pages.pages_in_use().raw;
  const uintptr_t base = heap.space().base().raw;
  {
    WaitingKeysDoor keys(&heap.core());
    // The first objects of the heap are keys too, and those far up.
    std::vector<uintptr_t> objects = {base, base + 16};
    for (int i = 0; i < 5000; ++i) objects.push_back(base + 16 * (random() % (uint64_t{1} << 24)));
    std::vector<WeakPair> pairs(60'000);
    std::multimap<uintptr_t, WeakPair*> model;
    std::set<WeakPair*> ready;
    for (WeakPair& pair : pairs) {
      const uintptr_t key = objects[random() % objects.size()];
      BOOST_TEST_REQUIRE(keys.add(key, &pair));
      model.emplace(key, &pair);
      if (random() % 8 != 0) continue;
      const uintptr_t marked = objects[random() % objects.size()];
      keys.marked(marked);
      const auto [first, last] = model.equal_range(marked);
      for (auto it = first; it != last; ++it) ready.insert(it->second);
      model.erase(first, last);
      // Some stay over a growth of the table.
      while (random() % 3 != 0 && !ready.empty()) {
        WeakPair* taken = keys.take_ready();
        BOOST_TEST_REQUIRE(ready.erase(taken) == 1u);
      }
    }
    for (uintptr_t object : objects) keys.marked(object);
    for (const auto& entry : model) ready.insert(entry.second);
    while (WeakPair* taken = keys.take_ready()) BOOST_TEST_REQUIRE(ready.erase(taken) == 1u);
    BOOST_TEST(ready.empty());
    BOOST_TEST(heap.core().pages.pages_in_use().raw > in_use);
  }
  BOOST_TEST(heap.core().pages.pages_in_use().raw == in_use);
  BOOST_TEST(heap.complaints() == "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
