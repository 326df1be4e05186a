// The signal that stops threads: where it may come, who else may use it, what the thread notices of it.

#include <signal.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <random>

#include "test/gc/api/uncooperative_fixture.h"
#include "test/runtime/base/forked_child.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

bool is_blocked(int number) {
  sigset_t set;
  return pthread_sigmask(SIG_SETMASK, nullptr, &set) == 0 && sigismember(&set, number) == 1;
}

void change_mask(int how, int number) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, number);
  if (pthread_sigmask(how, &set, nullptr) != 0) std::abort();
}

acre_options options_with_signal(int number) {
  acre_options options = spoiling_options();
  options.stop_signal = number;
  return options;
}

BOOST_AUTO_TEST_SUITE(a_thread_that_a_signal_stops)

// Lists of objects that only this thread's stack holds, while it does all that Acre offers.
void work_until(const std::atomic<bool>& end, acre_heap* heap, int manner, uint64_t seed) {
  acre_thread* own = attach_or_abort(heap, manner);
  std::mt19937_64 random(seed);
  std::map<uint64_t, std::string> in_malloc;
  void** lists[8] = {};
  for (uint64_t step = 0; !end; ++step) {
    void**& list = lists[random() % 8];
    int nodes = 0;
    for (void** node = list; node != nullptr; node = static_cast<void**>(node[0])) {
      const auto bytes = reinterpret_cast<uintptr_t>(node[1]);
      const auto* content = reinterpret_cast<unsigned char*>(node);
      for (size_t i = 16; i < bytes; ++i) {
        if (content[i] != bytes % 251) std::abort();
      }
      ++nodes;
    }
    if (nodes > 20) list = nullptr;
    const size_t bytes = random() % 64 == 0 ? 40000 : 16 + random() % 300;
    auto** node = static_cast<void**>(acre_alloc(own, bytes, ACRE_KIND_CONSERVATIVE));
    if (node == nullptr || !all_zero(node, bytes)) std::abort();
    memset(node, static_cast<int>(bytes % 251), bytes);
    node[1] = reinterpret_cast<void*>(bytes);
    acre_store(own, node, &node[0], list);
    list = node;
    in_malloc[random() % 64] = std::string(random() % 2000, 'x');
    switch (random() % 32) {
      case 0: (void)read_stats(heap); break;
      case 1: {
        acre_handle* handle = acre_handle_new(own, node);
        if (acre_handle_get(handle) != node) std::abort();
        acre_handle_drop(handle);
        break;
      }
      case 2: {
        void* root = nullptr;
        if (acre_root_add(heap, &root, sizeof(root), 1) != ACRE_OK) std::abort();
        if (acre_root_remove(heap, &root) != ACRE_OK) std::abort();
        break;
      }
      case 3: acre_free(own, acre_alloc_uninit(own, 100, ACRE_KIND_LEAF)); break;
      case 4: {
        acre_local local = {nullptr, node};
        acre_local_push(own, &local);
        void* longer = acre_realloc(own, acre_alloc(own, 100, ACRE_KIND_CONSERVATIVE), 3000);
        if (longer == nullptr || acre_local_pop(own, &local) != ACRE_OK) std::abort();
        break;
      }
      case 5:
        acre_blocking_begin(own);
        std::this_thread::yield();
        acre_blocking_end(own);
        break;
      case 6: (void)acre_alloc_aligned(own, 100, 256, ACRE_KIND_LEAF); break;
      case 7: acre_safepoint(own); break;
      case 8:
        if (random() % 8 == 0) acre_collect(own);
        break;
      default: break;
    }
  }
}

void work_while_the_world_is_stopped_often(const acre_options& options, int uncooperative,
                                           int cooperative, int milliseconds) {
  const uint64_t seed = random_seed();
  Heap heap(options);
  std::atomic<bool> end{false};
  std::vector<std::thread> threads;
  for (int i = 0; i < uncooperative + cooperative; ++i) {
    const int manner = i < uncooperative ? ACRE_THREAD_UNCOOPERATIVE : ACRE_THREAD_COOPERATIVE;
    threads.emplace_back(
        [&, manner, i] { work_until(end, heap.heap, manner, seed + static_cast<uint64_t>(i)); });
  }
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(milliseconds);
  while (std::chrono::steady_clock::now() < deadline) {
    heap.collect();
    for (int i = 0; i < 1000; ++i) (void)heap.alloc(static_cast<size_t>(16 + i));
  }
  end = true;
  for (std::thread& thread : threads) join_blocked(heap.thread, thread);
  BOOST_TEST(heap.stats().threads == 1u);
  BOOST_TEST(heap.stats().num_gc > 1u);
  check_identities(heap.stats());
  BOOST_TEST(recount(heap.heap).objects == heap.live());
}

