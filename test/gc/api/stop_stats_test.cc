// How long stops take, counted; and the watchdog, which names the thread that does not stop.

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <mutex>

#include "test/gc/api/uncooperative_fixture.h"
#include "test/runtime/base/forked_child.h"

// Of the dynamic symbols of the program, if it is linked so; else the report has the module only.
extern "C" __attribute__((visibility("default"), noinline)) void acre_test_late_function(
    const std::atomic<int>& phase, int until) {
  while (phase < until) {
  }
}

namespace acre::test {
namespace {

constexpr uint64_t kMs = 1'000'000;

BOOST_AUTO_TEST_SUITE(stop_stats)

BOOST_FIXTURE_TEST_CASE(each_stop_is_counted_once, SpoilingHeap) {
  BOOST_TEST(read_stop_stats(heap).time_to_stop.count == 0u);
  for (int i = 0; i < 10; ++i) collect();
  BOOST_TEST(heap_is_whole(heap));
  (void)recount(heap);
  const acre_stop_stats s = read_stop_stats(heap);
  BOOST_TEST(s.time_to_stop.count == 12u);
  BOOST_TEST(s.time_stopped.count == 12u);
  BOOST_TEST(s.time_stopped.total_ns >= s.time_stopped.max_ns);
  BOOST_TEST(s.time_stopped.max_ns >= s.last_stopped_ns);
  BOOST_TEST(s.time_to_stop.max_ns >= s.last_to_stop_ns);
  BOOST_TEST(s.time_stopped.total_ns >= stats().pause_total_ns);
  BOOST_TEST(s.signals == 0u);
  BOOST_TEST(s.watchdog_reports == 0u);
}

BOOST_FIXTURE_TEST_CASE(the_time_to_stop_is_that_of_the_last_thread, SpoilingHeap) {
  std::atomic<bool> ready{false};
  std::thread slow([&] {
    acre_thread* own = attach_or_abort(heap, ACRE_THREAD_COOPERATIVE);
    ready = true;
    nap(50);
    (void)acre_thread_detach(own);
  });
  wait_blocked(thread, [&] { return ready.load(); });
  collect();
  join_blocked(thread, slow);
  const acre_stop_stats s = read_stop_stats(heap);
  BOOST_TEST(s.last_to_stop_ns > 20 * kMs);
  BOOST_TEST(s.last_to_stop_ns < 10'000 * kMs);
  BOOST_TEST(acre_histogram_quantile(&s.time_to_stop, 1) == s.time_to_stop.max_ns);
  BOOST_TEST(stats().pause_max_ns < s.last_to_stop_ns);
}

BOOST_FIXTURE_TEST_CASE(older_programs_get_the_part_that_they_know, SpoilingHeap) {
  collect();
  acre_stop_stats s;
  memset(&s, 0x55, sizeof(s));
  s.struct_size = offsetof(acre_stop_stats, time_stopped);
  acre_stop_stats_read(heap, &s);
  BOOST_TEST(s.time_to_stop.count == 1u);
  BOOST_TEST(s.time_stopped.count == 0x5555555555555555u);
  acre_stop_stats_read(nullptr, &s);
  acre_stop_stats_read(heap, nullptr);
  BOOST_TEST(acre_histogram_quantile(nullptr, 0.5) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

// ---- The watchdog ----------------------------------------------------------------------------------

struct Report {
  std::string name;
  std::string symbol;
  std::string module;
  acre_stop_report raw;
};

// What the watchdog says. It allocates: no lock of malloc's is held by a stopped thread.
struct Listener {
  std::mutex mutex;
  std::vector<Report> reports;

  static void hear(acre_heap*, const acre_stop_report* report, void* arg) {
    auto* self = static_cast<Listener*>(arg);
    const auto text = [](const char* s) { return std::string(s != nullptr ? s : "?"); };
    const std::lock_guard<std::mutex> guard(self->mutex);
    self->reports.push_back(
        {text(report->thread_name), text(report->symbol), text(report->module), *report});
  }
  size_t count() {
    const std::lock_guard<std::mutex> guard(mutex);
    return reports.size();
  }
};

struct WatchedHeap : SpoilingHeap {
  // Collects on another thread, until the one that is late has been reported `times` times, then
  // calls release() and waits for the collection.
  template <class Release>
  void collect_until_reported(size_t times, Release release) {
    std::thread collector([&] {
      acre_thread* own = attach_or_abort(heap, ACRE_THREAD_COOPERATIVE);
      acre_collect(own);
      (void)acre_thread_detach(own);
    });
    acre_blocking_begin(thread);
    while (listener.count() < times) nap(1);
    release();
    collector.join();
    acre_blocking_end(thread);
  }

  Listener listener;
};

BOOST_AUTO_TEST_SUITE(watchdog)

BOOST_FIXTURE_TEST_CASE(says_nothing_of_threads_that_stop_in_time, WatchedHeap) {
  BOOST_TEST(acre_set_stop_watchdog(nullptr, 1, nullptr, nullptr) == ACRE_E_INVALID);
  BOOST_TEST(acre_set_stop_watchdog(heap, 60'000, &Listener::hear, &listener) == ACRE_OK);
  for (int i = 0; i < 20; ++i) collect();
  BOOST_TEST(listener.count() == 0u);
}

BOOST_FIXTURE_TEST_CASE(names_a_cooperative_thread_and_where_it_is, WatchedHeap,
                        *boost::unit_test::precondition(&can_interrupt_loops)) {
  BOOST_TEST(acre_set_stop_watchdog(heap, 20, &Listener::hear, &listener) == ACRE_OK);
  std::atomic<int> phase{0};
  std::atomic<int64_t> number{0};
  std::thread late([&] {
    pthread_setname_np(pthread_self(), "late one");
    number = gettid();
    acre_thread* own = attach_or_abort(heap, ACRE_THREAD_COOPERATIVE);
    phase = 1;
    acre_test_late_function(phase, 2);
    (void)acre_thread_detach(own);
  });
  wait_blocked(thread, [&] { return phase == 1; });
  collect_until_reported(2, [&] { phase = 2; });
  join_blocked(thread, late);
  const Report& first = listener.reports.at(0);
  BOOST_TEST(first.name == "late one");
  BOOST_TEST(first.raw.thread_number == number);
  BOOST_TEST(first.raw.manner == ACRE_THREAD_COOPERATIVE);
  BOOST_TEST(first.raw.inside_acre == 0);
  BOOST_TEST(first.raw.in_system_call == 0);
  BOOST_TEST(first.raw.waited_ns >= 20 * kMs);
  const auto start = reinterpret_cast<uintptr_t>(&acre_test_late_function);
  BOOST_TEST(first.raw.program_counter >= start);
  BOOST_TEST(first.raw.program_counter < start + 1000);
  BOOST_TEST(first.module.find("stop_stats_test") != std::string::npos);
  if (first.symbol != "?") BOOST_TEST(first.symbol == "acre_test_late_function");
  BOOST_TEST(listener.reports.at(1).raw.waited_ns >= 40 * kMs);
  BOOST_TEST(read_stop_stats(heap).watchdog_reports >= 2u);
}

BOOST_FIXTURE_TEST_CASE(sees_that_a_thread_is_in_the_kernel, WatchedHeap,
                        *boost::unit_test::precondition(&can_interrupt_loops)) {
  BOOST_TEST(acre_set_stop_watchdog(heap, 20, &Listener::hear, &listener) == ACRE_OK);
  int ends[2];
  BOOST_REQUIRE(pipe(ends) == 0);
  std::atomic<bool> ready{false};
  ssize_t got = 0;
  std::thread late([&] {
    acre_thread* own = attach_or_abort(heap, ACRE_THREAD_COOPERATIVE);
    ready = true;
    char byte = 0;
    got = read(ends[0], &byte, 1);
    (void)acre_thread_detach(own);
  });
  wait_blocked(thread, [&] { return ready.load(); });
  collect_until_reported(1, [&] { BOOST_TEST(write(ends[1], "x", 1) == 1); });
  join_blocked(thread, late);
  BOOST_TEST(got == 1);
  BOOST_TEST(listener.reports.at(0).raw.in_system_call != 0);
  close(ends[0]);
  close(ends[1]);
}

BOOST_FIXTURE_TEST_CASE(says_when_a_thread_does_not_answer, WatchedHeap) {
  BOOST_TEST(acre_set_stop_watchdog(heap, 10, &Listener::hear, &listener) == ACRE_OK);
  std::atomic<int> phase{0};
  std::thread late([&] {
    (void)attach_uncooperative(heap);
    sigset_t all;
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, nullptr);
    phase = 1;
    while (phase != 2) std::this_thread::yield();
  });
  wait_blocked(thread, [&] { return phase == 1; });
  collect_until_reported(1, [&] { phase = 2; });
  join_blocked(thread, late);
  BOOST_TEST(listener.reports.at(0).raw.program_counter == 0u);
  BOOST_TEST(listener.reports.at(0).raw.manner == ACRE_THREAD_UNCOOPERATIVE);
  BOOST_TEST(listener.reports.at(0).symbol == "?");
}

// Threads that hold malloc's lock, or the loader's, when they are stopped.
BOOST_FIXTURE_TEST_CASE(may_take_any_lock_that_a_stopped_thread_may_hold, WatchedHeap) {
  BOOST_TEST(acre_set_stop_watchdog(heap, 5, &Listener::hear, &listener) == ACRE_OK);
  std::atomic<bool> end{false};
  std::vector<std::thread> busy;
  for (int i = 0; i < 3; ++i) {
    busy.emplace_back([&] {
      (void)attach_uncooperative(heap);
      while (!end) {
        for (const size_t bytes : {100, 100000, 1000000}) free(malloc(bytes));
      }
    });
  }
  for (int i = 0; i < 10; ++i) {
    const size_t heard = listener.count();
    std::atomic<int> phase{0};
    std::thread late([&] {
      acre_thread* own = attach_or_abort(heap, ACRE_THREAD_COOPERATIVE);
      phase = 1;
      while (phase != 2) std::this_thread::yield();
      (void)acre_thread_detach(own);
    });
    wait_blocked(thread, [&] { return phase == 1; });
    collect_until_reported(heard + 1, [&] { phase = 2; });
    join_blocked(thread, late);
  }
  end = true;
  for (std::thread& one : busy) join_blocked(thread, one);
  BOOST_TEST(listener.count() >= 10u);
}

BOOST_AUTO_TEST_CASE(writes_a_line_if_nobody_listens) {
  acre_options options = spoiling_options();
  options.stop_watchdog_ms = 20;
  // stderr goes into a pipe; the child of a fork could have no threads before.
  const ChildEnd child = in_forked_child([&options] {
    acre_heap* heap = nullptr;
    acre_thread* thread = nullptr;
    if (acre_heap_create(&options, &heap) != ACRE_OK) return 1;
    if (acre_thread_attach(heap, &thread) != ACRE_OK) return 2;
    std::atomic<bool> ready{false};
    std::thread late([&] {
      pthread_setname_np(pthread_self(), "sleeper");
      acre_thread* own = nullptr;
      (void)acre_thread_attach(heap, &own);
      ready = true;
      for (int i = 0; i < 50; ++i) nap(2);
      (void)acre_thread_detach(own);
    });
    wait_blocked(thread, [&] { return ready.load(); });
    acre_collect(thread);
    join_blocked(thread, late);
    return 0;
  });
  BOOST_TEST(child.exited_with(0));
  BOOST_TEST(contains(child.stderr_text, "acre: a stop waits since"));
  BOOST_TEST(contains(child.stderr_text, "\"sleeper\", cooperative"));
  BOOST_TEST_MESSAGE(child.stderr_text);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
