// Idle regions on stacks that Acre does not know, as a scheduler of somebody else's coroutines has them.

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <thread>

#include "runtime/thread/spill.h"
#include "test/gc/cycle/test_heap.h"

namespace acre::test {
namespace {

struct Scheduler {
  acre_thread* thread = nullptr;
  std::atomic<bool> end{false};
  std::atomic<long> rounds{0};
};

// Comes and goes, so that stops find it at each step of both.
void idle_until_the_end(void* arg) {
  auto* scheduler = static_cast<Scheduler*>(arg);
  while (!scheduler->end) {
    acre_idle_begin(scheduler->thread);
    ++scheduler->rounds;
    acre_blocking_end(scheduler->thread);
  }
}

void collect_while_a_thread_idles(int manner) {
  acre_options options = quiet_options();
  options.conservative_stacks = 1;
  TestHeap heap(options);
  Scheduler scheduler;
  std::thread worker([&] {
    if (acre_thread_attach_as(heap.get(), manner, &scheduler.thread) != ACRE_OK) std::abort();
    constexpr size_t kBytes = 64 * 1024;
    const auto stack = std::make_unique<char[]>(kBytes);
    const auto top = reinterpret_cast<uintptr_t>(stack.get() + kBytes) & ~uintptr_t{63};
    acre_rt_call_on_stack(&idle_until_the_end, &scheduler, top);
    (void)acre_thread_detach(scheduler.thread);
  });
  acre_blocking_begin(heap.thread());
  while (scheduler.rounds == 0) std::this_thread::yield();
  acre_blocking_end(heap.thread());
  for (int i = 0; i < 1000; ++i) acre_collect(heap.thread());
  scheduler.end = true;
  acre_blocking_begin(heap.thread());
  worker.join();
  acre_blocking_end(heap.thread());
  BOOST_TEST(heap.stats().num_gc == 1000u);
}

BOOST_AUTO_TEST_SUITE(idle_stack)

BOOST_AUTO_TEST_CASE(a_cooperative_thread_idles_anywhere) {
  collect_while_a_thread_idles(ACRE_THREAD_COOPERATIVE);
}

BOOST_AUTO_TEST_CASE(an_uncooperative_thread_idles_anywhere) {
  collect_while_a_thread_idles(ACRE_THREAD_UNCOOPERATIVE);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
