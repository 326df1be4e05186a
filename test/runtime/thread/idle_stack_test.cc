// Idle regions on stacks that Acre does not know, as a scheduler of somebody else's coroutines has them.

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <thread>

#include "runtime/thread/spill.h"
#include "test/gc/cycle/test_heap.h"

namespace acre::test {
namespace {

// Each scans a stack whole, as deep as that may be.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int kStops = 50;
#else
constexpr int kStops = 300;
#endif

struct Scheduler {
  acre_heap* heap = nullptr;
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

// As a scheduler does that cleans up after coroutines: calls that no attached thread is needed for.
void use_stacks_until_the_end(void* arg) {
  auto* scheduler = static_cast<Scheduler*>(arg);
  while (!scheduler->end) {
    acre_stack stack = {};
    if (acre_stack_new(scheduler->heap, 0, &stack) != ACRE_OK) std::abort();
    if (acre_stack_free(scheduler->heap, &stack) != ACRE_OK) std::abort();
    ++scheduler->rounds;
    acre_idle_begin(scheduler->thread);
    acre_blocking_end(scheduler->thread);
  }
}

// Runs it on a stack that Acre does not know; meanwhile `disturb` is called some times.
template <class Disturb>
void while_a_thread_runs(int manner, void (*body)(void*), int times, Disturb disturb) {
  acre_options options = quiet_options();
  options.conservative_stacks = 1;
  options.scavenger = 0;
  TestHeap heap(options);
  Scheduler scheduler;
  scheduler.heap = heap.get();
  std::thread worker([&] {
    if (acre_thread_attach_as(heap.get(), manner, &scheduler.thread) != ACRE_OK) std::abort();
    constexpr size_t kBytes = 64 * 1024;
    const auto stack = std::make_unique<char[]>(kBytes);
    const auto top = reinterpret_cast<uintptr_t>(stack.get() + kBytes) & ~uintptr_t{63};
    acre_rt_call_on_stack(body, &scheduler, top);
    (void)acre_thread_detach(scheduler.thread);
  });
  acre_blocking_begin(heap.thread());
  while (scheduler.rounds == 0) std::this_thread::yield();
  acre_blocking_end(heap.thread());
  for (int i = 0; i < times; ++i) disturb(heap);
  scheduler.end = true;
  acre_blocking_begin(heap.thread());
  worker.join();
  acre_blocking_end(heap.thread());
  BOOST_TEST(heap.complaints() == "");
}

void collect(const TestHeap& heap) { acre_collect(heap.thread()); }

void fork_a_child(const TestHeap& heap) {
  const pid_t child = fork();
  if (child == 0) {
    acre_collect(heap.thread());
    _exit(heap.complaints() == "" ? 0 : 1);
  }
  acre_blocking_begin(heap.thread());
  int status = -1;
  BOOST_TEST(waitpid(child, &status, 0) == child);
  acre_blocking_end(heap.thread());
  BOOST_TEST(status == 0);
}

BOOST_AUTO_TEST_SUITE(idle_stack)

BOOST_AUTO_TEST_CASE(a_cooperative_thread_idles_anywhere) {
  while_a_thread_runs(ACRE_THREAD_COOPERATIVE, &idle_until_the_end, kStops, collect);
}

BOOST_AUTO_TEST_CASE(an_uncooperative_thread_idles_anywhere) {
  while_a_thread_runs(ACRE_THREAD_UNCOOPERATIVE, &idle_until_the_end, kStops, collect);
}

BOOST_AUTO_TEST_CASE(an_uncooperative_thread_uses_stacks_anywhere) {
  while_a_thread_runs(ACRE_THREAD_UNCOOPERATIVE, &use_stacks_until_the_end, kStops, collect);
}

BOOST_AUTO_TEST_CASE(a_fork_does_not_wait_for_the_thread_to_be_back) {
  while_a_thread_runs(ACRE_THREAD_UNCOOPERATIVE, &idle_until_the_end, 50, fork_a_child);
  while_a_thread_runs(ACRE_THREAD_UNCOOPERATIVE, &use_stacks_until_the_end, 50, fork_a_child);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
