// Fibers and what is not theirs: threads that come and end, other people's coroutines that run on them, addresses on
// their stacks, and the processor's control words.

#include <pthread.h>
#include <ucontext.h>

#include <cfenv>
#include <csetjmp>
#include <thread>

#include "test/gc/api/fiber_fixture.h"
#include "test/runtime/base/forked_child.h"

namespace acre::test {
namespace {

#if !ACRE_TEST_SHADOW_MEMORY

// A coroutine as the C library has them, on a stack of the heap's.
struct Coroutine {
  acre_stack stack{};
  ucontext_t inside{};
  ucontext_t outside{};
  acre_fiber* fiber = nullptr;

  static void run(unsigned high, unsigned low) {
    auto* self = reinterpret_cast<Coroutine*>(uintptr_t{high} << 32 | low);
    (void)acre_fiber_yield(self->fiber, number(1));
    swapcontext(&self->inside, &self->outside);
  }
  void start() {
    getcontext(&inside);
    inside.uc_stack.ss_sp = stack.low;
    inside.uc_stack.ss_size =
        static_cast<size_t>(static_cast<char*>(stack.high) - static_cast<char*>(stack.low));
    const auto self = reinterpret_cast<uintptr_t>(this);
    makecontext(&inside, reinterpret_cast<void (*)()>(&run), 2, static_cast<unsigned>(self >> 32),
                static_cast<unsigned>(self));
    swapcontext(&outside, &inside);
  }
};

void* run_coroutine(acre_fiber* self, void* arg) {
  auto* object = static_cast<long*>(acre_alloc(acre_fiber_thread(self), 48, ACRE_KIND_LEAF));
  object[5] = 42;
  auto* coroutine = static_cast<Coroutine*>(arg);
  coroutine->fiber = self;
  coroutine->start();
  return number(object[5]);
}

#endif

BOOST_AUTO_TEST_SUITE(fiber_corner)

BOOST_AUTO_TEST_CASE(a_fiber_outlives_the_thread_that_suspended_it) {
  StackHeap heap;
  constexpr long kFibers = 50;
  auto** fibers =
      static_cast<acre_fiber**>(heap.alloc(kFibers * sizeof(void*), ACRE_KIND_CONSERVATIVE));
  const Handle root(heap.thread, fibers);
  acre_blocking_begin(heap.thread);
  for (const bool detaches : {true, false}) {
    std::thread([&] {
      acre_thread* thread = nullptr;
      if (acre_thread_attach(heap.heap, &thread) != ACRE_OK) return;
      for (long i = detaches ? 0 : 1; i < kFibers; i += 2) {
        acre_fiber* fiber = nullptr;
        if (acre_fiber_new(thread, 0, &hold_object, number(i), &fiber) != ACRE_OK) return;
        (void)acre_fiber_resume(thread, fiber, nullptr);
        fibers[i] = fiber;
      }
      if (detaches) acre_thread_detach(thread);
    }).join();
  }
  acre_blocking_end(heap.thread);
  for (int round = 0; round < 3; ++round) {
    heap.collect();
    for (long i = 0; i < kFibers; ++i) {
      BOOST_TEST_REQUIRE(number(acre_fiber_resume(heap.thread, fibers[i], nullptr)) == i);
    }
  }
}

#if !ACRE_TEST_SHADOW_MEMORY

struct Exit {
  acre_heap* heap;
  acre_fiber** fibers;  // in the heap: what ran, and what waits for it
};

BOOST_AUTO_TEST_CASE(a_thread_that_exits_on_a_fiber_loses_it_and_the_heap_lives_on) {
  StackHeap heap;
  auto** fibers = static_cast<acre_fiber**>(heap.alloc(3 * sizeof(void*), ACRE_KIND_CONSERVATIVE));
  const Handle root(heap.thread, fibers);
  Exit exit{heap.heap, fibers};
  for (int round = 0; round < 20; ++round) {
    acre_blocking_begin(heap.thread);
    pthread_t id;
    const int created = pthread_create(
        &id, nullptr,
        [](void* arg) -> void* {
          const auto* to = static_cast<Exit*>(arg);
          acre_thread* thread = nullptr;
          if (acre_thread_attach(to->heap, &thread) != ACRE_OK) return nullptr;
          const auto inner = [](acre_fiber*, void*) -> void* { pthread_exit(number(5)); };
          const auto outer = [](acre_fiber* self, void* fiber) {
            return acre_fiber_resume(acre_fiber_thread(self), static_cast<acre_fiber*>(fiber),
                                     nullptr);
          };
          (void)acre_fiber_new(thread, 0, inner, nullptr, &to->fibers[0]);
          (void)acre_fiber_new(thread, 0, outer, to->fibers[0], &to->fibers[1]);
          return acre_fiber_resume(thread, to->fibers[1], nullptr);
        },
        &exit);
    BOOST_TEST_REQUIRE(created == 0);
    void* result = nullptr;
    pthread_join(id, &result);
    acre_blocking_end(heap.thread);
    BOOST_TEST(number(result) == 5);
    for (acre_fiber* fiber : {fibers[0], fibers[1]}) {
      BOOST_TEST(acre_fiber_status(fiber) == ACRE_E_STATE);
      BOOST_TEST(acre_fiber_resume(heap.thread, fiber, nullptr) == nullptr);
      BOOST_TEST(heap.last_error() == ACRE_E_STATE);
    }
    heap.collect();
    fibers[0] = nullptr;
    fibers[1] = nullptr;
    scrub_stack();
    heap.collect();
    // Others take the room of their objects.
    for (int i = 0; i < 1'000; ++i) std::memset(heap.alloc(sizeof(void*) * 40), 0x5a, 320);
    heap.collect();
    BOOST_TEST(heap_is_whole(heap.heap));
  }
  BOOST_TEST(heap.stats().stacks <= 4u);
}

#endif

#if !ACRE_TEST_SHADOW_MEMORY

// Wherever the coroutine's stack lies, below or above.
BOOST_AUTO_TEST_CASE(a_fiber_that_yields_from_a_coroutine_is_scanned_whole) {
  for (const bool stack_first : {false, true}) {
    StackHeap heap;
    Coroutine coroutine;
    if (stack_first) BOOST_TEST(acre_stack_new(heap.heap, 0, &coroutine.stack) == ACRE_OK);
    acre_fiber* fiber = make(heap.thread, &run_coroutine, &coroutine);
    if (!stack_first) BOOST_TEST(acre_stack_new(heap.heap, 0, &coroutine.stack) == ACRE_OK);
    BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) == 1);
    heap.collect();
    for (int i = 0; i < 10'000; ++i) std::memset(heap.alloc(48), 0x5a, 48);
    acre_release_memory(heap.thread);
    BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) == 42);
    BOOST_TEST(acre_stack_free(heap.heap, &coroutine.stack) == ACRE_OK);
    BOOST_TEST(heap_is_whole(heap.heap));
  }
}

