// Builds with our checks count the system calls that are made under the page-heap lock: none may be,
// however hard the heap is worked.

#include <atomic>
#include <random>

#include "test/gc/api/heap_fixture.h"
#include "test/gc/api/process_view.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

constexpr int kThreads = 4;

// Grows and drops, small and large objects, until the time is up.
void churn(acre_heap* heap, uint64_t seed, const std::atomic<bool>& stop,
           std::atomic<int>& failures) {
  acre_thread* thread = nullptr;
  if (acre_thread_attach(heap, &thread) != ACRE_OK) {
    ++failures;
    return;
  }
  std::mt19937_64 random(seed);
  acre_handle* list = acre_handle_new(thread, nullptr);
  for (uint64_t i = 1; !stop; ++i) {
    const size_t bytes = i % 50 == 0 ? kMiB + random() % (4 * kMiB) : 16 + random() % 5000;
    auto** object = static_cast<void**>(acre_alloc(thread, bytes, ACRE_KIND_CONSERVATIVE));
    if (object != nullptr) {
      object[0] = acre_handle_get(list);
      acre_handle_set(list, object);
    } else if (acre_last_error(thread) == ACRE_E_INVALID) {
      ++failures;
    }
    if (object == nullptr || random() % 2000 == 0) acre_handle_set(list, nullptr);
    if (random() % 20000 == 0) acre_collect(thread);
    if (random() % 20000 == 0) acre_release_memory(thread);
    if (random() % 2000 == 0) acre_free(thread, acre_alloc(thread, 20 * kMiB, ACRE_KIND_LEAF));
  }
  acre_handle_drop(list);
  acre_thread_detach(thread);
}

void work_hard(acre_options options) {
  options.gc_percent = 50;
  Heap heap(options);
  acre_blocking_begin(heap.thread);
  std::atomic<bool> stop{false};
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  const uint64_t seed = random_seed();
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back(
        [&, i] { churn(heap.heap, seed + static_cast<uint64_t>(i), stop, failures); });
  }
  // On a busy machine, with a slow sanitizer, the threads may not have come to give anything back yet.
  const auto gave_back = [&] {
    const acre_stats stats = heap.stats();
    return stats.released_request + stats.released_allocating > 0;
  };
  for (int i = 0; i < 4 || (!gave_back() && i < 200); ++i) {
    sleep_ms(400);
    acre_set_memory_limit(heap.heap, i % 2 == 0 ? 48 * kMiB : ACRE_NO_LIMIT);
    acre_set_hard_limit(heap.heap, i % 2 == 0 ? 200 * kMiB : ACRE_NO_LIMIT);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  acre_blocking_end(heap.thread);
  const acre_stats stats = heap.stats();
  BOOST_TEST(failures == 0);
  BOOST_TEST(stats.os_calls > 10u);
  BOOST_TEST(stats.released_request + stats.released_allocating > 0u);
  // Not one, so none of more than a millisecond. Without our checks both are 0 always.
  BOOST_TEST(stats.os_locked_calls == 0u);
  BOOST_TEST(stats.os_locked_max_ns == 0u);
}

BOOST_AUTO_TEST_SUITE(locked_calls)

BOOST_AUTO_TEST_CASE(no_system_call_is_made_under_the_lock_of_the_page_heap) {
  work_hard(precise_options());
}

BOOST_AUTO_TEST_CASE(none_is_with_other_ways_of_giving_back) {
  acre_options options = precise_options();
  options.release_lazily = 1;
  options.huge_pages = ACRE_HUGE_PAGES_ALWAYS;
  options.mark_threads = 3;
  work_hard(options);
  options.scavenger = 0;
  options.huge_pages = ACRE_HUGE_PAGES_NEVER;
  work_hard(options);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