BOOST_AUTO_TEST_CASE(stays_whole_whatever_it_is_doing) {
  work_while_the_world_is_stopped_often(spoiling_options(), 4, 0, 1500);
}

BOOST_AUTO_TEST_CASE(stays_whole_beside_cooperative_ones) {
  work_while_the_world_is_stopped_often(spoiling_options(), 3, 3, 1500);
}

BOOST_AUTO_TEST_CASE(stays_whole_under_torture) {
  acre_options options = spoiling_options();
  options.gc_every = 50;
  options.verify = 1;
  work_while_the_world_is_stopped_often(options, 3, 1, 1500);
}

// A cooperative thread waits for what a stopped one holds: malloc's lock, for one. (ThreadSanitizer delivers no signal to
// a thread that waits for a mutex.)
BOOST_FIXTURE_TEST_CASE(does_not_keep_others_from_stopping_by_a_lock_that_it_holds, SpoilingHeap,
                        *boost::unit_test::precondition(&can_interrupt_loops)) {
  std::atomic<bool> end{false};
  std::mutex mutex;
  const auto lock_and_unlock = [&](int manner, int hold_ms) {
    acre_thread* own = attach_or_abort(heap, manner);
    while (!end) {
      {
        const std::lock_guard<std::mutex> guard(mutex);
        if (hold_ms != 0) nap(hold_ms);
      }
      std::this_thread::yield();
      if (manner == ACRE_THREAD_COOPERATIVE) acre_safepoint(own);
    }
  };
  std::vector<std::thread> threads;
  threads.emplace_back([&] { lock_and_unlock(ACRE_THREAD_UNCOOPERATIVE, 30); });
  threads.emplace_back([&] { lock_and_unlock(ACRE_THREAD_UNCOOPERATIVE, 1); });
  threads.emplace_back([&] { lock_and_unlock(ACRE_THREAD_COOPERATIVE, 0); });
  for (int i = 0; i < 20 || read_stop_stats(heap).let_go == 0; ++i) {
    collect();
    acre_blocking_begin(thread);
    nap(5);
    acre_blocking_end(thread);
  }
  end = true;
  for (std::thread& one : threads) join_blocked(thread, one);
  BOOST_TEST(stats().num_gc >= 20u);
}

BOOST_FIXTURE_TEST_CASE(reads_on_as_if_nothing_had_been, SpoilingHeap,
                        *boost::unit_test::precondition(&can_interrupt_loops)) {
  int ends[2];
  BOOST_REQUIRE(pipe(ends) == 0);
  std::atomic<bool> ready{false};
  ssize_t got = 0;
  int error = 0;
  char byte = 0;
  std::thread reader([&] {
    acre_thread* own = attach_uncooperative(heap);
    void* volatile object = acre_alloc(own, 64, ACRE_KIND_LEAF);
    memset(object, kContent, 64);
    ready = true;
    errno = 0;
    got = read(ends[0], &byte, 1);
    error = errno;
    if (!is_intact(heap, {~reinterpret_cast<uintptr_t>(object)}, 64)) std::abort();
  });
  wait_blocked(thread, [&] { return ready.load(); });
  for (int i = 0; i < 50; ++i) {
    collect();
    for (int j = 0; j < 100; ++j) (void)alloc(64);
    if (i % 10 == 0) nap(1);
  }
  BOOST_TEST(write(ends[1], "x", 1) == 1);
  join_blocked(thread, reader);
  BOOST_TEST(got == 1);
  BOOST_TEST(byte == 'x');
  BOOST_TEST(error == 0);
  close(ends[0]);
  close(ends[1]);
}

