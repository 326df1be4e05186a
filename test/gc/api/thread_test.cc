// Attaching, blocking, safepoints, several heaps, and threads that allocate while others collect.

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

#include "test/gc/api/heap_fixture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

// Runs `body` on another thread and waits for its end, in a blocking region of `heap`.
template <class Body>
void elsewhere(Heap& heap, Body body) {
  acre_blocking_begin(heap.thread);
  std::thread(body).join();
  acre_blocking_end(heap.thread);
}

template <class Condition>
void wait_until(Condition condition) {
  while (!condition()) std::this_thread::yield();
}

BOOST_AUTO_TEST_SUITE(threads)

BOOST_FIXTURE_TEST_CASE(attaching_again_gives_the_same_thread, PreciseHeap) {
  acre_thread* again = nullptr;
  BOOST_TEST(acre_thread_attach(heap, &again) == ACRE_OK);
  BOOST_TEST(again == thread);
  BOOST_TEST(stats().threads == 1u);
  BOOST_TEST(acre_thread_detach(again) == ACRE_OK);
  BOOST_TEST(acre_thread_current(heap) == thread);
  BOOST_TEST(alloc(16) != nullptr);
  BOOST_TEST(acre_thread_detach(thread) == ACRE_OK);
  BOOST_TEST(acre_thread_current(heap) == nullptr);
  BOOST_TEST(stats().threads == 0u);
  BOOST_TEST(acre_thread_attach(heap, &thread) == ACRE_OK);
  BOOST_TEST(acre_last_error(thread) == ACRE_OK);
}

BOOST_FIXTURE_TEST_CASE(misuse_of_attach_and_detach_has_a_status, PreciseHeap) {
  acre_thread* out = thread;
  BOOST_TEST(acre_thread_attach(nullptr, &out) == ACRE_E_INVALID);
  BOOST_TEST(acre_thread_attach(heap, nullptr) == ACRE_E_INVALID);
  BOOST_TEST(acre_thread_detach(nullptr) == ACRE_E_INVALID);
  BOOST_TEST(stats().threads == 1u);
}

BOOST_FIXTURE_TEST_CASE(another_thread_cannot_detach_this_one, PreciseHeap) {
  acre_status attached = ACRE_OK;
  acre_status stranger = ACRE_OK;
  elsewhere(*this, [&] {
    stranger = acre_thread_detach(thread);
    acre_thread* own = nullptr;
    BOOST_TEST_REQUIRE(acre_thread_attach(heap, &own) == ACRE_OK);
    attached = acre_thread_detach(thread);
    BOOST_TEST(acre_thread_detach(own) == ACRE_OK);
  });
  BOOST_TEST(attached == ACRE_E_STATE);
  BOOST_TEST(stranger == ACRE_E_STATE);
  BOOST_TEST(acre_thread_current(heap) == thread);
}

