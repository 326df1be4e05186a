// runtime/thread: how long it takes until 64 attached threads stand still, by acre_stop_stats. They poll, wait
// in read() (in a blocking region), or spin without a poll and are stopped by a signal.
//
// Each holds the only reference to an object, which is looked at after each collection: a thread that was missed
// ends the benchmark. Counters: the quantiles of the time from the request to the last thread's stop. They run on
// however many processors there are, so most of the threads must be scheduled to stop.

#include <benchmark/benchmark.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "bench/micro/micro_heap.h"

namespace acre::bench {
namespace {

constexpr std::size_t kObjectBytes = 64;
constexpr unsigned char kContent = 0x3c;
constexpr int kThreads = 64;

enum class Manners { kPoll, kRead, kSpin, kMixed };

class Held {
 public:
  Held(Heap& heap, Manners manners, int number)
      : heap_(heap), thread_([this, manners, number] { run(manners, number); }) {
    address_.wait(0);
  }
  ~Held() { thread_.join(); }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  void end() {
    end_.store(true, std::memory_order_relaxed);
    if (writes_ >= 0) close(writes_);
  }

  bool is_whole() const {
    // All bits flipped: the caller is no holder.
    void* object = reinterpret_cast<void*>(~address_.load());
    if (acre_object_base(heap_, object) != object) return false;
    for (std::size_t i = 0; i < kObjectBytes; ++i) {
      if (static_cast<unsigned char*>(object)[i] != kContent) return false;
    }
    return true;
  }

 private:
  void run(Manners manners, int number) {
    constexpr Manners kAll[] = {Manners::kPoll, Manners::kRead, Manners::kSpin};
    if (manners == Manners::kMixed) manners = kAll[number % 3];
    Thread thread(heap_, manners == Manners::kSpin ? Manner::kUncooperative : Manner::kCooperative);
    void* volatile object = acre_alloc(thread, kObjectBytes, ACRE_KIND_LEAF);
    std::memset(object, kContent, kObjectBytes);
    if (manners == Manners::kRead) return block(thread, object);
    publish(object);
    while (!end_.load(std::memory_order_relaxed)) {
      if (manners == Manners::kPoll) thread.safepoint();
    }
    benchmark::DoNotOptimize(static_cast<void*>(object));
  }

  void block(Thread& thread, void* object) {
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    writes_ = ends[1];
    publish(object);
    const Blocking blocking(thread);
    char byte = 0;
    if (read(ends[0], &byte, 1) != 0) std::abort();
    close(ends[0]);
  }

  void publish(void* object) {
    address_ = ~reinterpret_cast<std::uintptr_t>(object);
    address_.notify_one();
  }

  Heap& heap_;
  std::atomic<std::uintptr_t> address_{0};
  std::atomic<bool> end_{false};
  int writes_ = -1;
  std::thread thread_;
};

acre_stop_stats stop_stats(Heap& heap) {
  acre_stop_stats stats{};
  stats.struct_size = sizeof(stats);
  acre_stop_stats_read(heap, &stats);
  return stats;
}

void stop(benchmark::State& state, Manners manners) {
  Options options = quiet_options();
  options.conservative_stacks = 1;
  options.clobber_free = 1;
  MicroHeap micro(options);
  std::vector<std::unique_ptr<Held>> threads;
  {
    const Blocking blocking(micro.thread);
    for (int i = 0; i < kThreads; ++i) {
      threads.push_back(std::make_unique<Held>(micro.heap, manners, i));
    }
  }
  for (auto _ : state) {
    acre_collect(micro.thread);
    for (const auto& held : threads) {
      if (!held->is_whole()) state.SkipWithError("a thread was missed: what it held was freed");
    }
  }
  const acre_stop_stats stats = stop_stats(micro.heap);
  const auto quantile = [&stats](double q) {
    return static_cast<double>(acre_histogram_quantile(&stats.time_to_stop, q)) * 1e-9;
  };
  state.counters["p50"] = quantile(0.5);
  state.counters["p99"] = quantile(0.99);
  state.counters["max"] = quantile(1);
  const Blocking blocking(micro.thread);
  for (const auto& held : threads) held->end();
  threads.clear();
}

void stops(benchmark::internal::Benchmark* benchmark) { benchmark->UseRealTime(); }

BENCHMARK_CAPTURE(stop, poll, Manners::kPoll)->Name("stop/64/poll")->Apply(stops);
BENCHMARK_CAPTURE(stop, read, Manners::kRead)->Name("stop/64/blocked_in_read")->Apply(stops);
BENCHMARK_CAPTURE(stop, spin, Manners::kSpin)->Name("stop/64/spin_signalled")->Apply(stops);
BENCHMARK_CAPTURE(stop, mixed, Manners::kMixed)->Name("stop/64/mixed")->Apply(stops);

}  // namespace
}  // namespace acre::bench
