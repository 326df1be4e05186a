#include "gc/cycle/fibers.h"

#include <algorithm>

#include "gc/mark/stack_scan.h"
#include "runtime/base/print.h"

namespace acre::gc {

using rt::Addr;
using rt::Fiber;
using rt::FiberState;
using rt::Line;
using rt::set_state;
using rt::Stack;
using rt::stack_of;
using rt::StackUse;
using rt::state_of;

namespace {

// The smallest stacks whose unused part is worth looking at.
constexpr rt::ByteCount kWorthTrimming{32 * rt::kKiB};

// A step: the world is stopped for as long as it takes.
constexpr unsigned kRecordsPerStep = 4096;
constexpr unsigned kTrimmedPerStep = 64;

// It ran since its unused stack was looked at, and that may be worth giving back. (What runs now is for after the
// next collection.)
bool is_untrimmed(const Fiber& fiber) {
  return state_of(fiber) == FiberState::kSuspended && stack_of(fiber)->size() >= kWorthTrimming;
}

}  // namespace

acre_status Fibers::kind(acre_kind* out) {
  *out = heap_->fiber_kind.load(std::memory_order_acquire);
  if (*out != ACRE_KIND_NONE) return ACRE_OK;
  rt::LockGuard guard(kind_lock_);
  *out = heap_->fiber_kind.load(std::memory_order_relaxed);
  if (*out != ACRE_KIND_NONE) return ACRE_OK;
  acre_kind_info info{};
  info.struct_size = sizeof(info);
  info.name = "fiber";
  info.trace = heap_->options.conservative_stacks != 0 ? &trace_fiber : &trace_fiber_precisely;
  const acre_status status = heap_->kinds.add(info, out, /*internal=*/true);
  if (status == ACRE_OK) heap_->fiber_kind.store(*out, std::memory_order_release);
  return status;
}

bool Fibers::marked(const Fiber* fiber) const {
  return rt::bits::test(heap_->space.mark_words(), heap_->space.granule_of(Addr(fiber)));
}

uint64_t Fibers::after_marking(bool all) {
  uint64_t bytes = 0;
  bool untrimmed = false;
  uint64_t unknown = 0;  // what may have been touched, and nobody has looked
  const uint64_t page = heap_->os.page_size().raw;
  stacks_->for_each([&](Stack& stack) {
    const StackUse use = stack.use.load(std::memory_order_relaxed);
    if (use == StackUse::kFree) unknown += stack.size().raw - stack.touched;
    if (use != StackUse::kFiber) return;
    Fiber* fiber = stack.fiber;
    if (fiber == nullptr) return;  // on its way to become one
    if (!marked(fiber) || state_of(*fiber) == FiberState::kLost) {
      rt::drop_fiber(*stacks_, fiber, nullptr);
      unknown += stack.size().raw - stack.touched;
      return;
    }
    const uint64_t depth = depth_of(*fiber);
    bytes += depth;
    const uint64_t touched = rt::align_up(depth, page);
    if (touched > stack.touched) stacks_->set_touched(stack, touched);
    if (!is_untrimmed(*fiber)) return;
    untrimmed = true;
    unknown += stack.size().raw - stack.touched;
  });
  untrimmed_.store(untrimmed, std::memory_order_relaxed);
  cursor_ = stacks_->begin();
  const bool doubtful = heap_->pages.retention().would_pass_limit(rt::ByteCount(unknown));
  doubtful_.store(doubtful, std::memory_order_relaxed);
  stacks_->retire_unneeded(all || doubtful);
  return bytes;
}

void Fibers::trim() {
  unsigned trimmed = 0;
  const bool more = stacks_->for_some(&cursor_, kRecordsPerStep, [&](Stack& stack) {
    if (stack.use.load(std::memory_order_relaxed) != StackUse::kFiber) return true;
    Fiber* fiber = stack.fiber;
    if (fiber == nullptr || !is_untrimmed(*fiber)) return true;
    stacks_->release_below(stack, lowest_used(*fiber));
    set_state(fiber, FiberState::kTrimmed, rt::state_byte(*fiber) & rt::kKeeps);
    return ++trimmed < kTrimmedPerStep;
  });
  if (!more) untrimmed_.store(false, std::memory_order_relaxed);
}

void Fibers::lose_others_in_child(const rt::Thread* self) {
  stacks_->for_each([&](Stack& stack) {
    Fiber* fiber = stack.fiber;
    if (stack.use.load(std::memory_order_relaxed) != StackUse::kFiber || fiber == nullptr) return;
    if (!rt::is_in_chain(*fiber) || fiber->thread == self) return;
    set_state(fiber, FiberState::kLost);
    rt::use_parts_of(stack).tsan_fiber = nullptr;  // a thread that is not here is on it
    rt::drop_fiber(*stacks_, fiber, nullptr);
  });
}

bool Fibers::check(acre_report_fn report, void* arg) {
  bool good = stacks_->check(report, arg);
  stacks_->for_each([&](const Stack& stack) {
    if (stack.use.load(std::memory_order_relaxed) != StackUse::kFiber || stack.fiber == nullptr)
      return;
    const rt::ObjectRef object = object_at(heap_->space, Addr(stack.fiber));
    if (object && stack_of(*stack.fiber) == &stack) return;
    good = false;
    if (report == nullptr) return;
    Line line;
    line << "the stack at " << stack.low << " belongs to " << Addr(stack.fiber)
         << ", which is no fiber on it";
    report(line.c_str(), arg);
  });
  return good;
}

}  // namespace acre::gc
