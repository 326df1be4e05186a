// Fibers on threads of every manner, and across fork: what is on whichever stack a thread runs on is found, however
// the thread is stopped.

#include <unistd.h>

#include "test/gc/api/fork_fixture.h"
#include "test/gc/api/spinning.h"
#include "test/gc/api/uncooperative_fixture.h"

namespace acre::test {
namespace {

constexpr int kThreads = 4;
constexpr size_t kBytes = 80;

struct Shared {
  acre_heap* heap;
  volatile int end = 0;  // for loops in assembly
  std::atomic<bool> stop{false};
  std::atomic<int> spinning{0};
  std::atomic<int> failures{0};
  std::atomic<long> switches{0};
};

acre_fiber* make_or_abort(acre_thread* thread, acre_fiber_fn fn, void* arg, size_t stack = 0) {
  acre_fiber* fiber = nullptr;
  if (acre_fiber_new(thread, stack, fn, arg, &fiber) != ACRE_OK) std::abort();
  return fiber;
}

BOOST_AUTO_TEST_SUITE(fiber_manner)

#if defined(ACRE_TEST_CAN_SPIN)

// Two fibers deep, in a loop that never polls: a register, the fiber's stack and its resumer's hold one object each.
void* spin_in_fiber(acre_fiber* self, void* arg) {
  auto* shared = static_cast<Shared*>(arg);
  acre_thread* thread = acre_fiber_thread(self);
  const Disguised object = hidden_object(thread, kBytes);
  ++shared->spinning;
  const uintptr_t back = spin_with_only_rbx(&shared->end, object.bits);
  if (back != object.bits || !is_intact(shared->heap, object, kBytes)) ++shared->failures;
  return nullptr;
}

void* resume_spinner(acre_fiber* self, void* arg) {
  auto* shared = static_cast<Shared*>(arg);
  acre_thread* thread = acre_fiber_thread(self);
  const Disguised object = hidden_object(thread, kBytes);
  void* volatile kept = object.plain();
  acre_fiber_resume(thread, make_or_abort(thread, &spin_in_fiber, arg), nullptr);
  if (kept != object.plain() || !is_intact(shared->heap, object, kBytes)) ++shared->failures;
  return nullptr;
}

BOOST_AUTO_TEST_CASE(fibers_that_never_poll_are_stopped_where_they_are,
                     *boost::unit_test::precondition(can_interrupt_loops)) {
  SpoilingHeap heap;
  Shared shared{heap.heap};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&shared] {
      acre_thread* thread = attach_uncooperative(shared.heap);
      acre_fiber_resume(thread, make_or_abort(thread, &resume_spinner, &shared), nullptr);
      acre_thread_detach(thread);
    });
  }
  wait_blocked(heap.thread, [&] { return shared.spinning == kThreads; });
  for (int i = 0; i < 20; ++i) heap.collect();
  BOOST_TEST(heap_is_whole(heap.heap));
  shared.end = 1;
  for (std::thread& thread : threads) join_blocked(heap.thread, thread);
  BOOST_TEST(shared.failures == 0);
}

#endif

// Switches all the time, so that signals come between any two instructions of a switch.
void* switch_for_ever(acre_fiber* self, void* arg) {
  auto* shared = static_cast<Shared*>(arg);
  const Disguised object = hidden_object(acre_fiber_thread(self), kBytes);
  void* volatile kept = object.plain();
  while (acre_fiber_yield(self, kept) == nullptr) {
  }
  if (kept != object.plain() || !is_intact(shared->heap, object, kBytes)) ++shared->failures;
  return nullptr;
}

void switch_fibers(Shared* shared, int manner) {
  acre_thread* thread = attach_or_abort(shared->heap, manner);
  constexpr int kFibers = 16;
  while (!shared->stop) {
    auto** fibers = static_cast<acre_fiber**>(
        acre_alloc(thread, kFibers * sizeof(void*), ACRE_KIND_CONSERVATIVE));
    for (int i = 0; i < kFibers; ++i) {
      fibers[i] = make_or_abort(thread, &switch_for_ever, shared, 8 * kKiB << (i % 3));
    }
    for (int round = 0; round < 200; ++round) {
      for (int i = 0; i < kFibers; ++i) acre_fiber_resume(thread, fibers[i], nullptr);
      acre_safepoint(thread);
    }
    // Half of them end, the others are left to the collector.
    for (int i = 0; i < kFibers; i += 2) {
      acre_fiber_resume(thread, fibers[i], thread);
      if (acre_fiber_done(fibers[i]) == 0) ++shared->failures;
    }
    shared->switches += 200 * kFibers;
  }
  acre_thread_detach(thread);
}

