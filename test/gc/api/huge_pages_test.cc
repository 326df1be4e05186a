// Whatever is asked of huge pages: few mappings, the same content, memory that comes back; and a small heap
// stays small unless huge pages are asked for. How the kernel is advised is not tested here: that may change.

#include "test/gc/api/heap_fixture.h"

namespace acre::test {
namespace {

constexpr int kChoices[] = {ACRE_HUGE_PAGES_AUTO, ACRE_HUGE_PAGES_ALWAYS, ACRE_HUGE_PAGES_NEVER};
constexpr const char* kNames[] = {"auto", "always", "never"};

acre_options with_huge_pages(int choice) {
  acre_options options = precise_options();
  options.huge_pages = choice;
  options.mark_threads = 1;
  return options;
}

#if !ACRE_TEST_SHADOW_MEMORY

// Bytes in huge pages of the mapping that holds an address.
uint64_t huge_bytes_around(const void* address) {
  std::ifstream smaps("/proc/self/smaps");
  bool here = false;
  for (std::string line; std::getline(smaps, line);) {
    unsigned long start = 0;
    unsigned long end = 0;
    unsigned long kib = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx ", &start, &end) == 2) {
      const auto at = reinterpret_cast<uintptr_t>(address);
      here = start <= at && at < end;
    } else if (here && std::sscanf(line.c_str(), "AnonHugePages: %lu kB", &kib) == 1) {
      return kib * kKiB;
    }
  }
  return 0;
}

// `bytes` of small objects, written, in a list that the handle holds.
void fill(Heap& heap, Handle& list, size_t bytes) {
  for (size_t got = 0; got < bytes; got += 256) {
    auto** node = static_cast<void**>(heap.alloc(256, ACRE_KIND_CONSERVATIVE));
    BOOST_TEST_REQUIRE(node != nullptr);
    node[0] = list.get();
    node[31] = reinterpret_cast<void*>(got);
    list.set(node);
  }
}

bool holds_what_was_written(const Handle& list, size_t bytes) {
  size_t got = bytes;
  for (auto** node = static_cast<void**>(list.get()); node != nullptr;
       node = static_cast<void**>(node[0])) {
    got -= 256;
    if (node[31] != reinterpret_cast<void*>(got)) return false;
  }
  return got == 0;
}

#endif

BOOST_AUTO_TEST_SUITE(huge_pages)

BOOST_AUTO_TEST_CASE(a_heap_is_few_mappings_however_it_grows) {
  for (const int choice : kChoices) {
    BOOST_TEST_CONTEXT(kNames[choice]) {
      const int before = count_vmas();
      Heap heap(with_huge_pages(choice));
      // From one arena, by one at a time, to beyond where books are advised too. Objects that nobody
      // writes take no memory.
      const size_t most = ACRE_TEST_SHADOW_MEMORY ? 300 * kMiB : 1300 * kMiB;
      for (size_t got = 0; got < most; got += 10 * kMiB) {
        BOOST_TEST_REQUIRE(acre_alloc_uninit(heap.thread, 10 * kMiB, ACRE_KIND_LEAF) != nullptr);
        BOOST_TEST_REQUIRE(heap.stats().vmas <= 6u);
        if (got % (100 * kMiB) == 0) BOOST_TEST_REQUIRE(vmas_since(before) <= 6);
      }
      // And by several at once.
      BOOST_TEST_REQUIRE(acre_alloc_uninit(heap.thread, 500 * kMiB, ACRE_KIND_LEAF) != nullptr);
      BOOST_TEST(vmas_since(before) <= 6);
      acre_release_memory(heap.thread);
      BOOST_TEST(vmas_since(before) <= 6);
      BOOST_TEST(heap.stats().vmas <= 6u);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_first_growth_by_several_arenas_is_few_mappings_too) {
  for (const int choice : kChoices) {
    const int before = count_vmas();
    Heap heap(with_huge_pages(choice));
    BOOST_TEST(acre_alloc_uninit(heap.thread, 200 * kMiB, ACRE_KIND_LEAF) != nullptr);
    BOOST_TEST(heap.alloc(64) != nullptr);
    BOOST_TEST(vmas_since(before) <= 6, kNames[choice]);
    BOOST_TEST(heap.stats().vmas <= 6u);
  }
}

#if !ACRE_TEST_SHADOW_MEMORY

BOOST_AUTO_TEST_CASE(a_heap_of_a_mib_takes_less_than_two_and_its_books) {
  for (const int choice : {ACRE_HUGE_PAGES_AUTO, ACRE_HUGE_PAGES_NEVER}) {
    const size_t before = resident_bytes();
    Heap heap(with_huge_pages(choice));
    Handle list(heap.thread, nullptr);
    fill(heap, list, kMiB);
    const size_t after = resident_bytes();
    BOOST_TEST(after - before < 3 * kMiB, kNames[choice]);
    BOOST_TEST(acre_resident_bytes(heap.heap) < 3 * kMiB, kNames[choice]);
    heap.collect();
    fill(heap, list, kMiB / 2);
    BOOST_TEST(acre_resident_bytes(heap.heap) < 4 * kMiB, kNames[choice]);
  }
}

BOOST_AUTO_TEST_CASE(never_is_never) {
  Heap heap(with_huge_pages(ACRE_HUGE_PAGES_NEVER));
  Handle list(heap.thread, nullptr);
  fill(heap, list, 100 * kMiB);
  BOOST_TEST(huge_bytes_around(list.get()) == 0u);
}

BOOST_AUTO_TEST_CASE(small_heaps_have_none_unless_they_ask) {
  Heap heap(with_huge_pages(ACRE_HUGE_PAGES_AUTO));
  Handle list(heap.thread, nullptr);
  fill(heap, list, kMiB);
  BOOST_TEST(huge_bytes_around(list.get()) == 0u);
}

BOOST_AUTO_TEST_CASE(memory_comes_back_and_what_is_left_is_whole) {
  for (const int choice : kChoices) {
    BOOST_TEST_CONTEXT(kNames[choice]) {
      Heap heap(with_huge_pages(choice));
      Handle kept(heap.thread, nullptr);
      fill(heap, kept, 3 * kMiB);
      Handle list(heap.thread, nullptr);
      for (int round = 0; round < 2; ++round) {
        fill(heap, list, 150 * kMiB);
        BOOST_TEST(holds_what_was_written(list, 150 * kMiB));
        const uint64_t full = acre_resident_bytes(heap.heap);
        BOOST_TEST(full >= 150 * kMiB);
        // Of what the objects take; books and what fills a huge page on top.
        BOOST_TEST(full < 200 * kMiB);
        list.set(nullptr);
        acre_release_memory(heap.thread);
        BOOST_TEST(acre_resident_bytes(heap.heap) < 30 * kMiB);
        BOOST_TEST(holds_what_was_written(kept, 3 * kMiB));
        // What comes back is zero.
        const void* again = heap.alloc(20 * kMiB);
        BOOST_TEST_REQUIRE(again != nullptr);
        BOOST_TEST(all_zero(again, 20 * kMiB));
      }
      BOOST_TEST(heap_is_whole(heap.heap));
    }
  }
}

#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
