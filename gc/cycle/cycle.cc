#include "gc/cycle/cycle.h"

#include <algorithm>

#include "runtime/base/check.h"
#include "runtime/base/print.h"
#include "runtime/base/raw_memory.h"
#include "runtime/inspect/stats.h"
#include "runtime/inspect/verify.h"
#include "runtime/inspect/walk.h"
#include "runtime/thread/fake_stack.h"

namespace acre::gc {

using rt::ByteCount;
using rt::Line;
using rt::Thread;

namespace {

// Bytes that live, or probably will, from which on several markers are worth waking: waking one
// takes some 50 microseconds, in which one thread marks about 100 KiB of small objects.
constexpr uint64_t kParallelFrom = 4 * rt::kMiB;

void print_violation(const char* line, void*) {
  rt::write_stderr(Line() << "acre: verify: " << line);
}

}  // namespace

void Cycle::init(rt::Heap* heap, rt::ThreadRegistry* threads, RootSet* roots) {
  heap_ = heap;
  threads_ = threads;
  roots_ = roots;
  sweeper_.init(heap);
  heap->collector = &sweeper_;
  pool_.init(&heap->space);
  percent_.store(heap->options.gc_percent, std::memory_order_relaxed);
  memory_limit_.store(heap->options.memory_limit, std::memory_order_relaxed);
  created_ns_ = rt::now_ns();
  processors_ = rt::processors();
  pace();
}

bool Cycle::collect(Thread* self, Reason reason) {
  if (threads_->inside_stop()) return false;
  const uint64_t seen = stats_.cycles.load(std::memory_order_acquire);
  if (wanted_markers() > 1) grow_crew();
  bool collected = false;
  const bool stopped = threads_->with_stopped_world(self, [&] {
    if (reason == Reason::kTrigger && stats_.cycles.load(std::memory_order_relaxed) != seen) return;
    run(reason);
    collected = true;
  });
  if (collected) release_near_limit();
  return stopped;
}

bool Cycle::collect_and_release(Thread* self) {
  if (!collect(self, Reason::kForced)) return false;
  finish_sweep();
  heap_->pages.release_all();
  return true;
}

void Cycle::run(Reason reason) {
  const uint64_t start = rt::now_ns();
  const uint64_t cpu_start = rt::thread_cpu_ns();
  prepare();
  const uint64_t live_before = stats_.live_bytes.load(std::memory_order_relaxed);
  const uint64_t before =
      live_before + static_cast<uint64_t>(std::max<int64_t>(heap_->allocated_since_gc.load(), 0));
  stats_.live_bytes.store(mark(), std::memory_order_relaxed);
  heap_->allocated_since_gc.store(0, std::memory_order_relaxed);
  if (reason == Reason::kTrigger) {
    const uint64_t interval = start - std::min(start, stats_.last_end_ns.load());
    rt::LockGuard guard(pace_lock_);
    min_heap_.after_cycle(rt::now_ns() - start, interval);
  }
  pace();
  sweeper_.begin();
  if (heap_->options.verify != 0) {
    ACRE_CHECK(verify_stopped(print_violation, nullptr), "the heap is whole after a collection");
  }

  const uint64_t end = rt::now_ns();
  const uint64_t pause = end - start;
  stats_.cycles.fetch_add(1, std::memory_order_release);
  if (reason == Reason::kForced) stats_.forced.fetch_add(1, std::memory_order_relaxed);
  stats_.last_end_ns.store(end, std::memory_order_relaxed);
  stats_.pause_last_ns.store(pause, std::memory_order_relaxed);
  stats_.pause_total_ns.fetch_add(pause, std::memory_order_relaxed);
  stats_.cpu_ns.fetch_add(rt::thread_cpu_ns() - cpu_start, std::memory_order_relaxed);
  if (pause > stats_.pause_max_ns.load(std::memory_order_relaxed)) {
    stats_.pause_max_ns.store(pause, std::memory_order_relaxed);
  }
  if ((heap_->options.trace & ACRE_TRACE_GC) != 0) trace_line(reason, before, pause);
}

void Cycle::prepare() {
  sweeper_.finish();
  threads_->for_each([](Thread& thread) { thread.cache.flush(); });
  ACRE_PARANOID_CHECK(rt::verify_books(*heap_, *threads_, print_violation, nullptr),
                      "the books are whole when a cycle begins");
}

unsigned Cycle::wanted_markers() const {
  const int asked = heap_->options.mark_threads;
  if (asked > 0) return std::min(static_cast<unsigned>(asked), kMaxMarkers);
  const uint64_t live = stats_.live_bytes.load(std::memory_order_relaxed);
  if (std::max(live, bytes_of(heap_->pages.pages_in_use()).raw / 8) < kParallelFrom) return 1;
  return std::min(processors_, kMaxMarkers);
}

void Cycle::grow_crew() {
  const auto on_start = [](void* threads) {
    static_cast<rt::ThreadRegistry*>(threads)->work_inside_stops();
  };
  crew_.grow(wanted_markers() - 1, on_start, threads_);
}

uint64_t Cycle::mark() {
  const unsigned markers = std::min(wanted_markers(), crew_.size() + 1);
  std::atomic<uint64_t> marked_bytes{0};
  pool_.reset_overflowed();
  pool_.begin(markers);
  crew_.run(markers, [&](unsigned i) {
    const uint64_t cpu_start = rt::thread_cpu_ns();
    Marker marker(heap_, &pool_, i, markers);
    if (i == 0) mark_roots(marker);
    marker.drain();
    marked_bytes.fetch_add(marker.marked_bytes(), std::memory_order_relaxed);
    if (i != 0) stats_.cpu_ns.fetch_add(rt::thread_cpu_ns() - cpu_start, std::memory_order_relaxed);
  });
  Marker alone(heap_, &pool_);
  mark_after_overflow(alone);
  return marked_bytes.load(std::memory_order_relaxed) + alone.marked_bytes();
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
        marker.visit(rt::Addr(__atomic_load_n(slot, __ATOMIC_RELAXED)).raw, slot);
      },
      [&marker](const RootRange& range) {
        if (range.conservative) {
          marker.visit_words(range.start, range.bytes);
        } else {
          marker.visit_exact_words(range.start, range.bytes);
        }
      },
      [&marker](const RootScanner& scanner) { scanner.scan(&marker, scanner.arg); });
  uint64_t stack_bytes = 0;
  threads_->for_each([&](Thread& thread) {
    for (acre_local* local = thread.inline_fields.locals; local != nullptr;
         local = local->previous) {
      marker.visit(rt::Addr(local->object).raw, &local->object);
    }
    if (heap_->options.conservative_stacks == 0) return;
    mark_stack(marker, thread);
    stack_bytes += thread.stack_high.raw - thread.stack_pointer;
  });
  stack_bytes_.store(stack_bytes, std::memory_order_relaxed);
}