// By a jump, which no C++ runtime sees.
BOOST_AUTO_TEST_CASE(fibers_that_a_thread_jumped_out_of_are_lost) {
  StackHeap heap;
  static jmp_buf back;
  acre_fiber* fiber = make(heap.thread, [](acre_fiber* self, void*) -> void* {
    acre_local here{nullptr, self};
    acre_local_push(acre_fiber_thread(self), &here);
    std::longjmp(back, 1);
  });
  const Handle root(heap.thread, fiber);
  acre_local own{nullptr, heap.alloc(48)};
  acre_local_push(heap.thread, &own);
  if (setjmp(back) == 0) (void)acre_fiber_resume(heap.thread, fiber, nullptr);
  heap.collect();
  BOOST_TEST(acre_fiber_current(heap.thread) == nullptr);
  BOOST_TEST(acre_fiber_status(fiber) == ACRE_E_STATE);
  BOOST_TEST(heap.stats().stacks == 0u);
  BOOST_TEST(acre_local_pop(heap.thread, &own) == ACRE_OK);
  BOOST_TEST(acre_fiber_resume(heap.thread, fiber, nullptr) == nullptr);
  BOOST_TEST(heap_is_whole(heap.heap));
}

// What runs after that, on the thread's own stack, is a thread's as any other.
BOOST_AUTO_TEST_CASE(after_an_exit_on_a_fiber_the_thread_goes_on_with_its_own) {
  StackHeap heap;
  for (int round = 0; round < 20; ++round) {
    acre_blocking_begin(heap.thread);
    std::thread([&heap] {
      struct Last {
        acre_heap* heap = nullptr;
        acre_thread* thread = nullptr;
        acre_local local{};
        ~Last() {
          BOOST_TEST(acre_fiber_current(thread) == nullptr);
          acre_collect(thread);
          BOOST_TEST(*static_cast<long*>(local.object) == 42);
          BOOST_TEST(acre_local_pop(thread, &local) == ACRE_OK);
          BOOST_TEST(acre_thread_detach(thread) == ACRE_OK);
        }
      };
      thread_local Last last;
      last.heap = heap.heap;
      acre_thread_attach(heap.heap, &last.thread);
      last.local.object = acre_alloc(last.thread, 48, ACRE_KIND_LEAF);
      *static_cast<long*>(last.local.object) = 42;
      acre_local_push(last.thread, &last.local);
      acre_fiber* fiber = make(last.thread, [](acre_fiber* self, void*) -> void* {
        acre_local here{nullptr, self};
        acre_local_push(acre_fiber_thread(self), &here);
        pthread_exit(nullptr);
      });
      (void)acre_fiber_resume(last.thread, fiber, nullptr);
    }).join();
    acre_blocking_end(heap.thread);
    heap.collect();
    BOOST_TEST(heap_is_whole(heap.heap));
  }
}

