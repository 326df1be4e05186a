// Threads that never poll: what they hold, wherever it is, lives; where a signal finds them, they stay whole.

#include "test/gc/api/spinning.h"
#include "test/gc/api/uncooperative_fixture.h"

#if ACRE_TEST_CAN_SPIN

#include <signal.h>

#include <memory>

namespace acre::test {
namespace {

constexpr size_t kBytes = 64;

// An alternate signal stack for the calling thread, as Go, Java and sanitizers set one.
class AlternateStack {
 public:
  AlternateStack() : memory_(64 * kKiB) {
    stack_t stack = {};
    stack.ss_sp = memory_.data();
    stack.ss_size = memory_.size();
    if (sigaltstack(&stack, &before_) != 0) std::abort();
  }
  ~AlternateStack() { (void)sigaltstack(&before_, nullptr); }
  AlternateStack(const AlternateStack&) = delete;
  AlternateStack& operator=(const AlternateStack&) = delete;

 private:
  std::vector<char> memory_;
  stack_t before_;
};

class NoAlternateStack {
 public:
  NoAlternateStack() {
    stack_t none = {};
    none.ss_flags = SS_DISABLE;
    if (sigaltstack(&none, &before_) != 0) std::abort();
  }
  ~NoAlternateStack() { (void)sigaltstack(&before_, nullptr); }
  NoAlternateStack(const NoAlternateStack&) = delete;
  NoAlternateStack& operator=(const NoAlternateStack&) = delete;

 private:
  stack_t before_;
};

// A thread that holds one object in one place and spins.
template <class SignalStack>
class Spinner {
 public:
  Spinner(acre_heap* heap, Spin spin) : heap_(heap), spin_(spin), thread_([this] { run(); }) {}
  ~Spinner() { thread_.join(); }
  Spinner(const Spinner&) = delete;
  Spinner& operator=(const Spinner&) = delete;

  bool spins() const { return object_ != 0; }
  Disguised object() const { return {object_}; }
  void end() { end_ = 1; }

 private:
  void run() {
    const SignalStack signal_stack;
    acre_thread* own = attach_uncooperative(heap_);
    const Disguised object = hidden_object(own, kBytes);
    scrub_stack();
    object_ = object.bits;
    if (spin_(&end_, object.bits) != object.bits) std::abort();
    (void)acre_thread_detach(own);
  }

