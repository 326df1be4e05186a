// Fork while other threads attach, drop and run: in the child all of it works, and what is attached there is whole.

#include "test/gc/api/fork_fixture.h"

namespace acre::test {
namespace {

std::atomic<int> ran{0};
void count(void*, void*) { ++ran; }
void count_cleanup(void*) { ++ran; }

// What a thread does all the time; false: something was refused.
bool use_all(acre_thread* thread) {
  void* object = acre_alloc(thread, 32, ACRE_KIND_CONSERVATIVE);
  if (object == nullptr) return false;
  acre_local keep{nullptr, object};
  acre_local_push(thread, &keep);
  acre_weak* weak = acre_weak_new(thread, object);
  void* made = nullptr;
  bool good = weak != nullptr && acre_weak_get(thread, weak) == object;
  good &= acre_finalizer_set(thread, object, &count, nullptr) == ACRE_OK;
  good &= acre_cleanup_add(thread, object, &count_cleanup, nullptr, nullptr) == ACRE_OK;
  good &= acre_ephemeron_new(thread, object, object, &made) == ACRE_OK;
  keep.object = made;
  good &= acre_ephemeron_key(thread, made) == object;
  good &= acre_weak_table_new(thread, ACRE_WEAK_KEYS, &made) == ACRE_OK;
  keep.object = made;
  acre_run_finalizers(thread);
  acre_weak_drop(weak);
  return good & (acre_local_pop(thread, &keep) == ACRE_OK);
}

BOOST_AUTO_TEST_SUITE(weak_fork)

BOOST_FIXTURE_TEST_CASE(what_is_attached_works_in_a_child, ForkFixture) {
  acre_options options = fork_options(precise_options());
  options.gc_every = 20;
  Heap heap(options);
  std::atomic<bool> done{false};
  std::atomic<bool> good{true};
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      acre_thread* thread = nullptr;
      if (acre_thread_attach(heap.heap, &thread) != ACRE_OK) std::abort();
      while (!done) good = good & use_all(thread);
      if (acre_thread_detach(thread) != ACRE_OK) std::abort();
    });
  }
  for (int i = 0; i < 30; ++i) {
    const int code = code_of_child(heap.thread, [&] {
      for (int step = 0; step < 50; ++step) {
        if (!use_all(heap.thread)) return 1;
      }
      acre_collect(heap.thread);
      acre_run_finalizers(heap.thread);
      return heap_is_whole(heap.heap) ? 0 : 2;
    });
    BOOST_TEST(code == 0);
    BOOST_TEST_REQUIRE(use_all(heap.thread));
  }
  done = true;
  acre_blocking_begin(heap.thread);
  for (std::thread& thread : threads) thread.join();
  acre_blocking_end(heap.thread);
  BOOST_TEST(good.load());
  BOOST_TEST(ran.load() > 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