void Cycle::mark_stack(Marker& marker, const Thread& thread) {
  // Coroutines on stacks of their own would have their references missed, so better no collection.
  ACRE_CHECK(
      thread.stack_low.raw <= thread.stack_pointer && thread.stack_pointer <= thread.stack_high.raw,
      "a thread calls Acre, or blocks, on the stack that it was attached on");
  const auto registers = reinterpret_cast<uintptr_t>(thread.registers);
  marker.visit_stack(registers, registers + sizeof(thread.registers));
  marker.visit_stack(thread.stack_pointer, thread.stack_high.raw);
  if (thread.fake_stack == nullptr) return;
  // Frames may point to frames, but each frame's address is on the real stack as well.
  for (uintptr_t at = thread.stack_pointer; at < thread.stack_high.raw; at += sizeof(void*)) {
    uintptr_t begin = 0;
    uintptr_t end = 0;
    if (rt::in_fake_stack(thread.fake_stack, rt::read_raw(at), &begin, &end)) {
      marker.visit_stack(begin, end);
    }
  }
}

void Cycle::pace() {
  // Before the lock: it takes one of its own.
  const uint64_t root_bytes = roots_->scannable_bytes();
  rt::LockGuard guard(pace_lock_);
  const uint64_t live = stats_.live_bytes.load(std::memory_order_relaxed);
  const ByteCount meta = heap_->space.meta_used();
  const uint64_t goal = heap_goal({
      .live_bytes = live,
      .stack_bytes = stack_bytes_.load(std::memory_order_relaxed),
      .root_bytes = root_bytes,
      .overhead_bytes = meta.raw + live / 32,  // bitmaps, page table and spans beside the objects
      .percent = percent(),
      .memory_limit = memory_limit(),
      .min_heap = min_heap_.bytes(),
  });
  stats_.goal.store(goal, std::memory_order_relaxed);
  const uint64_t growth = std::min<uint64_t>(goal - live, INT64_MAX);
  heap_->gc_trigger.store(static_cast<int64_t>(growth), std::memory_order_relaxed);
}

