// Attaching in one manner or the other, often, and while others collect.

#include <pthread.h>
#include <signal.h>
#include <acre/acre.hpp>

#include <random>

#include "test/gc/api/uncooperative_fixture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

BOOST_AUTO_TEST_SUITE(manners)

BOOST_FIXTURE_TEST_CASE(are_chosen_at_the_first_attach, SpoilingHeap) {
  std::thread other([&] {
    acre_thread* first = nullptr;
    acre_thread* again = nullptr;
    BOOST_TEST(acre_thread_attach_as(heap, ACRE_THREAD_UNCOOPERATIVE, &first) == ACRE_OK);
    BOOST_TEST(acre_thread_attach_as(heap, ACRE_THREAD_COOPERATIVE, &again) == ACRE_E_STATE);
    BOOST_TEST(again == nullptr);
    BOOST_TEST(acre_thread_attach_as(heap, ACRE_THREAD_UNCOOPERATIVE, &again) == ACRE_OK);
    BOOST_TEST(again == first);
    BOOST_TEST(acre_thread_attach(heap, &again) == ACRE_OK);
    BOOST_TEST(again == first);
    for (int i = 0; i < 3; ++i) BOOST_TEST(acre_thread_detach(first) == ACRE_OK);
    BOOST_TEST(acre_thread_current(heap) == nullptr);
    BOOST_TEST(acre_thread_attach_as(heap, ACRE_THREAD_COOPERATIVE, &first) == ACRE_OK);
    BOOST_TEST(acre_thread_attach_as(heap, ACRE_THREAD_UNCOOPERATIVE, &again) == ACRE_E_STATE);
    BOOST_TEST(acre_thread_detach(first) == ACRE_OK);
  });
  join_blocked(thread, other);
}

BOOST_FIXTURE_TEST_CASE(that_there_are_not_have_a_status, SpoilingHeap) {
  acre_thread* out = thread;
  BOOST_TEST(acre_thread_attach_as(nullptr, ACRE_THREAD_COOPERATIVE, &out) == ACRE_E_INVALID);
  BOOST_TEST(out == nullptr);
  BOOST_TEST(acre_thread_attach_as(heap, ACRE_THREAD_COOPERATIVE, nullptr) == ACRE_E_INVALID);
  for (const int manner : {-1, 2, 1000}) {
    BOOST_TEST(acre_thread_attach_as(heap, manner, &out) == ACRE_E_INVALID);
  }
  BOOST_TEST(stats().threads == 1u);
}

BOOST_AUTO_TEST_CASE(need_conservative_stacks_for_a_thread_that_never_polls) {
  PreciseHeap heap;
  std::thread([&] {
    acre_thread* out = nullptr;
    BOOST_TEST(acre_thread_attach_as(heap.heap, ACRE_THREAD_UNCOOPERATIVE, &out) == ACRE_E_STATE);
    BOOST_TEST(out == nullptr);
    BOOST_TEST(acre_thread_attach_as(heap.heap, ACRE_THREAD_COOPERATIVE, &out) == ACRE_OK);
  }).join();
}

BOOST_FIXTURE_TEST_CASE(let_no_thread_be_missing_where_one_is_needed, SpoilingHeap) {
  BOOST_TEST(acre_thread_detach(nullptr) == ACRE_E_INVALID);
  BOOST_TEST(acre_last_error(nullptr) == ACRE_E_INVALID);
  BOOST_TEST(acre_handle_new(nullptr, nullptr) == nullptr);
  BOOST_TEST(acre_alloc_uninit(nullptr, 16, ACRE_KIND_LEAF) == nullptr);
  BOOST_TEST(acre_alloc_aligned(nullptr, 16, 64, ACRE_KIND_LEAF) == nullptr);
  BOOST_TEST(acre_realloc(nullptr, nullptr, 16) == nullptr);
  acre_local local = {nullptr, nullptr};
  acre_local_push(nullptr, &local);
  BOOST_TEST(acre_local_pop(nullptr, &local) == ACRE_E_INVALID);
  acre_free(nullptr, alloc(16));
  acre_collect(nullptr);
  acre_idle_begin(nullptr);
  acre_release_memory(nullptr);
  BOOST_TEST(stats().num_gc == 0u);
}

