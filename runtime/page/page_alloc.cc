#include "runtime/page/page_alloc.h"

#include "runtime/base/check.h"

namespace acre::rt {

namespace {

// Calls visit(chunk, first page in it, pages) for each chunk that [page, page + n) touches.
template <class Visit>
inline void for_each_chunk(PageId page, PageCount n, Visit visit) {
  uint64_t chunk = page.raw / kChunkPages;
  uint64_t first = page.raw % kChunkPages;
  for (uint64_t left = n.raw; left != 0; chunk++) {
    const uint64_t pages = left < kChunkPages - first ? left : kChunkPages - first;
    visit(chunk, static_cast<unsigned>(first), static_cast<unsigned>(pages));
    left -= pages;
    first = 0;
  }
}

}  // namespace

void PageAlloc::init(void* zeroed_tables, PageCount capacity) {
  tables_ = PageTables::carve(zeroed_tables, capacity);
  capacity_ = capacity;
  grown_ = free_ = scavenged_ = PageCount(0);
  lowest_ = highest_ = hint_ = PageId(0);
  generation_ = 1;
}

void PageAlloc::grow(PageId base, PageCount n) {
  ACRE_CHECK(n.raw != 0 && base.raw % kChunkPages == 0 && n.raw % kChunkPages == 0,
             "the heap grows by whole chunks");
  ACRE_CHECK(n <= capacity_ && base.raw <= capacity_.raw - n.raw,
             "the heap grows inside its reservation");
  for_each_chunk(base, n, [this](uint64_t chunk, unsigned first, unsigned pages) {
    ChunkState& state = tables_.states[chunk];
    ACRE_CHECK(!state.grown(), "a chunk is grown once");
    state = ChunkState{0, 0, static_cast<uint16_t>(pages), generation_};
    tables_.chunks[chunk].free.set(first, pages);
    tables_.chunks[chunk].scavenged.set(first, pages);
  });
  if (grown_.raw == 0 || base < lowest_) lowest_ = base;
  if (base + n > highest_) highest_ = base + n;
  if (free_.raw == 0 || base < hint_) hint_ = base;
  grown_ += n;
  free_ += n;
  scavenged_ += n;
  update_summaries(base.raw / kChunkPages, (base.raw + n.raw - 1) / kChunkPages);
}

PageRun PageAlloc::alloc(PageCount n) {
  ACRE_CHECK(n.raw != 0, "at least one page is allocated");
  const Fit fit = find(hint_, n);
  hint_ = fit.first_free;
  if (!fit.found) return {};
  if (fit.page == hint_) hint_ = fit.page + n;
  return PageRun{fit.page, n, take(fit.page, n)};
}

PageRun PageAlloc::alloc_aligned(PageCount n, PageCount align) {
  ACRE_CHECK(n.raw != 0, "at least one page is allocated");
  ACRE_CHECK(is_power_of_two(align.raw), "an alignment is a power of two");
  Fit fit = find(hint_, n);
  hint_ = fit.first_free;
  while (fit.found && fit.page.raw % align.raw != 0) {
    fit = find(PageId(align_up(fit.page.raw, align.raw)), n);
  }
  if (!fit.found) return {};
  if (fit.page == hint_) hint_ = fit.page + n;
  return PageRun{fit.page, n, take(fit.page, n)};
}

void PageAlloc::free(PageId page, PageCount n) { put(page, n, false); }

PageCache PageAlloc::alloc_to_cache() {
  const Fit fit = find(hint_, PageCount(1));
  hint_ = fit.first_free;
  if (!fit.found) return {};
  const PageId base(align_down(fit.page.raw, PageCache::kPages));
  const uint64_t chunk = base.raw / kChunkPages;
  const unsigned word = static_cast<unsigned>(base.raw % kChunkPages) / 64;
  ChunkBits& bits = tables_.chunks[chunk];
  const PageCache cache(base, bits.free.word(word), bits.scavenged.word(word));
  bits.free.word(word) = 0;
  bits.scavenged.word(word) = 0;
  free_ -= cache.free_pages();
  scavenged_ -= cache.scavenged_pages();
  change_counts(chunk, static_cast<int>(cache.free_pages().raw),
                -static_cast<int>(cache.scavenged_pages().raw));
  // The lowest free page was in this block, so nothing below the block's end is free any more.
  hint_ = base + PageCount(PageCache::kPages);
  update_summaries(chunk, chunk);
  return cache;
}

bool PageAlloc::is_allocated(PageId page) const {
  const uint64_t chunk = page.raw / kChunkPages;
  return page.raw < capacity_.raw && tables_.states[chunk].grown() &&
         !tables_.chunks[chunk].free.test(page.raw % kChunkPages);
}

bool PageAlloc::is_scavenged(PageId page) const {
  const uint64_t chunk = page.raw / kChunkPages;
  return page.raw < capacity_.raw && tables_.states[chunk].grown() &&
         tables_.chunks[chunk].scavenged.test(page.raw % kChunkPages);
}

PageCount PageAlloc::take(PageId page, PageCount n) {
  uint64_t scavenged = 0;
  for_each_chunk(page, n, [this, &scavenged](uint64_t chunk, unsigned first, unsigned pages) {
    ChunkBits& bits = tables_.chunks[chunk];
    ACRE_DCHECK(bits.free.all(first, pages), "only free pages are allocated");
    const unsigned zero = bits.scavenged.count(first, pages);
    if (zero != 0) bits.scavenged.clear(first, pages);
    bits.free.clear(first, pages);
    change_counts(chunk, static_cast<int>(pages), -static_cast<int>(zero));
    scavenged += zero;
  });
  free_ -= n;
  scavenged_ -= PageCount(scavenged);
  update_summaries(page.raw / kChunkPages, (page.raw + n.raw - 1) / kChunkPages);
  return PageCount(scavenged);
}

void PageAlloc::put(PageId page, PageCount n, bool scavenged) {
  require_grown(page, n);
  for_each_chunk(page, n, [this, scavenged](uint64_t chunk, unsigned first, unsigned pages) {
    ChunkBits& bits = tables_.chunks[chunk];
    ACRE_DCHECK(bits.free.none(first, pages), "only allocated pages are freed");
    bits.free.set(first, pages);
    if (scavenged) bits.scavenged.set(first, pages);
    change_counts(chunk, -static_cast<int>(pages), scavenged ? static_cast<int>(pages) : 0);
  });
  free_ += n;
  if (scavenged) scavenged_ += n;
  if (page < hint_) hint_ = page;
  update_summaries(page.raw / kChunkPages, (page.raw + n.raw - 1) / kChunkPages);
}

// A cache's pages come back, with whatever is known of each.
void PageAlloc::put_block(PageId base, uint64_t free, uint64_t scavenged) {
  require_grown(base, PageCount(PageCache::kPages));
  ACRE_DCHECK((scavenged & ~free) == 0, "scavenged pages are free");
  const uint64_t chunk = base.raw / kChunkPages;
  const unsigned word = static_cast<unsigned>(base.raw % kChunkPages) / 64;
  ChunkBits& bits = tables_.chunks[chunk];
  ACRE_DCHECK((bits.free.word(word) & free) == 0, "only allocated pages are freed");
  bits.free.word(word) |= free;
  bits.scavenged.word(word) |= scavenged;
  const int pages = std::popcount(free);
  const int zero = std::popcount(scavenged);
  change_counts(chunk, -pages, zero);
  free_ += PageCount(static_cast<uint64_t>(pages));
  scavenged_ += PageCount(static_cast<uint64_t>(zero));
  const PageId first = base + PageCount(static_cast<uint64_t>(std::countr_zero(free)));
  if (first < hint_) hint_ = first;
  update_summaries(chunk, chunk);
}

// Every change of a chunk's bits passes here, so that its state and the candidate set follow.
void PageAlloc::change_counts(uint64_t chunk, int in_use, int scavenged) {
  ChunkState& state = tables_.states[chunk];
  const bool was_candidate = state.candidates() != 0;
  if (state.generation != generation_) {
    state.last_in_use = state.in_use;
    state.generation = generation_;
  }
  const int now_in_use = state.in_use + in_use;
  const int now_scavenged = state.scavenged + scavenged;
  ACRE_CHECK(now_in_use >= 0 && now_scavenged >= 0 &&
                 now_in_use + now_scavenged <= static_cast<int>(kChunkPages),
             "a chunk's pages are freed once, and allocated once");
  state.in_use = static_cast<uint16_t>(now_in_use);
  state.scavenged = static_cast<uint16_t>(now_scavenged);
  const bool is_candidate = state.candidates() != 0;
  if (was_candidate == is_candidate) return;
  if (is_candidate) {
    tables_.candidates.insert(chunk);
  } else {
    tables_.candidates.remove(chunk);
  }
}

// Recomputes the summaries of the chunks and, as long as something changes, of their parents.
void PageAlloc::update_summaries(uint64_t first_chunk, uint64_t last_chunk) {
  uint64_t first = first_chunk;
  uint64_t last = last_chunk;
  bool changed = false;
  for (uint64_t i = first; i <= last; i++) {
    const PageSummary now = summarize(tables_.chunks[i].free);
    changed |= now != tables_.level[kLeafLevel][i];
    tables_.level[kLeafLevel][i] = now;
  }
  for (unsigned level = kLeafLevel; changed && level-- > 0;) {
    first /= kSummaryFanOut;
    last /= kSummaryFanOut;
    changed = false;
    const PageSummary* children = tables_.level[level + 1];
    for (uint64_t i = first; i <= last; i++) {
      const PageSummary now =
          merge(children + i * kSummaryFanOut, uint64_t{1} << level_shift(level + 1));
      changed |= now != tables_.level[level][i];
      tables_.level[level][i] = now;
    }
  }
}

void PageAlloc::require_grown(PageId page, PageCount n) const {
  ACRE_CHECK(n.raw != 0 && page >= lowest_ && page < highest_ && n <= highest_ - page,
             "freed pages are inside what was grown");
  ACRE_DCHECK(tables_.states[page.raw / kChunkPages].grown() &&
                  tables_.states[(page.raw + n.raw - 1) / kChunkPages].grown(),
              "freed pages are inside what was grown");
}

}  // namespace acre::rt