int Cycle::set_percent(int percent) {
  const int old = percent_.exchange(percent);
  pace();
  return old;
}

uint64_t Cycle::set_memory_limit(uint64_t bytes) {
  const uint64_t old = memory_limit_.exchange(bytes);
  pace();
  return old;
}

void Cycle::release_near_limit() {
  const uint64_t limit = memory_limit();
  if (limit == UINT64_MAX) return;
  const rt::PageHeap::Usage usage = heap_->pages.usage();
  if ((usage.mapped - usage.released).raw <= limit) return;
  finish_sweep();
  heap_->pages.release_all();
}

bool Cycle::check_references(acre_report_fn report, void* arg) {
  Marker marker(heap_, &pool_);
  marker.report_dangling_to(report, arg);
  pool_.reset_overflowed();
  pool_.begin(1);
  mark_roots(marker);
  marker.drain();
  mark_after_overflow(marker);
  clear_marks();
  return marker.dangling() == 0;
}

void Cycle::clear_marks() {
  for_each_span(heap_->space, [this](rt::Span& span) {
    const uint64_t first = span.first_page().raw * rt::kGranulesPerPage / 64;
    const uint64_t words = span.pages().raw * rt::kGranulesPerPage / 64;
    for (uint64_t i = first; i < first + words; ++i) {
      std::atomic<uint64_t>& word = heap_->space.mark_words()[i];
      if (word.load(std::memory_order_relaxed) != 0) word.store(0, std::memory_order_relaxed);
    }
    return true;
  });
}

bool Cycle::verify_stopped(acre_report_fn report, void* arg) {
  prepare();
  const bool books = rt::verify_books(*heap_, *threads_, report, arg);
  const bool references = check_references(report, arg);
  return books && references;
}

acre_status Cycle::verify(Thread* self, acre_report_fn report, void* arg) {
  bool whole = false;
  if (!threads_->with_stopped_world(self, [&] { whole = verify_stopped(report, arg); })) {
    return ACRE_E_STATE;
  }
  return whole ? ACRE_OK : ACRE_E_STATE;
}

void Cycle::trace_line(Reason reason, uint64_t before, uint64_t pause_ns) {
  static constexpr const char* kWhy[] = {"", " (forced)", " (no memory)"};
  const uint64_t since_start = rt::now_ns() - created_ns_;
  const uint64_t goal = stats_.goal.load();
  Line line;
  line << "gc " << stats_.cycles.load() << " @" << rt::Fixed{since_start, 9, 3} << "s: pause "
       << rt::milliseconds(pause_ns) << " ms, " << ByteCount(before) << " -> "
       << ByteCount(stats_.live_bytes.load()) << " live, goal ";
  if (goal == kNoGoal) {
    line << "none";
  } else {
    line << ByteCount(goal);
  }
  rt::write_stderr(line << kWhy[static_cast<int>(reason)]);
}

}  // namespace acre::gc
