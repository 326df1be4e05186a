// No room for signals that wait (RLIMIT_SIGPENDING): the kernel delivers them without saying who sent them, and refuses
// real-time ones.

#include <signal.h>
#include <sys/resource.h>

#include "test/gc/api/uncooperative_fixture.h"

namespace acre::test {
namespace {

class NoRoomForSignals {
 public:
  NoRoomForSignals() {
    BOOST_REQUIRE(getrlimit(RLIMIT_SIGPENDING, &before_) == 0);
    const rlimit none = {0, before_.rlim_max};
    BOOST_REQUIRE(setrlimit(RLIMIT_SIGPENDING, &none) == 0);
  }
  ~NoRoomForSignals() { make_room(); }
  NoRoomForSignals(const NoRoomForSignals&) = delete;
  NoRoomForSignals& operator=(const NoRoomForSignals&) = delete;

  void make_room() const { (void)setrlimit(RLIMIT_SIGPENDING, &before_); }

 private:
  rlimit before_ = {};
};

acre_options options_with_signal(int number) {
  acre_options options = spoiling_options();
  options.stop_signal = number;
  return options;
}

// A heap with a thread that signals stop.
class Stopped {
 public:
  explicit Stopped(int number) : heap(options_with_signal(number)) {
    worker_ = std::thread([this] {
      (void)attach_uncooperative(heap.heap);
      ready_ = true;
      while (!end_) std::this_thread::sleep_for(std::chrono::microseconds(50));
    });
    wait_blocked(heap.thread, [this] { return ready_.load(); });
  }
  ~Stopped() {
    end_ = true;
    join_blocked(heap.thread, worker_);
  }
  Stopped(const Stopped&) = delete;
  Stopped& operator=(const Stopped&) = delete;

  pthread_t worker() { return worker_.native_handle(); }

  Heap heap;

 private:
  std::thread worker_;
  std::atomic<bool> ready_{false};
  std::atomic<bool> end_{false};
};

constexpr int kStops = 50;

std::atomic<int> calls{0};

BOOST_FIXTURE_TEST_SUITE(signal_limit, NoRoomForSignals)

BOOST_AUTO_TEST_CASE(acres_own_signals_do_not_end_the_process) {
  Stopped stopped(SIGUSR2);
  for (int i = 0; i < kStops; ++i) stopped.heap.collect();
  BOOST_TEST(stopped.heap.stats().num_gc == static_cast<uint64_t>(kStops));
}

BOOST_AUTO_TEST_CASE(acres_own_signals_are_not_the_programs) {
  struct sigaction action = {};
  action.sa_sigaction = [](int, siginfo_t*, void*) { ++calls; };
  action.sa_flags = SA_SIGINFO;
  BOOST_REQUIRE(sigaction(SIGUSR1, &action, nullptr) == 0);
  Stopped stopped(SIGUSR1);
  for (int i = 0; i < kStops; ++i) stopped.heap.collect();
  BOOST_TEST(calls == 0);
  // But its own are. One may be taken for Acre's.
  acre_blocking_begin(stopped.heap.thread);
  while (calls == 0) {
    BOOST_TEST_REQUIRE(pthread_kill(stopped.worker(), SIGUSR1) == 0);
    for (int i = 0; i < 100 && calls == 0; ++i) nap(1);
  }
  acre_blocking_end(stopped.heap.thread);
}

BOOST_AUTO_TEST_CASE(a_stop_by_a_real_time_signal_waits_for_room) {
  Stopped stopped(SIGRTMIN + 4);
  std::thread room([this] {
    nap(30);
    make_room();
  });
  for (int i = 0; i < kStops; ++i) stopped.heap.collect();
  room.join();
  BOOST_TEST(stopped.heap.stats().num_gc == static_cast<uint64_t>(kStops));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
