#include "runtime/stack/stack_pool.h"

#include <algorithm>

#include "runtime/base/check.h"
#include "runtime/base/print.h"

namespace acre::rt {
namespace {

// What is unused in one stack and less than this stays.
constexpr ByteCount kWorthReleasing{16 * kKiB};

}  // namespace

void StackPool::init(Heap* heap) {
  heap_ = heap;
  spare_.init(&heap->os);
  lock_.set_rank(LockRank::kStacks);
}

// Kernel pages may be larger than ours: then spans of stacks are made of whole ones.
PageCount StackPool::pages_of(unsigned stack_class) const {
  const uint64_t bytes = stack_class_bytes(stack_class).raw + guard_bytes().raw;
  return PageCount(align_up(bytes, std::max(guard_bytes().raw, kPageBytes)) >> kPageShift);
}

Span& StackPool::span_of(const Stack& stack) const {
  const Addr start = stack.low - guard_bytes();
  return *span_at(heap_->space, heap_->space.page_of(start));
}

Stack* StackPool::take(unsigned stack_class, StackUse use, StackCache* cache, PageCache& pages,
                       acre_status* why) {
  Stack* stack = cache != nullptr ? cache->pop(stack_class) : nullptr;
  if (stack == nullptr) stack = take_free(stack_class, cache);
  if (stack == nullptr) stack = make(stack_class, pages, why);
  if (stack == nullptr) return nullptr;
  stack->fiber = nullptr;
  stack->use.store(use, std::memory_order_release);
  heap_->stacks_in_use.add(pages_of(stack_class));
  return stack;
}

// From the pool, with some more for the cache.
Stack* StackPool::take_free(unsigned stack_class, StackCache* cache) {
  LockGuard guard(lock_);
  FreeList& list = free_[stack_class];
  Stack* stack = list.first;
  if (stack == nullptr) {
    // Better than a new one, while its memory has not gone back: else who makes stacks is faster than who frees them.
    stack = retired_[stack_class];
    if (stack != nullptr) retired_[stack_class] = stack->next;
    return stack;
  }
  list.first = stack->next;
  --list.count;
  for (unsigned i = 1; cache != nullptr && i < StackCache::most(stack_class) / 2; ++i) {
    Stack* more = list.first;
    if (more == nullptr) break;
    list.first = more->next;
    --list.count;
    cache->push(more);
  }
  list.least = std::min(list.least, list.count);
  return stack;
}

Stack* StackPool::make(unsigned stack_class, PageCache& pages, acre_status* why) {
  *why = ACRE_E_NOMEM;
  Stack* stack = take_record();
  if (stack == nullptr) return nullptr;
  const PageCount count = pages_of(stack_class);
  SpanRequest request{.pages = count,
                      .align = PageCount(std::max<uint64_t>(guard_bytes().raw / kPageBytes, 1)),
                      .size_class = kLargeClass,
                      .kind = ACRE_KIND_LEAF,
                      .sweep_gen = heap_->generation(),
                      .stack = true};
  // Before its pages are compared with the limits.
  const ByteCount first_page = heap_->os.page_size();
  const ByteCount untouched = bytes_of(count) - first_page;
  Retention& retention = heap_->pages.retention();
  retention.add_untouched(untouched);
  Span* span = heap_->pages.alloc_span(request, pages);
  if (span == nullptr || !heap_->os.guard(span->start(heap_->space), guard_bytes())) {
    retention.remove_untouched(untouched);
    *why = ACRE_E_LIMIT;
    // (With a page to spare: its books are counted by whole pages.)
    if (span == nullptr && retention.may_hold(first_page + ByteCount(kPageBytes)))
      *why = ACRE_E_NOMEM;
    if (span != nullptr) heap_->pages.free_span(*span);
    put_record(stack);
    return nullptr;
  }
  stack->low = span->start(heap_->space) + guard_bytes();
  stack->high = span->start(heap_->space) + bytes_of(count);
  stack->stack_class = static_cast<uint8_t>(stack_class);
  stack->touched = first_page.raw;
  // Pages that were somebody's before, some of them at least, hold memory.
  if (!span->known_zero && !release_new(*stack)) set_touched(*stack, stack->size().raw);
  bytes_.fetch_add(bytes_of(count).raw, std::memory_order_relaxed);
  __atomic_store_n(&span->stack, stack, __ATOMIC_RELEASE);
  return stack;
}

// A large one would count as a whole for a few pages.
bool StackPool::release_new(const Stack& stack) {
  return stack.size() >= kWorthReleasing + kWorthReleasing &&
         heap_->os.release(stack.low, stack.size());
}

Stack* StackPool::take_record() {
  LockGuard guard(lock_);
  if (records_ == nullptr) {
    auto* block = static_cast<Block*>(heap_->space.meta_alloc(ByteCount(sizeof(Block)), 64));
    if (block == nullptr) return nullptr;
    block->next = blocks_;
    blocks_ = block;
    for (Stack& stack : block->stacks) {
      stack.next = records_;
      records_ = &stack;
    }
  }
  Stack* stack = records_;
  records_ = stack->next;
  return stack;
}

void StackPool::put_record(Stack* stack) {
  LockGuard guard(lock_);
  stack->use.store(StackUse::kNone, std::memory_order_relaxed);
  stack->next = records_;
  records_ = stack;
}

void StackPool::put(Stack* stack, StackCache* cache) {
  stack->fiber = nullptr;
  stack->use.store(StackUse::kFree, std::memory_order_release);
  heap_->stacks_in_use.remove(pages_of(stack->stack_class));
  const unsigned stack_class = stack->stack_class;
  if (cache != nullptr) {
    if (!cache->full(stack_class)) return cache->push(stack);
    LockGuard guard(lock_);
    for (unsigned i = 0; i < StackCache::most(stack_class) / 2; ++i) {
      list_free(cache->pop(stack_class));
    }
  }
  LockGuard guard(lock_);
  list_free(stack);
}

// With the lock.
void StackPool::list_free(Stack* stack) {
  FreeList& list = free_[stack->stack_class];
  stack->next = list.first;
  list.first = stack;
  ++list.count;
}

void StackPool::flush(StackCache& cache) {
  LockGuard guard(lock_);
  for (unsigned i = 0; i < kStackClasses; ++i) {
    while (Stack* stack = cache.pop(i)) list_free(stack);
  }
}

void StackPool::retire_unneeded(bool all) {
  LockGuard guard(lock_);
  for (unsigned i = 0; i < kStackClasses; ++i) {
    FreeList& list = free_[i];
    for (uint64_t n = all ? list.count : list.least; n > 0; --n) {
      Stack* stack = list.first;
      list.first = stack->next;
      --list.count;
      stack->next = retired_[i];
      retired_[i] = stack;
    }
    list.least = list.count;
  }
}

bool StackPool::give_back(unsigned most, ReleaseBy who) {
  for (; most > 0; --most) {
    Stack* stack = nullptr;
    {
      LockGuard guard(lock_);
      for (Stack*& first : retired_) {
        if ((stack = first) == nullptr) continue;
        first = stack->next;
        break;
      }
      if (stack == nullptr) return false;
    }
    Span& span = span_of(*stack);
    if (!heap_->os.unguard(span.start(heap_->space), guard_bytes())) {
      // It stays a stack then.
      LockGuard guard(lock_);
      list_free(stack);
      continue;
    }
    bytes_.fetch_sub(span.size().raw, std::memory_order_relaxed);
    __atomic_store_n(&span.stack, static_cast<void*>(nullptr), __ATOMIC_RELEASE);
    const ByteCount untouched = span.size() - ByteCount(stack->touched);
    heap_->pages.free_stack(span, untouched, who);
    put_record(stack);
  }
  return true;
}

bool StackPool::give_back_idle(StackCache& cache) {
  if (bytes() == ByteCount(0)) return false;
  flush(cache);
  retire_unneeded(true);
  const ByteCount before = bytes();
  (void)give_back(UINT32_MAX, ReleaseBy::kAllocation);
  return bytes() < before;
}

Stack* StackPool::find(Addr address) const {
  const Space& space = heap_->space;
  if (!space.contains(address)) return nullptr;
  const PageEntry entry = space.page_entry(space.page_of(address));
  if (entry.state() != PageState::kStack) return nullptr;
  return static_cast<Stack*>(
      __atomic_load_n(&span_at(space, entry.start())->stack, __ATOMIC_ACQUIRE));
}

// What of the span holds no memory is what the Retention is told.
void StackPool::set_touched(Stack& stack, uint64_t bytes) {
  Retention& retention = heap_->pages.retention();
  if (bytes < stack.touched) {
    retention.add_untouched(ByteCount(stack.touched - bytes));
  } else {
    retention.remove_untouched(ByteCount(bytes - stack.touched));
  }
  stack.touched = bytes;
}

void StackPool::set_used_from(Stack& stack, uintptr_t lowest) {
  set_touched(stack, stack.high.raw - align_down(lowest, heap_->os.page_size().raw));
}

ByteCount StackPool::release_below(Stack& stack, uintptr_t sp) {
  const uint64_t page = heap_->os.page_size().raw;
  // What a leaf function may have below its stack pointer is no matter: it is in a switch.
  const Addr end(align_down(sp, page));
  if (end <= stack.low) return ByteCount(0);
  const ByteCount below = end - stack.low;
  const ByteCount resident = heap_->os.resident(stack.low, below);
  const uint64_t above = (stack.high - end).raw;
  if (resident < kWorthReleasing || !heap_->os.release(stack.low, below)) {
    set_touched(stack, above + resident.raw);
    return ByteCount(0);
  }
  set_touched(stack, above);
  return resident;
}

bool StackPool::check(acre_report_fn report, void* arg) {
  bool good = true;
  const auto fail = [&](const Line& line) {
    good = false;
    if (report != nullptr) report(line.c_str(), arg);
  };
  uint64_t bytes = 0;
  uint64_t used = 0;
  uint64_t used_bytes = 0;
  uint64_t untouched = 0;
  for_each([&](Stack& stack) {
    const StackUse use = stack.use.load(std::memory_order_relaxed);
    if (use == StackUse::kNone) return;
    const Span& span = span_of(stack);
    if (!span.in_use || span.stack != &stack || find(stack.low) != &stack) {
      fail(Line() << "the stack at " << stack.low << " and its span do not know each other");
      return;
    }
    bytes += span.size().raw;
    untouched += span.size().raw - stack.touched;
    if (use == StackUse::kFree) return;
    ++used;
    used_bytes += span.size().raw;
  });
  if (bytes != bytes_.load(std::memory_order_relaxed)) {
    fail(Line() << bytes << " bytes of stacks in records, " << bytes_.load() << " counted");
  }
  const StacksInUse& counted = heap_->stacks_in_use;
  if (used != counted.count() || used_bytes != counted.bytes()) {
    fail(Line() << used << " stacks in use of " << used_bytes << " bytes by their records, "
                << counted.count() << " of " << counted.bytes() << " counted");
  }
  if (untouched != heap_->pages.retention().untouched().raw) {
    fail(Line() << untouched << " bytes of stacks without memory by their records, "
                << heap_->pages.retention().untouched().raw << " counted");
  }
  return good;
}

}  // namespace acre::rt
