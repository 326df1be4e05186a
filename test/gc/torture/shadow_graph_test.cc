// One thread mutates a heap at random under many settings; after each collection the heap holds exactly
// what the model reaches.

#include "test/gc/torture/shadow_graph.h"

#include <boost/test/unit_test.hpp>
#include <random>

#include "test/gc/torture/torture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

using rt::kMiB;

struct Setting {
  const char* name;
  uint64_t reserve_mib = 256;
  int gc_percent = 100;
  int gc_every = 0;
  int clobber_free = 1;
  int verify = 0;
  int check_barriers = 0;
  int conservative_stacks = 0;
  int mark_threads = 0;
  size_t live_mib = 8;
  size_t largest_mib = 4;
  uint64_t steps_between_checks = 2000;
  size_t memory_limit = ACRE_NO_LIMIT;
  bool hoard = false;  // and expect that memory runs out
  double seconds = 0.7;
};

acre_options options_of(const Setting& setting) {
  acre_options options = quiet_options(setting.reserve_mib * kMiB);
  options.gc_percent = setting.gc_percent;
  options.gc_every = setting.gc_every;
  options.clobber_free = setting.clobber_free;
  options.verify = setting.verify;
  options.check_barriers = setting.check_barriers;
  options.conservative_stacks = setting.conservative_stacks;
  options.mark_threads = setting.mark_threads;
  options.memory_limit = setting.memory_limit;
  return options;
}

void collect_and_compare(const TestHeap& heap, ShadowGraph& graph, bool exact_roots) {
  acre_collect(heap.thread());
  graph.check();
  ShadowGraph::Reached reached;
  graph.purge(&reached);
  BOOST_REQUIRE_EQUAL(compare_with_walk(heap.get(), reached, exact_roots), "");
  if (exact_roots) BOOST_REQUIRE_EQUAL(heap.stats().live_objects, reached.size());
}

void run(const Setting& setting) {
  const uint64_t seed = random_seed();
  const bool exact_roots = setting.conservative_stacks == 0;
  TestHeap heap(options_of(setting));
  const std::vector<ShadowKind> kinds = register_shadow_kinds(heap.get());
  std::mt19937_64 random(seed ^ 1);
  const Deadline deadline(setting.seconds);
  {
    ShadowGraph graph(heap.get(), heap.thread(), kinds, seed,
                      {.live_bytes = setting.live_mib * kMiB,
                       .largest_bytes = setting.largest_mib * kMiB,
                       .hoard = setting.hoard});
    uint64_t rounds = 0;
    do {
      for (uint64_t i = 0; i < setting.steps_between_checks; ++i) graph.step(heap.thread());
      collect_and_compare(heap, graph, exact_roots);
      if (random() % 4 == 0) BOOST_REQUIRE_EQUAL(heap.complaints(), "");
      if (!setting.hoard && random() % 4 == 0) {
        BOOST_REQUIRE_EQUAL(acre_audit_roots(heap.get(), nullptr, nullptr, nullptr),
                            exact_roots ? ACRE_OK : ACRE_E_STATE);
      }
      if (random() % 16 == 0) {
        acre_release_memory(heap.thread());
        graph.check();
      }
      if (!setting.hoard && random() % 16 == 0) graph.drop_half_of_roots();
      ++rounds;
    } while (!deadline.passed() || (setting.hoard && graph.out_of_memory() == 0));
    if (setting.hoard) BOOST_TEST(graph.out_of_memory() > 0);
    BOOST_TEST_MESSAGE(setting.name << ": " << rounds << " rounds, " << heap.stats().num_gc
                                    << " collections, out of memory " << graph.out_of_memory());
    graph.drop_all_roots();
    if (exact_roots) {
      collect_and_compare(heap, graph, exact_roots);
      BOOST_TEST(heap.objects().empty());
    }
  }
  BOOST_REQUIRE_EQUAL(heap.complaints(), "");
}

BOOST_AUTO_TEST_SUITE(shadow_graph)

BOOST_AUTO_TEST_CASE(the_heap_holds_what_the_model_reaches) { run({.name = "plain"}); }

BOOST_AUTO_TEST_CASE(it_does_with_a_stack_that_may_hold_references) {
  run({.name = "conservative", .conservative_stacks = 1});
}