  acre_heap* heap_;
  Spin spin_;
  std::atomic<uintptr_t> object_{0};
  volatile int end_ = 0;
  std::thread thread_;
};

// How many of `collections` left the object whole.
template <class SignalStack>
int held_through(Heap& heap, Spin spin, int collections) {
  Spinner<SignalStack> spinner(heap.heap, spin);
  wait_blocked(heap.thread, [&] { return spinner.spins(); });
  int held = 0;
  for (int i = 0; i < collections; ++i) {
    // It runs again in between, now and then.
    if (i % 5 == 0) nap_blocked(heap.thread);
    scrub_stack();
    heap.collect();
    // What was freed wrongly is used again.
    for (int j = 0; j < 200; ++j) (void)heap.alloc(kBytes);
    held += is_intact(heap.heap, spinner.object(), kBytes) ? 1 : 0;
  }
  spinner.end();
  return held;
}

BOOST_AUTO_TEST_SUITE(a_spinning_thread, *boost::unit_test::precondition(&can_interrupt_loops))

BOOST_FIXTURE_TEST_CASE(keeps_what_it_holds_in_one_place_only, SpoilingHeap) {
  for (const SpinPlace& place : kSpinPlaces) {
    if (!can_run(place)) continue;
    BOOST_TEST(held_through<NoAlternateStack>(*this, place.spin, 30) == 30, place.name);
  }
}

BOOST_FIXTURE_TEST_CASE(keeps_it_when_signals_have_a_stack_of_their_own, SpoilingHeap) {
  for (const SpinPlace& place : kSpinPlaces) {
    if (!can_run(place)) continue;
    BOOST_TEST(held_through<AlternateStack>(*this, place.spin, 30) == 30, place.name);
  }
}

BOOST_FIXTURE_TEST_CASE(keeps_nothing_that_it_does_not_hold, SpoilingHeap) {
  int gone = 0;
  for (int i = 0; i < 20; ++i) {
    gone += held_through<NoAlternateStack>(*this, &spin_with_only_disguise, 1) == 0 ? 1 : 0;
    gone += held_through<AlternateStack>(*this, &spin_with_only_disguise, 1) == 0 ? 1 : 0;
  }
  BOOST_TEST(gone >= 30);
}

BOOST_FIXTURE_TEST_CASE(keeps_it_beside_others, SpoilingHeap) {
  std::vector<std::unique_ptr<Spinner<NoAlternateStack>>> spinners;
  for (int i = 0; i < 24; ++i) {
    const SpinPlace& place = kSpinPlaces[static_cast<size_t>(i) % (std::size(kSpinPlaces) - 1)];
    spinners.push_back(std::make_unique<Spinner<NoAlternateStack>>(heap, place.spin));
  }
  wait_blocked(thread, [&] {
    bool all = true;
    for (const auto& spinner : spinners) all &= spinner->spins();
    return all;
  });
  int missing = 0;
  for (int i = 0; i < 30; ++i) {
    nap_blocked(thread);
    scrub_stack();
    collect();
    for (int j = 0; j < 200; ++j) (void)alloc(kBytes);
    for (const auto& spinner : spinners) {
      missing += is_intact(heap, spinner->object(), kBytes) ? 0 : 1;
    }
  }
  BOOST_TEST(missing == 0);
  // Fewer than 24 each time: who was not yet running again needs none.
  BOOST_TEST(read_stop_stats(heap).signals >= 24u);
  for (const auto& spinner : spinners) spinner->end();
}

BOOST_AUTO_TEST_CASE(keeps_its_objects_in_two_heaps) {
  SpoilingHeap one;
  SpoilingHeap two;
  std::atomic<uintptr_t> in_one{0};
  std::atomic<uintptr_t> in_two{0};
  volatile int end = 0;
  std::thread spinner([&] {
    acre_thread* own = attach_uncooperative(one.heap);
    acre_thread* other = attach_uncooperative(two.heap);
    const Disguised first = hidden_object(own, kBytes);
    const Disguised second = hidden_object(other, kBytes);
    scrub_stack();
    // One of them in this frame, the other in a register.
    void* volatile held = first.plain();
    in_one = first.bits;
    in_two = second.bits;
    if (spin_with_only_r12(&end, second.bits) != second.bits) std::abort();
    if (held != first.plain()) std::abort();
    // Exits attached to both.
  });
  acre_blocking_begin(two.thread);
  wait_blocked(one.thread, [&] { return in_two != 0; });
  std::atomic<bool> done{false};
  std::thread collector([&] {
    acre_thread* own = attach_or_abort(two.heap, ACRE_THREAD_COOPERATIVE);
    while (!done) acre_collect(own);
    (void)acre_thread_detach(own);
  });
  int missing = 0;
  for (int i = 0; i < 200; ++i) {
    one.collect();
    missing += is_intact(one.heap, {in_one}, kBytes) ? 0 : 1;
    missing += is_intact(two.heap, {in_two}, kBytes) ? 0 : 1;
  }
  BOOST_TEST(missing == 0);
  done = true;
  end = 1;
  join_blocked(one.thread, collector);
  join_blocked(one.thread, spinner);
  acre_blocking_end(two.thread);
  BOOST_TEST(one.stats().threads == 1u);
  BOOST_TEST(two.stats().threads == 1u);
}

acre_heap* watched_heap = nullptr;
Disguised watched_object;
int lost = 0;

// Foreign code in a blocking region: it goes deep, and stays until a collection was made.
void run_through_a_collection() {
  const uint64_t before = read_stats(watched_heap).num_gc;
  scrub_stack();
  while (read_stats(watched_heap).num_gc < before + 2) sched_yield();
  lost += is_intact(watched_heap, watched_object, kBytes) ? 0 : 1;
}

// A stop that is on its way when the region begins must not forget the registers of its beginning. A cooperative
// thread is late, so that the others are let go until it comes.
BOOST_FIXTURE_TEST_CASE(may_begin_a_blocking_region_while_a_stop_is_on_its_way, SpoilingHeap) {
  watched_heap = heap;
  lost = 0;
  for (int round = 0; round < 5; ++round) {
    std::atomic<int> ready{0};
    std::atomic<bool> go{false};
    std::atomic<bool> come{false};
    std::atomic<bool> done{false};
    std::thread blocker([&] {
      acre_thread* own = attach_uncooperative(heap);
      watched_object = hidden_object(own, kBytes);
      const uintptr_t disguised = watched_object.bits;
      void* volatile held = watched_object.plain();
      ++ready;
      while (!go) {
      }
      held = nullptr;
      (void)held;
      scrub_stack();
      if (block_with_only_r12(own, disguised, &run_through_a_collection) != disguised) std::abort();
      done = true;
    });
    std::thread late([&] {
      (void)attach_or_abort(heap, ACRE_THREAD_COOPERATIVE);
      ++ready;
      while (!come) std::this_thread::yield();
    });
    wait_blocked(thread, [&] { return ready == 2; });
    const uint64_t let_go = read_stop_stats(heap).let_go;
    std::thread collector([&] {
      acre_thread* own = attach_or_abort(heap, ACRE_THREAD_COOPERATIVE);
      while (!done) {
        scrub_stack();
        acre_collect(own);
        for (int j = 0; j < 50; ++j) (void)acre_alloc(own, kBytes, ACRE_KIND_LEAF);
      }
    });
    acre_blocking_begin(thread);
    while (read_stop_stats(heap).let_go == let_go) nap(1);
    go = true;
    nap(10);
    come = true;
    for (std::thread* one : {&late, &blocker, &collector}) one->join();
    acre_blocking_end(thread);
  }
  BOOST_TEST(lost == 0);
}

// In the other heap it polls.
BOOST_AUTO_TEST_CASE(may_be_cooperative_in_another_heap) {
  SpoilingHeap one;
  SpoilingHeap two;
  std::atomic<bool> ready{false};
  std::atomic<bool> end{false};
  std::thread mixed([&] {
    acre_thread* own = attach_uncooperative(one.heap);
    acre_thread* other = attach_or_abort(two.heap, ACRE_THREAD_COOPERATIVE);
    void* volatile in_one = acre_alloc(own, kBytes, ACRE_KIND_LEAF);
    memset(in_one, kContent, kBytes);
    ready = true;
    while (!end) {
      void* volatile in_two = acre_alloc(other, kBytes, ACRE_KIND_LEAF);
      memset(in_two, kContent, kBytes);
      acre_safepoint(other);
      if (!is_intact(two.heap, {~reinterpret_cast<uintptr_t>(in_two)}, kBytes)) std::abort();
      if (!is_intact(one.heap, {~reinterpret_cast<uintptr_t>(in_one)}, kBytes)) std::abort();
    }
  });
  acre_blocking_begin(two.thread);
  wait_blocked(one.thread, [&] { return ready.load(); });
  acre_blocking_end(two.thread);
  std::thread collector([&] {
    acre_thread* own = attach_uncooperative(two.heap);
    for (int i = 0; i < 100; ++i) acre_collect(own);
  });
  for (int i = 0; i < 100; ++i) {
    one.collect();
    acre_safepoint(two.thread);
  }
  acre_blocking_begin(two.thread);
  join_blocked(one.thread, collector);
  end = true;
  join_blocked(one.thread, mixed);
  acre_blocking_end(two.thread);
  BOOST_TEST(one.stats().num_gc == 100u);
  BOOST_TEST(two.stats().num_gc == 100u);
}

BOOST_AUTO_TEST_CASE(is_stopped_in_the_callback_of_an_allocation) {
  acre_options options = spoiling_options();
  options.reserve_bytes = 64 * kMiB;
  Heap small(options);
  std::atomic<bool> in_handler{false};
  volatile int end = 0;
  struct Arg {
    std::atomic<bool>* in_handler;
    volatile int* end;
  } arg{&in_handler, &end};
  acre_set_oom_handler(
      small.heap,
      [](acre_heap*, size_t, void* raw) {
        auto* a = static_cast<Arg*>(raw);
        *a->in_handler = true;
        while (*a->end == 0) {
        }
        return 0;
      },
      &arg);
  void* volatile full = small.alloc(40 * kMiB);
  std::thread hungry([&] {
    acre_thread* own = attach_uncooperative(small.heap);
    if (acre_alloc(own, 63 * kMiB, ACRE_KIND_LEAF) != nullptr) std::abort();
    (void)acre_thread_detach(own);
  });
  wait_blocked(small.thread, [&] { return in_handler.load(); });
  for (int i = 0; i < 10; ++i) small.collect();
  BOOST_TEST(small.stats().num_gc >= 10u);
  BOOST_TEST(small.holds(full));
  end = 1;
  join_blocked(small.thread, hungry);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test

#endif  // ACRE_TEST_CAN_SPIN
