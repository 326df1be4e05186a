// Forks while threads run that are stopped by signals: they may hold what libc's fork, or a handler, waits for.

#include <pthread.h>

#include <string>

#include "test/gc/api/fork_fixture.h"
#include "test/gc/api/uncooperative_fixture.h"

namespace acre::test {
namespace {

acre_options stack_heap_options() {
  acre_options options = fork_options(plain_options());
  options.gc_percent = 100;
  return options;
}

// What libc's fork does with malloc's lock: after Acre's handler it waits for something that another thread holds.
struct Held {
  std::atomic<bool> armed{false};
  std::atomic<bool> wanted{false};
  std::atomic<bool> given_up{false};
};
constinit Held held;

void wait_for_what_is_held() {
  if (!held.armed) return;
  held.wanted = true;
  while (!held.given_up) std::this_thread::yield();
}

// Older than any heap, so it runs after Acre's.
[[maybe_unused]] const int registered = pthread_atfork(&wait_for_what_is_held, nullptr, nullptr);

// Holds it until a fork wants it.
class Holder {
 public:
  explicit Holder(acre_heap* heap) {
    held.wanted = false;
    held.given_up = false;
    thread_ = std::thread([heap] {
      acre_thread* own = attach_uncooperative(heap);
      NumberedList list(own);
      if (!list.build(100, 5)) std::abort();
      held.armed = true;
      while (!held.wanted) std::this_thread::yield();
      held.given_up = true;
      // Entering Acre it waits for the end of the fork.
      if (!list.whole() || !list.build(100, 6) || !list.whole()) std::abort();
    });
    while (!held.armed) std::this_thread::yield();
  }
  ~Holder() {
    thread_.join();
    held.armed = false;
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

 private:
  std::thread thread_;
};

BOOST_FIXTURE_TEST_SUITE(uncooperative_fork, ForkFixture)

BOOST_AUTO_TEST_CASE(a_thread_outside_acre_runs_on_while_the_process_forks) {
  Heap heap(stack_heap_options());
  for (int i = 0; i < 10; ++i) {
    acre_blocking_begin(heap.thread);
    {
      const Holder holder(heap.heap);
      acre_blocking_end(heap.thread);
      const auto in_child = [&] { return uses(heap.heap, heap.thread); };
      BOOST_TEST(code_of_child(heap.thread, in_child) == 0);
      acre_blocking_begin(heap.thread);
    }
    acre_blocking_end(heap.thread);
    heap.collect();
  }
  BOOST_TEST(read_stop_stats(heap.heap).given_up == 0u);
}

// The fork begins while the thread is caught, and must not keep it.
BOOST_AUTO_TEST_CASE(a_thread_that_a_walk_had_caught_is_let_go) {
  Heap heap(stack_heap_options());
  Heap other(stack_heap_options());
  (void)heap.alloc(16);
  acre_blocking_begin(other.thread);
  acre_blocking_begin(heap.thread);
  for (int i = 0; i < 10; ++i) {
    const Holder holder(heap.heap);
    std::atomic<bool> forks{false};
    std::atomic<int> code{-1};
    std::thread forker([&] {
      while (!forks) std::this_thread::yield();
      code = code_of_child(nullptr, [] { return 0; });
    });
    const auto let_fork = [](void*, size_t, acre_kind, void* flag) {
      *static_cast<std::atomic<bool>*>(flag) = true;
      for (int n = 0; n < 1000; ++n) std::this_thread::yield();
      return 1;
    };
    BOOST_TEST(acre_heap_walk(heap.heap, let_fork, &forks) == ACRE_OK);
    forker.join();
    BOOST_TEST(code == 0);
  }
  acre_blocking_end(heap.thread);
  acre_blocking_end(other.thread);
}

// Most of the time in malloc or stdio, and now and then inside Acre.
bool use_libc_and_acre(acre_thread* own, unsigned round) {
  NumberedList list(own);
  if (!list.build(20, round)) return false;
  for (unsigned i = 0; i < 50; ++i) {
    const std::string text(1000 + 100 * (round % 50), 'x');
    if (text[i] != 'x') return false;
  }
  std::fflush(nullptr);
  if (round % 16 == 15) acre_collect(own);
  return list.whole();
}

BOOST_AUTO_TEST_CASE(children_while_threads_are_in_malloc_and_stdio) {
  Heap heap(stack_heap_options());
  NumberedList mine(heap.thread);
  BOOST_TEST_REQUIRE(mine.build(300, 7));
  Busy busy;
  for (int i = 0; i < 2; ++i) {
    busy.add([&heap](Busy& self) {
      acre_thread* own = attach_uncooperative(heap.heap);
      self.run([own](unsigned round) { return use_libc_and_acre(own, round); });
      (void)acre_thread_detach(own);
    });
  }
  acre_blocking_begin(heap.thread);
  busy.wait_until_all_run();
  acre_blocking_end(heap.thread);
  int code = 0;
  for (unsigned i = 0; i < 30 && code == 0; ++i) {
    if (!allocate_and_collect(heap.thread, i, 10)) break;
    code = code_of_child(heap.thread, [&] {
      const int bad = uses(heap.heap, heap.thread);
      return bad == 0 && !mine.whole() ? 20 : bad;
    });
  }
  busy.stop(heap.thread);
  BOOST_TEST(code == 0);
  BOOST_TEST(busy.good());
  BOOST_TEST(mine.whole());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
