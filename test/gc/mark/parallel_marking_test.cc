// Several markers find exactly what a naive model reaches: the same objects, the same bytes, however many
// they are and however little room there is for what waits between them.

#include <atomic>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <map>
#include <vector>

#include "runtime/base/raw_memory.h"
#include "test/gc/mark/helper_threads.h"
#include "test/gc/mark/object_graph.h"
#include "test/runtime/base/forked_child.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

using rt::kKiB;
using rt::kMiB;

// Counts the threads that trace objects of the kind "counted and recorded".
std::atomic<unsigned> recorded_round{1};
std::atomic<unsigned> recorded_threads{0};
thread_local unsigned last_recorded = 0;

void start_recording() {
  ++recorded_round;
  recorded_threads = 0;
}

void trace_and_record(void* object, size_t size, acre_visitor* visitor) {
  const unsigned round = recorded_round.load(std::memory_order_relaxed);
  if (last_recorded != round) {
    last_recorded = round;
    ++recorded_threads;
  }
  trace_counted(object, size, visitor);
}

std::vector<ShadowKind> register_kinds(const TestHeap& heap) {
  std::vector<ShadowKind> kinds = register_shadow_kinds(heap.get());
  BOOST_REQUIRE(!kinds.empty());
  const acre_kind_info info = {sizeof(info), "recorded", &trace_and_record, nullptr, 0, 0};
  kinds.push_back({heap.kind(info), Layout::kCounted});
  return kinds;
}

acre_options options_for(int markers, uint64_t reserve = 512 * kMiB) {
  acre_options options = quiet_options(reserve);
  options.mark_threads = markers;
  options.clobber_free = 1;
  return options;
}

// Collects, and compares the heap with the model. Returns what lives.
ObjectGraph::Live collect_and_compare(const TestHeap& heap, ObjectGraph& graph) {
  ObjectGraph::Live live = graph.keep_live();
  acre_collect(heap.thread());
  const acre_stats stats = heap.stats();
  BOOST_REQUIRE_EQUAL(stats.live_after_gc, live.bytes);
  BOOST_REQUIRE_EQUAL(stats.live_objects, live.objects.size());
  BOOST_REQUIRE_EQUAL(stats.alloc, live.bytes);
  std::map<void*, size_t> found;
  for (const auto& object : heap.objects()) found.insert(object);
  BOOST_REQUIRE(found == live.objects);
  return live;
}

constexpr int kMarkers[] = {1, 2, 3, 7, 16};

BOOST_AUTO_TEST_SUITE(parallel_marking)

BOOST_DATA_TEST_CASE(the_model_is_matched_over_many_cycles, boost::unit_test::data::make(kMarkers),
                     markers) {
  TestHeap heap(options_for(markers));
  const std::vector<ShadowKind> kinds = register_kinds(heap);
  ObjectGraph graph(heap, kinds, random_seed());
  uint64_t into_next_stripe = 0;
  graph.grow(6000);
  for (int cycle = 0; cycle < 6; ++cycle) {
    graph.shrink();
    graph.grow(1500);
    const size_t before = graph.size();
    start_recording();
    const ObjectGraph::Live live = collect_and_compare(heap, graph);
    BOOST_TEST(live.objects.size() < before);
    BOOST_TEST(live.objects.size() > before / 8);
    into_next_stripe += live.into_next_stripe;
    BOOST_TEST(recorded_threads <= static_cast<unsigned>(markers));
    // Each marker scans some of what it marks, and each has stripes with such objects.
    if (markers > 1) BOOST_TEST(recorded_threads >= 2u);
    BOOST_TEST(heap.complaints() == "");
  }
  BOOST_TEST(into_next_stripe > 0u);
  BOOST_TEST(helper_threads() == static_cast<unsigned>(markers) - 1);
  graph.drop_roots();
  BOOST_TEST(collect_and_compare(heap, graph).objects.empty());
}

BOOST_DATA_TEST_CASE(it_is_matched_with_hardly_any_buffers, boost::unit_test::data::make(kMarkers),
                     markers) {
  const uint64_t seed = random_seed();
  for (uint64_t max_buffers = 0; max_buffers <= 20; ++max_buffers) {
    TestHeap heap(options_for(markers, 256 * kMiB));
    heap.get()->cycle.pool().init(&heap.core().space, max_buffers);
    const std::vector<ShadowKind> kinds = register_kinds(heap);
    ObjectGraph graph(heap, kinds, seed + max_buffers);
    for (int cycle = 0; cycle < 2; ++cycle) {
      graph.grow(700);
      collect_and_compare(heap, graph);
      graph.shrink();
    }
    BOOST_TEST(heap.complaints() == "");
    BOOST_TEST(heap.get()->cycle.pool().bytes().raw <=
               std::max(uint64_t{2}, max_buffers) * sizeof(gc::WorkBuffer));
  }
}

