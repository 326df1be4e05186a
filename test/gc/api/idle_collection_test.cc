// A heap that became quiet is collected by the background thread: if something was allocated since the last
// collection, and if its threads let it.

#include <atomic>

#include "test/gc/api/heap_fixture.h"
#include "test/gc/api/process_view.h"

namespace acre::test {
namespace {

// More than the time between two looks of the thread, on a busy machine.
constexpr double kLooks = 40;

acre_options quick_to_collect() {
  acre_options options = precise_options();
  options.gc_percent = 100;
  options.idle_collect_ms = 200;
  options.mark_threads = 1;
  return options;
}

// An object that is dead, small objects that are, and what a look counts as allocation.
void leave_garbage(Heap& heap) {
  for (int i = 0; i < 5000; ++i) BOOST_TEST_REQUIRE(heap.alloc(100) != nullptr);
}

// Collected once, as the first idle collection wants it, and then used or not.
struct Quiet : Heap {
  Quiet(const acre_options& options, bool used) : Heap(options) {
    Handle kept(thread, alloc(1000));
    collect();
    if (used) leave_garbage(*this);
    acre_blocking_begin(thread);
  }
  ~Quiet() { acre_blocking_end(thread); }
};

BOOST_AUTO_TEST_SUITE(idle_collection)

BOOST_AUTO_TEST_CASE(a_quiet_heap_is_collected_if_there_is_something_to_collect) {
  acre_options off = quick_to_collect();
  off.gc_percent = -1;
  acre_options never = quick_to_collect();
  never.idle_collect_ms = 0;
  acre_options later = quick_to_collect();
  later.idle_collect_ms = 600'000;
  acre_options alone = quick_to_collect();
  alone.scavenger = 0;
  Quiet used(quick_to_collect(), true);
  Quiet unused(quick_to_collect(), false);
  Quiet without_collections(off, true);
  Quiet told_never(never, true);
  Quiet too_early(later, true);
  Quiet without_thread(alone, true);
  BOOST_TEST(comes_true(kLooks, [&] { return used.stats().num_idle_gc == 1; }));
  // Looks again.
  sleep_ms(5500);
  const acre_stats stats = used.stats();
  BOOST_TEST(stats.num_idle_gc == 1u);
  BOOST_TEST(stats.num_gc == 2u);
  BOOST_TEST(stats.num_forced_gc == 1u);
  for (const Quiet* heap :
       {&unused, &without_collections, &told_never, &too_early, &without_thread}) {
    BOOST_TEST(heap->stats().num_idle_gc == 0u);
    BOOST_TEST(heap->stats().num_gc == 1u);
  }
  // It was swept too: nothing is left of 5000 objects.
  BOOST_TEST(comes_true(kLooks, [&] { return used.stats().live_objects == 0; }));
}

// The heap of a thread that sleeps outside a blocking region cannot be collected. Others of this heap go on.
BOOST_AUTO_TEST_CASE(a_thread_that_does_not_poll_makes_it_give_up) {
  Heap heap(quick_to_collect());
  Heap single(quick_to_collect());
  for (Heap* one : {&heap, &single}) {
    one->collect();
    leave_garbage(*one);
  }
  std::atomic<bool> stop{false};
  std::atomic<uint64_t> worked{0};
  std::atomic<int> failures{0};
  std::thread other([&] {
    acre_thread* thread = nullptr;
    if (acre_thread_attach(heap.heap, &thread) != ACRE_OK) {
      ++failures;
      return;
    }
    while (!stop) {
      if (acre_alloc(thread, 64, ACRE_KIND_LEAF) == nullptr) ++failures;
      ++worked;
      sleep_ms(1);
    }
    acre_thread_detach(thread);
  });
  // This one sleeps through some looks, and both heaps' collections want to stop it.
  for (int i = 0; i < 6; ++i) {
    const uint64_t before = worked;
    sleep_ms(1000);
    BOOST_TEST(worked > before);
  }
  BOOST_TEST(heap.stats().num_idle_gc == 0u);
  BOOST_TEST(single.stats().num_idle_gc == 0u);
  stop = true;
  other.join();
  BOOST_TEST(failures == 0);
  for (Heap* one : {&heap, &single}) {
    leave_garbage(*one);
    one->collect();
    BOOST_TEST(one->live() == 0u);
  }
  // And when it lets it, it is collected.
  for (Heap* one : {&heap, &single}) {
    const uint64_t before = one->stats().num_idle_gc;
    leave_garbage(*one);
    acre_blocking_begin(one->thread);
    BOOST_TEST(comes_true(kLooks, [&] { return one->stats().num_idle_gc > before; }));
    acre_blocking_end(one->thread);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