struct Node {
  acre::Member<Node> next;
  long value = 0;
  void trace(acre::Visitor& visitor) { visitor(next); }
};

BOOST_AUTO_TEST_CASE(are_the_same_to_typed_code) {
  const acre_options options = spoiling_options();
  acre::Heap heap{options};
  std::atomic<bool> end{false};
  std::thread other([&] {
    const acre::Manner manner = acre::Manner::kUncooperative;
    acre::Thread thread(heap, manner);
    while (!end) {
      Node* list = nullptr;
      for (long i = 0; i < 1000; ++i) {
        Node* node = thread.make<Node>();
        node->value = i;
        node->next = list;
        list = node;
        free(malloc(static_cast<size_t>(i)));
      }
      long value = 1000;
      for (const Node* node = list; node != nullptr; node = node->next) {
        if (node->value != --value) std::abort();
      }
      if (value != 0) std::abort();
    }
  });
  acre::Thread thread(heap, acre::Manner::kCooperative);
  for (int i = 0; i < 300; ++i) thread.collect();
  end = true;
  join_blocked(thread, other);
  BOOST_TEST(heap.verify());
}

// Many threads, of all manners, each of which holds the only reference to an object.
BOOST_FIXTURE_TEST_CASE(of_sixty_four_threads_may_be_mixed, SpoilingHeap) {
  constexpr int kThreads = 64;
  constexpr size_t kBytes = 128;
  std::vector<std::atomic<uintptr_t>> objects(kThreads);
  std::atomic<bool> end{false};
  std::atomic<int> missing{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([&, i] {
      acre_thread* own =
          attach_or_abort(heap, i % 3 == 0 ? ACRE_THREAD_UNCOOPERATIVE : ACRE_THREAD_COOPERATIVE);
      void* volatile object = hidden_object(own, kBytes).plain();
      objects[static_cast<size_t>(i)] = ~reinterpret_cast<uintptr_t>(object);
      while (!end) {
        switch (i % 3) {
          case 0:  // calls libc and never Acre
            free(malloc(100));
            break;
          case 1:
            acre_safepoint(own);
            std::this_thread::yield();
            break;
          default:
            acre_blocking_begin(own);
            nap(2);
            acre_blocking_end(own);
            break;
        }
      }
      if (!is_intact(heap, {~reinterpret_cast<uintptr_t>(object)}, kBytes)) ++missing;
    });
  }
  wait_blocked(thread, [&] {
    bool all = true;
    for (const auto& object : objects) all &= object != 0;
    return all;
  });
  for (int i = 0; i < 30; ++i) {
    collect();
    for (int j = 0; j < 300; ++j) (void)alloc(kBytes);
    for (const auto& object : objects) missing += is_intact(heap, {object}, kBytes) ? 0 : 1;
  }
  end = true;
  for (std::thread& one : threads) join_blocked(thread, one);
  BOOST_TEST(missing == 0);
  BOOST_TEST(stats().threads == 1u);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(attaching)

// On eight threads, while a ninth collects; every second thread exits without detaching at the end.
BOOST_FIXTURE_TEST_CASE(goes_on_while_others_collect, SpoilingHeap) {
  const uint64_t seed = random_seed();
  std::atomic<bool> end{false};
  std::atomic<uint64_t> attached{0};
  std::vector<std::thread> threads;
  for (uint64_t i = 0; i < 8; ++i) {
    threads.emplace_back([&, i] {
      std::mt19937_64 random(seed + i);
      uint64_t mine = 0;
      for (; !end; ++mine) {
        const int manner = random() % 2 == 0 ? ACRE_THREAD_UNCOOPERATIVE : ACRE_THREAD_COOPERATIVE;
        acre_thread* own = attach_or_abort(heap, manner);
        if (random() % 8 == 0) (void)acre_alloc(own, random() % 500, ACRE_KIND_LEAF);
        if (end && i % 2 == 0) break;
        if (acre_thread_detach(own) != ACRE_OK) std::abort();
      }
      attached += mine;
    });
  }
  const auto start = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() < start + std::chrono::seconds(1)) {
    collect();
    (void)alloc(100);
    acre_blocking_begin(thread);
    std::this_thread::yield();
    acre_blocking_end(thread);
  }
  end = true;
  for (std::thread& one : threads) join_blocked(thread, one);
  BOOST_TEST_MESSAGE(attached << " attached and detached in a second, and " << stats().num_gc
                              << " collections");
  BOOST_TEST(attached > 8u);
  BOOST_TEST(stats().threads == 1u);
  collect();
  BOOST_TEST(recount(heap).objects == live());
}

