#include "gc/sweep/sweeper.h"

#include <sched.h>

#include <bit>

#include "runtime/base/bits.h"
#include "runtime/base/check.h"
#include "runtime/base/pause.h"

namespace acre::gc {

using rt::kGranuleBytes;
using rt::kGranulesPerPage;
using rt::kSizeClasses;
using rt::PageCount;
using rt::Span;
using rt::SweptSpan;

void Sweeper::begin() {
  ACRE_CHECK(done(), "a cycle ends before the next one's sweep begins");
  heap_->sweep_gen.fetch_add(2, std::memory_order_acq_rel);
  heap_->large.begin_sweep();
  cursor_.store(0, std::memory_order_relaxed);
  done_.store(false, std::memory_order_release);
}

bool Sweeper::sweep_one(PageCount* freed) {
  *freed = PageCount(0);
  if (done()) return false;
  if (sweep_one_large(freed) || sweep_one_small(freed)) return true;
  done_.store(true, std::memory_order_release);
  return false;
}

bool Sweeper::sweep_one_large(PageCount* freed) {
  Span* dead = nullptr;
  if (!heap_->large.sweep_one(heap_->generation(), &dead)) return false;
  if (dead != nullptr) {
    if (heap_->options.clobber_free != 0) clobber(dead->start(heap_->space), dead->size());
    heap_->count_freed(dead->shard, rt::kLargeClass, 1, dead->size());
    *freed = dead->pages();
    heap_->pages.free_span(*dead);
  }
  return true;
}

bool Sweeper::sweep_one_small(PageCount* freed) {
  const uint32_t sweep_gen = heap_->generation();
  const uint32_t lists = heap_->kinds.count() * kSizeClasses;
  for (;;) {
    uint32_t at = cursor_.load(std::memory_order_relaxed);
    if (at >= lists) return false;
    rt::Central& central =
        heap_->kinds.central(at / kSizeClasses, static_cast<uint8_t>(at % kSizeClasses));
    Span* span = central.take_unswept(sweep_gen);
    if (span == nullptr) {
      cursor_.compare_exchange_strong(at, at + 1, std::memory_order_relaxed);
      continue;
    }
    const PageCount pages = span->pages();
    const SweptSpan result = sweep(*span, false);
    if (result == SweptSpan::kFreed) {
      *freed = pages;
    } else {
      central.put(span, result == SweptSpan::kHasRoom, sweep_gen);
    }
    return true;
  }
}

void Sweeper::finish() {
  PageCount freed;
  while (sweep_one(&freed)) {
  }
  while (background_sweeps_.load(std::memory_order_acquire)) sched_yield();
}

void Sweeper::sweep_in_background(unsigned spans) {
  PageCount freed;
  background_sweeps_.store(true, std::memory_order_seq_cst);
  for (unsigned i = 0; i < spans && sweep_one(&freed); ++i) {
  }
  background_sweeps_.store(false, std::memory_order_release);
}

void Sweeper::reclaim(PageCount wanted) {
  PageCount total;
  PageCount freed;
  while (total < wanted && sweep_one(&freed)) total += freed;
}

SweptSpan Sweeper::sweep(Span& span, bool keep_empty) {
  uint32_t live = 0;
  if (begin_span(span)) {
    live = sweep_bits(span);
    end_span(span);
  } else {
    const uint64_t first = span.first_page().raw * kGranulesPerPage;
    const uint64_t end = first + span.pages().raw * kGranulesPerPage;
    live = static_cast<uint32_t>(rt::bits::count_set(heap_->space.alloc_words(), first, end));
  }
  if (live == 0 && !keep_empty) {
    heap_->pages.free_span(span);
    return SweptSpan::kFreed;
  }
  return live < span.elements() ? SweptSpan::kHasRoom : SweptSpan::kFull;
}

void Sweeper::sweep_in_place(Span& span) {
  if (!begin_span(span)) return;
  sweep_bits(span);
  end_span(span);
}

// True: this thread is to sweep it. False: it is swept.
bool Sweeper::begin_span(Span& span) {
  const uint32_t sweep_gen = heap_->generation();
  uint32_t expected = sweep_gen - 2;
  if (span.sweep_gen.compare_exchange_strong(expected, sweep_gen - 1, std::memory_order_acq_rel)) {
    return true;
  }
  // Another thread is at it, for some hundred nanoseconds, or was.
  while (span.sweep_gen.load(std::memory_order_acquire) != sweep_gen) rt::pause();
  return false;
}

void Sweeper::end_span(Span& span) {
  span.search_from = 0;
  span.sweep_gen.store(heap_->generation(), std::memory_order_release);
}

// Returns how many objects live.
uint32_t Sweeper::sweep_bits(Span& span) {
  const rt::bits::PairedWords marks = heap_->space.mark_words();
  const rt::bits::PairedWords allocs = heap_->space.alloc_words();
  const uint64_t first = span.first_page().raw * rt::kWordsPerPage;
  const uint64_t words = span.pages().raw * rt::kWordsPerPage;
  uint64_t live = 0;
  uint64_t freed = 0;
  for (uint64_t i = first; i < first + words; ++i) {
    const uint64_t allocated = rt::bits::load(allocs[i]);
    // An explicit object that was marked may have been freed since.
    if (allocated == 0 && !span.explicitly_freed) continue;
    const uint64_t marked = rt::bits::load(marks[i]);
    const uint64_t living = span.explicitly_freed ? allocated : marked;
    const uint64_t dead = allocated & ~living;
    live += static_cast<uint64_t>(std::popcount(living));
    if (marked != 0) rt::bits::store(marks[i], 0);
    if (dead == 0) continue;
    rt::bits::store(allocs[i], marked);
    freed += static_cast<uint64_t>(std::popcount(dead));
    if (heap_->options.clobber_free != 0) clobber_dead(span, i, dead);
  }
  if (freed != 0) {
    heap_->count_freed(span.shard, span.size_class, freed,
                       rt::ByteCount(freed * span.object_bytes().raw));
  }
  return static_cast<uint32_t>(live);
}

void Sweeper::clobber_dead(const Span& span, uint64_t word, uint64_t dead) {
  for (; dead != 0; dead &= dead - 1) {
    const uint64_t granule = word * 64 + static_cast<uint64_t>(std::countr_zero(dead));
    clobber(heap_->space.base() + rt::ByteCount(granule * kGranuleBytes), span.object_bytes());
  }
}

void Sweeper::forget(rt::Addr object) { specials_->object_freed(object.raw); }

}  // namespace acre::gc