BOOST_AUTO_TEST_CASE(it_does_with_several_markers) {
  run({.name = "2 markers", .mark_threads = 2});
  run({.name = "3 markers, conservative", .conservative_stacks = 1, .mark_threads = 3});
}

BOOST_AUTO_TEST_CASE(it_does_when_each_allocation_collects) {
  run({.name = "gc_every 1",
       .gc_every = 1,
       .live_mib = 1,
       .largest_mib = 1,
       .steps_between_checks = 100});
}

BOOST_AUTO_TEST_CASE(it_does_when_stores_are_checked) {
  run({.name = "check_barriers",
       .gc_every = 50,
       .check_barriers = 2,
       .live_mib = 2,
       .largest_mib = 1,
       .steps_between_checks = 500});
}

BOOST_AUTO_TEST_CASE(it_does_when_each_seventh_allocation_collects_and_verifies) {
  run({.name = "gc_every 7",
       .gc_every = 7,
       .verify = 1,
       .mark_threads = 3,
       .live_mib = 1,
       .largest_mib = 1,
       .steps_between_checks = 200});
}

BOOST_AUTO_TEST_CASE(it_does_when_each_thousandth_allocation_collects_and_verifies) {
  run({.name = "gc_every 1000", .gc_every = 1000, .verify = 1, .mark_threads = 2});
}

BOOST_AUTO_TEST_CASE(it_does_without_clobbering) { run({.name = "clobber 0", .clobber_free = 0}); }

BOOST_AUTO_TEST_CASE(it_does_with_percentages_that_are_tiny_or_large) {
  run({.name = "percent 10", .gc_percent = 10, .seconds = 0.5});
  run({.name = "percent 1500", .gc_percent = 1500, .seconds = 0.5});
}

BOOST_AUTO_TEST_CASE(it_does_at_a_memory_limit) {
  run({.name = "limit 16 MiB", .mark_threads = 2, .memory_limit = 16 * kMiB});
}

BOOST_AUTO_TEST_CASE(it_does_in_64_mib_that_run_out) {
  run({.name = "64 MiB",
       .reserve_mib = 64,
       .mark_threads = 2,
       .live_mib = 1000,
       .hoard = true,
       .seconds = 1.5});
}

BOOST_AUTO_TEST_CASE(it_does_in_64_mib_that_run_out_with_collections_off) {
  run({.name = "64 MiB, percent off", .reserve_mib = 64, .gc_percent = -1, .live_mib = 60});
}

BOOST_AUTO_TEST_CASE(it_does_in_256_mib_that_run_out) {
  run({.name = "256 MiB",
       .reserve_mib = 256,
       .live_mib = 1000,
       .largest_mib = 32,
       .steps_between_checks = 4000,
       .hoard = true,
       .seconds = 2});
}

BOOST_AUTO_TEST_CASE(two_heaps_live_side_by_side) {
  const uint64_t seed = random_seed();
  TestHeap first(options_of({.name = "first", .gc_every = 50, .mark_threads = 2}));
  TestHeap second(
      options_of({.name = "second", .reserve_mib = 64, .gc_percent = 50, .mark_threads = 3}));
  const auto first_kinds = register_shadow_kinds(first.get());
  const auto second_kinds = register_shadow_kinds(second.get());
  ShadowGraph a(first.get(), first.thread(), first_kinds, seed, {.live_bytes = 2 * kMiB});
  ShadowGraph b(second.get(), second.thread(), second_kinds, seed + 1, {.live_bytes = 4 * kMiB});
  std::mt19937_64 random(seed);
  const Deadline deadline(1);
  do {
    for (int i = 0; i < 1000; ++i) {
      if (random() % 3 == 0) {
        a.step(first.thread());
      } else {
        b.step(second.thread());
      }
    }
    // A collection of one changes nothing in the other.
    const uint64_t collections = second.stats().num_gc;
    acre_collect(first.thread());
    BOOST_TEST(second.stats().num_gc == collections);
    b.check();
    collect_and_compare(first, a, true);
    if (random() % 2 == 0) collect_and_compare(second, b, true);
  } while (!deadline.passed());
  BOOST_REQUIRE_EQUAL(first.complaints(), "");
  BOOST_REQUIRE_EQUAL(second.complaints(), "");
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
