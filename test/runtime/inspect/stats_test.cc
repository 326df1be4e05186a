#include "runtime/inspect/stats.h"

#include <boost/test/unit_test.hpp>
#include <random>
#include <vector>

#include "test/gc/cycle/test_heap.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

void identities_hold(const acre_stats& s) {
  BOOST_TEST(s.alloc == s.heap_alloc);
  BOOST_TEST(s.alloc == s.total_alloc - s.total_freed);
  BOOST_TEST(s.live_objects == s.mallocs - s.frees);
  uint64_t mallocs = 0;
  uint64_t frees = 0;
  for (const acre_class_stats& each : s.by_size) {
    mallocs += each.mallocs;
    frees += each.frees;
    BOOST_TEST(each.frees <= each.mallocs);
  }
  BOOST_TEST(s.mallocs == mallocs);
  BOOST_TEST(s.frees == frees);
  BOOST_TEST(s.sys == s.heap_sys + s.stack_sys + s.span_sys + s.cache_sys + s.gc_sys + s.other_sys);
  BOOST_TEST(s.heap_sys == s.heap_idle + s.heap_inuse);
  BOOST_TEST(s.heap_released <= s.heap_idle);
  BOOST_TEST(s.heap_alloc <= s.heap_inuse);
  BOOST_TEST(s.reserved >= s.heap_sys);
  BOOST_TEST(s.num_forced_gc <= s.num_gc);
}

BOOST_AUTO_TEST_SUITE(stats)

BOOST_AUTO_TEST_CASE(the_identities_hold_at_every_step_and_equal_a_recount) {
  std::mt19937_64 random(random_seed());
  acre_options options = quiet_options();
  options.gc_percent = 100;
  TestHeap heap(options);
  std::vector<acre_handle*> handles;
  uint64_t total = 0;
  for (int step = 0; step < 3000; ++step) {
    const size_t range = random() % 20 == 0 ? 300000 : 2000;
    void* object = heap.alloc(random() % range, random() % 2);
    handles.push_back(acre_handle_new(heap.thread(), object));
    if (random() % 3 != 0) {
      std::swap(handles[random() % handles.size()], handles.back());
      if (random() % 2 == 0) acre_free(heap.thread(), acre_handle_get(handles.back()));
      acre_handle_drop(handles.back());
      handles.pop_back();
    }
    if (step % 100 != 0) continue;
    const acre_stats stats = heap.stats();
    identities_hold(stats);
    BOOST_TEST(stats.total_alloc >= total);
    total = stats.total_alloc;
    BOOST_TEST(stats.handles == handles.size());
    uint64_t bytes = 0;
    const auto objects = heap.objects();
    for (const auto& [start, size] : objects) bytes += size;
    BOOST_TEST(heap.stats().live_objects == objects.size());
    BOOST_TEST(heap.stats().alloc == bytes);
  }
  for (acre_handle* handle : handles) acre_handle_drop(handle);
  acre_collect(heap.thread());
  identities_hold(heap.stats());
  BOOST_TEST(heap.stats().live_objects == 0);
  BOOST_TEST(heap.stats().heap_inuse == 0);
  acre_release_memory(heap.thread());
  BOOST_TEST(heap.stats().heap_released == heap.stats().heap_sys);
}

BOOST_AUTO_TEST_CASE(an_older_callers_struct_is_not_overrun) {
  TestHeap heap;
  acre_stats stats;
  memset(&stats, 0x5c, sizeof(stats));
  stats.struct_size = offsetof(acre_stats, frees);
  acre_stats_read(heap.get(), &stats);
  BOOST_TEST(stats.mallocs == 0);
  BOOST_TEST(stats.frees == 0x5c5c5c5c5c5c5c5c);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
