#include "runtime/heap/page_heap.h"

#include <algorithm>

#include "runtime/base/check.h"

namespace acre::rt {
namespace {

// A heap is dense while less than this part of it holds no memory. Smaller: huge pages sooner, which fill
// more of what is released.
constexpr uint64_t kSparsePart = 8;

}  // namespace

TableSizes PageHeap::table_sizes(PageCount capacity) {
  return {PageAlloc::table_bytes(capacity), span_table_bytes(capacity)};
}

void PageHeap::init(Space* space, ByteCount fixed, ReleaseHow how) {
  space_ = space;
  grow_lock_.set_rank(LockRank::kGrow);
  lock_.set_rank(LockRank::kPageHeap);
  pages_.init(space->page_alloc_tables(), space->capacity());
  retention_.init(space, &pages_, &lock_, &grow_lock_, fixed, how);
  zero_when_released_ = how == ReleaseHow::kNow;
}

Span* PageHeap::alloc_span(const SpanRequest& request, PageCache& cache) {
  const PageRun run = take_pages(request, cache);
  if (!run.ok()) return nullptr;
  if (request.size_class != kLargeClass && run.scavenged == run.pages &&
      run.page >= kBackAheadFrom) {
    back_ahead(run, cache);
  }
  return make_span(request, run);
}

// Refused (an old kernel): the first touch of each page does it, from now on.
void PageHeap::back_ahead(const PageRun& run, PageCache& cache) {
  if (run.pages >= kCacheLimit || refuses_backing_.load(std::memory_order_relaxed)) return;
  const PageCount pages = cache.take_ahead(run);
  if (pages == PageCount(0)) return;
  if (!space_->os().populate(space_->address(run.page), bytes_of(pages))) {
    refuses_backing_.store(true, std::memory_order_relaxed);
  }
}

PageRun PageHeap::take_pages(const SpanRequest& request, PageCache& cache) {
  const bool cacheable = request.pages < kCacheLimit && request.align.raw == 1;
  PageCount fresh;
  if (cacheable) {
    const PageRun run = cache.alloc(request.pages);
    if (run.ok()) return run;
    const PageRun refilled = refill_and_take(request, cache, &fresh);
    const PageId end = cache.base() + PageCount(PageCache::kPages);
    if (refilled.ok() && settle(refilled, fresh, end)) return refilled;
    // No such run in the block; or a block is too much, and perhaps just the pages are not.
    if (refilled.ok()) {
      put_back(refilled);
      flush_cache(cache);
      fresh = PageCount(0);
    }
  }
  PageRun run;
  {
    LockGuard guard(lock_);
    run = take_exactly(request);
  }
  if (!run.ok()) run = grow_and_take(request);
  if (!run.ok() || settle(run, fresh + run.scavenged, run.page + run.pages)) return run;
  put_back(run);
  return {};
}

// Pages were taken, `fresh` of which hold no memory: whether the heap may have them.
bool PageHeap::settle(const PageRun& run, PageCount fresh, PageId end) {
  return retention_.keep_within(fresh, end) && space_->commit_pages(run.page, run.pages);
}

PageRun PageHeap::refill_and_take(const SpanRequest& request, PageCache& cache, PageCount* fresh) {
  LockGuard guard(lock_);
  cache.flush(pages_);
  cache = pages_.alloc_to_cache();
  *fresh = cache.scavenged_pages();
  const PageRun run = cache.alloc(request.pages);
  retention_.publish();
  return run;
}

// Under the page-heap lock.
PageRun PageHeap::take_exactly(const SpanRequest& request) {
  const PageRun run = request.align.raw == 1 ? pages_.alloc(request.pages)
                                             : pages_.alloc_aligned(request.pages, request.align);
  retention_.publish();
  return run;
}

// Others may have grown the heap, or freed pages, while this thread waited for its turn; and pages may be
// on their way to the kernel.
PageRun PageHeap::grow_and_take(const SpanRequest& request) {
  {
    LockGuard growing(grow_lock_);
    {
      LockGuard guard(lock_);
      const PageRun run = take_exactly(request);
      if (run.ok()) return run;
    }
    PageId first;
    PageCount pages;
    if (map_for(request.pages + request.align - PageCount(1), &first, &pages)) {
      LockGuard guard(lock_);
      pages_.grow(first, pages);
      const PageRun run = take_exactly(request);
      if (run.ok()) return run;
    }
  }
  LockGuard none_on_their_way(retention_.release_lock());
  LockGuard guard(lock_);
  return take_exactly(request);
}

bool PageHeap::map_for(PageCount wanted, PageId* first, PageCount* pages) {
  // Free pages at the end of the mapped part count towards the request, but how many they are is
  // not worth knowing: at most one arena more than needed is mapped, and mapping costs no memory.
  uint64_t arenas = (wanted.raw + kArenaPages - 1) / kArenaPages;
  // Near the end of the range the tail may be just enough after all.
  arenas = std::min(arenas, space_->arenas_left());
  const ByteCount mapped = space_->mapped();
  const bool dense = retention_.retained().raw >= mapped.raw - mapped.raw / kSparsePart;
  if (arenas == 0 || !space_->map_arenas(arenas, dense, first)) return false;
  *pages = PageCount(arenas * kArenaPages);
  return true;
}

// As they were. Which of them held no memory is not known any more: so none does if some did not.
void PageHeap::put_back(const PageRun& run) {
  const bool fresh = run.scavenged == run.pages;
  const bool released = run.scavenged != PageCount(0) && !fresh &&
                        space_->os().release(space_->address(run.page), bytes_of(run.pages));
  LockGuard guard(lock_);
  pages_.give_back(run.page, run.pages, fresh || released);
  retention_.publish();
}

Span* PageHeap::make_span(const SpanRequest& request, const PageRun& run) {
  pages_in_use_.fetch_add(run.pages.raw, std::memory_order_relaxed);
  Span* span = span_at(*space_, run.page);
  span->gap.store(nullptr, std::memory_order_relaxed);
  span->freed.store(0, std::memory_order_relaxed);
  span->has_specials.store(false, std::memory_order_relaxed);
  span->start_page = static_cast<uint32_t>(run.page.raw);
  span->page_count = static_cast<uint32_t>(run.pages.raw);
  span->size_class = request.size_class;
  span->kind = request.kind;
  span->known_zero = zero_when_released_ && run.scavenged == run.pages;
  span->in_use = true;
  span->explicitly_freed = request.explicitly_freed;
  span->search_from = 0;
  span->sweep_gen.store(request.sweep_gen, std::memory_order_relaxed);
  span->stack = nullptr;
  PageState state = request.size_class == kLargeClass ? PageState::kLarge : PageState::kSmall;
  if (request.stack) state = PageState::kStack;
  const PageEntry entry = PageEntry::make(state, request.kind, request.size_class, run.page);
  for (uint64_t i = 0; i < run.pages.raw; ++i) {
    space_->set_page_entry(run.page + PageCount(i), entry);
  }
  return span;
}

// Its pages are the caller's again.
PageRun PageHeap::end_span(Span& span) {
  const PageId first = span.first_page();
  const PageCount count = span.pages();
  ACRE_DCHECK(span.in_use && span.gap.load(std::memory_order_relaxed) == nullptr,
              "only an owned span that no cache uses is freed");
  span.in_use = false;
  for (uint64_t i = 0; i < count.raw; ++i)
    space_->set_page_entry(first + PageCount(i), PageEntry{});
  pages_in_use_.fetch_sub(count.raw, std::memory_order_relaxed);
  return {.page = first, .pages = count, .scavenged = PageCount(0)};
}

void PageHeap::free_span(Span& span) {
  const PageRun run = end_span(span);
  clear_all_bits(*space_, run.page, run.pages);
  LockGuard guard(lock_);
  pages_.free(run.page, run.pages);
  retention_.publish();
}

// Its bits are not touched: they would be memory that nothing of it took.
void PageHeap::free_stack(Span& span, ByteCount untouched, ReleaseBy who) {
  retention_.release_taken(end_span(span), untouched, who);
}

void PageHeap::flush_cache(PageCache& cache) {
  if (cache.empty()) return;
  LockGuard guard(lock_);
  cache.flush(pages_);
  retention_.publish();
}

PageHeap::Usage PageHeap::usage() {
  LockGuard guard(lock_);
  return {space_->mapped(), bytes_of(pages_in_use()), bytes_of(pages_.scavenged_pages())};
}

void PageHeap::lock_for_fork() {
  retention_.release_lock().lock();
  grow_lock_.lock();
  lock_.lock();
}

void PageHeap::unlock_after_fork() {
  lock_.unlock();
  grow_lock_.unlock();
  retention_.release_lock().unlock();
}

bool PageHeap::check(void (*report)(const char*, void*), void* arg) {
  LockGuard guard(lock_);
  return pages_.check(report, arg);
}

}  // namespace acre::rt
