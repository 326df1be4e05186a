// Every system call that a heap makes fails in turn: the n-th of its kind, or all from the n-th on, through
// creation, growth, collection, release and destruction, for n = 1, 2, 3, ... until a run ends before the
// fault is reached.

#include <unistd.h>

#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>

#include "acre/acre.h"
#include "gc/cycle/cycle.h"
#include "runtime/base/raw_memory.h"
#include "test/gc/cycle/test_heap.h"

namespace acre::test {
namespace {

using rt::FaultPlan;
using rt::kKiB;
using rt::kMiB;
using rt::OsCall;

// What the process has of the kernel.
struct Footprint {
  uint64_t vmas = 0;
  uint64_t mapped_kib = 0;
  uint64_t resident_kib = 0;

  static Footprint now() {
    Footprint footprint;
    std::ifstream maps("/proc/self/maps");
    for (std::string line; std::getline(maps, line);) {
      unsigned long start = 0;
      unsigned long end = 0;
      if (std::sscanf(line.c_str(), "%lx-%lx", &start, &end) != 2) continue;
      ++footprint.vmas;
      footprint.mapped_kib += (end - start) / kKiB;
    }
    std::ifstream statm("/proc/self/statm");
    uint64_t size = 0;
    uint64_t resident = 0;
    statm >> size >> resident;
    footprint.resident_kib = resident * static_cast<uint64_t>(getpagesize()) / kKiB;
    return footprint;
  }
};

// A list of objects, newest first, in a registered range: [next, number, payload], where the payload of
// some is a large leaf object that begins with the number.
class List {
 public:
  explicit List(acre_heap* heap) : heap_(heap) {
    BOOST_REQUIRE_EQUAL(acre_root_add(heap, &head_, sizeof(head_), 0), ACRE_OK);
  }
  ~List() { BOOST_CHECK_EQUAL(acre_root_remove(heap_, &head_), ACRE_OK); }
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  // False, and the list is as it was: no memory.
  bool push(acre_thread* thread, size_t payload_bytes) {
    void* node = allocate(thread, 3 * sizeof(void*), ACRE_KIND_CONSERVATIVE);
    if (node == nullptr) return false;
    auto** words = static_cast<void**>(node);
    acre_store(thread, node, &words[0], head_);
    static_cast<uint64_t*>(node)[1] = ++length_;
    head_ = node;
    if (payload_bytes == 0) return true;
    void* payload = allocate(thread, payload_bytes, ACRE_KIND_LEAF);
    if (payload == nullptr) return false;
    static_cast<uint64_t*>(payload)[0] = length_;
    acre_store(thread, node, &words[2], payload);
    return true;
  }

  void drop_newest(uint64_t count) {
    for (; count > 0 && head_ != nullptr; --count, --length_) head_ = *static_cast<void**>(head_);
  }

  void check() const {
    uint64_t number = length_;
    for (void* node = head_; node != nullptr; node = *static_cast<void**>(node), --number) {
      BOOST_REQUIRE_GE(acre_object_size(heap_, node), 3 * sizeof(void*));
      BOOST_REQUIRE_EQUAL(static_cast<uint64_t*>(node)[1], number);
      const auto* payload = static_cast<uint64_t*>(static_cast<void**>(node)[2]);
      if (payload != nullptr) BOOST_REQUIRE_EQUAL(payload[0], number);
    }
    BOOST_REQUIRE_EQUAL(number, 0);
  }

 private:
  static void* allocate(acre_thread* thread, size_t bytes, acre_kind kind) {
    void* object = acre_alloc(thread, bytes, kind);
    if (object == nullptr) BOOST_REQUIRE_EQUAL(acre_last_error(thread), ACRE_E_NOMEM);
    return object;
  }

