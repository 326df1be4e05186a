// runtime/page: the page allocator alone, on 4 GiB of pages in three states. No page has memory here,
// and nobody locks.

#include <benchmark/benchmark.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "runtime/page/page_alloc.h"

namespace acre::bench {
namespace {

using rt::kChunkPages;
using rt::PageAlloc;
using rt::PageCache;
using rt::PageCount;
using rt::PageId;
using rt::PageRun;

constexpr PageCount kPages{rt::kGiB * 4 / rt::kPageBytes};
// The last pages are free in every state, so that every request is served.
constexpr PageCount kFreeTail{8 * kChunkPages};
constexpr PageCount kFilled = kPages - kFreeTail;

// Zero memory for the tables, backed where it is touched.
class Tables {
 public:
  Tables()
      : bytes_(PageAlloc::table_bytes(kPages).raw),
        memory_(mmap(nullptr, bytes_, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0)) {
    if (memory_ != MAP_FAILED) return;
    std::perror("mmap");
    std::exit(1);
  }
  ~Tables() { munmap(memory_, bytes_); }
  Tables(const Tables&) = delete;
  Tables& operator=(const Tables&) = delete;
  void* get() const { return memory_; }

 private:
  std::size_t bytes_;
  void* memory_;
};

// All free; every second page free; one page in 64 free.
enum class Filled { kEmpty, kCheckerboard, kNearlyFull };

class Pages {
 public:
  explicit Pages(Filled filled) {
    pages_.init(tables_.get(), kPages);
    pages_.grow(PageId(0), kPages);
    if (filled == Filled::kEmpty) return;
    (void)pages_.alloc(kFilled);
    const std::uint64_t step = filled == Filled::kCheckerboard ? 2 : 64;
    for (std::uint64_t page = 0; page < kFilled.raw; page += step) {
      pages_.free(PageId(page), PageCount(1));
    }
  }
  PageAlloc& operator*() { return pages_; }

 private:
  Tables tables_;
  PageAlloc pages_;
};

// PageAlloc::alloc and free of range(0) pages: some runs in a row, then all of them back.
void alloc_free(benchmark::State& state, Filled filled) {
  Pages in_state(filled);
  PageAlloc& pages = *in_state;
  const PageCount n(static_cast<std::uint64_t>(state.range(0)));
  PageId taken[256];
  const std::size_t runs = std::clamp<std::size_t>(2048 / n.raw, 1, std::size(taken));
  while (state.KeepRunningBatch(static_cast<std::int64_t>(runs))) {
    for (std::size_t i = 0; i < runs; ++i) {
      const PageRun run = pages.alloc(n);
      if (!run.ok()) return state.SkipWithError("no room");
      taken[i] = run.page;
    }
    for (std::size_t i = 0; i < runs; ++i) pages.free(taken[i], n);
  }
  state.SetItemsProcessed(state.iterations());
}

// PageAlloc::alloc_to_cache and PageCache::flush, a block of 64 pages at a time.
void refill(benchmark::State& state, Filled filled) {
  Pages in_state(filled);
  PageAlloc& pages = *in_state;
  PageCache caches[32];
  while (state.KeepRunningBatch(std::size(caches))) {
    for (PageCache& cache : caches) cache = pages.alloc_to_cache();
    for (PageCache& cache : caches) {
      if (cache.empty()) return state.SkipWithError("no room");
      cache.flush(pages);
    }
  }
  state.SetItemsProcessed(state.iterations());
}

// PageCache::alloc of one page at a time, from full to empty.
void cache_alloc(benchmark::State& state) {
  while (state.KeepRunningBatch(PageCache::kPages)) {
    PageCache cache(PageId(0), ~std::uint64_t{0}, 0);
    for (unsigned i = 0; i < PageCache::kPages; ++i) {
      benchmark::DoNotOptimize(cache);
      PageRun run = cache.alloc(PageCount(1));
      benchmark::DoNotOptimize(run);
    }
  }
  state.SetItemsProcessed(state.iterations());
}

void one_to_600(benchmark::internal::Benchmark* benchmark) {
  for (const int pages : {1, 4, 64, 600}) benchmark->Arg(pages);
}

BENCHMARK_CAPTURE(alloc_free, empty, Filled::kEmpty)
    ->Name("page/alloc_free/empty")
    ->Apply(one_to_600);
BENCHMARK_CAPTURE(alloc_free, checkerboard, Filled::kCheckerboard)
    ->Name("page/alloc_free/checkerboard")
    ->Apply(one_to_600);
BENCHMARK_CAPTURE(alloc_free, nearly_full, Filled::kNearlyFull)
    ->Name("page/alloc_free/nearly_full")
    ->Apply(one_to_600);
BENCHMARK_CAPTURE(refill, empty, Filled::kEmpty)->Name("page/cache_refill/empty");
BENCHMARK_CAPTURE(refill, checkerboard, Filled::kCheckerboard)
    ->Name("page/cache_refill/checkerboard");
BENCHMARK_CAPTURE(refill, nearly_full, Filled::kNearlyFull)->Name("page/cache_refill/nearly_full");
BENCHMARK(cache_alloc)->Name("page/cache_alloc");

}  // namespace
}  // namespace acre::bench