BOOST_FIXTURE_TEST_CASE(each_thread_sees_its_own_attachment, PreciseHeap) {
  elsewhere(*this, [&] {
    BOOST_TEST(acre_thread_current(heap) == nullptr);
    acre_thread* own = nullptr;
    BOOST_TEST_REQUIRE(acre_thread_attach(heap, &own) == ACRE_OK);
    BOOST_TEST(own != thread);
    BOOST_TEST(acre_thread_current(heap) == own);
    BOOST_TEST(stats().threads == 2u);
    BOOST_TEST(acre_thread_detach(own) == ACRE_OK);
    BOOST_TEST(acre_thread_current(heap) == nullptr);
  });
  BOOST_TEST(stats().threads == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_thread_that_exits_attached_is_detached, PreciseHeap) {
  for (int i = 0; i < 50; ++i) {
    elsewhere(*this, [&] {
      acre_thread* own = nullptr;
      BOOST_TEST_REQUIRE(acre_thread_attach(heap, &own) == ACRE_OK);
      if (i % 2 == 0) BOOST_TEST_REQUIRE(acre_thread_attach(heap, &own) == ACRE_OK);
      for (int j = 0; j < 100; ++j) (void)acre_alloc(own, 64, ACRE_KIND_LEAF);
      if (i % 5 == 0) acre_blocking_begin(own);
      if (i % 10 == 0) acre_blocking_begin(own);
    });
    BOOST_TEST_REQUIRE(stats().threads == 1u);
  }
  BOOST_TEST(live() == 5000u);
  check_identities(stats());
  collect();
  BOOST_TEST(live() == 0u);
}

BOOST_FIXTURE_TEST_CASE(its_counts_stay_when_a_thread_has_gone, PreciseHeap) {
  elsewhere(*this, [&] {
    acre_thread* own = nullptr;
    BOOST_TEST_REQUIRE(acre_thread_attach(heap, &own) == ACRE_OK);
    for (size_t bytes : kSizes) (void)acre_alloc(own, bytes, ACRE_KIND_CONSERVATIVE);
  });
  BOOST_TEST(live() == std::size(kSizes));
  BOOST_TEST(stats().mallocs == std::size(kSizes));
  BOOST_TEST(recount(heap).bytes == stats().alloc);
}

BOOST_FIXTURE_TEST_CASE(blocking_regions_nest, PreciseHeap) {
  acre_blocking_begin(thread);
  acre_blocking_begin(thread);
  acre_blocking_end(thread);
  std::thread([&] {  // still blocked: this must not wait
    acre_thread* own = nullptr;
    BOOST_TEST_REQUIRE(acre_thread_attach(heap, &own) == ACRE_OK);
    acre_collect(own);
  })
      .join();
  BOOST_TEST(acre_last_error(thread) == ACRE_OK);
  acre_blocking_end(thread);
  BOOST_TEST(stats().num_gc == 1u);
  BOOST_TEST(alloc(16) != nullptr);
  acre_blocking_end(thread);
  BOOST_TEST(last_error() == ACRE_E_STATE);
  BOOST_TEST(alloc(16) != nullptr);
}

BOOST_FIXTURE_TEST_CASE(detaching_inside_a_blocking_region_is_refused, PreciseHeap) {
  acre_blocking_begin(thread);
  BOOST_TEST(acre_thread_detach(thread) == ACRE_E_STATE);
  acre_blocking_end(thread);
  BOOST_TEST(acre_thread_current(heap) == thread);
}

BOOST_FIXTURE_TEST_CASE(a_collection_waits_for_a_safepoint, PreciseHeap) {
  std::atomic<bool> running{false};
  std::atomic<bool> end{false};
  std::atomic<int> collected{0};
  std::atomic<bool> may_poll{false};
  std::thread looper([&] {
    acre_thread* own = nullptr;
    (void)acre_thread_attach(heap, &own);
    running = true;
    while (!may_poll) std::this_thread::yield();
    while (!end) acre_safepoint(own);
  });
  acre_blocking_begin(thread);
  wait_until([&] { return running.load(); });
  acre_blocking_end(thread);
  std::thread collector([&] {
    acre_thread* own = nullptr;
    (void)acre_thread_attach(heap, &own);
    acre_collect(own);
    collected = 1;
  });
  acre_blocking_begin(thread);
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  BOOST_TEST(collected == 0);
  may_poll = true;
  collector.join();
  acre_blocking_end(thread);
  BOOST_TEST(collected == 1);
  end = true;
  looper.join();
}

BOOST_FIXTURE_TEST_CASE(roots_of_other_threads_count, PreciseHeap) {
  std::atomic<void*> object{nullptr};
  std::atomic<bool> end{false};
  std::thread other([&] {
    acre_thread* own = nullptr;
    (void)acre_thread_attach(heap, &own);
    acre_local local = {nullptr, acre_alloc(own, 64, ACRE_KIND_LEAF)};
    memset(local.object, 0x42, 64);
    acre_local_push(own, &local);
    (void)acre_alloc(own, 64, ACRE_KIND_LEAF);
    object = local.object;
    while (!end) acre_safepoint(own);
    (void)acre_local_pop(own, &local);
  });
  acre_blocking_begin(thread);
  wait_until([&] { return object != nullptr; });
  acre_blocking_end(thread);
  collect();
  BOOST_TEST(live() == 1u);
  BOOST_TEST(static_cast<char*>(object.load())[63] == 0x42);
  end = true;
  acre_blocking_begin(thread);
  other.join();
  acre_blocking_end(thread);
  collect();
  BOOST_TEST(live() == 0u);
}

BOOST_FIXTURE_TEST_CASE(destroying_waits_for_nobody_and_harms_nobody, PreciseHeap) {
  std::atomic<bool> attached{false};
  std::atomic<bool> end{false};
  void* object = alloc(64);
  const Handle root(thread, object);
  std::thread other([&] {
    acre_thread* own = nullptr;
    (void)acre_thread_attach(heap, &own);
    acre_blocking_begin(own);
    attached = true;
    wait_until([&] { return end.load(); });
    acre_blocking_end(own);
    (void)acre_alloc(own, 64, ACRE_KIND_LEAF);
    (void)acre_thread_detach(own);
  });
  wait_until([&] { return attached.load(); });
  BOOST_TEST(acre_heap_destroy(heap) == ACRE_E_STATE);
  BOOST_TEST(acre_thread_current(heap) == thread);
  collect();
  BOOST_TEST(holds(object));
  BOOST_TEST(stats().threads == 2u);
  end = true;
  acre_blocking_begin(thread);
  other.join();
  acre_blocking_end(thread);
}

BOOST_AUTO_TEST_CASE(destroying_detaches_the_caller_whatever_its_depth) {
  for (int depth : {0, 1, 2}) {
    const acre_options options = precise_options();
    acre_heap* heap = nullptr;
    acre_thread* thread = nullptr;
    BOOST_TEST_REQUIRE(acre_heap_create(&options, &heap) == ACRE_OK);
    for (int i = 0; i < depth; ++i) BOOST_TEST(acre_thread_attach(heap, &thread) == ACRE_OK);
    if (thread != nullptr) (void)acre_alloc(thread, 64, ACRE_KIND_CONSERVATIVE);
    BOOST_TEST(acre_heap_destroy(heap) == ACRE_OK);
  }
  BOOST_TEST(acre_heap_destroy(nullptr) == ACRE_OK);
}

BOOST_AUTO_TEST_CASE(two_heaps_collect_apart) {
  PreciseHeap one;
  PreciseHeap two;
  BOOST_TEST(one.thread != two.thread);
  BOOST_TEST(acre_thread_current(one.heap) == one.thread);
  BOOST_TEST(acre_thread_current(two.heap) == two.thread);
  void* kept = one.alloc(64);
  const Handle root(one.thread, kept);
  void* garbage = one.alloc(64);
  for (int i = 0; i < 1000; ++i) (void)two.alloc(64);
  two.collect();
  BOOST_TEST(two.live() == 0u);
  BOOST_TEST(one.live() == 2u);
  BOOST_TEST(one.stats().num_gc == 0u);
  BOOST_TEST(one.holds(garbage));
  one.collect();
  BOOST_TEST(one.live() == 1u);
  BOOST_TEST(!two.holds(kept));
  acre_free(two.thread, kept);
  BOOST_TEST(two.last_error() == ACRE_E_INVALID);
  BOOST_TEST(one.last_error() == ACRE_OK);
  BOOST_TEST(one.holds(kept));
}

BOOST_AUTO_TEST_CASE(a_reference_into_another_heap_is_no_reference) {
  PreciseHeap one;
  PreciseHeap two;
  auto** holder = static_cast<void**>(one.alloc(64, ACRE_KIND_CONSERVATIVE));
  const Handle root(one.thread, holder);
  holder[0] = two.alloc(64);
  one.collect();
  BOOST_TEST(two.live() == 1u);
  two.collect();
  BOOST_TEST(two.live() == 0u);
  BOOST_TEST(heap_is_whole(one.heap));
}

BOOST_AUTO_TEST_CASE(a_stack_is_a_root_of_every_heap_it_is_attached_to) {
  StackHeap one;
  StackHeap two;
  void* volatile in_one = one.alloc(64);
  void* volatile in_two = two.alloc(64);
  scrub_stack();
  one.collect();
  two.collect();
  BOOST_TEST(one.holds(in_one));
  BOOST_TEST(two.holds(in_two));
}

BOOST_AUTO_TEST_CASE(many_heaps_come_and_go) {
  const int before = count_vmas();
  for (int i = 0; i < 50; ++i) {
    PreciseHeap heap;
    (void)heap.alloc(1000);
    if (i % 2 == 0) heap.collect();
  }
  BOOST_TEST(vmas_since(before) <= 2);
}

BOOST_AUTO_TEST_CASE(callbacks_that_call_back_are_refused) {
  PreciseHeap heap;
  struct Bad {
    Heap* heap;
    int calls = 0;
    void* allocated = nullptr;
    acre_status verified = ACRE_OK;
    acre_status walked = ACRE_OK;
  } bad{&heap};
  (void)heap.alloc(64);
  const auto visit = [](void*, size_t, acre_kind, void* arg) {
    auto& b = *static_cast<Bad*>(arg);
    ++b.calls;
    b.verified = acre_verify(b.heap->heap, nullptr, nullptr);
    b.walked = acre_heap_walk(
        b.heap->heap, [](void*, size_t, acre_kind, void*) { return 0; }, nullptr);
    return 0;
  };
  BOOST_TEST(acre_heap_walk(heap.heap, visit, &bad) == ACRE_OK);
  BOOST_TEST(bad.calls == 1);
  BOOST_TEST(bad.verified == ACRE_E_STATE);
  BOOST_TEST(bad.walked == ACRE_E_STATE);
  BOOST_TEST(acre_heap_walk(heap.heap, nullptr, nullptr) == ACRE_E_INVALID);
  BOOST_TEST(acre_heap_walk(nullptr, visit, nullptr) == ACRE_E_INVALID);
  BOOST_TEST(acre_verify(nullptr, nullptr, nullptr) == ACRE_E_INVALID);
}

BOOST_AUTO_TEST_CASE(the_inspecting_calls_need_no_attachment) {
  PreciseHeap heap;
  const Handle root(heap.thread, heap.alloc(64));
  elsewhere(heap, [&] {
    BOOST_TEST(heap_is_whole(heap.heap));
    BOOST_TEST(recount(heap.heap).objects == 1u);
    check_identities(heap.stats());
    BOOST_TEST(heap.holds(root.get()));
    BOOST_TEST(acre_set_gc_percent(heap.heap, -1) == -1);
  });
}

BOOST_AUTO_TEST_SUITE_END()

// ---- Several threads at once -----------------------------------------------------------------------

// Each thread keeps a ring of lists in one rooted table, checks them, and drops them again.
class Churner {
 public:
  Churner(acre_heap* heap, acre_kind node, uint64_t seed)
      : heap_(heap), node_(node), random_(seed) {}

  void run(int steps) {
    acre_thread* thread = nullptr;
    ok_ &= acre_thread_attach(heap_, &thread) == ACRE_OK;
    acre_local table = {nullptr,
                        acre_alloc(thread, kLists * sizeof(void*), ACRE_KIND_CONSERVATIVE)};
    acre_local_push(thread, &table);
    for (int step = 0; step < steps; ++step) {
      auto** lists = static_cast<void**>(table.object);
      const size_t at = random_() % kLists;
      ok_ &= check(lists[at]);
      acre_store(thread, lists, &lists[at], nullptr);
      for (uint64_t i = 0, length = random_() % 20; i < length; ++i) {
        push(thread, lists, at);
      }
      if (step % 64 == 0) acre_free(thread, acre_alloc(thread, 100, ACRE_KIND_LEAF));
      if (step % 500 == 499) acre_collect(thread);
      if (step % 100 == 0) {
        acre_blocking_begin(thread);
        std::this_thread::yield();
        acre_blocking_end(thread);
      }
      acre_safepoint(thread);
    }
    auto** lists = static_cast<void**>(table.object);
    for (size_t i = 0; i < kLists; ++i) ok_ &= check(lists[i]);
    ok_ &= acre_local_pop(thread, &table) == ACRE_OK;
    ok_ &= acre_thread_detach(thread) == ACRE_OK;
  }

  bool ok() const { return ok_; }

 private:
  static constexpr size_t kLists = 64;

  // A node: {next, its size, content}.
  void push(acre_thread* thread, void** lists, size_t at) {
    const size_t bytes = random_() % 64 == 0 ? 40000 : 16 + random_() % 500;
    auto** node = static_cast<void**>(acre_alloc(thread, bytes, node_));
    ok_ &= node != nullptr && all_zero(node, bytes);
    memset(node, static_cast<int>(bytes % 251), bytes);
    node[1] = reinterpret_cast<void*>(bytes);
    acre_store(thread, node, &node[0], lists[at]);
    acre_store(thread, lists, &lists[at], node);
  }

  static bool check(void* list) {
    for (auto** node = static_cast<void**>(list); node != nullptr;
         node = static_cast<void**>(node[0])) {
      const auto bytes = reinterpret_cast<uintptr_t>(node[1]);
      const auto* content = reinterpret_cast<unsigned char*>(node);
      for (size_t i = 16; i < bytes; ++i) {
        if (content[i] != bytes % 251) return false;
      }
    }
    return true;
  }

  acre_heap* heap_;
  acre_kind node_;
  std::mt19937_64 random_;
  bool ok_ = true;
};

void churn_on_eight_threads(const acre_options& options, int steps) {
  const uint64_t seed = random_seed();
  Heap heap(options);
  const acre_kind node = heap.add_kind([](void* object, size_t, acre_visitor* visitor) {
    acre_visit(visitor, static_cast<void**>(object));
  });
  std::vector<Churner> churners;
  for (uint64_t i = 0; i < 8; ++i) churners.emplace_back(heap.heap, node, seed + i);
  std::vector<std::thread> threads;
  for (Churner& churner : churners) {
    threads.emplace_back([&churner, steps] { churner.run(steps); });
  }
  acre_blocking_begin(heap.thread);
  for (std::thread& thread : threads) thread.join();
  acre_blocking_end(heap.thread);
  for (const Churner& churner : churners) BOOST_TEST(churner.ok());
  BOOST_TEST(heap.stats().num_gc > 8u);
  BOOST_TEST(heap.stats().threads == 1u);
  check_identities(heap.stats());
  BOOST_TEST(recount(heap.heap).objects == heap.live());
  heap.collect();
  scrub_stack();
  BOOST_TEST(heap.live() <= 8u * 64 * 20);
  if (options.conservative_stacks == 0) BOOST_TEST(heap.live() == 0u);
}

BOOST_AUTO_TEST_SUITE(eight_threads)

BOOST_AUTO_TEST_CASE(keep_their_lists_with_precise_roots) {
  acre_options options = precise_options();
  options.gc_percent = 50;
  churn_on_eight_threads(options, 2000);
}

BOOST_AUTO_TEST_CASE(keep_their_lists_with_conservative_stacks_and_torture) {
  acre_options options = plain_options();
  options.gc_percent = 100;
  options.gc_every = 2000;
  options.clobber_free = 1;
  options.verify = 1;
  churn_on_eight_threads(options, 500);
}

BOOST_AUTO_TEST_CASE(may_attach_and_detach_while_others_collect) {
  PreciseHeap heap;
  std::vector<std::thread> threads;
  std::atomic<bool> ok{true};
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 100; ++round) {
        acre_thread* own = nullptr;
        if (acre_thread_attach(heap.heap, &own) != ACRE_OK) ok = false;
        for (int j = 0; j < 50; ++j) {
          if (acre_alloc(own, static_cast<size_t>(16 + j), ACRE_KIND_LEAF) == nullptr) ok = false;
        }
        if (round % 8 == i) acre_collect(own);
        if (round % 3 != 0 && acre_thread_detach(own) != ACRE_OK) ok = false;
      }
    });
  }
  acre_blocking_begin(heap.thread);
  for (std::thread& thread : threads) thread.join();
  acre_blocking_end(heap.thread);
  BOOST_TEST(ok.load());
  BOOST_TEST(heap.stats().threads == 1u);
  BOOST_TEST(heap.stats().mallocs == 8u * 100 * 50);
  heap.collect();
  BOOST_TEST(heap.live() == 0u);
}