BOOST_FIXTURE_TEST_CASE(may_block_the_signal_for_a_while, SpoilingHeap) {
  std::atomic<int> phase{0};
  std::atomic<bool> collected{false};
  std::thread blocker([&] {
    (void)attach_uncooperative(heap);
    change_mask(SIG_BLOCK, SIGURG);
    phase = 1;
    while (phase != 2) std::this_thread::yield();
    change_mask(SIG_UNBLOCK, SIGURG);
    while (phase != 3) nap(1);
  });
  wait_blocked(thread, [&] { return phase == 1; });
  std::thread collector([&] {
    acre_thread* own = attach_uncooperative(heap);
    acre_collect(own);
    collected = true;
  });
  acre_blocking_begin(thread);
  nap(60);
  BOOST_TEST(!collected);
  phase = 2;
  collector.join();
  BOOST_TEST(collected);
  phase = 3;
  blocker.join();
  acre_blocking_end(thread);
}

BOOST_FIXTURE_TEST_CASE(has_its_mask_back_when_it_is_detached, SpoilingHeap) {
  std::thread blocker([&] {
    SpoilingHeap second;
    change_mask(SIG_BLOCK, SIGURG);
    acre_thread* in_first = attach_uncooperative(heap);
    BOOST_TEST(!is_blocked(SIGURG));
    BOOST_TEST(acre_thread_detach(in_first) == ACRE_OK);
    BOOST_TEST(is_blocked(SIGURG));
    // With two heaps it is the last one that counts.
    in_first = attach_uncooperative(heap);
    BOOST_TEST(acre_thread_detach(second.thread) == ACRE_OK);
    acre_thread* in_second = attach_uncooperative(second.heap);
    BOOST_TEST(acre_thread_detach(in_first) == ACRE_OK);
    BOOST_TEST(!is_blocked(SIGURG));
    BOOST_TEST(acre_thread_detach(in_second) == ACRE_OK);
    BOOST_TEST(is_blocked(SIGURG));
    change_mask(SIG_UNBLOCK, SIGURG);
    in_first = attach_uncooperative(heap);
    BOOST_TEST(acre_thread_detach(in_first) == ACRE_OK);
    BOOST_TEST(!is_blocked(SIGURG));
  });
  join_blocked(thread, blocker);
}

BOOST_AUTO_TEST_SUITE_END()

// ---- Others who use the signal ---------------------------------------------------------------------

std::atomic<int> plain_calls{0};
std::atomic<int> calls_with_info{0};
std::atomic<int> calls_with_wrong_info{0};

void plain_handler(int) { ++plain_calls; }

void handler_with_info(int number, siginfo_t* info, void* context) {
  ++calls_with_info;
  const bool good = number == SIGUSR1 && info->si_pid == getpid() && context != nullptr &&
                    is_blocked(SIGHUP) && is_blocked(SIGUSR1) && !is_blocked(SIGINT);
  if (!good) ++calls_with_wrong_info;
}

// Sends the thread a foreign signal until `calls` grows: the kernel makes one of two that wait for a thread, and
// then it may be Acre's that stays.
void signal_until_called(std::thread& thread, int number, const std::atomic<int>& calls) {
  const int before = calls;
  while (calls == before) {
    BOOST_TEST_REQUIRE(pthread_kill(thread.native_handle(), number) == 0);
    for (int i = 0; i < 100 && calls == before; ++i) nap(1);
  }
}

// A thread is stopped by the signal `times` times, for which nobody else is called; then gets as many foreign ones.
void stop_and_signal(int number, int times, const std::atomic<int>& calls) {
  Heap heap(options_with_signal(number));
  std::atomic<bool> ready{false};
  std::atomic<bool> end{false};
  std::thread worker([&] {
    (void)attach_uncooperative(heap.heap);
    ready = true;
    while (!end) nap(1);
  });
  wait_blocked(heap.thread, [&] { return ready.load(); });
  const int before = calls;
  const auto collect_often = [&] {
    for (int i = 0; i < times; ++i) {
      heap.collect();
      nap_blocked(heap.thread);
    }
  };
  collect_often();
  BOOST_TEST(calls == before);
  acre_blocking_begin(heap.thread);
  for (int i = 0; i < times; ++i) signal_until_called(worker, number, calls);
  acre_blocking_end(heap.thread);
  BOOST_TEST(calls >= before + times);
  collect_often();
  end = true;
  join_blocked(heap.thread, worker);
  BOOST_TEST(heap.stats().num_gc == 2 * static_cast<uint64_t>(times));
}

