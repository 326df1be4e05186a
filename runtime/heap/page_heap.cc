#include "runtime/heap/page_heap.h"

#include "runtime/base/check.h"

namespace acre::rt {

TableSizes PageHeap::table_sizes(PageCount capacity) {
  return {PageAlloc::table_bytes(capacity), span_table_bytes(capacity)};
}

void PageHeap::init(Space* space) {
  space_ = space;
  lock_.set_rank(LockRank::kPageHeap);
  pages_.init(space->page_alloc_tables(), space->capacity());
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
  if (cacheable) {
    const PageRun run = cache.alloc(request.pages);
    if (run.ok()) return run;
  }
  LockGuard guard(lock_);
  if (cacheable) {
    cache.flush(pages_);
    cache = pages_.alloc_to_cache();
    const PageRun run = cache.alloc(request.pages);
    if (run.ok()) return run;
  }
  return take_or_grow(request);
}

PageRun PageHeap::take_or_grow(const SpanRequest& request) {
  const auto take = [this, &request] {
    return request.align.raw == 1 ? pages_.alloc(request.pages)
                                  : pages_.alloc_aligned(request.pages, request.align);
  };
  const PageRun run = take();
  if (run.ok()) return run;
  if (!grow(request.pages + request.align - PageCount(1))) return {};
  return take();
}

bool PageHeap::grow(PageCount wanted) {
  // Free pages at the end of the mapped part count towards the request, but how many they are is
  // not worth knowing: at most one arena more than needed is mapped, and mapping costs no memory.
  uint64_t arenas = (wanted.raw + kArenaPages - 1) / kArenaPages;
  if (arenas > space_->arenas_left()) {
    // Near the end of the range the tail may be just enough after all.
    arenas = space_->arenas_left();
  }
  PageId first;
  if (arenas == 0 || !space_->map_arenas(arenas, &first)) return false;
  pages_.grow(first, PageCount(arenas * kArenaPages));
  return true;
}

Span* PageHeap::make_span(const SpanRequest& request, const PageRun& run) {
  pages_in_use_.fetch_add(run.pages.raw, std::memory_order_relaxed);
  Span* span = span_at(*space_, run.page);
  span->gap.store(nullptr, std::memory_order_relaxed);
  span->freed.store(0, std::memory_order_relaxed);
  span->start_page = static_cast<uint32_t>(run.page.raw);
  span->page_count = static_cast<uint32_t>(run.pages.raw);
  span->size_class = request.size_class;
  span->kind = request.kind;
  span->known_zero = run.scavenged == run.pages;
  span->in_use = true;
  span->search_from = 0;
  span->sweep_gen.store(request.sweep_gen, std::memory_order_relaxed);
  const PageState state = request.size_class == kLargeClass ? PageState::kLarge : PageState::kSmall;
  const PageEntry entry = PageEntry::make(state, request.kind, request.size_class, run.page);
  for (uint64_t i = 0; i < run.pages.raw; ++i) {
    space_->set_page_entry(run.page + PageCount(i), entry);
  }
  return span;
}

void PageHeap::free_span(Span& span) {
  const PageId first = span.first_page();
  const PageCount count = span.pages();
  ACRE_DCHECK(span.in_use && span.gap.load(std::memory_order_relaxed) == nullptr,
              "only an owned span that no cache uses is freed");
  span.in_use = false;
  for (uint64_t i = 0; i < count.raw; ++i)
    space_->set_page_entry(first + PageCount(i), PageEntry{});
  clear_all_bits(*space_, first, count);
  pages_in_use_.fetch_sub(count.raw, std::memory_order_relaxed);
  LockGuard guard(lock_);
  pages_.free(first, count);
}

void PageHeap::flush_cache(PageCache& cache) {
  if (cache.empty()) return;
  LockGuard guard(lock_);
  cache.flush(pages_);
}

ByteCount PageHeap::release_all() {
  PageCount released{0};
  PageId below;
  {
    LockGuard guard(lock_);
    below = pages_.highest();
  }
  for (;;) {
    PageRun run;
    {
      LockGuard guard(lock_);
      run = pages_.take_for_release(below, PageCount(kChunkPages));
    }
    if (!run.ok()) break;
    // A kernel that refuses (locked memory) leaves the pages free, just not released.
    const bool done = space_->os().release(space_->address(run.page), bytes_of(run.pages));
    space_->release_books(run.page, run.pages);
    LockGuard guard(lock_);
    pages_.give_back(run.page, run.pages, done);
    if (done) released += run.pages;
    below = run.page;
  }
  return bytes_of(released);
}

PageHeap::Usage PageHeap::usage() {
  LockGuard guard(lock_);
  return {space_->mapped(), bytes_of(pages_in_use()), bytes_of(pages_.scavenged_pages())};
}

bool PageHeap::check(void (*report)(const char*, void*), void* arg) {
  LockGuard guard(lock_);
  return pages_.check(report, arg);
}

}  // namespace acre::rt
