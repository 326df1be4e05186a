// Fibers through acre.h: control goes where it should, what only a fiber holds lives, and what nobody will ever
// resume is collected with its stack.

#include <thread>

#include "test/gc/api/fiber_fixture.h"

namespace acre::test {
namespace {

// Yields what it is given, plus one, until that is 0.
void* add_one(acre_fiber* fiber, void* arg) {
  long n = number(arg);
  while (n != 0) n = number(acre_fiber_yield(fiber, number(n + 1)));
  return number(-1);
}

void* return_argument(acre_fiber*, void* arg) { return arg; }

BOOST_AUTO_TEST_SUITE(fibers)

BOOST_AUTO_TEST_CASE(values_go_to_and_fro_and_the_first_is_not_seen) {
  StackHeap heap;
  acre_fiber* fiber = make(heap.thread, &add_one, number(5));
  BOOST_TEST(acre_fiber_current(heap.thread) == nullptr);
  BOOST_TEST(acre_fiber_thread(fiber) == nullptr);
  BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, number(77))) == 6);
  BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, number(10))) == 11);
  BOOST_TEST(acre_fiber_done(fiber) == 0);
  BOOST_TEST(acre_fiber_stack_bytes(fiber) >= size_t{ACRE_FIBER_STACK});
  BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) == -1);
  BOOST_TEST(acre_fiber_done(fiber) == 1);
  BOOST_TEST(acre_fiber_status(fiber) == ACRE_OK);
  BOOST_TEST(acre_fiber_stack_bytes(fiber) == 0u);
  BOOST_TEST(heap.stats().stacks == 0u);
}

BOOST_AUTO_TEST_CASE(misuse_is_a_status) {
  StackHeap heap;
  acre_fiber* fiber = reinterpret_cast<acre_fiber*>(1);
  BOOST_TEST(acre_fiber_new(heap.thread, 0, nullptr, nullptr, &fiber) == ACRE_E_INVALID);
  BOOST_TEST(fiber == nullptr);
  BOOST_TEST(acre_fiber_new(heap.thread, 0, &add_one, nullptr, nullptr) == ACRE_E_INVALID);
  BOOST_TEST(acre_fiber_new(nullptr, 0, &add_one, nullptr, &fiber) == ACRE_E_INVALID);
  BOOST_TEST(acre_fiber_new(heap.thread, ACRE_FIBER_STACK_MAX + 1, &add_one, nullptr, &fiber) ==
             ACRE_E_INVALID);
  BOOST_TEST(acre_fiber_new(heap.thread, SIZE_MAX, &add_one, nullptr, &fiber) == ACRE_E_INVALID);
  BOOST_TEST(acre_fiber_resume(heap.thread, nullptr, nullptr) == nullptr);
  BOOST_TEST(heap.last_error() == ACRE_E_INVALID);

  fiber = make(heap.thread, &return_argument, number(3));
  BOOST_TEST(acre_fiber_yield(fiber, nullptr) == nullptr);
  acre_blocking_begin(heap.thread);
  acre_fiber* other = nullptr;
  BOOST_TEST(acre_fiber_new(heap.thread, 0, &add_one, nullptr, &other) == ACRE_E_STATE);
  BOOST_TEST(acre_fiber_resume(heap.thread, fiber, nullptr) == nullptr);
  BOOST_TEST(heap.last_error() == ACRE_E_STATE);
  acre_blocking_end(heap.thread);
  BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) == 3);
  BOOST_TEST(acre_fiber_resume(heap.thread, fiber, number(1)) == nullptr);
  BOOST_TEST(heap.last_error() == ACRE_E_STATE);
  BOOST_TEST(acre_fiber_yield(fiber, nullptr) == nullptr);

  StackHeap second;
  acre_fiber* foreign = make(second.thread, &return_argument);
  BOOST_TEST(acre_fiber_resume(heap.thread, foreign, nullptr) == nullptr);
  BOOST_TEST(heap.last_error() == ACRE_E_INVALID);

  // Objects that are fibers are neither freed nor grown by hand, and others of their kind are none.
  acre_free(second.thread, foreign);
  BOOST_TEST(second.last_error() == ACRE_E_INVALID);
  BOOST_TEST(acre_realloc(second.thread, foreign, 1000) == nullptr);
  BOOST_TEST(number(acre_fiber_resume(second.thread, foreign, nullptr)) == 0);
  void* fake = second.alloc(500, acre_object_kind(second.heap, foreign));
  BOOST_TEST(fake != nullptr);
  BOOST_TEST(acre_fiber_resume(second.thread, static_cast<acre_fiber*>(fake), nullptr) == nullptr);
  second.collect();
}

