// vm.overcommit_memory=2: what is writable is charged, whether touched or not. A heap writes out little more
// than it uses, gives the charge back with the memory, and says NULL when no more is granted.
//
// Pretended, so that it runs anywhere; overcommit_mode_test.cc is in the true mode.

#include <memory>
#include <random>

#include "gc/cycle/cycle.h"
#include "test/gc/api/process_view.h"
#include "test/gc/cycle/test_heap.h"
#include "test/gc/torture/torture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

using rt::FaultPlan;
using rt::kKiB;
using rt::kMiB;
using rt::OsCall;

acre_options options_here(uint64_t reserve_bytes = 256 * kMiB) {
  acre_options options = quiet_options(reserve_bytes);
  options.gc_percent = 100;
  options.mark_threads = 1;
  return options;
}

struct StrictHeap {
  FaultPlan plan;
  std::unique_ptr<TestHeap> heap;

  explicit StrictHeap(const acre_options& options = options_here()) {
    plan.pretend_strict_overcommit();
    heap = std::make_unique<TestHeap>(options, &plan);
  }
  acre_stats stats() const { return heap->stats(); }
};

// A list in a handle; each object is written from end to end and knows its size.
class List {
 public:
  explicit List(acre_thread* thread) : thread_(thread), head_(acre_handle_new(thread, nullptr)) {}
  ~List() { acre_handle_drop(head_); }
  List(const List&) = delete;
  List& operator=(const List&) = delete;

  bool ok() const { return head_ != nullptr; }
  bool push(size_t bytes) {
    auto** node = static_cast<void**>(acre_alloc(thread_, bytes, ACRE_KIND_CONSERVATIVE));
    if (node == nullptr) {
      BOOST_REQUIRE_EQUAL(acre_last_error(thread_), ACRE_E_NOMEM);
      return false;
    }
    for (size_t i = 0; i < bytes / sizeof(void*); ++i) {
      if (node[i] != nullptr) BOOST_REQUIRE_MESSAGE(false, "a new object is zero");
      node[i] = reinterpret_cast<void*>(bytes);
    }
    node[0] = acre_handle_get(head_);
    acre_handle_set(head_, node);
    return true;
  }
  // Objects of many sizes.
  void grow(size_t bytes, std::mt19937_64& random) {
    int refused = 0;
    for (size_t got = 0; got < bytes && refused < 5;) {
      const size_t size =
          random() % 30 == 0 ? 64 * kKiB + random() % (5 * kMiB) : 24 + random() % 9000;
      if (!push(size / 16 * 16)) ++refused;
      got += size;
    }
  }
  void drop_all() { acre_handle_set(head_, nullptr); }
  void drop_half() {
    for (auto** node = static_cast<void**>(acre_handle_get(head_)); node != nullptr;
         node = static_cast<void**>(node[0])) {
      auto** next = static_cast<void**>(node[0]);
      if (next != nullptr) node[0] = next[0];
    }
  }
  void check() const {
    for (auto** node = static_cast<void**>(acre_handle_get(head_)); node != nullptr;
         node = static_cast<void**>(node[0])) {
      const auto bytes = reinterpret_cast<size_t>(node[1]);
      for (size_t i = 2; i < bytes / sizeof(void*); i += 97) {
        if (node[i] != node[1]) BOOST_REQUIRE_MESSAGE(false, "an object is as it was written");
      }
    }
  }

 private:
  acre_thread* thread_;
  acre_handle* head_;
};

void is_whole(acre_heap* heap, const List& list) {
  list.check();
  std::string text;
  BOOST_REQUIRE_EQUAL(acre_verify(heap, &append_line, &text), ACRE_OK);
  BOOST_REQUIRE_EQUAL(text, "");
  heap->core.os.check();
}

// Growth, collection, release, and all that again. Whatever is refused on the way.
void live(acre_heap* heap, acre_thread* thread, uint64_t seed) {
  std::mt19937_64 random(seed);
  List list(thread);
  if (!list.ok()) return;
  for (int round = 0; round < 2; ++round) {
    list.grow(14 * kMiB, random);
    is_whole(heap, list);
    list.drop_half();
    acre_collect(thread);
    acre_release_memory(thread);
    is_whole(heap, list);
    acre_set_memory_limit(heap, 12 * kMiB);
    list.grow(8 * kMiB, random);
    is_whole(heap, list);
    acre_set_memory_limit(heap, ACRE_NO_LIMIT);
    list.drop_all();
    acre_release_memory(thread);
    is_whole(heap, list);
  }
}

// From creation to the end.
void live_or_not(FaultPlan& plan) {
  acre_heap* heap = nullptr;
  acre_thread* thread = nullptr;
  const acre_status created = acre_heap::create(options_here(), &plan, &heap);
  if (created != ACRE_OK) {
    BOOST_REQUIRE(created == ACRE_E_NOMEM || created == ACRE_E_ADDRESS_SPACE);
    BOOST_REQUIRE(heap == nullptr);
    return;
  }
  const acre_status attached = acre_thread_attach(heap, &thread);
  if (attached == ACRE_OK) {
    live(heap, thread, 1);
  } else {
    BOOST_REQUIRE_EQUAL(attached, ACRE_E_NOMEM);
  }
  BOOST_REQUIRE_EQUAL(acre_heap_destroy(heap), ACRE_OK);
}

