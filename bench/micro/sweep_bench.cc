// gc/sweep: what sweeping costs, by how many objects live. Objects are bits only here: no memory of an
// object is touched, as the sweeper touches none.

#include <benchmark/benchmark.h>

#include <random>
#include <vector>

#include "bench/micro/bare_heap.h"

namespace acre::bench {
namespace {

enum class Live { kNone, kAll, kHalf, kRandom };

constexpr std::uint64_t kPageWords = rt::kGranulesPerPage / 64;

// Spans of one size class, all slots allocated, marked by pattern: the state before a sweep, which can
// be made again at little cost.
class Spans {
 public:
  Spans(BareHeap& heap, std::uint8_t size_class, std::size_t count, Live live)
      : heap_(heap), size_class_(size_class), live_(live), spans_(count, nullptr) {
    const rt::SizeClass& shape = rt::kClasses[size_class];
    allocated_.resize(shape.pages * kPageWords);
    marked_.resize(allocated_.size());
    for (std::uint32_t slot = 0; slot < shape.elements; ++slot) {
      const std::uint64_t granule = std::uint64_t{slot} * shape.bytes / rt::kGranuleBytes;
      const std::uint64_t bit = std::uint64_t{1} << granule % 64;
      allocated_[granule / 64] |= bit;
      if (live == Live::kAll || (live == Live::kHalf && slot % 2 == 0)) {
        marked_[granule / 64] |= bit;
      }
    }
  }

  // False: no memory. `central`: the spans are in their central list, else nobody else has them.
  bool mark(bool central) {
    for (rt::Span*& span : spans_) {
      if (span == nullptr || !span->in_use) {
        span = heap_.new_span(size_class_);
        if (span == nullptr) return false;
        if (central) heap_.put_with_room(span);
      }
      const std::uint64_t first = span->first_page().raw * kPageWords;
      for (std::size_t i = 0; i < allocated_.size(); ++i) {
        const std::uint64_t marks = live_ == Live::kRandom ? random_() & allocated_[i] : marked_[i];
        heap_.space().alloc_words()[first + i].store(allocated_[i], std::memory_order_relaxed);
        heap_.space().mark_words()[first + i].store(marks, std::memory_order_relaxed);
      }
    }
    heap_.begin_sweep();
    return true;
  }

  const std::vector<rt::Span*>& all() const { return spans_; }

 private:
  BareHeap& heap_;
  std::uint8_t size_class_;
  Live live_;
  std::vector<rt::Span*> spans_;
  std::vector<std::uint64_t> allocated_;
  std::vector<std::uint64_t> marked_;
  std::mt19937_64 random_;  // NOLINT(cert-msc51-cpp): the same pattern each time
};

// Sweeper::sweep of spans that the caller owns, one after the other; an item is a span.
void span(benchmark::State& state, Live live) {
  constexpr std::int64_t kSpans = 1024;
  BareHeap heap(64 * rt::kMiB);
  Spans spans(heap, rt::class_for(static_cast<std::uint64_t>(state.range(0))), kSpans, live);
  if (!spans.mark(false)) return state.SkipWithError("no memory");
  while (state.KeepRunningBatch(kSpans)) {
    heap.sweep(spans.all());
    state.PauseTiming();
    heap.finish_sweep();
    if (!spans.mark(false)) return state.SkipWithError("no memory");
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations());
}

// Sweeper::finish: all of a heap of 1 GiB, from central list to central list or page heap.
void heap_gib(benchmark::State& state, Live live) {
  BareHeap heap(4 * rt::kGiB);
  const std::uint8_t size_class = rt::class_for(static_cast<std::uint64_t>(state.range(0)));
  const std::uint64_t span_bytes = rt::kClasses[size_class].pages * rt::kPageBytes;
  Spans spans(heap, size_class, rt::kGiB / span_bytes, live);
  for (auto _ : state) {
    state.PauseTiming();
    if (!spans.mark(true)) return state.SkipWithError("no memory");
    state.ResumeTiming();
    heap.finish_sweep();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(rt::kGiB));
}

BENCHMARK_CAPTURE(span, all_dead, Live::kNone)->Name("sweep/span/all_dead")->Arg(64);
BENCHMARK_CAPTURE(span, all_live, Live::kAll)->Name("sweep/span/all_live")->Arg(64);
BENCHMARK_CAPTURE(span, every_second, Live::kHalf)->Name("sweep/span/every_second")->Arg(64);
BENCHMARK_CAPTURE(span, random_half, Live::kRandom)->Name("sweep/span/random_half")->Arg(64);
void gib(benchmark::internal::Benchmark* benchmark) {
  benchmark->Arg(64)->Unit(benchmark::kMillisecond);
}

BENCHMARK_CAPTURE(heap_gib, all_dead, Live::kNone)->Name("sweep/heap_gib/all_dead")->Apply(gib);
BENCHMARK_CAPTURE(heap_gib, all_live, Live::kAll)->Name("sweep/heap_gib/all_live")->Apply(gib);
BENCHMARK_CAPTURE(heap_gib, every_second, Live::kHalf)
    ->Name("sweep/heap_gib/every_second")
    ->Apply(gib);
BENCHMARK_CAPTURE(heap_gib, random_half, Live::kRandom)
    ->Name("sweep/heap_gib/random_half")
    ->Apply(gib);

}  // namespace
}  // namespace acre::bench
