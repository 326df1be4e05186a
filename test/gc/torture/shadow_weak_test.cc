// Weak references, ephemerons, weak tables, finalizers and cleanups of a random graph against a naive model, with
// torture modes, in both stack modes, by one thread and by several.

#include <boost/test/unit_test.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "test/gc/torture/shadow_weak.h"
#include "test/gc/torture/torture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

struct Setting {
  int gc_every = 0;
  int verify = 1;
  int conservative_stacks = 0;
  int mark_threads = 1;
  bool circles = false;
  unsigned threads = 1;
  double seconds = 0.7;
};

acre_options options(const Setting& setting) {
  acre_options options = quiet_options();
  options.gc_every = setting.gc_every;
  options.verify = setting.verify;
  options.clobber_free = 1;
  options.conservative_stacks = setting.conservative_stacks;
  options.mark_threads = setting.mark_threads;
  return options;
}

void run(WeakGraph& graph, double seconds) {
  const Deadline deadline(seconds);
  while (!deadline.passed() && graph.difference().empty()) {
    for (int i = 0; i < 200 && graph.difference().empty(); ++i) graph.step();
  }
}

void torture(const Setting& setting) {
  const uint64_t seed = random_seed();
  BOOST_TEST_MESSAGE("ACRE_TEST_SEED=" << seed);
  TestHeap heap(options(setting));
  const WeakSetting weak{setting.conservative_stacks == 0, setting.circles, true};
  WeakGraph graph(heap.get(), heap.thread(), seed, weak);
  run(graph, setting.seconds);
  if (graph.difference().empty() && setting.conservative_stacks == 0) graph.finish();
  BOOST_TEST(graph.difference().empty(), graph.difference() << ", ACRE_TEST_SEED=" << seed);
  BOOST_TEST(heap.complaints() == "");
}

void torture_by_threads(const Setting& setting) {
  const uint64_t seed = random_seed();
  BOOST_TEST_MESSAGE("ACRE_TEST_SEED=" << seed);
  TestHeap heap(options(setting));
  const WeakSetting weak{setting.conservative_stacks == 0, setting.circles, false};
  std::vector<std::string> differences(setting.threads);
  // Until the heap ends, because any thread may run callbacks for each.
  std::vector<std::unique_ptr<WeakGraph>> graphs(setting.threads);
  std::vector<std::thread> threads;
  acre_blocking_begin(heap.thread());
  for (unsigned i = 0; i < setting.threads; ++i) {
    threads.emplace_back([&, i] {
      acre_thread* thread = nullptr;
      if (acre_thread_attach(heap.get(), &thread) != ACRE_OK) std::abort();
      graphs[i] = std::make_unique<WeakGraph>(heap.get(), thread, seed + i, weak);
      run(*graphs[i], setting.seconds);
      if (graphs[i]->difference().empty() && setting.conservative_stacks == 0) graphs[i]->finish();
      differences[i] = graphs[i]->difference();
      if (acre_thread_detach(thread) != ACRE_OK) std::abort();
    });
  }
  for (std::thread& thread : threads) thread.join();
  acre_blocking_end(heap.thread());
  for (const std::string& difference : differences) {
    BOOST_TEST(difference.empty(), difference << ", ACRE_TEST_SEED=" << seed);
  }
  BOOST_TEST(heap.complaints() == "");
}

BOOST_AUTO_TEST_SUITE(shadow_weak)

BOOST_AUTO_TEST_CASE(exact) { torture({}); }
BOOST_AUTO_TEST_CASE(exact_with_circles) { torture({.circles = true}); }
BOOST_AUTO_TEST_CASE(collecting_at_every_allocation) { torture({.gc_every = 1}); }
BOOST_AUTO_TEST_CASE(collecting_at_every_seventh) { torture({.gc_every = 7, .circles = true}); }
BOOST_AUTO_TEST_CASE(several_markers) { torture({.gc_every = 3, .mark_threads = 3}); }
BOOST_AUTO_TEST_CASE(scanned_stacks) { torture({.gc_every = 5, .conservative_stacks = 1}); }
BOOST_AUTO_TEST_CASE(scanned_stacks_with_circles) {
  torture({.gc_every = 2, .conservative_stacks = 1, .circles = true});
}
BOOST_AUTO_TEST_CASE(threads) { torture_by_threads({.gc_every = 50, .threads = 4}); }
BOOST_AUTO_TEST_CASE(threads_with_circles_and_markers) {
  torture_by_threads({.gc_every = 20, .mark_threads = 2, .circles = true, .threads = 3});
}
BOOST_AUTO_TEST_CASE(threads_on_scanned_stacks) {
  torture_by_threads({.gc_every = 30, .conservative_stacks = 1, .threads = 3});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