#endif

// A collection on a fiber runs on the thread's own stack; that does not mean that the fiber was left.
BOOST_AUTO_TEST_CASE(what_a_trace_function_asks_does_not_lose_the_fiber) {
  StackHeap heap;
  static acre_thread* tracing = nullptr;
  static acre_fiber* seen = nullptr;
  tracing = heap.thread;
  acre_kind_info info{};
  info.struct_size = sizeof(info);
  info.name = "curious";
  info.trace = [](void*, size_t, acre_visitor*) { seen = acre_fiber_current(tracing); };
  acre_kind kind = ACRE_KIND_NONE;
  BOOST_TEST_REQUIRE(acre_kind_register(heap.heap, &info, &kind) == ACRE_OK);
  const Handle root(heap.thread, heap.alloc(32, kind));
  acre_fiber* fiber = make(heap.thread, [](acre_fiber* self, void*) -> void* {
    acre_collect(acre_fiber_thread(self));
    BOOST_TEST(seen == self);
    BOOST_TEST(acre_fiber_yield(self, number(1)) == number(5));
    return number(2);
  });
  BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) == 1);
  BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, number(5))) == 2);
  BOOST_TEST(acre_fiber_done(fiber) == 1);
}

BOOST_AUTO_TEST_CASE(addresses_on_stacks_are_no_references_and_no_fault) {
  acre_options options = plain_options();
  options.gc_every = 1;
  options.verify = 1;
  Heap heap(options);
  // Its argument is on the stack of the one that makes it, and so is what an object points to.
  acre_fiber* fiber = make(heap.thread, [](acre_fiber* self, void*) -> void* {
    acre_thread* thread = acre_fiber_thread(self);
    long here = 7;
    auto** object = static_cast<void**>(acre_alloc(thread, 48, ACRE_KIND_CONSERVATIVE));
    acre_local local{nullptr, &here};
    acre_local_push(thread, &local);
    object[0] = &here;
    acre_fiber* inner = make(
        thread, [](acre_fiber*, void* arg) -> void* { return number(*static_cast<long*>(arg)); },
        &here);
    acre_collect(thread);
    void* result = acre_fiber_resume(thread, inner, nullptr);
    BOOST_TEST(acre_local_pop(thread, &local) == ACRE_OK);
    return result;
  });
  BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) == 7);
}

BOOST_AUTO_TEST_CASE(a_local_that_moved_is_popped_by_either_thread) {
  const PreciseHeap heap;
  for (const bool by_the_first : {false, true}) {
    struct Pair {
      acre_thread* first;
      bool by_the_first;
    } pair{heap.thread, by_the_first};
    acre_fiber* fiber = make(
        heap.thread,
        [](acre_fiber* self, void* arg) -> void* {
          const Pair given = *static_cast<Pair*>(arg);
          acre_local local{nullptr, acre_alloc(given.first, 48, ACRE_KIND_LEAF)};
          acre_local_push(given.first, &local);
          (void)acre_fiber_yield(self, nullptr);
          acre_thread* now = acre_fiber_thread(self);
          BOOST_TEST(now != given.first);
          return number(acre_local_pop(given.by_the_first ? given.first : now, &local));
        },
        &pair);
    const Handle root(heap.thread, fiber);
    BOOST_TEST(acre_fiber_resume(heap.thread, fiber, nullptr) == nullptr);
    acre_blocking_begin(heap.thread);
    std::thread([&heap, fiber] {
      acre_thread* other = nullptr;
      BOOST_TEST(acre_thread_attach(heap.heap, &other) == ACRE_OK);
      BOOST_TEST(number(acre_fiber_resume(other, fiber, nullptr)) == ACRE_OK);
      acre_collect(other);
      BOOST_TEST(acre_thread_detach(other) == ACRE_OK);
    }).join();
    acre_blocking_end(heap.thread);
  }
}

