// Fibers where they are not at home: in callbacks, at the limits, on stacks that are nearly too small, with
// threads that end, in heaps that are destroyed, under every option that changes how memory is taken.

#include <pthread.h>

#include <atomic>
#include <thread>

#include "test/gc/api/fiber_fixture.h"
#include "test/gc/cycle/test_heap.h"
#include "test/runtime/base/forked_child.h"

namespace acre::test {
namespace {

void* return_argument(acre_fiber*, void* arg) { return arg; }

// Runs fn() on a fiber with the smallest stack.
template <class Fn>
void on_small_fiber(acre_thread* thread, Fn fn) {
  acre_fiber* fiber = make(
      thread,
      [](acre_fiber*, void* arg) -> void* {
        (*static_cast<Fn*>(arg))();
        return arg;
      },
      &fn, 1);
  BOOST_TEST(acre_fiber_resume(thread, fiber, nullptr) == &fn);
}

// Everything that a callback may try, and must be refused.
struct Intruder {
  acre_heap* heap;
  acre_thread* thread;
  acre_fiber* suspended;
  acre_fiber* running;  // may be NULL
  std::atomic<int> calls{0};
  std::atomic<int> wrong{0};

  void intrude() {
    ++calls;
    const auto expect = [this](bool good) { wrong += good ? 0 : 1; };
    acre_fiber* made = nullptr;
    expect(acre_fiber_new(thread, 0, &return_argument, nullptr, &made) == ACRE_E_STATE);
    expect(made == nullptr);
    expect(acre_fiber_resume(thread, suspended, nullptr) == nullptr);
    expect(acre_last_error(thread) == ACRE_E_STATE);
    expect(acre_fiber_done(suspended) == 0);
    if (running != nullptr) {
      expect(acre_fiber_yield(running, nullptr) == nullptr);
      expect(acre_last_error(thread) == ACRE_E_STATE);
    }
    acre_stack stack{};
    expect(acre_stack_new(heap, 0, &stack) == ACRE_E_STATE);
    acre_collect(thread);
    expect(acre_verify(heap, nullptr, nullptr) == ACRE_E_STATE);
  }
};

struct Meddler {  // an object that is traced
  Intruder* intruder;
};
void meddle(void* object, size_t, acre_visitor*) {
  if (Intruder* intruder = static_cast<Meddler*>(object)->intruder) intruder->intrude();
}

BOOST_AUTO_TEST_SUITE(fiber_misuse)

BOOST_AUTO_TEST_CASE(in_callbacks_a_fiber_neither_comes_nor_goes) {
  StackHeap heap;
  const acre_kind kind = heap.add_kind(&meddle);
  const Handle suspended(heap.thread, make(heap.thread, &hold_object, number(4)));
  auto* fiber = static_cast<acre_fiber*>(suspended.get());
  BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) == 4);
  Intruder intruder{heap.heap, heap.thread, fiber, nullptr};
  auto* meddler = static_cast<Meddler*>(heap.alloc(sizeof(Meddler), kind));
  const Handle root(heap.thread, meddler);
  meddler->intruder = &intruder;

  const auto intrude_everywhere = [&] {
    acre_collect(heap.thread);
    const int after_trace = intruder.calls;
    BOOST_TEST(after_trace >= 1);
    const auto scan = [](acre_visitor*, void* arg) { static_cast<Intruder*>(arg)->intrude(); };
    BOOST_TEST(acre_root_scanner_add(heap.heap, scan, &intruder) == ACRE_OK);
    acre_collect(heap.thread);
    BOOST_TEST(acre_root_scanner_remove(heap.heap, scan, &intruder) == ACRE_OK);
    BOOST_TEST(intruder.calls >= after_trace + 2);
    const int before_walk = intruder.calls;
    const auto walk = [](void*, size_t, acre_kind, void* arg) {
      static_cast<Intruder*>(arg)->intrude();
      return 0;
    };
    BOOST_TEST(acre_heap_walk(heap.heap, walk, &intruder) == ACRE_OK);
    BOOST_TEST(intruder.calls > before_walk);
  };
  intrude_everywhere();
  BOOST_TEST(intruder.wrong == 0);
  const auto body = [&] {
    intruder.running = acre_fiber_current(heap.thread);
    intrude_everywhere();
    intruder.running = nullptr;
  };
  auto on_fiber = body;
  acre_fiber* outer = make(
      heap.thread,
      [](acre_fiber*, void* arg) -> void* {
        (*static_cast<decltype(on_fiber)*>(arg))();
        return arg;
      },
      &on_fiber);
  BOOST_TEST(acre_fiber_resume(heap.thread, outer, nullptr) == &on_fiber);
  BOOST_TEST(intruder.wrong == 0);
  meddler->intruder = nullptr;
  BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) == 4);
}