// Where nobody handles it nothing happens.
void stop_and_signal_to_nobody(int number) {
  Heap heap(options_with_signal(number));
  acre_thread* own = nullptr;
  std::thread worker([&] {
    own = attach_uncooperative(heap.heap);
    for (int i = 0; i < 5; ++i) {
      acre_collect(own);
      if (raise(number) != 0) std::abort();
    }
  });
  join_blocked(heap.thread, worker);
  BOOST_TEST(heap.stats().num_gc == 5u);
}

BOOST_AUTO_TEST_SUITE(the_signal)

BOOST_AUTO_TEST_CASE(goes_to_who_handled_it_before_if_acre_did_not_send_it) {
  struct sigaction action = {};
  action.sa_handler = &plain_handler;
  BOOST_REQUIRE(sigaction(SIGUSR2, &action, nullptr) == 0);
  stop_and_signal(SIGUSR2, 20, plain_calls);
  const int before = plain_calls;
  BOOST_TEST(raise(SIGUSR2) == 0);
  BOOST_TEST(plain_calls == before + 1);
}

BOOST_AUTO_TEST_CASE(goes_there_with_all_that_it_asked_for) {
  struct sigaction action = {};
  action.sa_sigaction = &handler_with_info;
  action.sa_flags = SA_SIGINFO;
  sigemptyset(&action.sa_mask);
  sigaddset(&action.sa_mask, SIGHUP);
  BOOST_REQUIRE(sigaction(SIGUSR1, &action, nullptr) == 0);
  stop_and_signal(SIGUSR1, 20, calls_with_info);
  BOOST_TEST(calls_with_wrong_info == 0);
}

BOOST_AUTO_TEST_CASE(is_ignored_as_before) {
  BOOST_REQUIRE(signal(SIGHUP, SIG_IGN) != SIG_ERR);
  stop_and_signal_to_nobody(SIGHUP);
  stop_and_signal_to_nobody(SIGURG);  // which the system ignores
}

BOOST_AUTO_TEST_CASE(may_be_a_realtime_one) {
  struct sigaction action = {};
  action.sa_handler = &plain_handler;
  BOOST_REQUIRE(sigaction(SIGRTMIN + 3, &action, nullptr) == 0);
  stop_and_signal(SIGRTMIN + 3, 5, plain_calls);
}

BOOST_AUTO_TEST_CASE(ends_the_process_if_it_did_before) {
  const ChildEnd child = in_forked_child([] {
    const acre_options options = options_with_signal(SIGVTALRM);
    acre_heap* heap = nullptr;
    acre_thread* thread = nullptr;
    if (acre_heap_create(&options, &heap) != ACRE_OK) return 1;
    if (acre_thread_attach_as(heap, ACRE_THREAD_UNCOOPERATIVE, &thread) != ACRE_OK) return 2;
    acre_collect(thread);
    (void)raise(SIGVTALRM);
    return 3;
  });
  BOOST_TEST(WIFSIGNALED(child.status));
  BOOST_TEST(WTERMSIG(child.status) == SIGVTALRM);
}

BOOST_AUTO_TEST_CASE(cannot_be_one_that_nobody_can_handle_or_that_means_a_fault) {
  for (const int number : {SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, 32}) {
    Heap heap(options_with_signal(number));
    acre_thread* out = nullptr;
    std::thread([&] {
      BOOST_TEST(acre_thread_attach_as(heap.heap, ACRE_THREAD_UNCOOPERATIVE, &out) ==
                 ACRE_E_INVALID);
    }).join();
    BOOST_TEST(out == nullptr);
    BOOST_TEST(acre_set_stop_watchdog(heap.heap, 100, nullptr, nullptr) == ACRE_E_INVALID);
    BOOST_TEST(acre_set_stop_watchdog(heap.heap, 0, nullptr, nullptr) == ACRE_OK);
  }
  for (const int number : {0, -1, 65}) {
    acre_options options = options_with_signal(number);
    acre_heap* heap = nullptr;
    BOOST_TEST(acre_heap_create(&options, &heap) == ACRE_E_INVALID);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
