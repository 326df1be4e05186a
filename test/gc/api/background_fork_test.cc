// A process may fork while background threads work: the child has none, no lock is held that nobody will
// give back, and it gets threads of its own.

#include <atomic>

#include "test/gc/api/heap_fixture.h"
#include "test/gc/api/process_view.h"
#include "test/runtime/base/forked_child.h"

namespace acre::test {
namespace {

// ThreadSanitizer ends a child that makes threads after a process of several forked.
#if !defined(__SANITIZE_THREAD__)

acre_options options_here() {
  acre_options options = precise_options();
  options.gc_percent = 100;
  options.mark_threads = 1;
  return options;
}

// Exits with the result of `body`, or is killed: nothing of a child may hang.
template <class Body>
ChildEnd in_child_with_deadline(unsigned seconds, Body body) {
  return in_forked_child([&] {
    alarm(seconds);
    return body();
  });
}

int use_and_destroy(acre_heap* heap, acre_thread* thread) {
  for (int cycle = 0; cycle < 2; ++cycle) {
    for (int i = 0; i < 40; ++i) {
      if (acre_alloc(thread, 300 * kKiB, ACRE_KIND_LEAF) == nullptr) return 1;
    }
    for (int i = 0; i < 1000; ++i) {
      if (acre_alloc(thread, 100, ACRE_KIND_LEAF) == nullptr) return 2;
    }
    acre_collect(thread);
  }
  if (background_threads().size() != 1) return 3;
  acre_release_memory(thread);
  if (acre_verify(heap, nullptr, nullptr) != ACRE_OK) return 4;
  return acre_heap_destroy(heap) == ACRE_OK ? 0 : 5;
}

// Garbage for the background thread: it has something to do for a while.
void make_work(Heap& heap, size_t bytes) {
  Handle list(heap.thread, nullptr);
  for (size_t got = 0; got < bytes; got += 256 * kKiB) {
    auto** object = static_cast<void**>(heap.alloc(256 * kKiB, ACRE_KIND_CONSERVATIVE));
    BOOST_TEST_REQUIRE(object != nullptr);
    for (size_t at = 8; at < 32 * kKiB; at += 512) object[at] = object;
    object[0] = list.get();
    list.set(object);
  }
}

#endif

BOOST_AUTO_TEST_SUITE(background_fork)

#if !defined(__SANITIZE_THREAD__)

acre_heap* collected_by_handler = nullptr;

// The first of this file: the embedder's handler must be older than Acre's, which come with the first heap.
BOOST_AUTO_TEST_CASE(an_older_handler_is_refused_a_collection_in_the_child) {
  const ChildEnd end = in_child_with_deadline(40, [] {
    pthread_atfork(nullptr, nullptr, [] {
      acre_thread* thread = acre_thread_current(collected_by_handler);
      if (thread == nullptr) return;
      acre_collect(thread);
      if (acre_last_error(thread) != ACRE_E_STATE) _exit(14);
    });
    const acre_options options = options_here();
    acre_thread* thread = nullptr;
    if (acre_heap_create(&options, &collected_by_handler) != ACRE_OK) return 10;
    if (acre_thread_attach(collected_by_handler, &thread) != ACRE_OK) return 11;
    acre_collect(thread);
    const pid_t child = fork();
    if (child == 0) {
      alarm(30);
      _exit(use_and_destroy(collected_by_handler, thread));
    }
    int status = 0;
    if (waitpid(child, &status, 0) != child) return 12;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 13;
  });
  BOOST_TEST(end.exited_with(0), "status " << end.status << ": " << end.stderr_text);
}

BOOST_AUTO_TEST_CASE(children_of_a_working_process_use_the_heap_and_destroy_it) {
  Heap heap(options_here());
  acre_options limited = options_here();
  limited.memory_limit =
      ACRE_LIMIT_PERCENT(50);  // this one's thread ticks each second, from the start
  Heap second(limited);
  for (int round = 0; round < 50; ++round) {
    if (round % 5 == 0) {
      make_work(heap, 32 * kMiB);
      // Free and far above the goal: a collection wakes the thread.
      heap.collect();
    } else {
      heap.collect();
      sleep_ms(round % 3);
    }
    const ChildEnd end = in_child_with_deadline(60, [&] {
      const int used = use_and_destroy(heap.heap, heap.thread);
      if (used != 0) return used;
      return acre_heap_destroy(second.heap) == ACRE_OK ? 0 : 6;
    });
    BOOST_TEST_REQUIRE(end.exited_with(0),
                       "round " << round << ", status " << end.status << ": " << end.stderr_text);
  }
  BOOST_TEST(background_threads().size() == 2u);
  BOOST_TEST(heap.live() == 0u);
}

// A thread that begins to fork while another one is at it leaves nothing behind in that one's child.
BOOST_AUTO_TEST_CASE(the_thread_of_a_child_sleeps_although_others_were_about_to_fork) {
  Heap heap(options_here());
  heap.collect();
  std::atomic<bool> stop{false};
  std::vector<std::thread> others;
  for (int i = 0; i < 3; ++i) {
    others.emplace_back([&stop] {
      while (!stop) {
        const pid_t child = fork();
        if (child == 0) _exit(0);
        if (child > 0) waitpid(child, nullptr, 0);
      }
    });
  }
  int bad = 0;
  for (int round = 0; round < 30 && bad == 0; ++round) {
    const ChildEnd end = in_child_with_deadline(60, [&] {
      heap.collect();
      // Not when it does not come to rest: it spins.
      return comes_true(5,
                        [] {
                          const auto tasks = background_threads();
                          return tasks.size() == 1 && tasks.front().state == 'S';
                        })
                 ? 0
                 : 1;
    });
    if (!end.exited_with(0)) ++bad;
  }
  stop = true;
  // Forks wait for threads that run.
  acre_blocking_begin(heap.thread);
  for (std::thread& other : others) other.join();
  acre_blocking_end(heap.thread);
  BOOST_TEST(bad == 0);
}

// The background thread wants to collect and finds that another thread is about to, which waits for this
// one, which forks, which waits for the background thread.
BOOST_AUTO_TEST_CASE(a_fork_does_not_wait_for_a_collection_that_waits_for_the_forking_thread) {
  const ChildEnd end = in_child_with_deadline(40, [] {
    acre_options options = options_here();
    options.idle_collect_ms = 1;
    acre_heap* heap = nullptr;
    acre_thread* thread = nullptr;
    if (acre_heap_create(&options, &heap) != ACRE_OK) return 1;
    if (acre_thread_attach(heap, &thread) != ACRE_OK) return 2;
    acre_collect(thread);
    for (int i = 0; i < 5000; ++i) (void)acre_alloc(thread, 100, ACRE_KIND_LEAF);
    std::thread collector([heap] {
      acre_thread* self = nullptr;
      if (acre_thread_attach(heap, &self) != ACRE_OK) return;
      acre_collect(self);
      acre_thread_detach(self);
    });
    sleep_ms(2500);  // looks of the background thread; this thread does not poll
    const pid_t child = fork();
    if (child == 0) _exit(0);
    waitpid(child, nullptr, 0);
    acre_safepoint(thread);
    acre_blocking_begin(thread);
    collector.join();
    acre_blocking_end(thread);
    return acre_heap_destroy(heap) == ACRE_OK ? 0 : 3;
  });
  BOOST_TEST(end.exited_with(0), "status " << end.status << ": " << end.stderr_text);
}

#else

BOOST_AUTO_TEST_CASE(thread_sanitizer_does_not_allow_it) {}

#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
