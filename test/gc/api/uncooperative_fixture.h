// Owns what the tests of uncooperative threads share: heaps that scan stacks and spoil what they free, threads that
// are attached in a manner, objects whose address is known only disguised.

#ifndef ACRE_TEST_GC_API_UNCOOPERATIVE_FIXTURE_H_
#define ACRE_TEST_GC_API_UNCOOPERATIVE_FIXTURE_H_

#include <atomic>
#include <chrono>
#include <thread>

#include "test/gc/api/heap_fixture.h"

// ThreadSanitizer delivers a signal when the thread next calls libc: a loop without such calls is never
// interrupted, nor is a call that waits.
#if defined(__SANITIZE_THREAD__)
#define ACRE_TEST_SIGNALS_COME_LATE 1
#else
#define ACRE_TEST_SIGNALS_COME_LATE 0
#endif

namespace acre::test {

inline boost::test_tools::assertion_result can_interrupt_loops(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result result(ACRE_TEST_SIGNALS_COME_LATE == 0);
  result.message() << "ThreadSanitizer holds signals back until the thread calls libc";
  return result;
}

inline acre_options spoiling_options() {
  acre_options options = plain_options();
  options.clobber_free = 1;
  options.scavenger = 0;
  return options;
}

struct SpoilingHeap : Heap {
  SpoilingHeap() : Heap(spoiling_options()) {}
};

inline acre_thread* attach_or_abort(acre_heap* heap, int manner) {
  acre_thread* thread = nullptr;
  if (acre_thread_attach_as(heap, manner, &thread) != ACRE_OK) std::abort();
  return thread;
}
inline acre_thread* attach_uncooperative(acre_heap* heap) {
  return attach_or_abort(heap, ACRE_THREAD_UNCOOPERATIVE);
}

// An address that a scan does not recognise.
struct Disguised {
  uintptr_t bits = 0;
  void* plain() const { return reinterpret_cast<void*>(~bits); }
};

inline constexpr unsigned char kContent = 0x3c;

[[gnu::noinline]] inline Disguised hidden_object(acre_thread* thread, size_t bytes) {
  void* object = acre_alloc(thread, bytes, ACRE_KIND_LEAF);
  if (object == nullptr) std::abort();
  memset(object, kContent, bytes);
  return {~reinterpret_cast<uintptr_t>(object)};
}

[[gnu::noinline]] inline bool is_alive(acre_heap* heap, Disguised object) {
  return acre_object_base(heap, object.plain()) == object.plain();
}

[[gnu::noinline]] inline bool is_intact(acre_heap* heap, Disguised object, size_t bytes) {
  if (!is_alive(heap, object)) return false;
  const auto* at = static_cast<const unsigned char*>(object.plain());
  for (size_t i = 0; i < bytes; ++i) {
    if (at[i] != kContent) return false;
  }
  return true;
}

// Waits in a blocking region.
template <class Condition>
void wait_blocked(acre_thread* thread, Condition condition) {
  acre_blocking_begin(thread);
  while (!condition()) std::this_thread::yield();
  acre_blocking_end(thread);
}

inline void join_blocked(acre_thread* thread, std::thread& other) {
  acre_blocking_begin(thread);
  other.join();
  acre_blocking_end(thread);
}

inline void nap(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

inline void nap_blocked(acre_thread* thread) {
  acre_blocking_begin(thread);
  nap(1);
  acre_blocking_end(thread);
}

inline acre_stop_stats read_stop_stats(acre_heap* heap) {
  acre_stop_stats stats;
  stats.struct_size = sizeof(stats);
  acre_stop_stats_read(heap, &stats);
  return stats;
}

}  // namespace acre::test

#endif  // ACRE_TEST_GC_API_UNCOOPERATIVE_FIXTURE_H_
