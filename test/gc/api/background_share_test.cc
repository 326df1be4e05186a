// The background thread takes a hundredth of one processor while it gives memory back.
//
// Only the upper bound is checked: on a busy machine the thread may be kept from running at any moment, and
// then takes less.

#include "test/gc/api/heap_fixture.h"
#include "test/gc/api/process_view.h"

namespace acre::test {
namespace {

constexpr size_t kBytes = ACRE_TEST_SHADOW_MEMORY ? 512 * kMiB : kGiB;

// Two clocks of one thread: what the heap says of its work, and what the kernel says of the thread.
struct Reading {
  uint64_t wall_ns;
  uint64_t told_ns;
  uint64_t kernel_ns;
  uint64_t released;

  static Reading now(const Heap& heap) {
    const acre_stats stats = heap.stats();
    const auto tasks = background_threads();
    const auto wall = std::chrono::steady_clock::now().time_since_epoch();
    return {static_cast<uint64_t>(std::chrono::nanoseconds(wall).count()), stats.background_cpu_ns,
            tasks.empty() ? 0 : tasks.front().cpu_ns, stats.released_background};
  }
};

double share(uint64_t cpu_ns, uint64_t wall_ns) {
  return static_cast<double>(cpu_ns) / static_cast<double>(wall_ns);
}

BOOST_AUTO_TEST_SUITE(background_share)

BOOST_AUTO_TEST_CASE(giving_memory_back_takes_a_hundredth_of_a_processor) {
  acre_options options = precise_options();
  options.gc_percent = 100;
  options.huge_pages = ACRE_HUGE_PAGES_NEVER;  // small pages are the longer work
  options.mark_threads = 1;
  Heap heap(options);
  {
    Handle list(heap.thread, nullptr);
    for (size_t got = 0; got < kBytes; got += kMiB) {
      auto** object = static_cast<void**>(heap.alloc(kMiB, ACRE_KIND_CONSERVATIVE));
      BOOST_TEST_REQUIRE(object != nullptr);
      std::memset(object, 0, kMiB);
      for (size_t at = 8; at < kMiB / sizeof(void*); at += 512) object[at] = object;
      object[0] = list.get();
      list.set(object);
    }
  }
  heap.collect();
  acre_blocking_begin(heap.thread);
  BOOST_TEST_REQUIRE(comes_true(20, [&] { return background_threads().size() == 1; }));

  // From the last look before it began...
  Reading begin = Reading::now(heap);
  const uint64_t before = begin.released;
  BOOST_TEST_REQUIRE(comes_true(40, [&] {
    const Reading reading = Reading::now(heap);
    if (reading.released != before) return true;
    begin = reading;
    return false;
  }));
  // ... until nearly all is back, or for long enough.
  (void)comes_true(20, [&] { return acre_resident_bytes(heap.heap) < kBytes / 16; });
  const Reading end = Reading::now(heap);
  acre_blocking_end(heap.thread);

  // The last millisecond of work is paid for in the tenth of a second after it.
  const uint64_t wall_ns = end.wall_ns - begin.wall_ns + 100'000'000;
  const uint64_t told_ns = end.told_ns - begin.told_ns;
  const uint64_t kernel_ns = end.kernel_ns - begin.kernel_ns;
  std::fprintf(stderr,
               "worked for %.2f s: %.2f %% of a processor by stats, %.2f %% by the kernel\n",
               static_cast<double>(wall_ns) / 1e9, 100 * share(told_ns, wall_ns),
               100 * share(kernel_ns, wall_ns));
  BOOST_TEST(end.released > begin.released);
  // Less says nothing: a single step is a third of a millisecond.
  BOOST_TEST(told_ns > 5'000'000u);
  BOOST_TEST(share(told_ns, wall_ns) <= 0.015);
  BOOST_TEST(share(kernel_ns, wall_ns) <= 0.015);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
