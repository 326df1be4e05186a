// A million suspended fibers: what each alone holds survives, they take no mapping each, and little memory. And
// where guards do take mappings, the budget of these is an answer, not the end.

#include <algorithm>
#include <chrono>
#include <fstream>

#include "runtime/os/limits.h"
#include "runtime/os/os.h"
#include "test/gc/api/heap_fixture.h"
#include "test/gc/cycle/test_heap.h"

namespace acre::test {
namespace {

void* number(long n) { return reinterpret_cast<void*>(n); }
long number(void* n) { return reinterpret_cast<long>(n); }

// Makes an object, and yields its content for as long as it is asked.
void* hold_object(acre_fiber* fiber, void* arg) {
  auto* object = static_cast<long*>(acre_alloc(acre_fiber_thread(fiber), 16, ACRE_KIND_LEAF));
  if (object == nullptr) return nullptr;
  object[1] = number(arg);
  while (acre_fiber_yield(fiber, number(object[1])) == nullptr) {
  }
  return object;
}

// Of what the process may have, as much as is free: a fiber takes 6 KiB with all that belongs to it.
long fibers_that_fit() {
  if (ACRE_TEST_SHADOW_MEMORY) return 2'000;
  std::ifstream file("/proc/meminfo");
  size_t available = 0;
  for (std::string word; file >> word;) {
    if (word == "MemAvailable:" && file >> available) break;
  }
  available = std::min(available * kKiB, rt::memory_ceiling().bytes.raw);
  if (available >= 12 * kGiB) return 1'000'000;
  const long fewer = std::max(static_cast<long>(available / 12 / kKiB / 1000 * 1000), 2'000L);
  BOOST_TEST_MESSAGE("only " << available / kMiB << " MiB are free: " << fewer << " fibers");
  return fewer;
}

// Whether the kernel has guards that are no mappings.
bool guards_are_free() {
  rt::Os os;
  os.init(nullptr);
  const rt::ByteCount page = os.page_size();
  const rt::Addr start = os.reserve(page * 3, page);
  BOOST_REQUIRE(os.commit(start, page * 3));
  BOOST_REQUIRE(os.guard(start + page, page));
  const bool is_free = os.counters().vmas == 1;
  BOOST_REQUIRE(os.unmap(start, page * 3));
  return is_free;
}

class Clock {
 public:
  explicit Clock(const char* what) : what_(what) {}
  ~Clock() {
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start_;
    BOOST_TEST_MESSAGE(what_ << ": " << taken.count() << " s");
  }
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

 private:
  const char* what_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

BOOST_AUTO_TEST_SUITE(fiber_million)

BOOST_AUTO_TEST_CASE(each_holds_its_object_with_a_page_of_memory_and_no_mapping) {
  const bool free_guards = guards_are_free();
  const long count = free_guards ? fibers_that_fit() : std::min(fibers_that_fit(), 20'000L);
  acre_options options = plain_options();
  options.reserve_bytes = 64 * kGiB;
  options.gc_percent = 100;
  Heap heap(options);
  const size_t table = static_cast<size_t>(count) * sizeof(void*);
  auto** fibers = static_cast<acre_fiber**>(heap.alloc(table, ACRE_KIND_CONSERVATIVE));
  BOOST_REQUIRE(fibers != nullptr);
  const Handle root(heap.thread, fibers);
  const int vmas_before = count_vmas();
  [[maybe_unused]] const size_t resident_before = resident_bytes();
  {
    const Clock clock("making them");
    for (long i = 0; i < count; ++i) {
      BOOST_REQUIRE(acre_fiber_new(heap.thread, 8 * kKiB, &hold_object, number(i), &fibers[i]) ==
                    ACRE_OK);
      if (number(acre_fiber_resume(heap.thread, fibers[i], nullptr)) != i) BOOST_FAIL("at " << i);
    }
  }
  {
    const Clock clock("collecting");
    heap.collect();
  }
  const acre_stats stats = heap.stats();
  check_identities(stats);
  BOOST_TEST(stats.stacks == static_cast<uint64_t>(count));
  BOOST_TEST(stats.live_objects >= 2 * static_cast<uint64_t>(count));
  BOOST_TEST(stats.num_gc >= (count > 100'000 ? 3u : 1u));
  if (free_guards) BOOST_TEST(vmas_since(vmas_before) < 100);
#if !ACRE_TEST_SHADOW_MEMORY
  const size_t each = (resident_bytes() - resident_before) / static_cast<size_t>(count);
  BOOST_TEST_MESSAGE(each << " resident bytes a fiber");
  BOOST_TEST(each <= 9 * kKiB);
  // The estimate is near what the kernel says.
  BOOST_TEST((stats.stack_sys - stats.stack_untouched) / static_cast<uint64_t>(count) <= 8 * kKiB);
#endif
  {
    const Clock clock("resuming each twice, with a collection between");
    for (int round = 0; round < 2; ++round) {
      for (long i = 0; i < count; ++i) {
        if (number(acre_fiber_resume(heap.thread, fibers[i], nullptr)) != i) BOOST_FAIL("at " << i);
      }
      if (round == 0) heap.collect();
    }
  }
  {
    const Clock clock("the end of every second, and of the others' references");
    for (long i = 0; i < count; i += 2) {
      auto* object = static_cast<long*>(acre_fiber_resume(heap.thread, fibers[i], number(1)));
      if (object[1] != i) BOOST_FAIL("at " << i);
    }
    BOOST_TEST(heap.stats().stacks == static_cast<uint64_t>(count / 2));
    std::fill_n(fibers, count, nullptr);
    scrub_stack();
    heap.collect();
    BOOST_TEST(heap.stats().stacks <= 4u);
  }
#if !ACRE_TEST_SHADOW_MEMORY
  {
    const Clock clock("giving all back");
    acre_release_memory(heap.thread);
  }
  // What stays is tables.
  const size_t left = resident_bytes() - std::min(resident_bytes(), resident_before);
  BOOST_TEST_MESSAGE(left / kMiB << " MiB stay resident");
  BOOST_TEST(left < static_cast<size_t>(count) * 512 + 8 * kMiB);
#endif
}

BOOST_AUTO_TEST_CASE(guards_that_take_mappings_end_in_a_limit_and_may_be_made_again) {
  rt::FaultPlan plan;
  plan.pretend_no_guard_advice();
  plan.pretend_max_map_count(static_cast<uint64_t>(count_vmas()) + 2'400);
  acre_options options = quiet_options(rt::kGiB);
  options.conservative_stacks = 1;
  const TestHeap heap(options, &plan);
  auto** fibers = reinterpret_cast<acre_fiber**>(heap.alloc(3'000 * sizeof(void*)));
  acre_handle* root = acre_handle_new(heap.thread(), fibers);
  long first = 0;
  for (int round = 0; round < 3; ++round) {
    long made = 0;
    acre_status status = ACRE_OK;
    while (made < 3'000) {
      status = acre_fiber_new(heap.thread(), 8 * kKiB, &hold_object, number(made), &fibers[made]);
      if (status != ACRE_OK) break;
      BOOST_REQUIRE(number(acre_fiber_resume(heap.thread(), fibers[made], nullptr)) == made);
      ++made;
    }
    BOOST_TEST(status == ACRE_E_LIMIT);
    BOOST_TEST(fibers[made] == nullptr);
    BOOST_TEST(made > 800);
    BOOST_TEST(made < 1'250);
    if (round == 0) first = made;
    BOOST_TEST(std::abs(made - first) < 20);
    // The heap is as good as ever.
    for (int i = 0; i < 1'000; ++i) BOOST_REQUIRE(heap.alloc(1'000) != nullptr);
    for (long i = 0; i < made; ++i) {
      BOOST_REQUIRE(number(acre_fiber_resume(heap.thread(), fibers[i], nullptr)) == i);
    }
    BOOST_TEST(heap.complaints() == "");
    // One that is done makes room for one, and dead ones are found when room is needed.
    (void)acre_fiber_resume(heap.thread(), fibers[5], number(1));
    BOOST_TEST(acre_fiber_new(heap.thread(), 8 * kKiB, &hold_object, nullptr, &fibers[5]) ==
               ACRE_OK);
    std::fill_n(fibers, 10, nullptr);
    scrub_stack();
    for (int i = 0; i < 5; ++i) {
      BOOST_TEST(acre_fiber_new(heap.thread(), 8 * kKiB, &hold_object, nullptr, &fibers[i]) ==
                 ACRE_OK);
    }
    std::fill_n(fibers, 3'000, nullptr);
    scrub_stack();
    acre_release_memory(heap.thread());
  }
  acre_handle_drop(root);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