// total_alloc never falls, and no reading is absurd, also while threads allocate.
BOOST_AUTO_TEST_CASE(are_counted_by_numbers_that_never_fall) {
  acre_options options = precise_options();
  options.gc_percent = 100;
  Heap heap(options);
  std::atomic<int> left{3};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 20; ++round) {
        acre_thread* own = nullptr;
        (void)acre_thread_attach(heap.heap, &own);
        for (size_t j = 0; j < 20000; ++j) (void)acre_alloc(own, 16 + j % 700, ACRE_KIND_LEAF);
        acre_collect(own);
        (void)acre_thread_detach(own);
      }
      --left;
    });
  }
  acre_blocking_begin(heap.thread);
  acre_stats last = heap.stats();
  uint64_t readings = 0;
  uint64_t total_falls = 0;
  uint64_t mallocs_falls = 0;
  uint64_t frees_falls = 0;
  uint64_t class_falls = 0;
  uint64_t absurd = 0;
  while (left > 0) {
    const acre_stats now = heap.stats();
    ++readings;
    total_falls += now.total_alloc < last.total_alloc ? 1 : 0;
    mallocs_falls += now.mallocs < last.mallocs ? 1 : 0;
    frees_falls += now.frees < last.frees || now.total_freed < last.total_freed ? 1 : 0;
    absurd += now.alloc > (uint64_t{1} << 40) || now.live_objects > (uint64_t{1} << 40) ? 1 : 0;
    for (size_t i = 0; i < ACRE_SIZE_CLASSES; ++i) {
      class_falls += now.by_size[i].mallocs < last.by_size[i].mallocs ? 1 : 0;
    }
    last = now;
  }
  for (std::thread& thread : threads) thread.join();
  acre_blocking_end(heap.thread);
  BOOST_TEST_MESSAGE(readings << " readings");
  BOOST_TEST(readings > 100u);
  BOOST_TEST(total_falls == 0u);
  BOOST_TEST(mallocs_falls == 0u);
  BOOST_TEST(frees_falls == 0u);
  BOOST_TEST(class_falls == 0u);
  BOOST_TEST(absurd == 0u);
  BOOST_TEST(heap.stats().mallocs == 3u * 20 * 20000);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
