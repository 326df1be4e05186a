// Owns the mechanism of giving memory back: which run goes next. How much and when is runtime/scavenge.
//
// The set of candidate chunks jumps over everything that has no free unscavenged page, so a scan from
// the top down costs a few steps for each run it returns, and one step for each chunk that a rule hides.

#include "runtime/base/check.h"
#include "runtime/page/page_alloc.h"

namespace acre::rt {

namespace {

// A piece of a chunk: pages [first, first + pages) of it.
struct Piece {
  unsigned first;
  unsigned pages;
};

// Keeps of each aligned group of n bits all or nothing. n is a power of two, at most 64.
uint64_t whole_groups(uint64_t bits, unsigned n) {
  if (n == 1) return bits;
  if (n == 64) return ~bits == 0 ? bits : 0;
  // All ones divided by the ones of a group is the first bit of each group.
  const uint64_t firsts = runs_of(bits, n) & (~uint64_t{0} / low_bits(n));
  return firsts * low_bits(n);
}

PageBits releasable(const ChunkBits& chunk, unsigned granularity, bool scavenged_too) {
  PageBits result;
  for (unsigned i = 0; i < PageBits::kWords; i++) {
    const uint64_t scavenged = scavenged_too ? 0 : chunk.scavenged.word(i);
    result.word(i) = whole_groups(chunk.free.word(i) & ~scavenged, granularity);
  }
  return result;
}

// The upper `max` pages of the highest run that ends at or below `limit`; no pages if there is none.
Piece highest_piece(const PageBits& pages, unsigned limit, unsigned max, unsigned huge) {
  const unsigned last = pages.highest_below(limit);
  if (last == PageBits::kNone) return Piece{0, 0};
  const unsigned run = pages.run_start(last);
  const unsigned end = last + 1;
  if (end - run <= max) return Piece{run, end - run};
  unsigned first = end - max;
  const auto huge_first = static_cast<unsigned>(align_down(first, huge));
  if (huge_first >= run && huge_first + huge <= end) first = huge_first;
  return Piece{first, end - first};
}

}  // namespace

PageRun PageAlloc::take_for_release(PageId below, PageCount max, ReleaseRule rule) {
  const auto granularity = static_cast<unsigned>(rule.granularity.raw);
  const auto huge = static_cast<unsigned>(rule.huge_page.raw);
  ACRE_CHECK(is_power_of_two(granularity) && granularity <= 64,
             "a granularity is at most 64 pages");
  ACRE_CHECK(is_power_of_two(huge) && huge <= kChunkPages, "a huge page is at most one chunk");
  // A piece ends where a group does, so its start is at a group's start iff its length is in groups.
  const uint64_t at_most = max.raw < kChunkPages ? align_down(max.raw, granularity) : kChunkPages;
  if (below > highest_) below = highest_;
  if (at_most == 0 || below.raw == 0) return {};

  uint64_t chunk = (below.raw - 1) / kChunkPages;
  auto limit = static_cast<unsigned>(align_down(below.raw - chunk * kChunkPages, granularity));
  for (;;) {
    if (!rule.scavenged_too) chunk = tables_.candidates.highest_up_to(chunk);
    if (chunk == ChunkSet::kNone) return {};
    if (chunk != (below.raw - 1) / kChunkPages) limit = kChunkPages;
    if (!rule.skip_dense || !is_dense(tables_.states[chunk])) {
      const Piece piece =
          highest_piece(releasable(tables_.chunks[chunk], granularity, rule.scavenged_too), limit,
                        static_cast<unsigned>(at_most), huge);
      if (piece.pages != 0) {
        const PageId page(chunk * kChunkPages + piece.first);
        const PageCount n(piece.pages);
        return PageRun{page, n, take(page, n)};
      }
    }
    if (chunk == 0) return {};
    chunk--;
  }
}

void PageAlloc::give_back(PageId page, PageCount n, bool released) { put(page, n, released); }

PageRun PageAlloc::take_free_chunk(PageId page) {
  const uint64_t chunk = page.raw / kChunkPages;
  const ChunkState& state = tables_.states[chunk];
  if (!state.grown() || state.scavenged != kChunkPages) return {};
  const PageId first(chunk * kChunkPages);
  const PageCount n(kChunkPages);
  return PageRun{first, n, take(first, n)};
}

PageRun PageAlloc::find_dense_chunk(PageId from, unsigned most, PageId* next) const {
  uint64_t chunk = from.raw / kChunkPages;
  for (unsigned i = 0; i < most && chunk < highest_.raw / kChunkPages; ++i, ++chunk) {
    const ChunkState& state = tables_.states[chunk];
    if (!state.grown() || state.in_use < kDensePages || state.scavenged != 0) continue;
    *next = PageId((chunk + 1) * kChunkPages);
    return PageRun{PageId(chunk * kChunkPages), PageCount(kChunkPages), PageCount(0)};
  }
  *next = PageId(chunk * kChunkPages);
  return {};
}

void PageAlloc::begin_generation() {
  generation_++;
  // Wrapped: 0 means "never grown". A chunk untouched for 65535 generations may then pass for touched
  // in this one, and be hidden for as long as it lasts.
  if (generation_ == 0) generation_ = 1;
}

bool PageAlloc::is_dense(const ChunkState& state) const {
  if (state.in_use >= kDensePages) return true;
  return state.generation == generation_ && state.last_in_use >= kDensePages;
}

}  // namespace acre::rt
