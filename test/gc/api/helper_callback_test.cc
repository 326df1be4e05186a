// Trace functions that run on a thread which helps to mark, and call what they may not: each call that
// acre.h gives a status for in a callback returns it, at once, and the collection goes on.

#include <pthread.h>

#include <atomic>

#include "test/gc/api/heap_fixture.h"
#include "test/gc/mark/helper_threads.h"

namespace acre::test {
namespace {

int stop_walking(void*, size_t, acre_kind, void*) { return 1; }

// What the calls gave, in the first trace function that a helper ran. One helper: one writer.
struct Misuse {
  acre_heap* heap = nullptr;
  acre_thread* collecting = nullptr;
  pthread_t collector{};
  std::atomic<int> by_collector{0};
  std::atomic<int> by_helper{0};

  acre_status attached = ACRE_OK;
  acre_thread* attached_as = nullptr;
  acre_thread* current = nullptr;
  acre_status detached = ACRE_OK;
  acre_status walked = ACRE_OK;
  acre_status verified = ACRE_OK;
  acre_status destroyed = ACRE_OK;
  bool base_found = false;
  void* allocated[4] = {};
  acre_status allocation_errors[4] = {};
  acre_status collect_error = ACRE_OK;
  acre_status release_error = ACRE_OK;
};
Misuse* misuse = nullptr;

void misuse_all(void* object) {
  Misuse& m = *misuse;
  m.attached = acre_thread_attach(m.heap, &m.attached_as);
  m.current = acre_thread_current(m.heap);
  m.detached = acre_thread_detach(m.collecting);
  m.walked = acre_heap_walk(m.heap, &stop_walking, nullptr);
  m.verified = acre_verify(m.heap, nullptr, nullptr);
  m.destroyed = acre_heap_destroy(m.heap);
  m.base_found = acre_object_base(m.heap, static_cast<char*>(object) + 20) == object;
  m.allocated[0] = acre_alloc(m.collecting, 32, ACRE_KIND_LEAF);
  m.allocation_errors[0] = acre_last_error(m.collecting);
  m.allocated[1] = acre_alloc_uninit(m.collecting, 100, ACRE_KIND_LEAF);
  m.allocation_errors[1] = acre_last_error(m.collecting);
  m.allocated[2] = acre_alloc_aligned(m.collecting, 100, 4096, ACRE_KIND_LEAF);
  m.allocation_errors[2] = acre_last_error(m.collecting);
  m.allocated[3] = acre_alloc_inline(m.collecting, 48, ACRE_KIND_LEAF);
  m.allocation_errors[3] = acre_last_error(m.collecting);
  acre_collect(m.collecting);
  m.collect_error = acre_last_error(m.collecting);
  acre_release_memory(m.collecting);
  m.release_error = acre_last_error(m.collecting);
}

void trace_and_misuse(void* object, size_t, acre_visitor* visitor) {
  if (pthread_equal(pthread_self(), misuse->collector) != 0) {
    ++misuse->by_collector;
  } else if (misuse->by_helper++ == 0) {
    misuse_all(object);
  }
  acre_visit(visitor, static_cast<void**>(object));
}

acre_options with_markers(int markers) {
  acre_options options = precise_options();
  options.mark_threads = markers;
  return options;
}

BOOST_AUTO_TEST_SUITE(helper_callback)

BOOST_AUTO_TEST_CASE(calls_from_a_helpers_trace_function_get_their_status_and_do_not_hang) {
  Heap heap(with_markers(2));
  Misuse mine;
  mine.heap = heap.heap;
  mine.collecting = heap.thread;
  mine.collector = pthread_self();
  misuse = &mine;
  const acre_kind kind = heap.add_kind(&trace_and_misuse);
  // Over many stripes of the range, so that each marker has some.
  constexpr int kObjects = 20000;
  Handle list(heap.thread, nullptr);
  for (int i = 0; i < kObjects; ++i) {
    auto** object = static_cast<void**>(heap.alloc(64, kind));
    BOOST_TEST_REQUIRE(object != nullptr);
    acre_store(heap.thread, object, &object[0], list.get());
    list.set(object);
    // So that the cache that the misuse allocates from was in use.
    (void)heap.alloc(32);
    (void)heap.alloc(48);
  }
  heap.collect();
  BOOST_TEST(mine.by_helper > 0);
  BOOST_TEST(mine.by_collector > 0);
  BOOST_TEST(mine.by_helper + mine.by_collector == kObjects);
  BOOST_TEST(mine.attached == ACRE_E_STATE);
  BOOST_TEST(mine.attached_as == nullptr);
  BOOST_TEST(mine.current == nullptr);
  BOOST_TEST(mine.detached == ACRE_E_STATE);
  BOOST_TEST(mine.walked == ACRE_E_STATE);
  BOOST_TEST(mine.verified == ACRE_E_STATE);
  BOOST_TEST(mine.destroyed == ACRE_E_STATE);
  BOOST_TEST(mine.base_found);
  for (int i = 0; i < 4; ++i) {
    BOOST_TEST(mine.allocated[i] == nullptr, i);
    BOOST_TEST(mine.allocation_errors[i] == ACRE_E_STATE, i);
  }
  BOOST_TEST(mine.collect_error == ACRE_E_STATE);
  BOOST_TEST(mine.release_error == ACRE_E_STATE);
  BOOST_TEST(heap.live() == static_cast<uint64_t>(kObjects));
  BOOST_TEST(heap.stats().num_gc == 1u);
  BOOST_TEST(heap.stats().threads == 1u);
  // It goes on as if nothing had been.
  mine.by_helper = 1;
  BOOST_TEST(heap.alloc(32) != nullptr);
  heap.collect();
  BOOST_TEST(heap.live() == static_cast<uint64_t>(kObjects));
  misuse = nullptr;
  list.set(nullptr);
  heap.collect();
  BOOST_TEST(heap.live() == 0u);
}

// What is inside a stop of one heap may use another: helpers of the first stop the second.
struct OtherHeap {
  acre_heap* heap = nullptr;
  pthread_t collector{};
  std::atomic<int> calls{0};
  acre_status attached = ACRE_E_INVALID;
  acre_status detached = ACRE_E_INVALID;
  bool allocated = false;
  uint64_t collections = 0;
};
OtherHeap* other_heap = nullptr;

void trace_and_use_another_heap(void*, size_t, acre_visitor*) {
  if (pthread_equal(pthread_self(), other_heap->collector) != 0) return;
  if (other_heap->calls++ != 0) return;
  acre_thread* thread = nullptr;
  other_heap->attached = acre_thread_attach(other_heap->heap, &thread);
  if (other_heap->attached != ACRE_OK) return;
  other_heap->allocated = acre_alloc(thread, 100, ACRE_KIND_LEAF) != nullptr;
  acre_collect(thread);
  other_heap->collections = read_stats(other_heap->heap).num_gc;
  other_heap->detached = acre_thread_detach(thread);
}

BOOST_AUTO_TEST_CASE(a_helper_of_one_heap_is_a_stranger_to_another) {
  Heap heap(with_markers(2));
  acre_heap* second = nullptr;
  const acre_options options = with_markers(2);
  BOOST_TEST_REQUIRE(acre_heap_create(&options, &second) == ACRE_OK);
  OtherHeap other;
  other.heap = second;
  other.collector = pthread_self();
  other_heap = &other;
  const acre_kind kind = heap.add_kind(&trace_and_use_another_heap);
  std::vector<Handle> roots;
  for (int i = 0; i < 5000; ++i) roots.emplace_back(heap.thread, heap.alloc(128, kind));
  heap.collect();
  BOOST_TEST(other.calls > 0);
  BOOST_TEST(other.attached == ACRE_OK);
  BOOST_TEST(other.allocated);
  BOOST_TEST(other.collections == 1u);
  BOOST_TEST(other.detached == ACRE_OK);
  BOOST_TEST(heap.live() == 5000u);
  BOOST_TEST(acre_heap_destroy(second) == ACRE_OK);
  other_heap = nullptr;
}

std::atomic<int> deep_calls{0};

void trace_with_much_stack(void* object, size_t, acre_visitor* visitor) {
  volatile char frame[200 * kKiB];
  for (size_t i = 0; i < sizeof(frame); i += 1024) frame[i] = 1;
  deep_calls += frame[1024];
  acre_visit(visitor, static_cast<void**>(object));
}

BOOST_AUTO_TEST_CASE(a_helper_has_the_stack_that_the_header_promises) {
  Heap heap(with_markers(4));
  const acre_kind kind = heap.add_kind(&trace_with_much_stack);
  std::vector<Handle> roots;
  for (int i = 0; i < 5000; ++i) roots.emplace_back(heap.thread, heap.alloc(128, kind));
  heap.collect();
  BOOST_TEST(deep_calls == 5000);
}

struct Walk {
  acre_thread* thread;
  acre_status collect_error = ACRE_OK;
  int calls = 0;
};

BOOST_AUTO_TEST_CASE(a_collection_asked_for_in_a_walk_makes_no_thread) {
  Heap heap(with_markers(4));
  (void)heap.alloc(64);
  Walk walk{heap.thread};
  const auto collect_inside = [](void*, size_t, acre_kind, void* arg) {
    auto& to = *static_cast<Walk*>(arg);
    ++to.calls;
    acre_collect(to.thread);
    to.collect_error = acre_last_error(to.thread);
    return 0;
  };
  const unsigned before = helper_threads();
  BOOST_TEST(acre_heap_walk(heap.heap, collect_inside, &walk) == ACRE_OK);
  BOOST_TEST(walk.calls == 1);
  BOOST_TEST(walk.collect_error == ACRE_E_STATE);
  BOOST_TEST(heap.stats().num_gc == 0u);
  BOOST_TEST(helper_threads() == before);
  heap.collect();
  BOOST_TEST(helper_threads() == before + 3);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
