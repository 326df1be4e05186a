// The heap in a child of fork, whatever the other threads of the parent were doing.

#include <pthread.h>

#include <string>

#include "test/gc/api/fork_fixture.h"
#include "test/gc/api/process_view.h"

namespace acre::test {
namespace {

// More are asked for by the issue than a sanitizer has time for.
#if ACRE_TEST_SHADOW_MEMORY
constexpr int kManyForks = 60;
constexpr int kForks = 15;
#else
constexpr int kManyForks = 1000;
constexpr int kForks = 60;
#endif

acre_options stack_heap_options() {
  acre_options options = fork_options(plain_options());
  options.gc_percent = 100;
  return options;
}

acre_options exact_heap_options() { return fork_options(precise_options()); }

// Keeps three threads allocating and collecting.
void add_three(Busy& busy, acre_heap* heap) {
  for (unsigned i = 0; i < 3; ++i) {
    busy.add_attached({heap}, [i](unsigned round, const std::vector<acre_thread*>& threads) {
      return allocate_and_collect(threads[0], round, 15 + i);
    });
  }
}

void wait_until_all_run(Busy& busy, acre_thread* thread) {
  acre_blocking_begin(thread);
  busy.wait_until_all_run();
  acre_blocking_end(thread);
}

// Forks from the thread that runs this, `times` times, while others are busy.
template <class Body>
void fork_often(int times, acre_thread* thread, Busy& busy, Body body) {
  int code = 0;
  int done = 0;
  for (; done < times && code == 0 && busy.good(); ++done) {
    if (thread != nullptr && !allocate_and_collect(thread, static_cast<unsigned>(done), 10)) break;
    code = code_of_child(thread, body);
  }
  busy.stop(thread);
  BOOST_TEST(code == 0, "fork " << done << ": a child exited with " << code);
  BOOST_TEST(done == times);
  BOOST_TEST(busy.good());
}

BOOST_FIXTURE_TEST_SUITE(fork_, ForkFixture)

BOOST_AUTO_TEST_CASE(a_thousand_children_of_one_of_four_allocating_threads) {
  Heap heap(stack_heap_options());
  NumberedList mine(heap.thread);
  BOOST_TEST_REQUIRE(mine.build(500, 7));
  Busy busy;
  add_three(busy, heap.heap);
  wait_until_all_run(busy, heap.thread);
  const uint64_t cycles = heap.stats().num_gc;
  fork_often(kManyForks, heap.thread, busy, [&] {
    const int code = uses(heap.heap, heap.thread);
    return code == 0 && !mine.whole() ? 20 : code;
  });
  BOOST_TEST(heap.stats().num_gc > cycles + kManyForks / 10);
  BOOST_TEST(mine.whole());
}

// Roots are exact here, so what the other threads hold is counted.
BOOST_AUTO_TEST_CASE(what_only_other_threads_held_is_garbage_in_the_child) {
  Heap heap(exact_heap_options());
  NumberedList mine(heap.thread);
  BOOST_TEST_REQUIRE(mine.build(100, 7));
  Busy busy;
  std::atomic<bool> hold{true};
  for (int i = 0; i < 3; ++i) {
    busy.add_attached({heap.heap}, [&](unsigned, const std::vector<acre_thread*>& threads) {
      NumberedList list(threads[0]);
      bool good = list.build(50, 3);
      while (hold) acre_safepoint(threads[0]);
      return good && list.whole();
    });
  }
  // Attached in a region that its child will not see the end of.
  busy.add([&](Busy&) {
    acre_thread* thread = nullptr;
    (void)acre_thread_attach(heap.heap, &thread);
    NumberedList list(thread);
    (void)list.build(50, 4);
    acre_blocking_begin(thread);
    while (hold) std::this_thread::yield();
    acre_blocking_end(thread);
  });
  acre_blocking_begin(heap.thread);
  while (heap.live() != 300) std::this_thread::yield();
  acre_blocking_end(heap.thread);
  for (int i = 0; i < kForks; ++i) {
    const int code = code_of_child(heap.thread, [&] {
      const acre_stats before = read_stats(heap.heap);
      if (before.threads != 1 || before.live_objects != 300) return 1;
      if (before.mallocs != 300 || before.frees != 0) return 2;
      heap.collect();
      const acre_stats after = read_stats(heap.heap);
      if (after.mallocs != 300 || after.frees != 200 || after.live_objects != 100) return 3;
      return mine.whole() ? uses(heap.heap, heap.thread) : 4;
    });
    BOOST_TEST_REQUIRE(code == 0);
  }
  heap.collect();
  BOOST_TEST(heap.live() == 300u);
  BOOST_TEST(heap.stats().threads == 5u);
  hold = false;
  busy.stop(heap.thread);
  BOOST_TEST(busy.good());
}

// The only reference is in a register or on the stack, while others collect right after the fork.
BOOST_AUTO_TEST_CASE(what_the_stack_holds_lives_on_both_sides) {
  Heap heap(stack_heap_options());
  Busy busy;
  add_three(busy, heap.heap);
  wait_until_all_run(busy, heap.thread);
  int bad = 0;
  for (int i = 0; i < kForks && bad == 0; ++i) {
    auto* object = static_cast<uint64_t*>(heap.alloc(256));
    object[31] = 0x1234567890;
    const pid_t child = fork();
    if (child == 0) {
      alarm(kChildSeconds);
      heap.collect();
      _exit(object[31] == 0x1234567890 ? 0 : 1);
    }
    for (int poll = 0; poll < 1000; ++poll) acre_safepoint(heap.thread);
    if (object[31] != 0x1234567890) ++bad;
    int status = -1;
    waitpid(child, &status, 0);
    if (status != 0 || object[31] != 0x1234567890) ++bad;
  }
  busy.stop(heap.thread);
  BOOST_TEST(bad == 0);
  BOOST_TEST(busy.good());
}

BOOST_AUTO_TEST_CASE(a_thread_that_is_not_attached_forks) {
  Heap heap(stack_heap_options());
  Busy busy;
  add_three(busy, heap.heap);
  BOOST_TEST(acre_thread_detach(heap.thread) == ACRE_OK);
  busy.wait_until_all_run();
  fork_often(kForks, nullptr, busy, [&] {
    if (acre_thread_current(heap.heap) != nullptr) return 1;
    if (read_stats(heap.heap).threads != 0 || !heap_is_whole(heap.heap)) return 2;
    acre_thread* thread = nullptr;
    if (acre_thread_attach(heap.heap, &thread) != ACRE_OK) return 3;
    return uses(heap.heap, thread);
  });
}

BOOST_AUTO_TEST_CASE(a_thread_in_a_blocking_region_forks) {
  Heap heap(stack_heap_options());
  NumberedList mine(heap.thread);
  BOOST_TEST_REQUIRE(mine.build(100, 7));
  Busy busy;
  add_three(busy, heap.heap);
  acre_blocking_begin(heap.thread);
  busy.wait_until_all_run();
  acre_blocking_begin(heap.thread);
  int code = 0;
  for (int i = 0; i < kForks && code == 0; ++i) {
    code = code_of_child(nullptr, [&] {
      acre_blocking_end(heap.thread);
      if (acre_alloc(heap.thread, 40000, ACRE_KIND_LEAF) != nullptr) return 1;
      if (acre_last_error(heap.thread) != ACRE_E_STATE) return 2;
      acre_blocking_end(heap.thread);
      // The error stays; a call that succeeds says nothing.
      if (acre_alloc(heap.thread, 40000, ACRE_KIND_LEAF) == nullptr) return 3;
      heap.collect();
      return mine.whole() && heap_is_whole(heap.heap) ? 0 : 4;
    });
  }
  acre_blocking_end(heap.thread);
  acre_blocking_end(heap.thread);
  busy.stop(heap.thread);
  BOOST_TEST(code == 0);
  BOOST_TEST(mine.whole());
}

// Who is attached to both takes them in either order; some come and go.
BOOST_AUTO_TEST_CASE(a_thread_of_two_heaps_forks) {
  Heap one(stack_heap_options());
  Heap two(stack_heap_options());
  Busy busy;
  const auto use_both = [](unsigned round, const std::vector<acre_thread*>& threads) {
    acre_safepoint(threads[1]);
    return allocate_and_collect(threads[0], round, 3) && allocate_and_collect(threads[1], round, 4);
  };
  busy.add_attached({one.heap, two.heap}, use_both);
  busy.add_attached({two.heap, one.heap}, use_both);
  busy.add_attached({one.heap}, [&](unsigned round, const std::vector<acre_thread*>& threads) {
    acre_thread* other = nullptr;
    if (acre_thread_attach(two.heap, &other) != ACRE_OK) return false;
    const bool good = allocate_and_collect(other, round, 7);
    if (acre_thread_detach(other) != ACRE_OK) return false;
    acre_blocking_begin(threads[0]);
    acre_blocking_end(threads[0]);
    return good;
  });
  acre_blocking_begin(two.thread);
  wait_until_all_run(busy, one.thread);
  acre_blocking_end(two.thread);
  int code = 0;
  for (int i = 0; i < 2 * kForks && code == 0; ++i) {
    acre_safepoint(one.thread);
    acre_safepoint(two.thread);
    acre_blocking_begin(two.thread);
    code = code_of_child(one.thread, [&] {
      acre_blocking_end(two.thread);
      const int first = uses(one.heap, one.thread);
      return first != 0 ? first : uses(two.heap, two.thread);
    });
    acre_blocking_end(two.thread);
  }
  acre_blocking_begin(two.thread);
  busy.stop(one.thread);
  acre_blocking_end(two.thread);
  BOOST_TEST(code == 0);
  BOOST_TEST(busy.good());
}

// They hold locks of the heap though no stop waits for them.
BOOST_AUTO_TEST_CASE(threads_that_no_stop_waits_for_are_inside_the_heap) {
  Heap heap(stack_heap_options());
  Busy busy;
  busy.add_attached({heap.heap}, [](unsigned round, const std::vector<acre_thread*>& threads) {
    const bool good = allocate_and_collect(threads[0], round, 50);
    if (round % 4 == 3) acre_release_memory(threads[0]);
    return good;
  });
  busy.add_step([&](unsigned) {
    for (int i = 0; i < 20; ++i) (void)read_stats(heap.heap);
    return true;
  });
  busy.add_step([&](unsigned) {
    static void* range[16];
    for (int i = 0; i < 20; ++i) {
      if (acre_root_add(heap.heap, range, sizeof(range), 1) != ACRE_OK) return false;
      if (acre_root_remove(heap.heap, range) != ACRE_OK) return false;
    }
    return true;
  });
  busy.add_step([&](unsigned round) {
    acre_set_gc_percent(heap.heap, 100 + static_cast<int>(round % 2));
    acre_set_memory_limit(heap.heap, (512 + round % 2) * kMiB);
    acre_thread* thread = nullptr;
    if (acre_thread_attach(heap.heap, &thread) != ACRE_OK) return false;
    return acre_thread_detach(thread) == ACRE_OK;
  });
  busy.add_step([&](unsigned round) {
    if (round >= 200) sleep_ms(1);
    const acre_kind_info info = {sizeof(info), "late", nullptr, nullptr, 0, 0};
    acre_kind kind = ACRE_KIND_NONE;
    if (round < 200 && acre_kind_register(heap.heap, &info, &kind) != ACRE_OK) return false;
    return true;
  });
  wait_until_all_run(busy, heap.thread);
  fork_often(3 * kForks, heap.thread, busy, [&] {
    const acre_kind_info info = {sizeof(info), "child's", nullptr, nullptr, 0, 0};
    acre_kind kind = ACRE_KIND_NONE;
    void* range[2] = {};
    if (acre_kind_register(heap.heap, &info, &kind) != ACRE_OK) return 1;
    if (acre_root_add(heap.heap, range, sizeof(range), 0) != ACRE_OK) return 2;
    acre_set_memory_limit(heap.heap, 700 * kMiB);
    acre_set_gc_percent(heap.heap, 300);
    acre_release_memory(heap.thread);
    return uses(heap.heap, heap.thread);
  });
}

BOOST_AUTO_TEST_CASE(heaps_come_and_go_meanwhile) {
  Heap heap(stack_heap_options());
  const acre_options options = exact_heap_options();
  Busy busy;
  for (int i = 0; i < 2; ++i) {
    busy.add_attached({heap.heap}, [=](unsigned round, const std::vector<acre_thread*>& threads) {
      acre_heap* passing = nullptr;
      acre_thread* thread = nullptr;
      if (acre_heap_create(&options, &passing) != ACRE_OK) return false;
      if (acre_thread_attach(passing, &thread) != ACRE_OK) return false;
      return allocate_and_collect(thread, round, 2) && acre_heap_destroy(passing) == ACRE_OK &&
             allocate_and_collect(threads[0], round, 9);
    });
  }
  wait_until_all_run(busy, heap.thread);
  fork_often(kForks, heap.thread, busy, [&] {
    const int code = uses(heap.heap, heap.thread);
    if (code != 0 || ACRE_TEST_SHADOW_MEMORY) return code;
    // calloc'ed: under asan a thread that is not here may hold its allocator's lock.
    acre_heap* own = nullptr;
    acre_thread* thread = nullptr;
    if (acre_heap_create(&options, &own) != ACRE_OK) return 30;
    if (acre_thread_attach(own, &thread) != ACRE_OK) return 31;
    if (uses(own, thread) != 0) return 32;
    return acre_heap_destroy(own) == ACRE_OK ? 0 : 33;
  });
}

BOOST_AUTO_TEST_CASE(several_threads_fork_at_once) {
  Heap heap(stack_heap_options());
  Busy busy;
  for (int i = 0; i < 3; ++i) {
    busy.add_attached(
        {heap.heap}, [&heap](unsigned round, const std::vector<acre_thread*>& threads) {
          return allocate_and_collect(threads[0], round, 3) &&
                 code_of_child(threads[0], [&] { return uses(heap.heap, threads[0]); }) == 0;
        });
  }
  wait_until_all_run(busy, heap.thread);
  fork_often(kForks / 3, heap.thread, busy, [&] { return uses(heap.heap, heap.thread); });
}

BOOST_AUTO_TEST_CASE(a_child_of_a_child) {
  Heap heap(stack_heap_options());
  Busy busy;
  add_three(busy, heap.heap);
  wait_until_all_run(busy, heap.thread);
  fork_often(kForks / 3, heap.thread, busy, [&] {
    const auto use = [&] { return uses(heap.heap, heap.thread); };
    const auto fork_and_use = [&] {
      const int code = code_of_child(heap.thread, use);
      return code != 0 ? 40 + code : use();
    };
    const int code = code_of_child(heap.thread, fork_and_use);
    return code != 0 ? 80 + code : use();
  });
}

#if !defined(__SANITIZE_THREAD__)
BOOST_AUTO_TEST_CASE(a_child_has_threads_of_its_own) {
  acre_options options = stack_heap_options();
  options.mark_threads = 2;
  Heap heap(options);
  Busy busy;
  add_three(busy, heap.heap);
  wait_until_all_run(busy, heap.thread);
  heap.collect();
  fork_often(kForks / 3, heap.thread, busy, [&] {
    if (!background_threads().empty() || !tasks_named("acre-mark").empty()) return 1;
    Busy mine;
    add_three(mine, heap.heap);
    wait_until_all_run(mine, heap.thread);
    if (read_stats(heap.heap).threads != 4) return 2;
    for (unsigned round = 0; round < 5; ++round) {
      if (!allocate_and_collect(heap.thread, round, 1)) return 3;
    }
    if (background_threads().size() != 1 || tasks_named("acre-mark").size() != 1) return 4;
    mine.stop(heap.thread);
    if (!mine.good()) return 5;
    return uses(heap.heap, heap.thread);
  });
}
#endif

BOOST_AUTO_TEST_CASE(a_child_destroys_the_heap) {
  Heap heap(stack_heap_options());
  Busy busy;
  add_three(busy, heap.heap);
  wait_until_all_run(busy, heap.thread);
  fork_often(kForks, heap.thread, busy, [&] {
    if (acre_heap_destroy(heap.heap) != ACRE_OK) return 1;
    // The list of heaps has nothing of it.
    return code_of_child(nullptr, [] { return 0; });
  });
}

acre_heap* handled_heap = nullptr;

// Registered after the first heap was created, so that Acre's have run.
BOOST_AUTO_TEST_CASE(an_embedders_handler_may_use_the_heap_in_the_child) {
  Heap heap(stack_heap_options());
  handled_heap = heap.heap;
  pthread_atfork(
      [] {
        if (handled_heap != nullptr) acre_collect(acre_thread_current(handled_heap));
      },
      [] {
        if (handled_heap != nullptr) acre_collect(acre_thread_current(handled_heap));
      },
      [] {
        if (handled_heap == nullptr) return;
        alarm(kChildSeconds);
        const int code = uses(handled_heap, acre_thread_current(handled_heap));
        if (code != 0) _exit(100 + code);
      });
  Busy busy;
  add_three(busy, heap.heap);
  wait_until_all_run(busy, heap.thread);
  fork_often(kForks, heap.thread, busy, [&] { return uses(heap.heap, heap.thread); });
  handled_heap = nullptr;
}

// Each stops its own heap; none may wait for the other's.
BOOST_AUTO_TEST_CASE(walks_of_two_heaps_fork) {
  Heap one(exact_heap_options());
  Heap two(exact_heap_options());
  Busy busy;
  const auto fork_at_first = [](void*, size_t, acre_kind, void* code) {
    *static_cast<int*>(code) = code_of_child(nullptr, [] { return 0; });
    return 1;
  };
  for (acre_heap* heap : {one.heap, two.heap}) {
    busy.add_attached({heap}, [=](unsigned round, const std::vector<acre_thread*>& threads) {
      int code = -1;
      return allocate_and_collect(threads[0], round, 3) &&
             acre_heap_walk(heap, fork_at_first, &code) == ACRE_OK && code == 0;
    });
  }
  acre_blocking_begin(two.thread);
  wait_until_all_run(busy, one.thread);
  fork_often(kForks, one.thread, busy, [&] { return uses(one.heap, one.thread); });
  acre_blocking_end(two.thread);
}

// The stop waits for a thread that comes when the watchdog has forked.
BOOST_AUTO_TEST_CASE(a_watchdog_forks) {
  Heap heap(stack_heap_options());
  struct Forked {
    std::atomic<int> times{0};
    std::atomic<int> code{-1};
  } forked;
  const auto fork_once = [](acre_heap*, const acre_stop_report*, void* arg) {
    auto* state = static_cast<Forked*>(arg);
    if (state->times == 0) state->code = code_of_child(nullptr, [] { return 0; });
    ++state->times;
  };
  BOOST_TEST(acre_set_stop_watchdog(heap.heap, 1, fork_once, &forked) == ACRE_OK);
  std::atomic<bool> ready{false};
  std::thread late([&] {
    acre_thread* own = nullptr;
    if (acre_thread_attach(heap.heap, &own) != ACRE_OK) std::abort();
    ready = true;
    while (forked.times == 0) usleep(1000);
    (void)acre_thread_detach(own);
  });
  acre_blocking_begin(heap.thread);
  while (!ready) std::this_thread::yield();
  acre_blocking_end(heap.thread);
  heap.collect();
  acre_blocking_begin(heap.thread);
  late.join();
  acre_blocking_end(heap.thread);
  BOOST_TEST(forked.code == 0);
  BOOST_TEST(acre_set_stop_watchdog(heap.heap, 0, nullptr, nullptr) == ACRE_OK);
  BOOST_TEST(code_of_child(heap.thread, [&] { return uses(heap.heap, heap.thread); }) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
