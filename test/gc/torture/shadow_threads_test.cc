// Threads mutate one heap at once, each its own graph, and change graphs at a meeting after each round, so
// that what one allocated another frees. At the meeting one of them collects and compares all graphs.

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "test/gc/torture/torture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

using rt::kMiB;

class Meeting {
 public:
  explicit Meeting(unsigned threads) { pthread_barrier_init(&barrier_, nullptr, threads); }
  ~Meeting() { pthread_barrier_destroy(&barrier_); }
  Meeting(const Meeting&) = delete;
  Meeting& operator=(const Meeting&) = delete;
  // `thread` does not delay collections while it waits.
  void wait(acre_thread* thread) {
    acre_blocking_begin(thread);
    pthread_barrier_wait(&barrier_);
    acre_blocking_end(thread);
  }

 private:
  pthread_barrier_t barrier_;
};

struct Setting {
  uint64_t reserve_mib = 256;
  int gc_every = 0;
  int verify = 0;
  int check_barriers = 0;
  int conservative_stacks = 0;
  int mark_threads = 0;
  size_t live_mib = 4;
  bool hoard = false;  // and expect that memory runs out
  int steps = 2000;
  unsigned threads = 4;
  double seconds = 1;
};

class Swarm {
 public:
  Swarm(const Setting& setting, uint64_t seed)
      : setting_(setting),
        seed_(seed),
        heap_(options(setting)),
        kinds_(register_shadow_kinds(heap_.get())),
        meeting_(setting.threads),
        deadline_(setting.seconds) {
    for (unsigned i = 0; i < setting.threads; ++i) {
      const ShadowLimits limits{
          .live_bytes = setting.live_mib * kMiB, .exclusive = false, .hoard = setting.hoard};
      graphs_.push_back(
          std::make_unique<ShadowGraph>(heap_.get(), heap_.thread(), kinds_, seed + i, limits));
    }
  }

  void start() {
    acre_blocking_begin(heap_.thread());
    for (unsigned i = 0; i < setting_.threads; ++i) {
      threads_.emplace_back([this, i] { body(i); });
    }
    observer_ = std::thread([this] { observe(); });
  }

  void finish() {
    for (std::thread& thread : threads_) thread.join();
    ended_ = true;
    observer_.join();
    acre_blocking_end(heap_.thread());
    BOOST_TEST(difference_ == "");
    BOOST_TEST(!attach_failed_);
    BOOST_TEST(heap_.complaints() == "");
    BOOST_TEST(heap_.stats().threads == 1);
    uint64_t out_of_memory = 0;
    for (auto& graph : graphs_) {
      out_of_memory += graph->out_of_memory();
      graph->drop_all_roots();
    }
    if (setting_.hoard) BOOST_TEST(out_of_memory > 0);
    if (setting_.conservative_stacks == 0) {
      acre_collect(heap_.thread());
      BOOST_TEST(heap_.objects().empty());
      BOOST_TEST(heap_.stats().live_objects == 0);
    }
    BOOST_TEST_MESSAGE(rounds_ << " rounds, " << heap_.stats().num_gc << " collections");
  }

 private:
  static acre_options options(const Setting& setting) {
    acre_options options = quiet_options(setting.reserve_mib * kMiB);
    options.gc_percent = 100;
    options.clobber_free = 1;
    options.gc_every = setting.gc_every;
    options.verify = setting.verify;
    options.check_barriers = setting.check_barriers;
    options.conservative_stacks = setting.conservative_stacks;
    options.mark_threads = setting.mark_threads;
    return options;
  }

  acre_thread* attach() {
    acre_thread* thread = nullptr;
    if (acre_thread_attach(heap_.get(), &thread) != ACRE_OK) attach_failed_ = true;
    return thread;
  }

  void body(unsigned index) {
    std::mt19937_64 random(seed_ * 31 + index);
    acre_thread* thread = attach();
    for (unsigned round = 0; !stop_; ++round) {
      ShadowGraph& graph = *graphs_[(index + round) % graphs_.size()];
      for (int i = 0; i < setting_.steps; ++i) {
        graph.step(thread);
        acre_safepoint(thread);
        if (random() % 512 == 0) {
          acre_blocking_begin(thread);
          acre_blocking_begin(thread);
          sched_yield();
          acre_blocking_end(thread);
          acre_blocking_end(thread);
        }
        if (random() % 1024 == 0) {
          acre_thread_detach(thread);
          thread = attach();
        }
        if (random() % 2048 == 0) graph.check();
      }
      meeting_.wait(thread);
      if (index == 0) compare(thread);
      meeting_.wait(thread);
    }
    // Every second one leaves it to the exit of the thread.
    if (index % 2 == 0) acre_thread_detach(thread);
  }

  void compare(acre_thread* thread) {
    ++rounds_;
    acre_collect(thread);
    ShadowGraph::Reached reached;
    for (auto& graph : graphs_) {
      graph->check();
      graph->purge(&reached);
    }
    difference_ += compare_with_walk(heap_.get(), reached, setting_.conservative_stacks == 0);
    stop_ = deadline_.passed() || !difference_.empty();
  }

  // A thread that is not attached looks on.
  void observe() {
    while (!ended_) {
      (void)heap_.stats();
      (void)acre_object_base(heap_.get(), this);
      if (acre_verify(heap_.get(), &append_line, &verify_text_) != ACRE_OK) {
        std::fprintf(stderr, "verify: %s\n", verify_text_.c_str());
        std::abort();
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }

  Setting setting_;
  uint64_t seed_;
  TestHeap heap_;
  std::vector<ShadowKind> kinds_;
  Meeting meeting_;
  Deadline deadline_;
  std::vector<std::unique_ptr<ShadowGraph>> graphs_;
  std::vector<std::thread> threads_;
  std::thread observer_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> ended_{false};
  std::atomic<bool> attach_failed_{false};
  std::string difference_;
  std::string verify_text_;
  uint64_t rounds_ = 0;
};

void run(const Setting& setting) {
  Swarm swarm(setting, random_seed());
  swarm.start();
  swarm.finish();
}

BOOST_AUTO_TEST_SUITE(shadow_threads)

BOOST_AUTO_TEST_CASE(four_threads_share_a_heap) { run({}); }

BOOST_AUTO_TEST_CASE(four_threads_share_a_heap_that_three_mark) { run({.mark_threads = 3}); }

BOOST_AUTO_TEST_CASE(four_threads_share_a_heap_with_stacks_that_may_hold_references) {
  run({.conservative_stacks = 1, .mark_threads = 2});
}

BOOST_AUTO_TEST_CASE(four_threads_share_a_heap_that_collects_often_and_verifies) {
  run({.gc_every = 97,
       .verify = 1,
       .check_barriers = 2,
       .mark_threads = 2,
       .live_mib = 1,
       .steps = 300});
}

BOOST_AUTO_TEST_CASE(four_threads_share_64_mib_that_run_out) {
  run({.reserve_mib = 64, .mark_threads = 2, .live_mib = 1000, .hoard = true});
}

BOOST_AUTO_TEST_CASE(two_swarms_on_two_heaps_do_not_disturb_each_other) {
  const uint64_t seed = random_seed();
  Swarm first({.gc_every = 500, .mark_threads = 2, .threads = 2, .seconds = 1}, seed);
  Swarm second({.mark_threads = 3, .live_mib = 2, .threads = 2, .seconds = 1}, ~seed);
  first.start();
  second.start();
  first.finish();
  second.finish();
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