struct Misbehaving {
  acre_heap* heap;
  acre_thread* thread;
  acre_fiber* self = nullptr;
  acre_fiber* outer = nullptr;
};

BOOST_AUTO_TEST_CASE(what_must_not_be_done_in_a_fiber_is_refused_there) {
  StackHeap heap;
  Misbehaving state{heap.heap, heap.thread};
  const auto inner = [](acre_fiber*, void* arg) -> void* {
    const auto* there = static_cast<Misbehaving*>(arg);
    // The one that resumed this one neither yields nor is resumed.
    BOOST_TEST(acre_fiber_yield(there->outer, nullptr) == nullptr);
    BOOST_TEST(acre_last_error(there->thread) == ACRE_E_STATE);
    BOOST_TEST(acre_fiber_resume(there->thread, there->outer, nullptr) == nullptr);
    BOOST_TEST(acre_last_error(there->thread) == ACRE_E_STATE);
    return number(9);
  };
  state.outer = make(
      heap.thread,
      [](acre_fiber* self, void* arg) -> void* {
        const auto* there = static_cast<Misbehaving*>(arg);
        BOOST_TEST(acre_fiber_current(there->thread) == self);
        BOOST_TEST(acre_fiber_thread(self) == there->thread);
        BOOST_TEST(acre_fiber_resume(there->thread, self, nullptr) == nullptr);
        BOOST_TEST(acre_last_error(there->thread) == ACRE_E_STATE);
        BOOST_TEST(number(acre_fiber_resume(there->thread, there->self, nullptr)) == 9);
        BOOST_TEST(acre_fiber_current(there->thread) == self);
        BOOST_TEST(acre_thread_detach(there->thread) == ACRE_E_STATE);
        acre_thread* again = nullptr;
        BOOST_TEST(acre_thread_attach(there->heap, &again) == ACRE_OK);
        BOOST_TEST(acre_thread_detach(again) == ACRE_OK);
        acre_blocking_begin(there->thread);
        BOOST_TEST(acre_fiber_yield(self, nullptr) == nullptr);
        acre_blocking_end(there->thread);
        BOOST_TEST(acre_last_error(there->thread) == ACRE_E_STATE);
        return nullptr;
      },
      &state);
  state.self = make(heap.thread, inner, &state);
  BOOST_TEST(acre_fiber_resume(heap.thread, state.outer, nullptr) == nullptr);
  BOOST_TEST(acre_fiber_done(state.outer) == 1);
}

BOOST_AUTO_TEST_CASE(what_only_suspended_fibers_hold_lives) {
  StackHeap heap;
  constexpr long kFibers = 300;
  auto** fibers =
      static_cast<acre_fiber**>(heap.alloc(kFibers * sizeof(void*), ACRE_KIND_CONSERVATIVE));
  Handle root(heap.thread, fibers);
  for (long i = 0; i < kFibers; ++i) {
    fibers[i] = make(heap.thread, &hold_object, number(i), size_t{8 * kKiB} << (i % 5));
    BOOST_TEST_REQUIRE(number(acre_fiber_resume(heap.thread, fibers[i], nullptr)) == i);
    if (i % 50 == 0) heap.collect();
  }
  heap.collect();
  BOOST_TEST(heap_is_whole(heap.heap));
  check_identities(heap.stats());
  BOOST_TEST(heap.stats().stacks == static_cast<uint64_t>(kFibers));
  for (long i = 0; i < kFibers; ++i) {
    BOOST_TEST_REQUIRE(number(acre_fiber_resume(heap.thread, fibers[i], nullptr)) == i);
  }
}

[[gnu::noinline]] void make_and_forget(Heap& heap, int count) {
  for (int i = 0; i < count; ++i) {
    acre_fiber* fiber = make(heap.thread, &hold_object, number(i));
    acre_fiber_resume(heap.thread, fiber, nullptr);
    (void)make(heap.thread, &hold_object);  // and one that never runs
  }
}

