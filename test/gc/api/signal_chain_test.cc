// Programs that install handlers of their own for Acre's signal after it.

#include <setjmp.h>
#include <signal.h>

#include "test/gc/api/uncooperative_fixture.h"

namespace acre::test {
namespace {

acre_options options_with_signal(int number) {
  acre_options options = spoiling_options();
  options.stop_signal = number;
  return options;
}

// Attached while it runs, and stopped by signals `times` times.
void stop_a_thread(Heap& heap, int times) {
  std::atomic<bool> ready{false};
  std::atomic<bool> end{false};
  std::thread worker([&] {
    (void)attach_uncooperative(heap.heap);
    ready = true;
    while (!end) std::this_thread::sleep_for(std::chrono::microseconds(50));
  });
  wait_blocked(heap.thread, [&] { return ready.load(); });
  for (int i = 0; i < times; ++i) heap.collect();
  end = true;
  join_blocked(heap.thread, worker);
}

std::atomic<int> calls_before{0};
std::atomic<int> calls_later{0};

struct sigaction saved = {};

void before(int) { ++calls_before; }

// Passes it on, as a handler shall that is installed later.
void later(int number, siginfo_t* info, void* context) {
  ++calls_later;
  saved.sa_sigaction(number, info, context);
}

void install(int number, void (*handler)(int), struct sigaction* old = nullptr) {
  struct sigaction action = {};
  action.sa_handler = handler;
  BOOST_REQUIRE(sigaction(number, &action, old) == 0);
}

void install(int number, void (*handler)(int, siginfo_t*, void*), struct sigaction* old) {
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO;
  BOOST_REQUIRE(sigaction(number, &action, old) == 0);
}

BOOST_AUTO_TEST_SUITE(signal_chain)

BOOST_AUTO_TEST_CASE(acres_handler_comes_back_when_a_thread_is_attached) {
  Heap heap(options_with_signal(SIGURG));
  stop_a_thread(heap, 3);
  for (int i = 0; i < 20; ++i) {
    BOOST_REQUIRE(signal(SIGURG, SIG_IGN) != SIG_ERR);
    stop_a_thread(heap, 3);
    BOOST_TEST(raise(SIGURG) == 0);
  }
  BOOST_TEST(heap.stats().num_gc == 63u);
}

BOOST_AUTO_TEST_CASE(who_took_its_place_and_passes_signals_on_is_called_once) {
  install(SIGUSR1, &before);
  Heap heap(options_with_signal(SIGUSR1));
  stop_a_thread(heap, 3);
  install(SIGUSR1, &later, &saved);
  stop_a_thread(heap, 3);
  BOOST_TEST(calls_before == 0);
  for (int i = 1; i <= 5; ++i) {
    BOOST_TEST(raise(SIGUSR1) == 0);
    BOOST_TEST(calls_later == i);
    BOOST_TEST(calls_before == i);
  }
}

#if !defined(__SANITIZE_THREAD__)  // which takes the thread for inside the handler from then on

sigjmp_buf back;

BOOST_AUTO_TEST_CASE(a_handler_may_jump_out) {
  install(SIGUSR2, [](int) { siglongjmp(back, 1); });
  Heap heap(options_with_signal(SIGUSR2));
  stop_a_thread(heap, 3);
  static std::atomic<int> jumps{0};
  if (sigsetjmp(back, 1) != 0) ++jumps;
  if (jumps < 5) (void)raise(SIGUSR2);
  BOOST_TEST(jumps == 5);
}

#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