// The rounding is each one's own, and begins as that of the one that makes the fiber.
BOOST_AUTO_TEST_CASE(each_has_its_own_rounding) {
  StackHeap heap;
  BOOST_TEST_REQUIRE(std::fesetround(FE_UPWARD) == 0);
  acre_fiber* fiber = make(heap.thread, [](acre_fiber* self, void*) -> void* {
    BOOST_TEST(std::fegetround() == FE_UPWARD);
    std::fesetround(FE_DOWNWARD);
    (void)acre_fiber_yield(self, nullptr);
    BOOST_TEST(std::fegetround() == FE_DOWNWARD);
    return nullptr;
  });
  std::fesetround(FE_TONEAREST);
  (void)acre_fiber_resume(heap.thread, fiber, nullptr);
  BOOST_TEST(std::fegetround() == FE_TONEAREST);
  (void)acre_fiber_resume(heap.thread, fiber, nullptr);
  BOOST_TEST(std::fegetround() == FE_TONEAREST);
}

BOOST_AUTO_TEST_CASE(a_turn_says_what_happened) {
  StackHeap heap;
  acre_fiber* fiber = make(heap.thread, [](acre_fiber* self, void*) -> void* {
    const acre_fiber_turn turn = acre_fiber_yield_turn(self, number(1));
    BOOST_TEST(number(turn.value) == 5);
    BOOST_TEST(turn.status == ACRE_OK);
    return number(2);
  });
  acre_fiber_turn turn = acre_fiber_resume_turn(heap.thread, fiber, nullptr);
  BOOST_TEST((number(turn.value) == 1 && turn.status == ACRE_OK && turn.done == 0));
  turn = acre_fiber_resume_turn(heap.thread, fiber, number(5));
  BOOST_TEST((number(turn.value) == 2 && turn.status == ACRE_OK && turn.done == 1));
  turn = acre_fiber_resume_turn(heap.thread, fiber, number(5));
  BOOST_TEST((turn.value == nullptr && turn.status == ACRE_E_STATE && turn.done == 0));
  turn = acre_fiber_yield_turn(fiber, number(5));
  BOOST_TEST((turn.value == nullptr && turn.status == ACRE_E_STATE && turn.done == 0));
  BOOST_TEST(acre_fiber_resume_turn(nullptr, fiber, nullptr).status == ACRE_E_INVALID);
  BOOST_TEST(acre_fiber_resume_turn(heap.thread, nullptr, nullptr).status == ACRE_E_INVALID);
  fiber = make(heap.thread, [](acre_fiber*, void*) -> void* { throw 1; });
  turn = acre_fiber_resume_turn(heap.thread, fiber, nullptr);
  BOOST_TEST((turn.value == nullptr && turn.status == ACRE_E_EXCEPTION && turn.done == 1));
}

// The word is the embedder's whatever becomes of the fiber.
BOOST_AUTO_TEST_CASE(its_word_outlives_its_stack) {
  StackHeap heap;
  acre_fiber* fiber = make(heap.thread, [](acre_fiber*, void* arg) { return arg; });
  BOOST_TEST(acre_fiber_data(fiber) == nullptr);
  acre_fiber_set_data(fiber, number(17));
  acre_fiber_set_name(fiber, "one");
  (void)acre_fiber_resume(heap.thread, fiber, nullptr);
  BOOST_TEST(number(acre_fiber_data(fiber)) == 17);
  acre_fiber_set_data(fiber, number(18));
  acre_fiber_set_name(fiber, "two");
  BOOST_TEST(number(acre_fiber_data(fiber)) == 18);
  // The stack's next user begins with nothing.
  fiber = make(heap.thread, [](acre_fiber*, void* arg) { return arg; });
  BOOST_TEST(acre_fiber_data(fiber) == nullptr);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
