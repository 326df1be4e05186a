#include "gc/cycle/memory_limit.h"

#include <algorithm>

#include "gc/pace/saturating.h"
#include "runtime/base/options.h"
#include "runtime/os/limits.h"

namespace acre::gc {
namespace {

constexpr uint64_t kNone = UINT64_MAX;
constexpr uint64_t kAutoPercent = 90;
// The part of the limiter's bucket from which on collections make do with half of the processors.
constexpr uint64_t kPressedPart = 8;

constexpr uint64_t kEventNs = 1'000'000'000;  // between two calls of the handler

bool is_share(size_t asked) { return asked == ACRE_LIMIT_AUTO || rt::is_limit_percent(asked); }

uint64_t less(uint64_t a, uint64_t b) { return a > b ? a - b : 0; }

}  // namespace

void MemoryLimit::init(const acre_options& options, rt::Retention* retention, unsigned processors,
                       uint64_t now_ns) {
  retention_ = retention;
  asked_.store(options.memory_limit, std::memory_order_relaxed);
  hard_.store(options.hard_limit, std::memory_order_relaxed);
  option_policy_ = options.limit_policy;
  processors_ = processors;
  limiter_.init(processors);
  last_now_ns_ = now_ns;
  refresh();
}

size_t MemoryLimit::set(size_t asked) {
  size_t old = 0;
  {
    rt::LockGuard guard(lock_);
    old = asked_.exchange(asked, std::memory_order_relaxed);
    raised_ = 0;
    policy_ = ACRE_LIMIT_KEEP_GOING;
    failing_ = false;
  }
  refresh();
  return old;
}

size_t MemoryLimit::set_hard(size_t bytes) {
  rt::LockGuard guard(lock_);
  const uint64_t old = hard_.exchange(bytes, std::memory_order_relaxed);
  update();
  return old;
}

void MemoryLimit::set_has_handler(bool has_handler) {
  rt::LockGuard guard(lock_);
  has_handler_ = has_handler;
  policy_ = ACRE_LIMIT_KEEP_GOING;
  failing_ = false;
  update();
}

bool MemoryLimit::follows_system() const { return is_share(asked()); }

bool MemoryLimit::refresh() {
  // Files are read without the lock.
  const uint64_t allowed = follows_system() ? rt::memory_ceiling().bytes.raw : 0;
  rt::LockGuard guard(lock_);
  // Nothing could be read (no file descriptor is left, say): what was known still holds.
  if (allowed != 0) allowed_ = allowed;
  return update();
}

bool MemoryLimit::update() {
  const size_t asked = asked_.load(std::memory_order_relaxed);
  uint64_t limit = asked;
  if (is_share(asked)) {
    const uint64_t percent = asked == ACRE_LIMIT_AUTO ? kAutoPercent : rt::limit_percent(asked);
    // Nothing known: no limit, as without the option.
    limit = allowed_ == 0 ? kNone : allowed_ / 100 * percent;
    if (raised_ != 0) limit = std::max(limit, std::min(raised_, allowed_));
  } else if (raised_ != 0) {
    limit = raised_;
  }
  const bool fails = failing_ || (!has_handler_ && option_policy_ == ACRE_LIMIT_FAIL);
  const bool changed = in_effect_.exchange(limit, std::memory_order_relaxed) != limit;
  const uint64_t hard = std::min(hard_.load(std::memory_order_relaxed), fails ? limit : kNone);
  retention_->set_limits(rt::ByteCount(limit), rt::ByteCount(hard));
  return changed;
}

void MemoryLimit::add_to_limiter(uint64_t now_ns, uint64_t gc_cpu_ns, uint64_t pause_ns) {
  const uint64_t available = less(now_ns, last_now_ns_) * processors_;
  last_now_ns_ = std::max(last_now_ns_, now_ns);
  const uint64_t gc = collector_time(gc_cpu_ns, pause_ns, processors_, in_vain_);
  limiter_.add(std::min(gc, available), less(available, gc));
  pressed_.store(limiter_.fill_ns() >= limiter_.capacity_ns() / kPressedPart,
                 std::memory_order_relaxed);
}

void MemoryLimit::before_collection(uint64_t now_ns) {
  rt::LockGuard guard(lock_);
  add_to_limiter(now_ns, 0, 0);
  collecting_ = true;
}

void MemoryLimit::after_collection(uint64_t now_ns, uint64_t gc_cpu_ns, uint64_t pause_ns) {
  rt::LockGuard guard(lock_);
  collecting_ = false;
  add_to_limiter(now_ns, gc_cpu_ns, pause_ns);
}

// Who asks while the world is stopped (acre_stats_read may) must not have the pause taken for mutator time.
bool MemoryLimit::limiting(uint64_t now_ns) {
  rt::LockGuard guard(lock_);
  if (!collecting_) add_to_limiter(now_ns, 0, 0);
  return limiter_.limiting();
}

bool MemoryLimit::event_due(uint64_t now_ns, uint64_t live_bytes, acre_limit_event* event) {
  const uint64_t limit = bytes();
  if (limit == kNone) return false;
  rt::LockGuard guard(lock_);
  const uint64_t accounted = retention_->accounted().raw;
  const bool above = accounted > limit;
  in_vain_ = above;
  const bool limiting = limiter_.limiting();
  if (!above && !limiting) {
    if (failing_) {
      failing_ = false;
      update();
    }
    return false;
  }
  // A handler that has said FAIL is asked at once when the limit, kept meanwhile, is passed again.
  const bool lifted = has_handler_ && policy_ == ACRE_LIMIT_FAIL && !failing_;
  if (!lifted && last_event_ns_ != 0 && now_ns - last_event_ns_ < kEventNs) return false;
  last_event_ns_ = now_ns;
  events_.fetch_add(1, std::memory_order_relaxed);
  *event = {.limit = limit,
            .accounted = accounted,
            .live = live_bytes,
            .limiting = limiting ? 1 : 0,
            .above = above ? 1 : 0};
  return true;
}

bool MemoryLimit::apply(int policy) {
  rt::LockGuard guard(lock_);
  policy_ = policy;
  failing_ = has_handler_ && policy == ACRE_LIMIT_FAIL;
  if (policy == ACRE_LIMIT_RAISE) {
    const uint64_t least = std::max(bytes(), retention_->accounted().raw);
    raised_ = least > kNone / 2 ? kNone - 1 : least + least / 4;
  }
  return update();
}

}  // namespace acre::gc
