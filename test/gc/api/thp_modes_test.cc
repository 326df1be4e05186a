// Transparent huge pages, in each mode of the system: a small heap stays small, and what was given back
// stays given back, with khugepaged at work.
//
// Under the machine's own setting always; in all modes, with khugepaged hurried, only with
// ACRE_TEST_SYSTEM=1 as root. ACRE_TEST_THP_SECONDS=60 waits as long as that for what must not happen.

#include "test/gc/api/heap_fixture.h"
#include "test/gc/api/process_view.h"
#include "test/gc/api/system_setting.h"

namespace acre::test {
namespace {

#if !ACRE_TEST_SHADOW_MEMORY

#define THP "/sys/kernel/mm/transparent_hugepage/"

constexpr int kChoices[] = {ACRE_HUGE_PAGES_AUTO, ACRE_HUGE_PAGES_ALWAYS, ACRE_HUGE_PAGES_NEVER};
constexpr const char* kNames[] = {"auto", "always", "never"};
constexpr size_t kGrown = 200 * kMiB;

unsigned seconds_to_wait(unsigned otherwise) {
  const char* asked = std::getenv("ACRE_TEST_THP_SECONDS");
  return asked != nullptr ? static_cast<unsigned>(std::atoi(asked)) : otherwise;
}

acre_options options_with(int choice) {
  acre_options options = precise_options();
  options.gc_percent = 100;
  options.huge_pages = choice;
  options.mark_threads = 1;
  return options;
}

void push(Heap& heap, Handle& list, size_t bytes) {
  auto** node = static_cast<void**>(heap.alloc(bytes, ACRE_KIND_CONSERVATIVE));
  BOOST_TEST_REQUIRE(node != nullptr);
  std::memset(node + 1, 1, bytes - sizeof(void*));
  node[0] = list.get();
  list.set(node);
}

// A heap of each choice.
struct ThreeHeaps {
  Heap heaps[3] = {Heap(options_with(kChoices[0])), Heap(options_with(kChoices[1])),
                   Heap(options_with(kChoices[2]))};
};

struct Highest {
  uint64_t bytes[3] = {};
  void look(ThreeHeaps& three) {
    for (int i = 0; i < 3; ++i) {
      bytes[i] = std::max<uint64_t>(bytes[i], acre_resident_bytes(three.heaps[i].heap));
    }
  }
};

// The process has 1 MiB of objects in each heap, and then does nothing.
void small_heaps_stay_small(unsigned seconds) {
  ThreeHeaps three;
  const size_t before = resident_bytes();
  std::vector<Handle> lists;
  for (Heap& heap : three.heaps) {
    lists.emplace_back(heap.thread, nullptr);
    for (size_t got = 0; got < kMiB; got += 128) push(heap, lists.back(), 128);
    heap.collect();
    acre_blocking_begin(heap.thread);
  }
  Highest highest;
  size_t process = 0;
  (void)comes_true(seconds, [&] {
    highest.look(three);
    process = std::max(process, resident_bytes());
    return false;
  });
  for (int i = 0; i < 3; ++i) {
    acre_blocking_end(three.heaps[i].thread);
    std::fprintf(stderr, "  small, huge_pages=%s: %.1f MiB at most\n", kNames[i],
                 static_cast<double>(highest.bytes[i]) / kMiB);
    if (kChoices[i] != ACRE_HUGE_PAGES_ALWAYS) BOOST_TEST(highest.bytes[i] < 4 * kMiB, kNames[i]);
  }
  // With what libc took for three.
  std::fprintf(stderr, "  the process grew by %.1f MiB\n",
               static_cast<double>(process - std::min(process, before)) / kMiB);
}

struct Climbed {
  uint64_t low[3];
  Highest highest;
};

// Grows, drops all but every twentieth object, gives the rest back, and then does nothing.
Climbed climb_back(unsigned seconds) {
  ThreeHeaps three;
  std::vector<Handle> kept;
  Climbed climbed{};
  for (int i = 0; i < 3; ++i) {
    Heap& heap = three.heaps[i];
    kept.emplace_back(heap.thread, nullptr);
    Handle dropped(heap.thread, nullptr);
    size_t count = 0;
    for (size_t got = 0; got < kGrown; got += 100 * kKiB) {
      push(heap, count++ % 20 == 0 ? kept.back() : dropped, 100 * kKiB);
    }
    dropped.set(nullptr);
    acre_release_memory(heap.thread);
    climbed.low[i] = acre_resident_bytes(heap.heap);
    acre_blocking_begin(heap.thread);
  }
  (void)comes_true(seconds, [&] {
    climbed.highest.look(three);
    return false;
  });
  for (int i = 0; i < 3; ++i) {
    acre_blocking_end(three.heaps[i].thread);
    std::fprintf(stderr, "  released, huge_pages=%s: %.1f MiB, %u s later at most %.1f\n",
                 kNames[i], static_cast<double>(climbed.low[i]) / kMiB, seconds,
                 static_cast<double>(climbed.highest.bytes[i]) / kMiB);
  }
  return climbed;
}

void released_memory_stays_so(unsigned seconds) {
  const Climbed climbed = climb_back(seconds);
  for (int i = 0; i < 3; ++i) {
    BOOST_TEST(climbed.low[i] < kGrown / 20 + 16 * kMiB, kNames[i]);
    if (kChoices[i] == ACRE_HUGE_PAGES_ALWAYS) continue;
    BOOST_TEST(climbed.highest.bytes[i] <= climbed.low[i] + kMiB, kNames[i]);
  }
}

// The kernel's own thread looks at everything, all the time.
std::vector<SystemSettings::Setting> hurried(const char* mode) {
  return {{THP "enabled", mode},
          {THP "khugepaged/scan_sleep_millisecs", "10"},
          {THP "khugepaged/alloc_sleep_millisecs", "10"},
          {THP "khugepaged/pages_to_scan", "65536"}};
}

#endif

BOOST_AUTO_TEST_SUITE(thp_modes)

#if !ACRE_TEST_SHADOW_MEMORY

BOOST_AUTO_TEST_CASE(in_the_mode_that_the_machine_is_in) {
  std::fprintf(stderr, "%s:\n", read_setting(THP "enabled").c_str());
  small_heaps_stay_small(seconds_to_wait(3));
  released_memory_stays_so(seconds_to_wait(4));
}

BOOST_AUTO_TEST_CASE(in_all_modes_with_a_hurried_kernel) {
  if (!may_change_system()) return say_skipped("transparent huge pages in all modes");
  for (const char* mode : {"always", "madvise", "never"}) {
    BOOST_TEST_CONTEXT(mode) {
      const SystemSettings settings(hurried(mode));
      std::fprintf(stderr, "%s, khugepaged hurried:\n", mode);
      small_heaps_stay_small(seconds_to_wait(5));
      released_memory_stays_so(seconds_to_wait(10));
    }
  }
}

// So that the above would be seen if it happened.
BOOST_AUTO_TEST_CASE(with_huge_pages_asked_for_it_climbs_back) {
  if (!may_change_system()) return say_skipped("released memory that climbs back");
  const SystemSettings settings(hurried("always"));
  std::fprintf(stderr, "always, khugepaged hurried:\n");
  const Climbed climbed = climb_back(seconds_to_wait(15));
  BOOST_TEST(climbed.highest.bytes[1] > climbed.low[1] + 10 * kMiB);
}

#else

BOOST_AUTO_TEST_CASE(resident_sizes_say_nothing_under_sanitizers) {}

#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
