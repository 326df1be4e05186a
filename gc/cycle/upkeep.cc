#include "gc/cycle/upkeep.h"

#include <algorithm>

#include "gc/cycle/cycle.h"
#include "gc/pace/idle_collection.h"
#include "gc/pace/retain.h"

namespace acre::gc {

using rt::ByteCount;

namespace {

// Between two looks, while there may be something to do, and when nothing was for a while. Shorter: an
// idle process is woken more often; longer: its memory goes back later.
constexpr uint64_t kLookNs = 1'000'000'000;
constexpr uint64_t kQuietLookNs = 10'000'000'000;

// Looks in a row that find nothing allocated: then the heap is idle.
constexpr unsigned kQuietLooks = 2;
constexpr unsigned kVeryQuietLooks = 10;
constexpr unsigned kLooksPerHugeQuestion = 5;

// The part by which the memory of a peak fades from look to look. Larger: memory stays longer after a peak;
// smaller: programs that need much now and then take it from the kernel each time.
constexpr uint64_t kPeakFades = 8;

// A step of the background thread: a fraction of a millisecond.
constexpr unsigned kSpansPerStep = 64;
constexpr ByteCount kBytesPerStep{4 * rt::kMiB};
constexpr unsigned kBuffersPerStep = 256;

constexpr uint64_t kMostCollapsePauseNs = 300'000'000'000;

// After a thread did not stop for it.
constexpr uint64_t kIdleRetryNs = 10'000'000'000;

// Allocation is counted in steps by each thread.
constexpr int64_t kIdleBytes = 64 * rt::kKiB;

}  // namespace

void Upkeep::tick(uint64_t now_ns) {
  if (now_ns >= next_look_ns_) {
    next_look_ns_ = now_ns + kLookNs;
    const bool follows_system = cycle_->limit().follows_system();
    if (follows_system && cycle_->limit().refresh()) cycle_->pacing().update();
    cycle_->measure_books();
    notice_idleness();
    collect_if_idle(now_ns);
    const bool quiet = very_quiet_ && !follows_system;
    cycle_->background().set_tick(quiet ? kQuietLookNs : kLookNs);
  }
  rt::LockGuard guard(lock_);
  set_goal();
}

void Upkeep::after_collection() {
  rt::LockGuard guard(lock_);
  quiet_looks_ = 0;
  idle_ = false;
  peak_in_use_ = std::max(peak_in_use_, cycle_->pacing().last_in_use());
  set_goal();
}

bool Upkeep::is_idle() {
  rt::LockGuard guard(lock_);
  return idle_;
}

void Upkeep::notice_idleness() {
  const int64_t allocated = heap_->allocated_since_gc.load(std::memory_order_relaxed);
  const uint64_t cycles = cycle_->stats().cycles.load(std::memory_order_relaxed);
  const int64_t grown = allocated - allocated_;
  const bool quiet = cycles == cycles_ && grown < kIdleBytes && grown > -kIdleBytes;
  {
    rt::LockGuard guard(lock_);
    quiet_looks_ = quiet ? std::min(quiet_looks_ + 1, kVeryQuietLooks) : 0;
    idle_ = quiet_looks_ >= kQuietLooks;
    very_quiet_ = quiet_looks_ >= kVeryQuietLooks;
    peak_in_use_ -= peak_in_use_ / kPeakFades;
  }
  allocated_ = allocated;
  cycles_ = cycles;
  rt::Retention& retention = heap_->pages.retention();
  if (is_idle()) retention.begin_generation();
  if (++looks_ % kLooksPerHugeQuestion == 0) retention.ask_for_huge_pages();
}

void Upkeep::collect_if_idle(uint64_t now_ns) {
  const auto period = static_cast<uint64_t>(heap_->options.idle_collect_ms) * 1'000'000;
  const uint64_t last = cycle_->stats().last_end_ns.load(std::memory_order_relaxed);
  const bool allocated = allocated_ >= kIdleBytes;
  if (period == 0 ||
      !idle_collection_due(now_ns, last, period, cycle_->pacing().percent(), allocated)) {
    return;
  }
  if (now_ns < next_idle_try_ns_ || cycle_->collect(nullptr, Reason::kIdle)) return;
  next_idle_try_ns_ = now_ns + kIdleRetryNs;
}

bool Upkeep::step() {
  if (sweep_some()) return true;
  if (cycle_->give_back_stacks() || cycle_->trim_stacks()) return true;
  {
    rt::LockGuard guard(lock_);
    set_goal();
  }
  if (heap_->pages.retention().release_towards_goal(kBytesPerStep) > ByteCount(0)) return true;
  if (is_idle() && cycle_->trim_buffers(kBuffersPerStep)) return true;
  return make_huge();
}

// Where the heap is dense enough for huge pages, but has small ones because of when it grew. A kernel that
// has none is asked again later, and later still.
bool Upkeep::make_huge() {
  using Collapse = rt::Retention::Collapse;
  const uint64_t now = rt::now_ns();
  if (now < next_collapse_ns_) return false;
  const Collapse result = heap_->pages.retention().collapse_dense_chunk();
  if (result == Collapse::kRefused) {
    collapse_pause_ns_ = std::clamp(collapse_pause_ns_ * 2, kLookNs, kMostCollapsePauseNs);
    next_collapse_ns_ = now + collapse_pause_ns_;
  } else if (result == Collapse::kDone) {
    collapse_pause_ns_ = 0;
  }
  return result == Collapse::kDone;
}

bool Upkeep::sweep_some() {
  if (cycle_->sweeper().done()) return false;
  // Refused: somebody is stopping the world, and will sweep what is left.
  return threads_->try_between_stops(
      [this] { cycle_->sweeper().sweep_in_background(kSpansPerStep); });
}

// With lock_.
void Upkeep::set_goal() {
  const Pacing& pacing = cycle_->pacing();
  rt::Retention& retention = heap_->pages.retention();
  const uint64_t pages_in_use = bytes_of(heap_->pages.pages_in_use()).raw;
  const uint64_t in_use = pages_in_use - std::min(pages_in_use, retention.untouched().raw);
  uint64_t goal = retain_goal({.in_use_bytes = in_use,
                               .last_in_use_bytes = pacing.last_in_use(),
                               .goal_bytes = pacing.goal(),
                               .last_goal_bytes = pacing.last_goal(),
                               .idle = idle_});
  // What lives may change from one collection to the next by much, and back; and a heap that never collects
  // frees, too. So as much as was in use lately is kept.
  peak_in_use_ = std::max(peak_in_use_, in_use);
  const uint64_t lately =
      saturating_add(peak_in_use_, percent_of(peak_in_use_, kRetainExtraPercent));
  if (idle_) peak_in_use_ = in_use;
  if (!idle_) goal = goal == kNoGoal ? lately : std::max(goal, lately);
  const uint64_t under_limit = limit_retain_goal(cycle_->limit().bytes());
  if (under_limit != kNoGoal) {
    const uint64_t books = retention.books().raw;
    goal = std::min(goal, under_limit - std::min(under_limit, books));
  }
  retention.set_goal(ByteCount(goal));
}

// The line of Go's scavtrace.
void Upkeep::report() {
  if ((heap_->options.trace & ACRE_TRACE_SCAV) == 0) return;
  const rt::Retention& retention = heap_->pages.retention();
  if (retention.released_by(rt::ReleaseBy::kBackground).raw != reported_background_ ||
      retention.released_by(rt::ReleaseBy::kAllocation).raw != reported_allocating_) {
    cycle_->trace_scavenge(&reported_background_, &reported_allocating_, false);
  }
}

}  // namespace acre::gc
