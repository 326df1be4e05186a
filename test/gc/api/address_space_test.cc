// Reservations of all sizes, limits on the address space, and what a heap costs.

#include <sys/resource.h>

#include <chrono>

#include "test/gc/api/heap_fixture.h"
#include "test/runtime/base/forked_child.h"

namespace acre::test {
namespace {

struct Reservation {
  acre_status status;
  acre_stats stats;
};

Reservation reserve(size_t bytes) {
  acre_options options = precise_options();
  options.reserve_bytes = bytes;
  acre_heap* heap = nullptr;
  Reservation result{};
  result.status = acre_heap_create(&options, &heap);
  if (result.status != ACRE_OK) {
    BOOST_TEST(heap == nullptr);
    return result;
  }
  result.stats = read_stats(heap);
  BOOST_TEST(acre_heap_destroy(heap) == ACRE_OK);
  return result;
}

BOOST_AUTO_TEST_SUITE(address_space)

BOOST_AUTO_TEST_CASE(powers_of_two_are_reserved_as_asked) {
  for (size_t bytes = 64 * kMiB; bytes <= 512 * kGiB; bytes *= 2) {
    if (ACRE_TEST_SHADOW_MEMORY && bytes > 64 * kGiB) break;
    const Reservation got = reserve(bytes);
    BOOST_TEST_REQUIRE(got.status == ACRE_OK);
    BOOST_TEST(got.stats.reserved == bytes);
    BOOST_TEST(got.stats.reserved_asked == bytes);
    BOOST_TEST(got.stats.mapped == 0u);
    check_identities(got.stats);
  }
}

BOOST_AUTO_TEST_CASE(other_sizes_are_rounded_down) {
  BOOST_TEST(reserve(64 * kMiB + 1).stats.reserved == 64 * kMiB);
  BOOST_TEST(reserve(100 * kMiB).stats.reserved == 64 * kMiB);
  BOOST_TEST(reserve(128 * kMiB - 1).stats.reserved == 64 * kMiB);
  BOOST_TEST(reserve(3 * kGiB).stats.reserved == 2 * kGiB);
#if !ACRE_TEST_SHADOW_MEMORY
  BOOST_TEST(reserve(513 * kGiB).stats.reserved == 512 * kGiB);
  BOOST_TEST(reserve(SIZE_MAX).stats.reserved == 512 * kGiB);
#endif
}

BOOST_AUTO_TEST_CASE(less_than_64_mib_is_invalid_and_says_why) {
  for (size_t bytes : {size_t{0}, size_t{1}, 64 * kMiB - 1, 32 * kMiB}) {
    const ChildEnd end =
        in_forked_child([bytes] { return reserve(bytes).status == ACRE_E_INVALID ? 0 : 1; });
    BOOST_TEST(end.exited_with(0));
    BOOST_TEST(contains(end.stderr_text, "reserve_bytes"));
  }
}

BOOST_AUTO_TEST_CASE(a_heap_of_each_size_works_to_its_end) {
  for (size_t bytes : {64 * kMiB, 128 * kMiB}) {
    acre_options options = precise_options();
    options.reserve_bytes = bytes;
    Heap heap(options);
    std::vector<Handle> roots;
    size_t got = 0;
    while (void* object = heap.alloc(kMiB)) {
      roots.emplace_back(heap.thread, object);
      got += kMiB;
    }
    BOOST_TEST(got == bytes);
    BOOST_TEST(heap.stats().heap_sys == bytes);
    BOOST_TEST(heap.stats().heap_idle == 0u);
  }
}

BOOST_AUTO_TEST_CASE(misuse_of_create_has_a_status) {
  acre_options options = precise_options();
  BOOST_TEST(acre_heap_create(&options, nullptr) == ACRE_E_INVALID);
  BOOST_TEST(acre_heap_create(nullptr, nullptr) == ACRE_E_INVALID);
}

BOOST_AUTO_TEST_CASE(the_defaults_give_a_heap) {
  (void)plain_options();  // clears the environment
  acre_heap* heap = nullptr;
  BOOST_TEST_REQUIRE(acre_heap_create(nullptr, &heap) == ACRE_OK);
  const acre_stats stats = read_stats(heap);
  BOOST_TEST(stats.reserved_asked == 512 * kGiB);
  BOOST_TEST(stats.reserved <= 512 * kGiB);
  BOOST_TEST(stats.gc_percent == 100);
  BOOST_TEST(stats.memory_limit == ACRE_NO_LIMIT);
  BOOST_TEST(acre_heap_destroy(heap) == ACRE_OK);
}

#if !ACRE_TEST_SHADOW_MEMORY

void limit_address_space(size_t bytes) {
  const rlimit limit = {bytes, bytes};
  if (setrlimit(RLIMIT_AS, &limit) != 0) _exit(99);
}

// 0, or what went wrong.
int work_in_a_smaller_reservation() {
  acre_options options = precise_options();
  options.reserve_bytes = 512 * kGiB;
  acre_heap* heap = nullptr;
  if (acre_heap_create(&options, &heap) != ACRE_OK) return 1;
  acre_stats stats = read_stats(heap);
  if (stats.reserved_asked != 512 * kGiB) return 2;
  if (stats.reserved < 64 * kMiB || stats.reserved > 2000000 * kKiB) return 3;
  if (stats.reserved != kGiB) return 4;
  acre_thread* thread = nullptr;
  if (acre_thread_attach(heap, &thread) != ACRE_OK) return 5;
  acre_handle* handle = acre_handle_new(thread, nullptr);
  for (int i = 0; i < 200000; ++i) {
    auto** object = static_cast<void**>(acre_alloc(thread, 1000, ACRE_KIND_CONSERVATIVE));
    if (object == nullptr) return 6;
    object[0] = i % 2 == 0 ? acre_handle_get(handle) : nullptr;
    acre_handle_set(handle, object);
  }
  acre_collect(thread);
  stats = read_stats(heap);
  if (stats.num_gc != 1) return 7;
  if (!heap_is_whole(heap)) return 8;
  // To the end of it: NULL, not a crash.
  acre_handle_set(handle, nullptr);
  acre_local local = {nullptr, nullptr};
  acre_local_push(thread, &local);
  size_t got = 0;
  for (;;) {
    auto** object = static_cast<void**>(acre_alloc(thread, 4 * kMiB, ACRE_KIND_CONSERVATIVE));
    if (object == nullptr) break;
    object[0] = local.object;
    local.object = object;
    got += 4 * kMiB;
  }
  if (acre_last_error(thread) != ACRE_E_NOMEM) return 9;
  if (got < stats.reserved / 2) return 10;
  if (!heap_is_whole(heap)) return 11;
  if (acre_heap_destroy(heap) != ACRE_OK) return 12;
  return 0;
}

BOOST_AUTO_TEST_CASE(under_a_limit_of_2_gb_the_heap_starts_smaller_and_works) {
  const ChildEnd end = in_forked_child([] {
    limit_address_space(2000000 * kKiB);  // ulimit -v 2000000
    return work_in_a_smaller_reservation();
  });
  BOOST_TEST(end.exited_with(0), "status " << end.status << ": " << end.stderr_text);
}

BOOST_AUTO_TEST_CASE(under_a_limit_of_60_mb_it_is_a_status) {
  const ChildEnd end = in_forked_child([] {
    limit_address_space(60000 * kKiB);  // ulimit -v 60000
    acre_heap* heap = reinterpret_cast<acre_heap*>(8);
    const acre_options options = precise_options();
    for (int i = 0; i < 3; ++i) {
      if (acre_heap_create(&options, &heap) != ACRE_E_ADDRESS_SPACE) return 1;
      if (heap != nullptr) return 2;
    }
    return acre_heap_create(nullptr, &heap) == ACRE_E_ADDRESS_SPACE ? 0 : 3;
  });
  BOOST_TEST(end.exited_with(0), "status " << end.status << ": " << end.stderr_text);
}

BOOST_AUTO_TEST_CASE(between_them_every_limit_gives_a_heap_or_a_status) {
  for (size_t mib = 64; mib <= 8192; mib = mib * 5 / 4) {
    const ChildEnd end = in_forked_child([mib] {
      limit_address_space(mib * kMiB);
      const acre_options options = precise_options();
      acre_heap* heap = nullptr;
      const acre_status status = acre_heap_create(&options, &heap);
      if (status == ACRE_E_ADDRESS_SPACE) return mib < 512 ? 0 : 1;
      if (status != ACRE_OK) return 2;
      acre_thread* thread = nullptr;
      if (acre_thread_attach(heap, &thread) != ACRE_OK) return 3;
      if (acre_alloc(thread, 1000, ACRE_KIND_LEAF) == nullptr) return 4;
      acre_collect(thread);
      return acre_heap_destroy(heap) == ACRE_OK ? 0 : 5;
    });
    BOOST_TEST(end.exited_with(0), mib << " MiB, status " << end.status << ": " << end.stderr_text);
  }
}

BOOST_AUTO_TEST_CASE(creating_a_heap_takes_less_than_a_mib) {
  acre_options options = plain_options();
  options.reserve_bytes = 512 * kGiB;
  const size_t before = resident_bytes();
  acre_heap* heaps[8] = {};
  const auto start = std::chrono::steady_clock::now();
  for (acre_heap*& heap : heaps) BOOST_TEST_REQUIRE(acre_heap_create(&options, &heap) == ACRE_OK);
  const auto took = std::chrono::steady_clock::now() - start;
  const size_t after = resident_bytes();
  BOOST_TEST((after - before) / 8 < kMiB);
  BOOST_TEST(acre_resident_bytes(heaps[0]) < kMiB);
  BOOST_TEST_MESSAGE((after - before) / 8 << " bytes and "
                                          << std::chrono::nanoseconds(took).count() / 8
                                          << " ns a heap");
  acre_thread* thread = nullptr;
  BOOST_TEST(acre_thread_attach(heaps[0], &thread) == ACRE_OK);
  (void)acre_alloc(thread, 16, ACRE_KIND_LEAF);
  BOOST_TEST(resident_bytes() - before < 8 * kMiB);
  for (acre_heap* heap : heaps) BOOST_TEST(acre_heap_destroy(heap) == ACRE_OK);
  BOOST_TEST(resident_bytes() <= after);
}

#endif

BOOST_AUTO_TEST_CASE(growth_by_small_objects_adds_few_mappings) {
  const int before = count_vmas();
  acre_options options = precise_options();
  Heap heap(options);
  const uint64_t goal = ACRE_TEST_SHADOW_MEMORY ? 256 * kMiB : 3 * kGiB;
  // Leaf objects whose content nobody asks for are not touched: it is about mappings, not memory.
  for (uint64_t got = 0; got < goal; got += 64) {
    if (acre_alloc_uninit(heap.thread, 64, ACRE_KIND_LEAF) == nullptr) BOOST_TEST_REQUIRE(false);
    if (got % kGiB == 0) (void)heap.alloc(500, ACRE_KIND_CONSERVATIVE);
  }
  BOOST_TEST(heap.stats().heap_sys >= goal);
  BOOST_TEST(vmas_since(before) <= 6);
  BOOST_TEST(heap.stats().vmas <= 6u);
  acre_release_memory(heap.thread);
  BOOST_TEST(vmas_since(before) <= 6);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