  acre_heap* heap_;
  void* head_ = nullptr;
  uint64_t length_ = 0;
};

void is_whole(acre_heap* heap, const List& list) {
  std::string text;
  BOOST_REQUIRE_EQUAL(acre_verify(heap, &append_line, &text), ACRE_OK);
  BOOST_REQUIRE_EQUAL(text, "");
  list.check();
  heap->core.os.check();
}

// 2000 small objects and 128 MiB of large ones. Gives up after some refusals: each costs a collection.
void grow(acre_heap* heap, acre_thread* thread, List& list) {
  int refusals = 0;
  for (int i = 0; i < 2000 && refusals < 10; ++i) {
    if (!list.push(thread, i % 100 != 0 ? 0 : i % 200 == 0 ? 9 * kMiB : 3 * kMiB)) ++refusals;
  }
  is_whole(heap, list);
}

void live(acre_heap* heap, acre_thread* thread) {
  List list(heap);
  grow(heap, thread, list);
  acre_collect(thread);
  is_whole(heap, list);
  list.drop_newest(1000);
  acre_release_memory(thread);
  is_whole(heap, list);
  (void)acre_resident_bytes(heap);
  grow(heap, thread, list);
  acre_set_memory_limit(heap, 32 * kMiB);
  list.drop_newest(1500);
  acre_collect(thread);
  is_whole(heap, list);
}

acre_options options() {
  acre_options options = quiet_options(256 * kMiB);
  options.gc_percent = 100;
  options.huge_pages = ACRE_HUGE_PAGES_NEVER;
  return options;
}

void one_life(FaultPlan* plan) {
  acre_heap* heap = nullptr;
  const acre_status created = acre_heap::create(options(), plan, &heap);
  if (created != ACRE_OK) {
    BOOST_REQUIRE(heap == nullptr);
    BOOST_REQUIRE(created == ACRE_E_NOMEM || created == ACRE_E_ADDRESS_SPACE);
    return;
  }
  acre_thread* thread = nullptr;
  BOOST_REQUIRE_EQUAL(acre_thread_attach(heap, &thread), ACRE_OK);
  live(heap, thread);
  acre_status destroyed = acre_heap_destroy(heap);
  if (destroyed != ACRE_OK) {
    BOOST_REQUIRE_EQUAL(destroyed, ACRE_E_NOMEM);
    // The heap is still one.
    BOOST_REQUIRE_EQUAL(acre_thread_attach(heap, &thread), ACRE_OK);
    live(heap, thread);
    plan->clear();
    destroyed = acre_heap_destroy(heap);
  }
  BOOST_REQUIRE_EQUAL(destroyed, ACRE_OK);
}

// Where sanitizers keep memory for later, footprints say nothing.
void is_as_before(const Footprint& before) {
#if !defined(ACRE_SANITIZED)
  const Footprint after = Footprint::now();
  BOOST_REQUIRE_LE(after.vmas, before.vmas);
  BOOST_REQUIRE_LE(after.mapped_kib, before.mapped_kib + 512);
  BOOST_REQUIRE_LE(after.resident_kib, before.resident_kib + 1024);
#else
  (void)before;
#endif
}

uint64_t lives_until_passed(OsCall kind, uint64_t how_many) {
  one_life(nullptr);  // so that malloc and stdio have what they need
  const Footprint before = Footprint::now();
  for (uint64_t nth = 1;; ++nth) {
    FaultPlan plan;
    plan.fail(kind, nth, how_many);
    BOOST_TEST_CONTEXT(rt::name_of(kind)
                       << " call " << nth << " fails, and " << how_many - 1 << " after it") {
      one_life(&plan);
      is_as_before(before);
    }
    if (plan.calls(kind) < nth) return nth - 1;
  }
}

constexpr OsCall kAll[] = {OsCall::kReserve,  OsCall::kCommit, OsCall::kRelease, OsCall::kAdvise,
                           OsCall::kPopulate, OsCall::kUnmap,  OsCall::kQuery};

BOOST_AUTO_TEST_SUITE(faults)

BOOST_DATA_TEST_CASE(a_heap_survives_the_failure_of_any_one_call,
                     boost::unit_test::data::make({0, 1, 2, 3, 4, 5}), i) {
  BOOST_TEST(lives_until_passed(kAll[i], 1) >= 1);
}

BOOST_DATA_TEST_CASE(a_heap_survives_when_a_call_fails_from_some_time_on,
                     boost::unit_test::data::make({0, 1, 2, 3, 4, 5}), i) {
  BOOST_TEST(lives_until_passed(kAll[i], UINT64_MAX) >= 1);
}

BOOST_AUTO_TEST_CASE(without_a_reservation_the_status_says_so) {
  FaultPlan plan;
  plan.fail(OsCall::kReserve, 1, UINT64_MAX);
  acre_heap* heap = nullptr;
  BOOST_TEST(acre_heap::create(options(), &plan, &heap) == ACRE_E_ADDRESS_SPACE);
  BOOST_TEST(heap == nullptr);
}

BOOST_AUTO_TEST_CASE(without_memory_for_the_books_the_status_says_so) {
  FaultPlan plan;
  plan.fail(OsCall::kCommit, 1, UINT64_MAX);
  acre_heap* heap = nullptr;
  BOOST_TEST(acre_heap::create(options(), &plan, &heap) == ACRE_E_NOMEM);
  BOOST_TEST(heap == nullptr);
}

BOOST_AUTO_TEST_CASE(what_a_refused_growth_left_undone_is_done_at_the_next) {
  FaultPlan plan;
  TestHeap heap(options(), &plan);
  plan.fail(OsCall::kCommit, 1, UINT64_MAX);
  BOOST_TEST(acre_alloc(heap.thread(), 16, ACRE_KIND_LEAF) == nullptr);
  BOOST_TEST(acre_last_error(heap.thread()) == ACRE_E_NOMEM);
  BOOST_TEST(acre_alloc(heap.thread(), kMiB, ACRE_KIND_LEAF) == nullptr);
  BOOST_TEST(heap.complaints() == "");
  plan.clear();
  BOOST_TEST(acre_alloc(heap.thread(), 16, ACRE_KIND_LEAF) != nullptr);
  BOOST_TEST(acre_alloc(heap.thread(), kMiB, ACRE_KIND_LEAF) != nullptr);
  BOOST_TEST(heap.complaints() == "");
}

BOOST_AUTO_TEST_CASE(pages_that_the_kernel_does_not_take_back_are_not_taken_for_zero) {
  FaultPlan plan;
  TestHeap heap(options(), &plan);
  void* object = acre_alloc(heap.thread(), kMiB, ACRE_KIND_LEAF);
  BOOST_REQUIRE(object != nullptr);
  memset(object, 0x77, kMiB);
  plan.fail(OsCall::kRelease, 1, UINT64_MAX);
  acre_release_memory(heap.thread());
  BOOST_TEST(heap.stats().heap_idle > heap.stats().heap_released);
  const auto* again = static_cast<const char*>(acre_alloc(heap.thread(), kMiB, ACRE_KIND_LEAF));
  BOOST_REQUIRE(again == object);
  for (size_t i = 0; i < kMiB; ++i) BOOST_REQUIRE(again[i] == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
