#include "bench/growth/runner.h"

#include <chrono>
#include <exception>
#include <functional>
#include <mutex>
#include <system_error>
#include <thread>

#include "bench/growth/process.h"

namespace acre::bench {
namespace {

// The chart's last stretch, so that the level after the release can be seen.
constexpr auto kTail = std::chrono::milliseconds(300);

using PartWork = std::function<void(Mutator&, unsigned)>;

// Runs work(part) on a thread for each part; throws what the first failing one threw.
class Crew {
 public:
  Crew(acre_heap* heap, unsigned parts) : heap_(heap), parts_(parts) {}

  void run(const PartWork& work) {
    std::vector<std::thread> threads;
    for (unsigned part = 0; part < parts_; ++part) {
      try {
        threads.emplace_back([this, &work, part] { run_part(work, part); });
      } catch (const std::system_error&) {
        note(std::current_exception());
        break;
      }
    }
    for (std::thread& thread : threads) thread.join();
    if (first_) std::rethrow_exception(first_);
  }

 private:
  void run_part(const PartWork& work, unsigned part) noexcept {
    try {
      Mutator mutator(heap_, cancel_);
      work(mutator, part);
    } catch (...) {
      note(std::current_exception());
    }
  }

  void note(std::exception_ptr problem) {
    const std::lock_guard lock(mutex_);
    if (!first_) first_ = problem;
    cancel_ = true;
  }

  acre_heap* heap_;
  unsigned parts_;
  std::atomic<bool> cancel_{false};
  std::mutex mutex_;
  std::exception_ptr first_;
};

class Run {
 public:
  Run(Workload& workload, const Settings& settings, const acre_options& options, bool show_progress,
      WorkloadResult& result)
      : workload_(workload), settings_(settings), result_(result), sampler_(show_progress) {
    warm_up();
    before_ = Edge::at_start(nullptr);
    require("acre_heap_create", acre_heap_create(&options, &heap_));
  }

  void stop_sampling() {
    sampler_.stop();
    result_.samples = sampler_.samples();
  }

  // The roots of the workload are handles: it must be gone before this.
  void destroy() { require("acre_heap_destroy", acre_heap_destroy(heap_)); }

  // What stands between the phases is in the chart and in no phase's figures.
  void all() {
    on_main([&](Mutator& mutator) { workload_.start(mutator); });
    sampler_.watch(heap_, &workload_, before_.seconds, before_.resident);
    const int percent = settings_.collect_while_growing ? 0 : acre_set_gc_percent(heap_, -1);
    phase("grow", [&] { parts(&Workload::grow); });
    if (!settings_.collect_while_growing) acre_set_gc_percent(heap_, percent);
    parts(&Workload::check);
    on_main([&](Mutator& mutator) { workload_.report(mutator, result_.findings); });
    phase("steady", [&] { parts(&Workload::steady); });
    parts(&Workload::check);
    phase("drop half", [&] { parts(&Workload::drop_half); });
    phase("collect", [&] { on_main([](Mutator& mutator) { acre_collect(mutator.thread()); }); });
    phase("release",
          [&] { on_main([](Mutator& mutator) { acre_release_memory(mutator.thread()); }); });
    std::this_thread::sleep_for(kTail);
    parts(&Workload::check);
  }

 private:
  // The first threads of a process leave stacks and buffers behind in glibc, which are not the heap's.
  void warm_up() {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < settings_.threads; ++i) {
      threads.emplace_back([] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); });
    }
    for (std::thread& thread : threads) thread.join();
  }

  void parts(void (Workload::*work)(Mutator&, unsigned)) {
    Crew(heap_, settings_.threads).run([&](Mutator& mutator, unsigned part) {
      (workload_.*work)(mutator, part);
    });
  }

  void on_main(const std::function<void(Mutator&)>& work) {
    const std::atomic<bool> never{false};
    Mutator mutator(heap_, never);
    work(mutator);
  }

  // A phase that throws is recorded too, as far as it came.
  void phase(const char* name, const std::function<void()>& work) {
    sampler_.begin_phase(name);
    const Edge start = Edge::at_start(heap_);
    std::exception_ptr problem;
    try {
      work();
    } catch (...) {
      problem = std::current_exception();
    }
    const Edge end = Edge::at_end(heap_);
    const std::uint64_t pause = sampler_.end_phase();
    result_.phases.push_back(figures_of(name, before_, start, end, workload_.live(), pause));
    result_.phases.back().completed = !problem;
    if (problem) std::rethrow_exception(problem);
  }

  Workload& workload_;
  const Settings& settings_;
  WorkloadResult& result_;
  Sampler sampler_;
  Edge before_;
  acre_heap* heap_ = nullptr;
};

}  // namespace

WorkloadResult run_workload(std::unique_ptr<Workload> workload, const Settings& settings,
                            const acre_options& options, bool show_progress) {
  WorkloadResult result;
  result.name = workload->name();
  result.description = workload->description();
  Run run(*workload, settings, options, show_progress, result);
  try {
    run.all();
  } catch (const std::exception& problem) {
    result.failure = problem.what();
  }
  run.stop_sampling();
  workload.reset();
  run.destroy();
  if (result.failure.empty()) {
    const std::uint64_t bytes = result.phases.front().live;
    result.raw = measure_raw(bytes, settings.threads, options.huge_pages);
  }
  return result;
}

}  // namespace acre::bench