// On a stack that the runtime allotted, with all signals blocked and an alternate stack.
BOOST_FIXTURE_TEST_CASE(works_for_a_thread_of_another_runtime, SpoilingHeap) {
  std::vector<char> stack(4 * kMiB);  // sanitizers have large thread-local variables
  pthread_attr_t attributes;
  BOOST_REQUIRE(pthread_attr_init(&attributes) == 0);
  BOOST_REQUIRE(pthread_attr_setstack(&attributes, stack.data(), stack.size()) == 0);
  struct Arg {
    acre_heap* heap;
    std::atomic<uintptr_t> object{0};
    std::atomic<bool> end{false};
  } arg{heap};
  const auto body = [](void* raw) -> void* {
    auto* a = static_cast<Arg*>(raw);
    sigset_t all;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, nullptr);
    std::vector<char> signal_stack(64 * kKiB);
    stack_t alternate = {};
    alternate.ss_sp = signal_stack.data();
    alternate.ss_size = signal_stack.size();
    if (sigaltstack(&alternate, nullptr) != 0) std::abort();
    acre_thread* own = attach_uncooperative(a->heap);
    void* volatile object = hidden_object(own, 64).plain();
    a->object = ~reinterpret_cast<uintptr_t>(object);
    while (!a->end) free(malloc(100));
    if (acre_thread_detach(own) != ACRE_OK) std::abort();
    alternate.ss_flags = SS_DISABLE;
    (void)sigaltstack(&alternate, nullptr);
    return object;
  };
  pthread_t other;
  BOOST_REQUIRE(pthread_create(&other, &attributes, body, &arg) == 0);
  wait_blocked(thread, [&] { return arg.object != 0; });
  for (int i = 0; i < 50; ++i) {
    scrub_stack();
    collect();
    for (int j = 0; j < 100; ++j) (void)alloc(64);
    BOOST_TEST_REQUIRE(is_intact(heap, {arg.object}, 64));
  }
  arg.end = true;
  acre_blocking_begin(thread);
  BOOST_TEST(pthread_join(other, nullptr) == 0);
  acre_blocking_end(thread);
  pthread_attr_destroy(&attributes);
}

BOOST_FIXTURE_TEST_CASE(needs_no_detaching_of_threads_that_exit, SpoilingHeap) {
  std::atomic<bool> end{false};
  std::thread collector([&] {
    acre_thread* own = attach_uncooperative(heap);
    while (!end) acre_collect(own);
  });
  for (int i = 0; i < 200; ++i) {
    std::thread one([&] {
      acre_thread* own = attach_uncooperative(heap);
      if (i % 3 == 0) own = attach_uncooperative(heap);
      (void)acre_alloc(own, 64, ACRE_KIND_LEAF);
      if (i % 4 == 0) acre_blocking_begin(own);
    });
    join_blocked(thread, one);
  }
  end = true;
  join_blocked(thread, collector);
  BOOST_TEST(stats().threads == 1u);
  collect();
  BOOST_TEST(recount(heap).objects == live());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
