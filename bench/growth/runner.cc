#include "bench/growth/runner.h"

#include <malloc.h>

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
  void all(Course course) {
    on_main([&](Mutator& mutator) { workload_.start(mutator); });
    sampler_.watch(heap_, &workload_, before_.seconds, before_.resident);
    course == Course::kLife ? life() : idle();
    std::this_thread::sleep_for(kTail);
    parts(&Workload::check);
  }

 private:
  void life() {
    grow("grow");
    parts(&Workload::check);
    on_main([&](Mutator& mutator) { workload_.report(mutator, result_.findings); });
    phase("steady", [&] { parts(&Workload::steady); });
    parts(&Workload::check);
    phase("drop half", [&] { parts(&Workload::drop_half); });
    collect();
    release("release");
  }

  void idle() {
    grow("grow");
    drop("drop");
    collect();
    phase("idle", [&] {
      result_.idle = wait_idle(
          workload_.live(), settings_.idle_seconds, [&] { return idle_reading(); },
          [](double seconds) {
            std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
          });
    });
    parts(&Workload::check);
    grow(kGrowAgain);
    drop("drop again");
    release(kReleaseAtOnce);
  }

  void grow(const char* name) {
    const int percent = settings_.collect_while_growing ? 0 : acre_set_gc_percent(heap_, -1);
    phase(name, [&] { parts(&Workload::grow); });
    if (!settings_.collect_while_growing) acre_set_gc_percent(heap_, percent);
  }

  // What the workload's own books gave to glibc is not the heap's to give back.
  void drop(const char* name) {
    phase(name, [&] {
      crew([&](Mutator& mutator, unsigned part) {
        workload_.drop_to(mutator, part, settings_.keep_bytes);
      });
    });
    malloc_trim(0);
  }

  void collect() {
    phase("collect", [&] { on_main([](Mutator& mutator) { acre_collect(mutator.thread()); }); });
  }

  void release(const char* name) {
    phase(name, [&] { on_main([](Mutator& mutator) { acre_release_memory(mutator.thread()); }); });
  }

  // Without the two threads that watch: the sampler's and this one.
  IdleReading idle_reading() const {
    IdleReading reading;
    reading.resident =
        static_cast<std::int64_t>(resident_exact()) - static_cast<std::int64_t>(before_.resident);
    reading.seconds = now_seconds();
    reading.processor =
        processor_seconds() - thread_processor_seconds() - sampler_.processor_seconds();
    return reading;
  }

  // The first threads of a process leave stacks and buffers behind in glibc, which are not the heap's.
  void warm_up() {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < settings_.threads; ++i) {
      threads.emplace_back([] { std::this_thread::sleep_for(std::chrono::milliseconds(1)); });
    }
    for (std::thread& thread : threads) thread.join();
    malloc_trim(0);  // so that drop() gives back nothing that was there before the heap
  }

  void crew(const PartWork& work) { Crew(heap_, settings_.threads).run(work); }

  void parts(void (Workload::*work)(Mutator&, unsigned)) {
    crew([&](Mutator& mutator, unsigned part) { (workload_.*work)(mutator, part); });
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
                            const acre_options& options, Course course, bool show_progress) {
  WorkloadResult result;
  result.course = course;
  result.name = workload->name();
  result.description = workload->description();
  if (course == Course::kIdle) {
    result.name += ", idle";
    result.description = "The data of " + std::string(workload->name()) +
                         "; nearly all is dropped and the heap left alone; then again, and it is "
                         "asked to give its memory back";
  }
  Run run(*workload, settings, options, show_progress, result);
  try {
    run.all(course);
  } catch (const std::exception& problem) {
    result.failure = problem.what();
  }
  run.stop_sampling();
  workload.reset();
  run.destroy();
  if (result.failure.empty() && course == Course::kLife) {
    const std::uint64_t bytes = result.phases.front().live;
    result.raw = measure_raw(bytes, settings.threads, options.huge_pages);
  }
  return result;
}

}  // namespace acre::bench
