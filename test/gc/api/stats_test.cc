// The counters: their equations at many moments, and that they say what a recount finds.

#include <random>

#include "test/gc/api/heap_fixture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

// One reading against its equations and the heap walk.
void check_against_recount(const Heap& heap) {
  const acre_stats stats = heap.stats();
  check_identities(stats);
  const Recount count = recount(heap.heap);
  BOOST_TEST(count.ascending);
  BOOST_TEST(count.objects == stats.live_objects);
  BOOST_TEST(count.bytes == stats.alloc);
}

BOOST_AUTO_TEST_SUITE(stats)

BOOST_FIXTURE_TEST_CASE(a_new_heap_is_empty, PreciseHeap) {
  const acre_stats s = stats();
  check_against_recount(*this);
  BOOST_TEST(s.total_alloc == 0u);
  BOOST_TEST(s.mallocs == 0u);
  BOOST_TEST(s.heap_sys == 0u);
  BOOST_TEST(s.num_gc == 0u);
  BOOST_TEST(s.threads == 1u);
  BOOST_TEST(s.kinds == 2u);
  BOOST_TEST(s.handles == 0u);
  BOOST_TEST(s.stack_sys == 0u);
  BOOST_TEST(s.os_failures == 0u);
  BOOST_TEST(s.os_calls > 0u);
  BOOST_TEST(s.vmas > 0u);
}

BOOST_FIXTURE_TEST_CASE(each_object_is_counted_in_its_class, PreciseHeap) {
  for (size_t bytes : kSizes) {
    const acre_stats before = stats();
    void* object = alloc(bytes);
    const acre_stats after = stats();
    const size_t size = acre_object_size(heap, object);
    BOOST_TEST(after.alloc == before.alloc + size);
    BOOST_TEST(after.total_alloc == before.total_alloc + size);
    BOOST_TEST(after.mallocs == before.mallocs + 1);
    for (size_t i = 0; i < ACRE_SIZE_CLASSES; ++i) {
      const bool its_class = bytes > 32768 ? i == 0 : after.by_size[i].size == size;
      BOOST_TEST(after.by_size[i].mallocs == before.by_size[i].mallocs + (its_class ? 1 : 0));
    }
  }
}

BOOST_FIXTURE_TEST_CASE(classes_ascend_to_32_kib, PreciseHeap) {
  const acre_stats s = stats();
  for (size_t i = 1; i < ACRE_SIZE_CLASSES; ++i) {
    BOOST_TEST(s.by_size[i].size > s.by_size[i - 1].size);
    BOOST_TEST(s.by_size[i].size % 16 == 0u);
    void* object = alloc(s.by_size[i].size);
    BOOST_TEST(acre_object_size(heap, object) == s.by_size[i].size);
  }
  BOOST_TEST(s.by_size[1].size == 16u);
  BOOST_TEST(s.by_size[ACRE_SIZE_CLASSES - 1].size == 32768u);
}

BOOST_FIXTURE_TEST_CASE(the_equations_hold_at_every_moment_of_a_random_life, PreciseHeap) {
  std::mt19937_64 random(random_seed());
  static constexpr uint8_t kBitmap = 3;
  const acre_kind kinds[] = {ACRE_KIND_LEAF, ACRE_KIND_CONSERVATIVE, add_kind(&kBitmap, 2)};
  std::vector<Handle> kept;
  std::vector<void*> loose;  // since the last collection
  uint64_t kept_of_kind[3] = {};
  uint64_t total = 0;
  for (int step = 0; step < 3000; ++step) {
    switch (random() % 16) {
      case 0:
        collect();
        loose.clear();
        break;
      case 1:
        if (step % 10 == 0) {
          acre_release_memory(thread);
          loose.clear();
        }
        break;
      case 2:
        if (!loose.empty()) {
          acre_free(thread, loose.back());
          loose.pop_back();
        }
        break;
      case 3:
        if (!loose.empty()) loose.back() = acre_realloc(thread, loose.back(), random() % 5000);
        break;
      default:
        for (int i = 0; i < 20; ++i) {
          const size_t bytes = random() % 32 == 0 ? random() % 300000 : random() % 1000;
          const size_t kind = random() % 3;
          void* object = random() % 8 == 0
                             ? acre_alloc_aligned(thread, bytes, 1u << random() % 14, kinds[kind])
                             : alloc(bytes, kinds[kind]);
          if (random() % 10 == 0) {
            kept.emplace_back(thread, object);
            ++kept_of_kind[kind];
          } else {
            loose.push_back(object);
          }
        }
    }
    const acre_stats s = stats();
    BOOST_TEST_REQUIRE(s.total_alloc >= total);
    total = s.total_alloc;
    if (step % 20 == 0) check_against_recount(*this);
  }
  BOOST_TEST(stats().handles == kept.size());
  collect();
  check_against_recount(*this);
  const Recount count = recount(heap);
  for (size_t kind = 0; kind < 3; ++kind) {
    BOOST_TEST(count.objects_of_kind[kinds[kind]] == kept_of_kind[kind]);
  }
  BOOST_TEST(stats().live_after_gc == stats().alloc);
  BOOST_TEST(stats().total_alloc >= total);
}