// Each step is another marker's, and there is never more than one to take: the others wait all the time.
BOOST_DATA_TEST_CASE(a_list_that_changes_stripes_at_each_step_is_followed_to_its_end,
                     boost::unit_test::data::make(kMarkers), markers) {
  TestHeap heap(options_for(markers));
  constexpr size_t kLength = 3000;
  std::vector<void**> nodes;
  for (size_t i = 0; i < kLength; ++i) nodes.push_back(heap.alloc(16 * kKiB));
  void* head = nullptr;
  BOOST_REQUIRE(acre_root_add(heap.get(), &head, sizeof(head), 0) == ACRE_OK);
  for (size_t i = 0; i < kLength; ++i) {
    void** node = nodes[i * 1301 % kLength];  // 1301 is prime
    acre_store(heap.thread(), node, &node[7], head);
    head = node;
  }
  for (int cycle = 0; cycle < 3; ++cycle) {
    acre_collect(heap.thread());
    BOOST_TEST(heap.stats().live_objects == kLength);
    BOOST_TEST(heap.stats().live_after_gc == kLength * 16 * kKiB);
  }
  head = nullptr;
  acre_collect(heap.thread());
  BOOST_TEST(heap.stats().live_objects == 0u);
}

// Pieces of it are given to others; its elements lie everywhere.
BOOST_DATA_TEST_CASE(one_array_of_many_pieces_is_shared_and_seen_whole,
                     boost::unit_test::data::make(kMarkers), markers) {
  TestHeap heap(options_for(markers));
  const unsigned char bits[] = {0x05};  // the first and third word of three
  const acre_kind triples = heap.kind({sizeof(acre_kind_info), "triples", nullptr, bits, 3, 0});
  constexpr size_t kWords = 300000;
  for (const acre_kind kind : {acre_kind{ACRE_KIND_CONSERVATIVE}, triples}) {
    acre_handle* root = acre_handle_new(heap.thread(), nullptr);
    void** array = heap.alloc(kWords * sizeof(void*), kind);
    acre_handle_set(root, array);
    size_t live = 1;
    for (size_t i = 0; i < kWords; ++i) {
      // References to and into the elements, at each offset.
      array[i] = reinterpret_cast<char*>(heap.alloc(48, ACRE_KIND_LEAF)) + i % 48;
      live += kind != triples || i % 3 != 1 ? 1 : 0;
    }
    acre_collect(heap.thread());
    BOOST_TEST(heap.stats().live_objects == live);
    BOOST_TEST(heap.stats().live_after_gc == acre_object_size(heap.get(), array) + (live - 1) * 48);
    acre_handle_drop(root);
    acre_collect(heap.thread());
    BOOST_TEST(heap.stats().live_objects == 0u);
  }
}

// Objects that begin in one stripe and end in the next, of every size class that has such, and nothing
// but a reference to their last word.
BOOST_DATA_TEST_CASE(an_object_is_kept_by_its_end_in_the_next_stripe,
                     boost::unit_test::data::make(kMarkers), markers) {
  TestHeap heap(options_for(markers));
  constexpr size_t kStripe = ObjectGraph::kStripeBytes;
  for (const size_t bytes : {27264ul, 21760ul, 19072ul, 9472ul, 6784ul, 40960ul, 200000ul}) {
    std::vector<void*> ends;
    uint64_t live_bytes = 0;
    for (int i = 0; i < 3000 && ends.size() < 40; ++i) {
      char* object = reinterpret_cast<char*>(heap.alloc(bytes));
      const size_t size = acre_object_size(heap.get(), object);
      const size_t start = reinterpret_cast<uintptr_t>(object) - heap.space().base().raw;
      if (start / kStripe == (start + size - 1) / kStripe) continue;
      ends.push_back(object + size - sizeof(void*) + ends.size() % 8);
      live_bytes += size;
    }
    BOOST_TEST(!ends.empty(), bytes);
    if (ends.empty()) continue;
    BOOST_REQUIRE(acre_root_add(heap.get(), ends.data(), ends.size() * sizeof(void*), 0) ==
                  ACRE_OK);
    acre_collect(heap.thread());
    BOOST_TEST(heap.stats().live_objects == ends.size(), bytes);
    BOOST_TEST(heap.stats().live_after_gc == live_bytes, bytes);
    BOOST_REQUIRE(acre_root_remove(heap.get(), ends.data()) == ACRE_OK);
  }
}

// ThreadSanitizer ends a child that makes threads after a process of several forked.
#if !defined(ACRE_SANITIZED)
BOOST_DATA_TEST_CASE(a_child_of_a_fork_collects_as_its_parent_does,
                     boost::unit_test::data::make(kMarkers), markers) {
  TestHeap heap(options_for(markers));
  const std::vector<ShadowKind> kinds = register_kinds(heap);
  ObjectGraph graph(heap, kinds, random_seed());
  graph.grow(2000);
  const auto live_objects = [&heap, &graph] {
    graph.shrink();
    graph.grow(500);
    const ObjectGraph::Live live = graph.keep_live();
    acre_collect(heap.thread());
    return heap.stats().live_objects == live.objects.size() && heap.complaints().empty();
  };
  for (const bool parent_first : {false, true}) {
    if (parent_first) BOOST_TEST(live_objects());
    const ChildEnd end = in_forked_child([&] {
      for (int cycle = 0; cycle < 3; ++cycle) {
        if (!live_objects()) return 1;
      }
      return acre_heap_destroy(heap.get()) == ACRE_OK ? 0 : 2;
    });
    BOOST_TEST(end.exited_with(0), end.status << end.stderr_text);
    BOOST_TEST(live_objects());
  }
}
#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
