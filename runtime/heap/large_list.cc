#include "runtime/heap/large_list.h"

#include "runtime/base/bits.h"
#include "runtime/base/check.h"

namespace acre::rt {

void LargeList::init(const Space* space) {
  space_ = space;
  lock_.set_rank(LockRank::kLarge);
}

void LargeList::link(Span** head, Span* span) {
  span->previous = nullptr;
  span->next_in_stack.store(*head, std::memory_order_relaxed);
  if (*head != nullptr) (*head)->previous = span;
  *head = span;
}

void LargeList::unlink(Span* span) {
  Span* next = span->next_in_stack.load(std::memory_order_relaxed);
  if (next != nullptr) next->previous = span->previous;
  if (span->previous != nullptr) {
    span->previous->next_in_stack.store(next, std::memory_order_relaxed);
  } else if (swept_ == span) {
    swept_ = next;
  } else {
    ACRE_CHECK(unswept_ == span, "a large span without predecessor heads one of the two lists");
    unswept_ = next;
  }
}

void LargeList::add(Span* span, uint32_t sweep_gen) {
  LockGuard guard(lock_);
  span->unswept_large = false;
  span->sweep_gen.store(sweep_gen, std::memory_order_release);
  link(&swept_, span);
  ++swept_count_;
  set_alloc_bits(*space_, *span, 0, 1);
}

bool LargeList::take(Span* span) {
  LockGuard guard(lock_);
  const uint64_t granule = space_->granule_of(span->start(*space_));
  if (!bits::clear(space_->alloc_words(), granule)) return false;
  unlink(span);
  if (span->unswept_large) {
    unswept_count_.fetch_sub(1, std::memory_order_relaxed);
  } else {
    --swept_count_;
  }
  return true;
}

void LargeList::begin_sweep() {
  LockGuard guard(lock_);
  ACRE_CHECK(unswept_ == nullptr, "all is swept before the next cycle");
  for (Span* span = swept_; span != nullptr;
       span = span->next_in_stack.load(std::memory_order_relaxed)) {
    span->unswept_large = true;
  }
  unswept_ = swept_;
  swept_ = nullptr;
  unswept_count_.store(swept_count_, std::memory_order_relaxed);
  swept_count_ = 0;
}

bool LargeList::sweep_one(uint32_t sweep_gen, Span** dead) {
  *dead = nullptr;
  LockGuard guard(lock_);
  Span* span = unswept_;
  if (span == nullptr) return false;
  unlink(span);
  unswept_count_.fetch_sub(1, std::memory_order_relaxed);
  span->unswept_large = false;
  span->sweep_gen.store(sweep_gen, std::memory_order_release);
  const uint64_t granule = space_->granule_of(span->start(*space_));
  if (bits::clear(space_->mark_words(), granule) || span->explicitly_freed) {
    link(&swept_, span);
    ++swept_count_;
  } else {
    bits::clear(space_->alloc_words(), granule);
    *dead = span;
  }
  return true;
}

}  // namespace acre::rt