BOOST_FIXTURE_TEST_CASE(a_walk_tells_base_size_and_kind_and_stops_when_told, PreciseHeap) {
  std::vector<Handle> roots;
  for (size_t bytes : kSizes) roots.emplace_back(thread, alloc(bytes, ACRE_KIND_CONSERVATIVE));
  struct Walk {
    acre_heap* heap;
    std::vector<void*> objects;
    std::vector<size_t> sizes;
    size_t until;
  } walk{heap, {}, {}, SIZE_MAX};
  const auto visit = [](void* object, size_t size, acre_kind kind, void* arg) {
    auto& w = *static_cast<Walk*>(arg);
    w.objects.push_back(object);
    w.sizes.push_back(size);
    return kind != ACRE_KIND_CONSERVATIVE || w.objects.size() >= w.until ? 1 : 0;
  };
  BOOST_TEST(acre_heap_walk(heap, visit, &walk) == ACRE_OK);
  BOOST_TEST(walk.objects.size() == roots.size());
  for (size_t i = 0; i < walk.objects.size(); ++i) {
    BOOST_TEST(holds(walk.objects[i]));
    BOOST_TEST(acre_object_size(heap, walk.objects[i]) == walk.sizes[i]);
  }
  walk.objects.clear();
  walk.until = 5;
  BOOST_TEST(acre_heap_walk(heap, visit, &walk) == ACRE_OK);
  BOOST_TEST(walk.objects.size() == 5u);
}

BOOST_FIXTURE_TEST_CASE(a_shorter_struct_gets_the_fields_it_has, PreciseHeap) {
  (void)alloc(100);
  acre_stats stats;
  memset(&stats, 0x77, sizeof(stats));
  stats.struct_size = offsetof(acre_stats, total_freed);
  acre_stats_read(heap, &stats);
  BOOST_TEST(stats.alloc == 112u);
  BOOST_TEST(stats.total_alloc == 112u);
  BOOST_TEST(stats.total_freed == 0x7777777777777777u);
  memset(&stats, 0x77, sizeof(stats));
  stats.struct_size = 0;
  acre_stats_read(heap, &stats);
  check_identities(stats);
  BOOST_TEST(stats.by_size[ACRE_SIZE_CLASSES - 1].size == 32768u);
  struct Newer {
    acre_stats known;
    uint64_t more;
  } newer{};
  newer.known.struct_size = sizeof(newer);
  newer.more = 5;
  acre_stats_read(heap, &newer.known);
  check_identities(newer.known);
  BOOST_TEST(newer.more == 5u);
  acre_stats_read(nullptr, &stats);
  acre_stats_read(heap, nullptr);
}

BOOST_FIXTURE_TEST_CASE(collections_are_counted_and_timed, PreciseHeap) {
  for (int i = 0; i < 1000; ++i) (void)alloc(100, ACRE_KIND_CONSERVATIVE);
  collect();
  const acre_stats one = stats();
  BOOST_TEST(one.num_gc == 1u);
  BOOST_TEST(one.num_forced_gc == 1u);
  BOOST_TEST(one.pause_last_ns > 0u);
  BOOST_TEST(one.pause_total_ns == one.pause_last_ns);
  acre_release_memory(thread);
  const acre_stats two = stats();
  BOOST_TEST(two.num_gc == 2u);
  BOOST_TEST(two.num_forced_gc == 2u);
  BOOST_TEST(two.last_gc_ns > one.last_gc_ns);
  BOOST_TEST(two.pause_total_ns == one.pause_total_ns + two.pause_last_ns);
  BOOST_TEST(two.gc_cpu_ns > 0u);
  check_identities(two);
}

BOOST_FIXTURE_TEST_CASE(releasing_gives_the_memory_back, PreciseHeap) {
  const size_t before = resident_bytes();
  {
    acre_local list = {nullptr, nullptr};
    acre_local_push(thread, &list);
    for (int i = 0; i < 100000; ++i) {
      auto** node = static_cast<void**>(alloc(1000, ACRE_KIND_CONSERVATIVE));
      acre_store(thread, node, &node[0], list.object);
      list.object = node;
    }
    BOOST_TEST(stats().heap_alloc >= 100'000'000u);
    BOOST_TEST(acre_resident_bytes(heap) >= 100'000'000u);
    acre_release_memory(thread);  // nothing to give
    BOOST_TEST(live() == 100000u);
    BOOST_TEST(acre_local_pop(thread, &list) == ACRE_OK);
  }
  acre_release_memory(thread);
  const acre_stats s = stats();
  check_identities(s);
  BOOST_TEST(s.alloc == 0u);
  BOOST_TEST(s.heap_released == s.heap_idle);
  BOOST_TEST(s.heap_sys >= 100'000'000u);  // the addresses stay
  BOOST_TEST(acre_resident_bytes(heap) < 8 * kMiB);
#if !ACRE_TEST_SHADOW_MEMORY
  BOOST_TEST(resident_bytes() < before + 16 * kMiB);
#endif
  (void)before;
  BOOST_TEST(all_zero(alloc(100000), 100000));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