BOOST_AUTO_TEST_CASE(what_nobody_refers_to_is_collected_with_its_stack) {
  StackHeap heap;
  make_and_forget(heap, 100);
  BOOST_TEST(heap.stats().stacks == 200u);
  scrub_stack();
  heap.collect();
  // A word on the stack or in a register may hold the last ones.
  BOOST_TEST(heap.stats().stacks <= 4u);
  BOOST_TEST(heap.live() <= 8u);
  const uint64_t mapped = heap.stats().mapped;
  for (int i = 0; i < 20; ++i) {
    make_and_forget(heap, 100);
    scrub_stack();
    heap.collect();
  }
  BOOST_TEST(heap.stats().mapped == mapped);
  acre_release_memory(heap.thread);
  BOOST_TEST(heap.stats().stack_sys <= 4 * 72 * kKiB);
  BOOST_TEST(heap.stats().stack_untouched <= heap.stats().stack_sys);
}

struct Ring {
  acre_fiber* other;
};

BOOST_AUTO_TEST_CASE(fibers_that_only_refer_to_each_other_are_collected) {
  StackHeap heap;
  const auto hold_other = [](acre_fiber* self, void* arg) -> void* {
    auto* ring = static_cast<Ring*>(arg);
    acre_fiber* volatile other = nullptr;
    acre_fiber_yield(self, nullptr);
    other = ring->other;
    acre_fiber_yield(self, nullptr);
    return other;
  };
  const auto make_pair = [&] {
    auto* rings = static_cast<Ring*>(heap.alloc(2 * sizeof(Ring), ACRE_KIND_CONSERVATIVE));
    acre_fiber* one = make(heap.thread, hold_other, &rings[0]);
    acre_fiber* two = make(heap.thread, hold_other, &rings[1]);
    rings[0].other = two;
    rings[1].other = one;
    for (acre_fiber* fiber : {one, two, one, two}) acre_fiber_resume(heap.thread, fiber, nullptr);
  };
  for (int i = 0; i < 20; ++i) make_pair();
  scrub_stack();
  heap.collect();
  BOOST_TEST(heap.stats().stacks <= 4u);
}

// Fibers that resume fibers, to a depth; each holds an object; the innermost collects.
void* nest(acre_fiber* self, void* arg) {
  acre_thread* thread = acre_fiber_thread(self);
  const long depth = number(arg);
  auto* object = static_cast<long*>(acre_alloc(thread, 32, ACRE_KIND_LEAF));
  object[3] = depth;
  long sum = 0;
  if (depth == 0) {
    acre_collect(thread);
  } else {
    acre_fiber* inner = make(thread, &nest, number(depth - 1), 8 * kKiB);
    sum = number(acre_fiber_resume(thread, inner, nullptr));
  }
  for (int i = 0; i < 100; ++i) (void)acre_alloc(thread, 32, ACRE_KIND_LEAF);
  return number(sum + object[3]);
}

BOOST_AUTO_TEST_CASE(a_chain_of_running_fibers_is_a_root) {
  StackHeap heap;
  BOOST_TEST(number(acre_fiber_resume(heap.thread, make(heap.thread, &nest, number(100)),
                                      nullptr)) == 5050);
}

long depth_reached;
[[gnu::noinline]] long recurse(long n, volatile char* above) {
  volatile char frame[200];
  frame[0] = 1;
  above[1] = 2;
  depth_reached = n;
  return n == 0 ? 0 : recurse(n - 1, frame) + frame[0] + frame[1] - 2;
}

BOOST_AUTO_TEST_CASE(a_large_stack_is_deep_and_its_unused_part_goes_back) {
  StackHeap heap;
  const auto deep = [](acre_fiber* self, void* arg) -> void* {
    volatile char above[2];
    const long n = recurse(number(arg), above);
    acre_fiber_yield(self, number(n));
    return number(n);
  };
  constexpr long kCalls = ACRE_TEST_SHADOW_MEMORY ? 20'000 : 100'000;
  acre_fiber* fiber = make(heap.thread, deep, number(kCalls), 64 * kMiB);
  Handle root(heap.thread, fiber);
  BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) == kCalls);
#if !ACRE_TEST_SHADOW_MEMORY
  const size_t before = resident_bytes();
  acre_release_memory(heap.thread);
  BOOST_TEST(before - resident_bytes() > 15 * kMiB);
  BOOST_TEST(heap.stats().stack_sys - heap.stats().stack_untouched < 64 * kKiB);
#endif
  BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) == kCalls);
}

