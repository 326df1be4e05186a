#include "gc/cycle/pacing.h"

#include <algorithm>

#include "gc/pace/pacer.h"

namespace acre::gc {
namespace {

// Allocated before a put-off collection is thought of again. Smaller: the question, two clocks, is asked
// more often; larger: it comes later than it could.
constexpr int64_t kPutOffBytes = rt::kMiB;

// Growth of the stacks in use between two collections. The first is for few live fibers: smaller, a program that
// makes some thousands is collected for the sake of none; larger, so much may be touched and dead. The second is for
// percentages and limits that leave less, where each collection goes through all stacks.
constexpr uint64_t kFewStacks = 64 * rt::kMiB;
constexpr uint64_t kMinStackGrowth = 16 * rt::kMiB;

int64_t growth_to(uint64_t goal, uint64_t live) {
  return static_cast<int64_t>(std::min<uint64_t>(goal - std::min(goal, live), INT64_MAX));
}

}  // namespace

void Pacing::init(rt::Heap* heap, RootSet* roots, MemoryLimit* limit) {
  heap_ = heap;
  roots_ = roots;
  limit_ = limit;
  percent_.store(heap->options.gc_percent, std::memory_order_relaxed);
  update();
}

int Pacing::set_percent(int percent) {
  const int old = percent_.exchange(percent);
  update();
  return old;
}

// What the heap takes beside its objects is measured when it is fullest: books, and what spans hold
// besides objects. Free pages can be given back, so they are not counted.
void Pacing::begin_cycle(uint64_t object_bytes) {
  const rt::Retention& retention = heap_->pages.retention();
  const uint64_t in_use = bytes_of(heap_->pages.pages_in_use()).raw;
  const uint64_t books = retention.books().raw;
  overhead_.store(books + in_use - std::min(in_use, object_bytes), std::memory_order_relaxed);
  last_in_use_.store(in_use, std::memory_order_relaxed);
  last_goal_.store(goal(), std::memory_order_relaxed);
}

void Pacing::end_cycle(uint64_t live_bytes, uint64_t stack_bytes) {
  live_stacks_.store(heap_->stacks_in_use.bytes(), std::memory_order_relaxed);
  live_.store(live_bytes, std::memory_order_relaxed);
  stack_bytes_.store(stack_bytes, std::memory_order_relaxed);
  update();
}

void Pacing::adapt_min_heap(uint64_t pause_ns, uint64_t interval_ns) {
  rt::LockGuard guard(lock_);
  min_heap_.after_cycle(pause_ns, interval_ns);
}

void Pacing::update() {
  // Before the lock: it takes one of its own.
  const uint64_t root_bytes = roots_->scannable_bytes();
  rt::LockGuard guard(lock_);
  const uint64_t live_bytes = live();
  const HeapGoals goals = heap_goals({
      .live_bytes = live_bytes,
      .stack_bytes = stack_bytes_.load(std::memory_order_relaxed),
      .root_bytes = root_bytes,
      .overhead_bytes = overhead_.load(std::memory_order_relaxed),
      .percent = percent(),
      .memory_limit = limit_->bytes(),
      .min_heap = min_heap_.bytes(),
  });
  goal_.store(goals.heap(), std::memory_order_relaxed);
  percent_growth_.store(static_cast<uint64_t>(growth_to(goals.by_percent, live_bytes)),
                        std::memory_order_relaxed);
  heap_->gc_trigger.store(growth_to(goals.heap(), live_bytes), std::memory_order_relaxed);
  update_stacks();
}

// With the lock.
void Pacing::update_stacks() {
  const uint64_t live = live_stacks_.load(std::memory_order_relaxed);
  const auto after = [live](uint64_t growth) { return live + std::max(growth, kMinStackGrowth); };
  const auto per_cent = static_cast<uint64_t>(std::max(percent(), 0));
  const uint64_t by_percent =
      percent() < 0 ? UINT64_MAX : after(std::max(live, kFewStacks) / 100 * per_cent);
  percent_stacks_.store(by_percent, std::memory_order_relaxed);
  const rt::Retention& retention = heap_->pages.retention();
  const uint64_t limit = std::min(limit_->bytes(), retention.hard_limit().raw);
  const uint64_t taken = retention.accounted().raw;
  const uint64_t by_limit = limit == UINT64_MAX ? limit : after(limit - std::min(limit, taken));
  heap_->stack_trigger.store(std::min(by_percent, by_limit), std::memory_order_relaxed);
}

bool Pacing::stacks_due() {
  if (!heap_->wants_collection_of_stacks()) return false;
  const uint64_t in_use = heap_->stacks_in_use.bytes();
  if (in_use >= percent_stacks_.load(std::memory_order_relaxed)) return true;
  if (!limit_->limiting(rt::now_ns())) return true;
  heap_->stack_trigger.store(in_use + kMinStackGrowth, std::memory_order_relaxed);
  return false;
}

bool Pacing::due() {
  if (stacks_due()) return true;
  const int64_t allocated = heap_->allocated_since_gc.load(std::memory_order_relaxed);
  const bool passed_limit = heap_->pages.retention().take_over_limit();
  const auto percent_growth = static_cast<int64_t>(percent_growth_.load(std::memory_order_relaxed));
  if (allocated >= percent_growth) return true;
  // Pages were taken above the limit: but right after a collection another one finds nothing.
  const bool triggered = allocated >= heap_->gc_trigger.load(std::memory_order_relaxed);
  if (!triggered && (!passed_limit || allocated < static_cast<int64_t>(min_growth(live())))) {
    return false;
  }
  if (!limit_->limiting(rt::now_ns())) return true;
  heap_->gc_trigger.store(std::min(percent_growth, allocated + kPutOffBytes),
                          std::memory_order_relaxed);
  return false;
}

}  // namespace acre::gc