BOOST_AUTO_TEST_SUITE(strict_commit)

BOOST_AUTO_TEST_CASE(an_empty_heap_is_charged_little_and_a_full_one_what_it_holds) {
  StrictHeap strict(options_here(uint64_t{8} << 30));
  BOOST_TEST(strict.stats().strict_commit == 1u);
  BOOST_TEST(strict.stats().committed < 16 * kMiB);
  List list(strict.heap->thread());
  for (int i = 0; i < 100; ++i) BOOST_TEST_REQUIRE(list.push(kMiB));
  BOOST_TEST(strict.stats().committed >= 100 * kMiB);
  BOOST_TEST(strict.stats().committed < 130 * kMiB);
  BOOST_TEST(strict.heap->complaints() == "");
}

BOOST_AUTO_TEST_CASE(the_charge_falls_with_the_memory_and_comes_back) {
  StrictHeap strict;
  List list(strict.heap->thread());
  std::mt19937_64 random(random_seed());
  const uint64_t empty = strict.stats().committed;
  for (int round = 0; round < 3; ++round) {
    list.grow(120 * kMiB, random);
    const uint64_t full = strict.stats().committed;
    BOOST_TEST(full >= 110 * kMiB);
    list.drop_all();
    acre_release_memory(strict.heap->thread());
    const acre_stats stats = strict.stats();
    BOOST_TEST(stats.committed < empty + 20 * kMiB);
    BOOST_TEST(stats.heap_released > 100 * kMiB);
    is_whole(strict.heap->get(), list);
  }
}

BOOST_AUTO_TEST_CASE(in_the_background_the_charge_falls_too) {
  StrictHeap strict;
  List list(strict.heap->thread());
  for (int i = 0; i < 120; ++i) BOOST_TEST_REQUIRE(list.push(kMiB));
  list.drop_all();
  acre_collect(strict.heap->thread());
  acre_blocking_begin(strict.heap->thread());
  BOOST_TEST(comes_true(60, [&] { return strict.stats().committed < 40 * kMiB; }));
  acre_blocking_end(strict.heap->thread());
  BOOST_TEST(strict.stats().released_background > 0u);
  for (int i = 0; i < 120; ++i) BOOST_TEST_REQUIRE(list.push(kMiB));
  is_whole(strict.heap->get(), list);
}

// Each refused once, at the n-th call of its kind, and from then on for a while.
BOOST_AUTO_TEST_CASE(a_refusal_of_any_call_at_any_time_is_survived) {
  for (const OsCall call :
       {OsCall::kCommit, OsCall::kRelease, OsCall::kAdvise, OsCall::kDecommit}) {
    uint64_t calls = 0;
    {
      FaultPlan counting;
      counting.pretend_strict_overcommit();
      live_or_not(counting);
      calls = counting.calls(call);
    }
    BOOST_TEST(calls > 0u, rt::name_of(call));
    BOOST_TEST_MESSAGE(rt::name_of(call) << ": " << calls << " calls in a life");
    // All of the first, which are the creation's, then a sample.
    for (uint64_t nth = 1; nth <= calls; nth += 1 + nth * 2 / 3) {
      for (const uint64_t how_many : {uint64_t{1}, UINT64_MAX}) {
        BOOST_TEST_CONTEXT(rt::name_of(call) << " call " << nth << ", " << how_many) {
          FaultPlan plan;
          plan.pretend_strict_overcommit();
          plan.fail(call, nth, how_many);
          live_or_not(plan);
        }
      }
    }
  }
}

// As test/gc/torture does, with the charge counted.
BOOST_AUTO_TEST_CASE(the_heap_holds_what_the_model_reaches) {
  for (const int gc_every : {0, 50}) {
    acre_options options = options_here();
    options.gc_every = gc_every;
    options.clobber_free = 1;
    StrictHeap strict(options);
    TestHeap& heap = *strict.heap;
    const std::vector<ShadowKind> kinds = register_shadow_kinds(heap.get());
    const uint64_t seed = random_seed();
    std::mt19937_64 random(seed);
    const Deadline deadline(1.5);
    ShadowGraph graph(heap.get(), heap.thread(), kinds, seed,
                      {.live_bytes = 16 * kMiB, .largest_bytes = 6 * kMiB});
    do {
      for (int i = 0; i < 300; ++i) graph.step(heap.thread());
      if (random() % 3 == 0) acre_release_memory(heap.thread());
      if (random() % 5 == 0) graph.drop_half_of_roots();
      acre_collect(heap.thread());
      graph.check();
      ShadowGraph::Reached reached;
      graph.purge(&reached);
      BOOST_REQUIRE_EQUAL(compare_with_walk(heap.get(), reached, true), "");
      BOOST_REQUIRE_EQUAL(heap.complaints(), "");
      heap.core().os.check();
    } while (!deadline.passed());
    BOOST_TEST(strict.plan.calls(OsCall::kDecommit) > 0u);
    graph.drop_all_roots();
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
