#include "gc/cycle/cycle.h"

#include <algorithm>

#include "gc/mark/stack_scan.h"
#include "gc/pace/saturating.h"
#include "runtime/base/check.h"
#include "runtime/base/print.h"
#include "runtime/inspect/stats.h"

namespace acre::gc {

using rt::ByteCount;
using rt::Line;
using rt::Thread;

namespace {

// Bytes that live, or probably will, from which on several markers are worth waking: waking one
// takes some 50 microseconds, in which one thread marks about 100 KiB of small objects.
constexpr uint64_t kParallelFrom = 4 * rt::kMiB;

// For threads to stop, when only unused memory of stacks is at stake.
constexpr uint64_t kTrimPatienceNs = 1'000'000;

}  // namespace

void Cycle::init(acre_heap* owner, rt::Heap* heap, rt::ThreadRegistry* threads,
                 rt::StackPool* stacks, RootSet* roots) {
  owner_ = owner;
  heap_ = heap;
  threads_ = threads;
  stacks_ = stacks;
  roots_ = roots;
  fibers_.init(heap, stacks);
  weak_.init(heap, &pool_);
  sweeper_.init(heap, &weak_.specials);
  heap->collector = &sweeper_;
  pool_.init(&heap->space);
  created_ns_ = rt::now_ns();
  processors_ = rt::processors();
  limit_.init(heap->options, &heap->pages.retention(), processors_, created_ns_);
  pacing_.init(heap, roots, &limit_);
  upkeep_.init(heap, threads, this);
  background_.init(&heap->space, &upkeep_);
  if (limit_.follows_system()) start_background();
}

void Cycle::stop_threads() {
  // The first may be collecting, with the second's help.
  background_.stop();
  crew_.stop();
}

void Cycle::lock_for_fork() {
  limit_.lock_for_fork();
  pacing_.lock_for_fork();
}

void Cycle::unlock_after_fork() {
  pacing_.unlock_after_fork();
  limit_.unlock_after_fork();
}

void Cycle::forget_threads_in_child() {
  background_.forget_thread_in_child();
  crew_.forget_threads_in_child();
}

void Cycle::start_background() {
  if (heap_->options.scavenger == 0) return;
  background_.start();
}

void Cycle::start_background_if_worth() {
  if (background_.started() || heap_->options.scavenger == 0) return;
  if (heap_->pages.retention().releasable() < rt::Retention::kWorthAThread) return;
  if (!threads_->inside_stop()) start_background();
}

bool Cycle::collect(Thread* self, Reason reason) {
  if (threads_->inside_stop()) return false;
  const uint64_t seen = stats_.cycles.load(std::memory_order_acquire);
  if (reason == Reason::kTrigger && !pacing_.due()) return true;
  if (wanted_markers() > 1) rt::on_roomy_stack(self, [this] { grow_crew(); });
  bool collected = false;
  const auto collect_once = [&] {
    if (reason == Reason::kTrigger && stats_.cycles.load(std::memory_order_relaxed) != seen) return;
    run(reason);
    collected = true;
  };
  const uint64_t patience =
      reason == Reason::kIdle ? Upkeep::kPatienceNs : rt::ThreadRegistry::kForEver;
  const bool stopped = threads_->with_stopped_world(
      self, [&] { rt::on_roomy_stack(self, collect_once); }, patience);
  if (!collected) return stopped;
  // Who waits for pages, or has no background thread, does it at once.
  if (self != nullptr && (reason != Reason::kTrigger || heap_->options.scavenger == 0)) {
    give_back_all_stacks(
        self, reason == Reason::kForced ? rt::ReleaseBy::kRequest : rt::ReleaseBy::kAllocation);
  }
  keep_limit(self);
  if (reason != Reason::kIdle) rt::on_roomy_stack(self, [this] { start_background(); });
  if (reason == Reason::kForced) background_.wake();
  return true;
}

bool Cycle::collect_and_release(Thread* self) {
  if (!collect(self, Reason::kForced)) return false;
  finish_sweep();
  // It touches no object from here on: others may stop the world meanwhile.
  acre_blocking_begin(self);
  while (trim_stacks()) {
  }
  heap_->pages.retention().release_all();
  while (trim_buffers(1024)) {
  }
  acre_blocking_end(self);
  if ((heap_->options.trace & ACRE_TRACE_SCAV) != 0) {
    uint64_t background = heap_->pages.retention().released_by(rt::ReleaseBy::kBackground).raw;
    uint64_t allocating = heap_->pages.retention().released_by(rt::ReleaseBy::kAllocation).raw;
    trace_scavenge(&background, &allocating, true);
  }
  return true;
}

void Cycle::measure_books() {
  rt::Retention& retention = heap_->pages.retention();
  if (limit_.bytes() == UINT64_MAX && limit_.hard() == UINT64_MAX) {
    retention.set_extra_books(ByteCount(0));
    return;
  }
  const ByteCount measured = heap_->space.resident_books();
  const ByteCount books = retention.books();
  const ByteCount known = books - std::min(books, retention.extra_books());
  retention.set_extra_books(measured - std::min(measured, known));
}

bool Cycle::trim_buffers(unsigned most) {
  unsigned trimmed = 0;
  (void)threads_->try_between_stops([&] { trimmed = pool_.trim(most); });
  return trimmed != 0;
}

bool Cycle::give_back_stacks() {
  bool more = false;
  (void)threads_->try_between_stops(
      [&] { more = stacks_->give_back(kStacksPerStep, rt::ReleaseBy::kBackground); });
  return more;
}

// Nobody stops the world meanwhile, and what the kernel's calls need of a small stack is not known.
void Cycle::give_back_all_stacks(Thread* self, rt::ReleaseBy who) {
  for (bool more = true; more;) {
    rt::on_roomy_stack(self, [&] { more = stacks_->give_back(kStacksPerStep, who); });
  }
}

bool Cycle::give_back_idle_stacks(Thread* self) {
  bool given = false;
  rt::on_roomy_stack(self, [&] { given = stacks_->give_back_idle(self->stacks); });
  return given;
}

bool Cycle::trim_stacks() {
  if (!fibers_.has_untrimmed()) return false;
  return threads_->with_stopped_world(
             nullptr, [this] { fibers_.trim(); }, kTrimPatienceNs) &&
         fibers_.has_untrimmed();
}

void Cycle::run(Reason reason) {
  const uint64_t start = rt::now_ns();
  const uint64_t cpu_start = rt::thread_cpu_ns();
  const uint64_t others_start = stats_.cpu_ns.load(std::memory_order_relaxed);
  limit_.before_collection(start);
  prepare();
  const rt::AllocationCounts counts = rt::count_allocations(*heap_, *threads_);
  const uint64_t before = counts.bytes(counts.mallocs, counts.large_malloc_bytes) -
                          counts.bytes(counts.frees, counts.large_free_bytes);
  pacing_.begin_cycle(before);
  const uint64_t live =
      mark() + static_cast<uint64_t>(heap_->explicit_bytes.load(std::memory_order_relaxed));
  look_at_what_is_marked();
  if (stacks_->any()) stack_bytes_ += fibers_.after_marking(reason != Reason::kTrigger);
  heap_->allocated_since_gc.store(0, std::memory_order_relaxed);
  if (reason == Reason::kTrigger) {
    const uint64_t interval = start - std::min(start, stats_.last_end_ns.load());
    pacing_.adapt_min_heap(rt::now_ns() - start, interval);
  }
  pacing_.end_cycle(live, stack_bytes_);
  upkeep_.after_collection();
  sweeper_.begin();
  heap_->pages.retention().begin_generation();
  if (heap_->options.verify != 0) insist_on_whole_heap();
  stats_.cpu_ns.fetch_add(rt::thread_cpu_ns() - cpu_start, std::memory_order_relaxed);
  count(reason, start, stats_.cpu_ns.load(std::memory_order_relaxed) - others_start);
  if ((heap_->options.trace & ACRE_TRACE_GC) != 0) {
    trace_line(reason, before, stats_.pause_last_ns.load(std::memory_order_relaxed));
  }
}

void Cycle::count(Reason reason, uint64_t start_ns, uint64_t cpu_ns) {
  const uint64_t end = rt::now_ns();
  const uint64_t pause = end - start_ns;
  stats_.cycles.fetch_add(1, std::memory_order_release);
  if (reason == Reason::kForced) stats_.forced.fetch_add(1, std::memory_order_relaxed);
  if (reason == Reason::kIdle) stats_.idle.fetch_add(1, std::memory_order_relaxed);
  stats_.last_end_ns.store(end, std::memory_order_relaxed);
  stats_.pause_last_ns.store(pause, std::memory_order_relaxed);
  stats_.pause_total_ns.fetch_add(pause, std::memory_order_relaxed);
  if (pause > stats_.pause_max_ns.load(std::memory_order_relaxed)) {
    stats_.pause_max_ns.store(pause, std::memory_order_relaxed);
  }
  limit_.after_collection(end, cpu_ns, pause);
}

void Cycle::prepare() {
  sweeper_.finish();
  threads_->for_each([this](Thread& thread) {
    thread.cache.flush();
    stacks_->flush(thread.stacks);
  });
  ACRE_PARANOID_CHECK(check_books_aloud(), "the books are whole when a cycle begins");
}

unsigned Cycle::wanted_markers() const {
  const int asked = heap_->options.mark_threads;
  if (asked > 0) return std::min(static_cast<unsigned>(asked), kMaxMarkers);
  if (std::max(pacing_.live(), bytes_of(heap_->pages.pages_in_use()).raw / 8) < kParallelFrom)
    return 1;
  // Two markers take more processor time than one, and half of all is what the collector may have.
  const unsigned processors = limit_.bytes() != UINT64_MAX && limit_.pressed()
                                  ? std::max(processors_ / 2, 1U)
                                  : processors_;
  return std::min(processors, kMaxMarkers);
}

void Cycle::grow_crew() {
  // A thread's stack is two VMAs.
  const unsigned missing = wanted_markers() - 1 - std::min(wanted_markers() - 1, crew_.size());
  if (missing == 0 || !heap_->os.has_vmas_left(uint64_t{2} * missing)) return;
  const auto on_start = [](void* threads) {
    static_cast<rt::ThreadRegistry*>(threads)->work_inside_stops();
  };
  crew_.grow(wanted_markers() - 1, on_start, threads_);
}

// `seed` tells the first marker what to begin with. Returns the bytes that were marked.
template <class Seed>
uint64_t Cycle::mark_together(unsigned markers, Seed seed) {
  std::atomic<uint64_t> marked_bytes{0};
  pool_.begin(markers);
  crew_.run(markers, [&](unsigned i) {
    const uint64_t cpu_start = rt::thread_cpu_ns();
    Marker marker(heap_, &pool_, i, markers);
    if (i == 0) seed(marker);
    marker.drain();
    marked_bytes.fetch_add(marker.marked_bytes(), std::memory_order_relaxed);
    if (i != 0) stats_.cpu_ns.fetch_add(rt::thread_cpu_ns() - cpu_start, std::memory_order_relaxed);
  });
  return marked_bytes.load(std::memory_order_relaxed);
}

uint64_t Cycle::mark() {
  const unsigned markers = std::min(wanted_markers(), crew_.size() + 1);
  pool_.reset_overflowed();
  uint64_t marked_bytes = mark_together(markers, [this](Marker& marker) { mark_roots(marker); });
  if (weak_.ephemerons.has_new()) {
    marked_bytes +=
        mark_together(markers, [this](Marker& marker) { weak_.ephemerons.visit_values(marker); });
  }
  Marker alone(heap_, &pool_);
  mark_after_overflow(alone);
  pool_.begin(1);
  class DrainAlone final : public Drain {
   public:
    DrainAlone(Cycle* cycle, Marker& alone) : Drain(alone), cycle_(cycle) {}
    void operator()() override {
      marker.drain();
      cycle_->mark_after_overflow(marker);
    }

   private:
    Cycle* cycle_;
  } drain(this, alone);
  weak_.finish_marking(drain);
  return marked_bytes + alone.marked_bytes();
}

void Cycle::mark_after_overflow(Marker& alone) {
  while (pool_.reset_overflowed()) {
    pool_.begin(1);
    mark_roots(alone);
    alone.drain();
    alone.rescan_marked();
  }
}

void Cycle::mark_roots(Marker& marker) {
  roots_->for_each(
      [&marker](void** slot) {
        marker.now_visiting("a handle");
        marker.visit(rt::Addr(__atomic_load_n(slot, __ATOMIC_RELAXED)).raw, slot);
      },
      [&marker](const RootRange& range) {
        marker.now_visiting("in a root range");
        if (range.conservative) {
          marker.visit_words(range.start, range.bytes);
        } else {
          marker.visit_exact_words(range.start, range.bytes);
        }
      },
      [&marker](const RootScanner& scanner) {
        marker.now_visiting("visited by a root scanner");
        scanner.scan(&marker, scanner.arg);
      });
  marker.now_visiting("of a finalizer that waits");
  weak_.specials.for_each_queued([&](uintptr_t* object) { marker.visit(*object, object); });
  const bool conservative = heap_->options.conservative_stacks != 0;
  uint64_t stack_bytes = 0;
  marker.now_visiting("an acre_local");
  threads_->for_each(
      [&](Thread& thread) { stack_bytes += scan_thread(marker, thread, conservative); });
  if (conservative) stack_bytes += scan_foreign_stacks(marker, *stacks_);
  marker.now_visiting(nullptr);
  stack_bytes_ = stack_bytes;
}

size_t Cycle::set_memory_limit(size_t asked) {
  const size_t old = limit_.set(asked);
  if (limit_.follows_system() && !threads_->inside_stop()) start_background();
  pacing_.update();
  keep_new_limit();
  return old;
}

size_t Cycle::set_hard_limit(size_t bytes) {
  const size_t old = limit_.set_hard(bytes);
  keep_new_limit();
  return old;
}

// What is free above it goes back now; the rest is for collections.
void Cycle::keep_new_limit() {
  rt::Retention& retention = heap_->pages.retention();
  if (!threads_->inside_stop() && retention.above_limit()) retention.release_above_limit();
}

// They may hold so much more than is known of them that a limit is passed.
void Cycle::look_at_stacks(Thread* self) {
  give_back_all_stacks(self, rt::ReleaseBy::kAllocation);
  acre_blocking_begin(self);
  while (trim_stacks()) {
  }
  acre_blocking_end(self);
  pacing_.update();
}

// Above the limit all that is dead goes back at once; if more than the limit lives, or keeping it would take
// too long, the embedder decides.
void Cycle::keep_limit(Thread* self) {
  rt::Retention& retention = heap_->pages.retention();
  rt::on_roomy_stack(self, [this] { measure_books(); });
  if (self != nullptr && fibers_.take_doubtful()) look_at_stacks(self);
  if (retention.above_limit()) {
    while (trim_buffers(1024)) {
    }
  }
  // The background thread, which no stop waits for, sweeps between stops only: in its next steps.
  if (self != nullptr && retention.above_limit()) {
    finish_sweep();
    acre_blocking_begin(self);
    retention.release_above_limit();
    acre_blocking_end(self);
  }
  const acre_limit_fn handler = owner_->limit_handler.load(std::memory_order_acquire);
  // Who cannot ask it leaves the question to the next collection.
  if (handler != nullptr && (self == nullptr || self->in_callback)) return;
  acre_limit_event event;
  if (!limit_.event_due(rt::now_ns(), pacing_.live(), &event)) return;
  int policy = heap_->options.limit_policy;
  if (handler != nullptr) {
    const rt::OutsideAcre outside;
    self->in_callback = true;
    ++self->os_thread->regions;  // no fiber comes or goes
    policy = handler(owner_, &event, owner_->limit_arg.load(std::memory_order_acquire));
    --self->os_thread->regions;
    self->in_callback = false;
  }
  if (limit_.apply(policy)) pacing_.update();
}

void Cycle::trace_line(Reason reason, uint64_t before, uint64_t pause_ns) {
  static constexpr const char* kWhy[] = {"", " (forced)", " (no memory)", " (idle)"};
  const uint64_t since_start = rt::now_ns() - created_ns_;
  const uint64_t goal = pacing_.goal();
  Line line;
  line << "gc " << stats_.cycles.load() << " @" << rt::Fixed{since_start, 9, 3} << "s: pause "
       << rt::milliseconds(pause_ns) << " ms, stop "
       << rt::milliseconds(threads_->stop_stats().last_to_stop_ns()) << " ms, " << ByteCount(before)
       << " -> " << ByteCount(pacing_.live()) << " live, goal ";
  if (goal == kNoGoal) {
    line << "none";
  } else {
    line << ByteCount(goal);
  }
  rt::write_stderr(line << kWhy[static_cast<int>(reason)]);
}

void Cycle::trace_scavenge(uint64_t* background, uint64_t* allocating, bool forced) {
  const rt::Retention& retention = heap_->pages.retention();
  const uint64_t by_background = retention.released_by(rt::ReleaseBy::kBackground).raw;
  const uint64_t by_allocation = retention.released_by(rt::ReleaseBy::kAllocation).raw;
  const uint64_t retained = std::max<uint64_t>(retention.retained().raw, 1);
  const uint64_t in_use = bytes_of(heap_->pages.pages_in_use()).raw;
  Line line;
  line << "scav " << (by_background - *background) / rt::kKiB << " KiB work (bg), "
       << (by_allocation - *allocating) / rt::kKiB << " KiB work (eager), "
       << heap_->pages.usage().released.raw / rt::kKiB << " KiB now, " << in_use * 100 / retained
       << "% util";
  rt::write_stderr(line << (forced ? " (forced)" : ""));
  *background = by_background;
  *allocating = by_allocation;
}

}  // namespace acre::gc
