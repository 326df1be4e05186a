// Owns the recount of PageAlloc's invariants, the ones its head lists. Written to be plainly right, bit
// by bit where the allocator is clever, and slow; it reads chunk bits only where chunks were grown.

#include "runtime/page/page_alloc.h"

namespace acre::rt {

struct PageAlloc::Checker {
  const PageAlloc& pages;
  void (*report)(const char* message, void* arg);
  void* arg;
  bool good = true;
  uint64_t grown = 0;
  uint64_t free = 0;
  uint64_t scavenged = 0;

  void require(bool condition, const char* message) {
    if (condition) return;
    good = false;
    if (report != nullptr) report(message, arg);
  }

  static PageSummary recount(const PageBits& bits) {
    unsigned start = 0;
    unsigned longest = 0;
    unsigned run = 0;
    for (unsigned i = 0; i < PageBits::kBits; i++) {
      run = bits.test(i) ? run + 1 : 0;
      if (run > longest) longest = run;
      if (run == i + 1) start = run;
    }
    return PageSummary::of(start, longest, run);
  }

  void check_chunk(uint64_t chunk) {
    const PageTables& tables = pages.tables_;
    const ChunkState& state = tables.states[chunk];
    const PageSummary said = tables.level[kLeafLevel][chunk];
    require(tables.candidates.contains(chunk) == (state.candidates() != 0),
            "a chunk is in the candidate set iff it has free unscavenged pages");
    if (!state.grown()) {
      require(said.nothing_free(), "a chunk that was never grown has no free page");
      return;
    }
    const ChunkBits& bits = tables.chunks[chunk];
    unsigned free_here = 0;
    unsigned scavenged_here = 0;
    bool subset = true;
    for (unsigned i = 0; i < kChunkPages; i++) {
      free_here += bits.free.test(i) ? 1 : 0;
      scavenged_here += bits.scavenged.test(i) ? 1 : 0;
      subset = subset && (bits.free.test(i) || !bits.scavenged.test(i));
    }
    require(subset, "scavenged pages are free");
    require(state.in_use + free_here == kChunkPages, "in_use equals a recount");
    require(state.scavenged == scavenged_here, "a chunk's scavenged count equals a recount");
    require(said == recount(bits.free), "a chunk's summary equals a recount");
    if (free_here != 0) {
      const PageId first(chunk * kChunkPages + bits.free.find_run(1, 0));
      require(pages.hint_ <= first, "no page below the hint is free");
    }
    grown += kChunkPages;
    free += free_here;
    scavenged += scavenged_here;
  }

  void check_level(unsigned level) {
    const uint64_t pages_per_entry = uint64_t{1} << level_shift(level);
    const PageSummary* children = pages.tables_.level[level + 1];
    const uint64_t end = (pages.highest_.raw + pages_per_entry - 1) / pages_per_entry;
    for (uint64_t i = pages.lowest_.raw / pages_per_entry; i < end; i++) {
      const PageSummary now =
          merge(children + i * kSummaryFanOut, uint64_t{1} << level_shift(level + 1));
      require(pages.tables_.level[level][i] == now, "a summary equals the merge of its children");
    }
  }

  void run() {
    const uint64_t first = pages.lowest_.raw / kChunkPages;
    const uint64_t end = pages.highest_.raw / kChunkPages;
    for (uint64_t chunk = first; chunk < end; chunk++) check_chunk(chunk);
    for (unsigned level = 0; level < kLeafLevel; level++) check_level(level);
    require(pages.tables_.candidates.consistent(end), "the candidate set agrees with itself");
    require(pages.grown_.raw == grown, "grown_pages equals a recount");
    require(pages.free_.raw == free, "free_pages equals a recount");
    require(pages.scavenged_.raw == scavenged, "scavenged_pages equals a recount");
  }
};

bool PageAlloc::check(void (*report)(const char* message, void* arg), void* arg) const {
  Checker checker{.pages = *this, .report = report, .arg = arg};
  checker.run();
  return checker.good;
}

}  // namespace acre::rt