// Trace functions that need far more stack than a small fiber has.
struct Node {
  Node* next;
};
[[gnu::noinline]] void trace_with_large_frames(void* object, size_t, acre_visitor* visitor) {
  volatile char frames[200 * 1024];
  for (size_t i = 0; i < sizeof(frames); i += 4096) frames[i] = 1;
  acre_visit(visitor, reinterpret_cast<void**>(&static_cast<Node*>(object)->next));
}

BOOST_AUTO_TEST_CASE(a_collection_on_a_small_stack_has_room) {
  for (const int mark_threads : {1, 2}) {
    acre_options options = plain_options();
    options.mark_threads = mark_threads;
    options.verify = 1;
    options.trace = 0;
    Heap heap(options);
    const acre_kind kind = heap.add_kind(&trace_with_large_frames);
    const Handle root(heap.thread, nullptr);
    on_small_fiber(heap.thread, [&] {
      Handle list(heap.thread, nullptr);
      for (int i = 0; i < 1'000; ++i) {
        auto* node = static_cast<Node*>(acre_alloc(heap.thread, sizeof(Node), kind));
        node->next = static_cast<Node*>(list.get());
        list.set(node);
      }
      acre_collect(heap.thread);
      acre_release_memory(heap.thread);
      acre_stats stats = read_stats(heap.heap);
      BOOST_TEST(stats.live_objects >= 1'000u);
      // And chains of small stacks.
      on_small_fiber(heap.thread, [&] {
        acre_collect(heap.thread);
        acre_release_memory(heap.thread);
      });
    });
  }
}

BOOST_AUTO_TEST_CASE(handlers_are_called_on_a_small_stack) {
  acre_options options = plain_options();
  options.reserve_bytes = 64 * kMiB;
  Heap heap(options);
  int calls = 0;
  acre_set_oom_handler(
      heap.heap,
      [](acre_heap*, size_t, void* arg) {
        ++*static_cast<int*>(arg);
        return 0;
      },
      &calls);
  on_small_fiber(heap.thread, [&] {
    void** list = nullptr;
    for (;;) {
      auto** cell = static_cast<void**>(acre_alloc(heap.thread, 40'000, ACRE_KIND_CONSERVATIVE));
      if (cell == nullptr) break;
      cell[0] = list;
      list = cell;
    }
    BOOST_TEST(acre_last_error(heap.thread) == ACRE_E_NOMEM);
    BOOST_TEST(calls == 1);
    // No stack for another fiber then, either.
    acre_fiber* fiber = nullptr;
    BOOST_TEST(acre_fiber_new(heap.thread, kMiB, &return_argument, nullptr, &fiber) ==
               ACRE_E_NOMEM);
    BOOST_TEST(fiber == nullptr);
    BOOST_TEST(calls == 2);
    BOOST_TEST(list != nullptr);  // lived until here
  });
  heap.collect();
  on_small_fiber(heap.thread, [] {});
}

struct Handling {
  acre_thread* thread;
  acre_fiber* suspended;
  acre_fiber* running;
  int calls = 0;
  int wrong = 0;

  void look() {
    ++calls;
    wrong += acre_fiber_resume(thread, suspended, nullptr) == nullptr ? 0 : 1;
    wrong += acre_last_error(thread) == ACRE_E_STATE ? 0 : 1;
    wrong += acre_fiber_yield(running, nullptr) == nullptr ? 0 : 1;
    wrong += acre_last_error(thread) == ACRE_E_STATE ? 0 : 1;
    acre_collect(thread);
  }
};

// A fiber that left from there would leave the thread inside the handler.
BOOST_AUTO_TEST_CASE(in_handlers_a_fiber_neither_comes_nor_goes) {
  for (const bool limit : {false, true}) {
    acre_options options = plain_options();
    options.reserve_bytes = 64 * kMiB;
    if (limit) options.memory_limit = 24 * kMiB;
    Heap heap(options);
    const Handle held(heap.thread, make(heap.thread, &hold_object, number(8)));
    auto* suspended = static_cast<acre_fiber*>(held.get());
    (void)acre_fiber_resume(heap.thread, suspended, nullptr);
    Handling handling{heap.thread, suspended, nullptr};
    acre_set_oom_handler(
        heap.heap,
        [](acre_heap*, size_t, void* arg) {
          static_cast<Handling*>(arg)->look();
          return 0;
        },
        &handling);
    acre_set_limit_handler(
        heap.heap,
        [](acre_heap*, const acre_limit_event*, void* arg) -> int {
          static_cast<Handling*>(arg)->look();
          return ACRE_LIMIT_FAIL;
        },
        &handling);
    on_small_fiber(heap.thread, [&] {
      handling.running = acre_fiber_current(heap.thread);
      void** list = nullptr;
      for (;;) {
        auto** cell = static_cast<void**>(acre_alloc(heap.thread, 16'000, ACRE_KIND_CONSERVATIVE));
        if (cell == nullptr) break;
        cell[0] = list;
        list = cell;
      }
    });
    BOOST_TEST(handling.calls >= 1);
    BOOST_TEST(handling.wrong == 0);
    BOOST_TEST(number(acre_fiber_resume(heap.thread, suspended, nullptr)) == 8);
  }
}

BOOST_AUTO_TEST_CASE(the_limit_handler_is_called_on_a_small_stack) {
  acre_options options = plain_options();
  options.memory_limit = 24 * kMiB;
  Heap heap(options);
  int calls = 0;
  acre_set_limit_handler(
      heap.heap,
      [](acre_heap*, const acre_limit_event*, void* arg) -> int {
        ++*static_cast<int*>(arg);
        return ACRE_LIMIT_FAIL;
      },
      &calls);
  on_small_fiber(heap.thread, [&] {
    void** list = nullptr;
    for (int i = 0; i < 4'000; ++i) {
      auto** cell = static_cast<void**>(acre_alloc(heap.thread, 16'000, ACRE_KIND_CONSERVATIVE));
      if (cell == nullptr) break;
      cell[0] = list;
      list = cell;
    }
    BOOST_TEST(acre_last_error(heap.thread) == ACRE_E_LIMIT);
    BOOST_TEST(calls >= 1);
  });
}

#if !ACRE_TEST_SHADOW_MEMORY  // what these keep for each stack is more than is given here

BOOST_AUTO_TEST_CASE(stacks_count_for_the_limits) {
  for (const bool hard : {true, false}) {
    acre_options options = plain_options();
    (hard ? options.hard_limit : options.memory_limit) = 32 * kMiB;
    options.limit_policy = ACRE_LIMIT_FAIL;
    Heap heap(options);
    constexpr long kMost = 40'000;
    auto** fibers =
        static_cast<acre_fiber**>(heap.alloc(kMost * sizeof(void*), ACRE_KIND_CONSERVATIVE));
    const Handle root(heap.thread, fibers);
    for (int round = 0; round < 3; ++round) {
      long made = 0;
      acre_status status = ACRE_OK;
      while (made < kMost && status == ACRE_OK) {
        status = acre_fiber_new(heap.thread, 8 * kKiB, &hold_object, number(made), &fibers[made]);
        if (status != ACRE_OK) break;
        const long value = number(acre_fiber_resume(heap.thread, fibers[made], nullptr));
        if (value == -1) break;  // no room for its object
        BOOST_TEST_REQUIRE(value == made);
        ++made;
      }
      BOOST_TEST((status == ACRE_E_LIMIT || heap.last_error() == ACRE_E_LIMIT));
      BOOST_TEST(made > 1'000);
      BOOST_TEST(made < 8'000);
      BOOST_TEST(heap.stats().accounted < 40 * kMiB);
      for (long i = 0; i < made; ++i) {
        BOOST_TEST_REQUIRE(number(acre_fiber_resume(heap.thread, fibers[i], nullptr)) == i);
      }
      std::memset(fibers, 0, kMost * sizeof(void*));
      scrub_stack();
      heap.collect();
    }
  }
}

#endif

BOOST_AUTO_TEST_CASE(memory_is_given_back_on_a_fiber_and_what_it_holds_stays) {
  StackHeap heap;
  on_small_fiber(heap.thread, [&] {
    auto* object = static_cast<long*>(acre_alloc(heap.thread, 64, ACRE_KIND_LEAF));
    object[7] = 5;
    for (int i = 0; i < 20; ++i) {
      acre_release_memory(heap.thread);
      (void)acre_alloc(heap.thread, 64, ACRE_KIND_LEAF);
      BOOST_TEST_REQUIRE(object[7] == 5);
    }
    BOOST_TEST(heap_is_whole(heap.heap));
  });
}

BOOST_AUTO_TEST_CASE(a_heap_is_destroyed_with_fibers_suspended) {
  for (int round = 0; round < 10; ++round) {
    StackHeap heap;
    for (long i = 0; i < 100; ++i) {
      acre_fiber* fiber = make(heap.thread, &hold_object, number(i), size_t{8 * kKiB} << (i % 4));
      if (i % 3 != 0) (void)acre_fiber_resume(heap.thread, fiber, nullptr);
      if (i % 7 == 0) (void)acre_fiber_resume(heap.thread, fiber, number(1));
    }
    acre_stack stack{};
    BOOST_TEST(acre_stack_new(heap.heap, 0, &stack) == ACRE_OK);
  }
}

[[gnu::noinline]] long fill_stack(long bytes, volatile char* above) {
  volatile char frame[1024];
  frame[0] = above[0];
  return bytes < 4'096 ? frame[0] : fill_stack(bytes - 2'048, frame) + frame[0];
}

BOOST_AUTO_TEST_CASE(stacks_of_every_size_hold_and_are_used_again) {
  acre_options options = plain_options();
  options.reserve_bytes = 2 * kGiB;
  Heap heap(options);
  const auto deep = [](acre_fiber* self, void* arg) -> void* {
    auto* object = static_cast<long*>(acre_alloc(acre_fiber_thread(self), 32, ACRE_KIND_LEAF));
    object[2] = number(arg);
    volatile char one[1] = {0};
    (void)fill_stack(static_cast<long>(acre_fiber_stack_bytes(self) / 2), one);
    acre_fiber_yield(self, number(object[2]));
    (void)fill_stack(static_cast<long>(acre_fiber_stack_bytes(self) / 2), one);
    return number(object[2]);
  };
  for (int round = 0; round < 2; ++round) {
    for (size_t bytes = 8 * kKiB; bytes <= 64 * kMiB; bytes *= 2) {
      for (const size_t asked : {bytes, bytes - 1, bytes / 2 + 1}) {
        acre_fiber* fiber = make(heap.thread, deep, number(static_cast<long>(asked)), asked);
        BOOST_TEST(acre_fiber_stack_bytes(fiber) >= bytes);
        BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) ==
                   static_cast<long>(asked));
        heap.collect();
        BOOST_TEST(number(acre_fiber_resume(heap.thread, fiber, nullptr)) ==
                   static_cast<long>(asked));
        BOOST_TEST(acre_fiber_done(fiber) == 1);
      }
    }
    acre_release_memory(heap.thread);
    BOOST_TEST(heap.stats().stack_sys == 0u);
  }
}

#if !ACRE_TEST_SHADOW_MEMORY

BOOST_AUTO_TEST_CASE(in_huge_pages_a_fiber_takes_its_stack_and_no_more) {
  acre_options options = plain_options();
  options.huge_pages = ACRE_HUGE_PAGES_ALWAYS;
  Heap heap(options);
  constexpr long kFibers = 5'000;
  auto** fibers =
      static_cast<acre_fiber**>(heap.alloc(kFibers * sizeof(void*), ACRE_KIND_CONSERVATIVE));
  const Handle root(heap.thread, fibers);
  const size_t before = resident_bytes();
  for (long i = 0; i < kFibers; ++i) {
    fibers[i] = make(heap.thread, &hold_object, number(i), 8 * kKiB);
    BOOST_TEST_REQUIRE(number(acre_fiber_resume(heap.thread, fibers[i], nullptr)) == i);
  }
  heap.collect();
  const size_t each = (resident_bytes() - before) / kFibers;
  BOOST_TEST_MESSAGE(each << " resident bytes a fiber");
  BOOST_TEST(each <= 20 * kKiB);
  for (long i = 0; i < kFibers; ++i) {
    BOOST_TEST_REQUIRE(number(acre_fiber_resume(heap.thread, fibers[i], nullptr)) == i);
  }
}

#endif

void churn(acre_heap* heap, acre_thread* thread, int rounds) {
  constexpr long kFibers = 40;
  auto** fibers = static_cast<acre_fiber**>(
      acre_alloc(thread, kFibers * sizeof(void*), ACRE_KIND_CONSERVATIVE));
  const Handle root(thread, fibers);
  for (long i = 0; i < rounds; ++i) {
    acre_fiber*& fiber = fibers[(i * 7) % kFibers];
    if (fiber != nullptr) {
      const long value = number(acre_fiber_resume(thread, fiber, nullptr));
      BOOST_TEST_REQUIRE(value % kFibers == (i * 7) % kFibers);
      if (i % 3 == 0) {
        auto* object = static_cast<long*>(acre_fiber_resume(thread, fiber, number(1)));
        BOOST_TEST_REQUIRE(object[5] == value);
      }
      if (i % 3 != 2) fiber = nullptr;
    } else {
      fiber = make(thread, &hold_object, number((i * 7) % kFibers + kFibers * i),
                   size_t{8 * kKiB} << (i % 3));
      (void)acre_fiber_resume(thread, fiber, nullptr);
    }
  }
  BOOST_TEST(heap_is_whole(heap));
}

BOOST_AUTO_TEST_CASE(fibers_come_and_go_with_a_collection_at_every_allocation) {
  acre_options options = plain_options();
  options.gc_every = 1;
  options.verify = 1;
  options.clobber_free = 1;
  Heap heap(options);
  churn(heap.heap, heap.thread, 600);
}

BOOST_AUTO_TEST_CASE(fibers_come_and_go_where_the_kernel_commits_strictly) {
  rt::FaultPlan plan;
  plan.pretend_strict_overcommit();
  acre_options options = quiet_options(rt::kGiB);
  options.conservative_stacks = 1;
  options.gc_percent = 100;
  const TestHeap heap(options, &plan);
  churn(heap.get(), heap.thread(), 20'000);
  acre_release_memory(heap.thread());
  churn(heap.get(), heap.thread(), 1'000);
}

// Threads that no stop waits for take and free stacks, and the background thread gives some back, while the world
// is stopped and its books are compared.
BOOST_AUTO_TEST_CASE(stacks_come_and_go_beside_collections) {
  acre_options options = plain_options();
  options.verify = 1;
  Heap heap(options);
  std::atomic<bool> over{false};
  const auto take_and_free = [&] {
    acre_stack stacks[8] = {};
    for (unsigned i = 0; !over; ++i) {
      acre_stack& stack = stacks[i % 8];
      if (stack.low != nullptr && acre_stack_free(heap.heap, &stack) != ACRE_OK) std::abort();
      if (acre_stack_new(heap.heap, size_t{8 * kKiB} << (i % 5), &stack) != ACRE_OK) std::abort();
      *static_cast<volatile char*>(stack.low) = 1;
    }
    for (const acre_stack& stack : stacks) {
      if (stack.low != nullptr) (void)acre_stack_free(heap.heap, &stack);
    }
  };
  std::thread stranger(take_and_free);
  std::thread blocking([&] {
    acre_thread* thread = nullptr;
    if (acre_thread_attach(heap.heap, &thread) != ACRE_OK) std::abort();
    acre_blocking_begin(thread);
    take_and_free();
    acre_blocking_end(thread);
    acre_thread_detach(thread);
  });
  for (int i = 0; i < 150; ++i) {
    for (long k = 0; k < 20; ++k) {
      acre_fiber* fiber = make(heap.thread, &hold_object, number(k), size_t{8 * kKiB} << (k % 4));
      (void)acre_fiber_resume(heap.thread, fiber, nullptr);
    }
    heap.collect();
    if (i % 10 == 0) BOOST_TEST(heap_is_whole(heap.heap));
  }
  over = true;
  acre_blocking_begin(heap.thread);
  stranger.join();
  blocking.join();
  acre_blocking_end(heap.thread);
}

BOOST_AUTO_TEST_CASE(a_fiber_whose_allocation_fails_holds_no_stack) {
  rt::FaultPlan plan;
  acre_options options = quiet_options(rt::kGiB);
  options.conservative_stacks = 1;
  const TestHeap heap(options, &plan);
  for (uint64_t nth = 1; nth < 6; ++nth) {
    plan.fail(rt::OsCall::kGuard, nth);
    for (int i = 0; i < 10; ++i) {
      acre_fiber* fiber = nullptr;
      const acre_status status =
          acre_fiber_new(heap.thread(), 256 * kKiB, &hold_object, number(i), &fiber);
      BOOST_TEST((status == ACRE_OK) == (fiber != nullptr));
      if (fiber != nullptr) {
        BOOST_TEST(number(acre_fiber_resume(heap.thread(), fiber, nullptr)) == i);
        (void)acre_fiber_resume(heap.thread(), fiber, number(1));
      }
    }
    BOOST_TEST(heap.stats().stacks == 0u);
    BOOST_TEST(heap.complaints() == "");
    acre_release_memory(heap.thread());
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