BOOST_AUTO_TEST_CASE(another_thread_goes_on_with_a_fiber) {
  StackHeap heap;
  acre_fiber* fiber = make(heap.thread, &hold_object, number(42));
  Handle root(heap.thread, fiber);
  BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) == 42);
  acre_blocking_begin(heap.thread);
  std::thread([&] {
    acre_thread* thread = nullptr;
    BOOST_TEST(acre_thread_attach(heap.heap, &thread) == ACRE_OK);
    acre_collect(thread);
    BOOST_TEST(number(acre_fiber_resume(thread, fiber, nullptr)) == 42);
    acre_collect(thread);
    BOOST_TEST(acre_thread_detach(thread) == ACRE_OK);
  }).join();
  acre_blocking_end(heap.thread);
  heap.collect();
  auto* object = static_cast<long*>(acre_fiber_resume(heap.thread, fiber, number(1)));
  BOOST_TEST(object[5] == 42);
}

BOOST_AUTO_TEST_CASE(where_stacks_are_not_scanned_each_fiber_has_its_locals) {
  PreciseHeap heap;
  const auto with_local = [](acre_fiber* self, void* arg) -> void* {
    acre_thread* thread = acre_fiber_thread(self);
    acre_local local{nullptr, acre_alloc(thread, 64, ACRE_KIND_LEAF)};
    acre_local_push(thread, &local);
    static_cast<long*>(local.object)[7] = number(arg);
    acre_fiber_yield(self, nullptr);
    const long n = static_cast<long*>(local.object)[7];
    BOOST_TEST(acre_local_pop(acre_fiber_thread(self), &local) == ACRE_OK);
    return number(n);
  };
  acre_local mine{nullptr, heap.alloc(64)};
  acre_local_push(heap.thread, &mine);
  std::vector<Handle> fibers;
  for (long i = 0; i < 10; ++i) {
    fibers.emplace_back(heap.thread, make(heap.thread, with_local, number(i)));
    acre_fiber_resume(heap.thread, static_cast<acre_fiber*>(fibers.back().get()), nullptr);
  }
  heap.collect();
  BOOST_TEST(heap.live() == 21u);
  // They end in another order than they began.
  for (const long i : {3, 0, 9, 1, 2, 8, 4, 7, 5, 6}) {
    auto* fiber = static_cast<acre_fiber*>(fibers[static_cast<size_t>(i)].get());
    BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) == i);
    heap.collect();
  }
  BOOST_TEST(heap.live() == 11u);
  BOOST_TEST(acre_local_pop(heap.thread, &mine) == ACRE_OK);
  // Nothing but handles held them.
  fibers.clear();
  heap.collect();
  BOOST_TEST(heap.live() == 0u);
}

BOOST_AUTO_TEST_CASE(an_argument_lives_until_the_fiber_runs) {
  PreciseHeap heap;
  void* object = heap.alloc(80);
  Handle fiber(heap.thread, make(heap.thread, &return_argument, object));
  heap.collect();
  BOOST_TEST(heap.holds(object));
  BOOST_TEST(acre_fiber_resume(heap.thread, static_cast<acre_fiber*>(fiber.get()), nullptr) ==
             object);
  heap.collect();
  BOOST_TEST(!heap.holds(object));
}

BOOST_AUTO_TEST_CASE(an_exception_inside_is_nobodys_and_one_that_leaves_is_a_status) {
  StackHeap heap;
  acre_fiber* fiber = make(heap.thread, [](acre_fiber* self, void*) -> void* {
    try {
      throw 5;
    } catch (int n) {
      // Suspended while it is being handled; others throw meanwhile.
      acre_fiber_yield(self, number(n));
      try {
        throw;
      } catch (int again) {
        acre_fiber_yield(self, number(again + 1));
      }
    }
    throw std::string("leaves");
  });
  BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) == 5);
  BOOST_TEST(std::uncaught_exceptions() == 0);
  BOOST_TEST((std::current_exception() == nullptr));
  try {
    throw 'c';
  } catch (char c) {
    BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) == 6);
    BOOST_TEST(c == 'c');
  }
  BOOST_TEST(acre_fiber_resume(heap.thread, fiber, nullptr) == nullptr);
  BOOST_TEST(heap.last_error() == ACRE_E_EXCEPTION);
  BOOST_TEST(acre_fiber_done(fiber) == 1);
  BOOST_TEST(acre_fiber_status(fiber) == ACRE_E_EXCEPTION);
  BOOST_TEST((std::current_exception() == nullptr));
  BOOST_TEST(heap.stats().stacks == 0u);
}

BOOST_AUTO_TEST_CASE(a_heap_is_not_destroyed_on_one_of_its_fibers) {
  StackHeap heap;
  acre_fiber* fiber = make(
      heap.thread,
      [](acre_fiber*, void* arg) {
        return number(acre_heap_destroy(static_cast<acre_heap*>(arg)));
      },
      heap.heap);
  BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) == ACRE_E_STATE);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