BOOST_AUTO_TEST_CASE(a_stop_never_comes_in_the_middle_of_a_switch) {
  SpoilingHeap heap;
  Shared shared{heap.heap};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back(&switch_fibers, &shared,
                         i % 2 == 0 ? ACRE_THREAD_UNCOOPERATIVE : ACRE_THREAD_COOPERATIVE);
  }
  for (int i = 0; i < 100; ++i) {
    heap.collect();
    nap_blocked(heap.thread);
  }
  BOOST_TEST(heap_is_whole(heap.heap));
  wait_blocked(heap.thread, [&] { return shared.switches >= 100'000; });
  shared.stop = true;
  for (std::thread& thread : threads) join_blocked(heap.thread, thread);
  BOOST_TEST(shared.failures == 0);
}

#if !defined(__SANITIZE_THREAD__)  // which in a child knows of no fibers that were made before

struct ForkState {
  acre_heap* heap;
  std::atomic<acre_fiber*> other{nullptr};  // that runs on another thread
  std::atomic<bool> end{false};
};

void* stay(acre_fiber* self, void* arg) {
  auto* state = static_cast<ForkState*>(arg);
  state->other = self;
  while (!state->end) acre_safepoint(acre_fiber_thread(self));
  return nullptr;
}

int look_in_child(ForkState* state, acre_thread* thread, acre_fiber* suspended) {
  if (acre_fiber_status(state->other) != ACRE_E_STATE) return 1;
  if (acre_fiber_resume(thread, state->other, nullptr) != nullptr) return 2;
  if (acre_last_error(thread) != ACRE_E_STATE) return 3;
  acre_collect(thread);
  if (acre_verify(state->heap, nullptr, nullptr) != ACRE_OK) return 4;
  if (acre_fiber_resume(thread, suspended, thread) != thread) return 5;
  if (acre_fiber_done(suspended) == 0) return 6;
  return read_stats(state->heap).stacks == 1 ? 0 : 7;  // this one's own
}

void* echo(acre_fiber* self, void*) { return acre_fiber_yield(self, nullptr); }

struct Forking {
  ForkState* state;
  acre_fiber* suspended;
};

// On a fiber, so that the child goes on on one.
void* fork_in_fiber(acre_fiber* self, void* arg) {
  const auto* forking = static_cast<Forking*>(arg);
  acre_thread* thread = acre_fiber_thread(self);
  const long code = code_of_child(
      thread, [&] { return look_in_child(forking->state, thread, forking->suspended); });
  return reinterpret_cast<void*>(code);
}

BOOST_FIXTURE_TEST_CASE(in_a_child_fibers_of_other_threads_are_lost_and_others_go_on, ForkFixture) {
  StackHeap heap;
  ForkState state{heap.heap};
  std::thread other([&state] {
    acre_thread* thread = attach_or_abort(state.heap, ACRE_THREAD_COOPERATIVE);
    acre_fiber_resume(thread, make_or_abort(thread, &stay, &state), nullptr);
    acre_thread_detach(thread);
  });
  wait_blocked(heap.thread, [&] { return state.other != nullptr; });
  Handle keep(heap.thread, state.other);
  acre_fiber* suspended = make_or_abort(heap.thread, &echo, nullptr);
  Handle keep_too(heap.thread, suspended);
  acre_fiber_resume(heap.thread, suspended, nullptr);
  Forking forking{&state, suspended};
  for (int i = 0; i < 20; ++i) {
    acre_fiber* fiber = make_or_abort(heap.thread, &fork_in_fiber, &forking);
    BOOST_TEST(acre_fiber_resume(heap.thread, fiber, nullptr) == nullptr);
  }
  state.end = true;
  join_blocked(heap.thread, other);
  BOOST_TEST(acre_fiber_done(suspended) == 0);
}

#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
