// gc/weak: one collection that judges what is weak, and what tables take outside collections. An item is an entry,
// a link or an object. Sizes come in steps of two: the time of an item should stay (but for what the processor's
// caches hold).

#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>

#include "bench/micro/micro_heap.h"

namespace acre::bench {
namespace {

Options one_marker() {
  Options options = quiet_options();
  options.mark_threads = 1;
  return options;
}

// A heap with one range of roots for all that a benchmark wants to keep.
struct WeakHeap : MicroHeap {
  explicit WeakHeap(std::size_t roots) : MicroHeap(one_marker()), kept(roots), range(heap, kept) {}

  void* table(int mode) {
    void* made = nullptr;
    check(acre_weak_table_new(thread, mode, &made));
    return made;
  }
  void* ephemeron(void* key, void* value) {
    void* made = nullptr;
    check(acre_ephemeron_new(thread, key, value, &made));
    return made;
  }

  std::vector<void*> kept;
  RootRange range;
};

// A table by weak keys whose values refer to their keys; of these one in `live_in` is kept, 0: none. Fails if
// one too few or too many is left.
void weak_keys(benchmark::State& state, std::size_t live_in) {
  const auto entries = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    {
      WeakHeap weak(entries + 1);
      void* table = weak.kept[entries] = weak.table(ACRE_WEAK_KEYS);
      std::size_t live = 0;
      for (std::size_t i = 0; i < entries; ++i) {
        void** key = weak.alloc(16, ACRE_KIND_CONSERVATIVE);
        void** value = weak.alloc(32, ACRE_KIND_CONSERVATIVE);
        value[0] = key;
        check(acre_weak_table_set(weak.thread, table, key, value));
        if (live_in == 0 || i % live_in != 0) continue;
        weak.kept[i] = key;
        ++live;
      }
      state.ResumeTiming();
      acre_collect(weak.thread);
      state.PauseTiming();
      if (acre_weak_table_count(weak.thread, table) != live ||
          weak.heap.stats().live_objects != 2 * live + 2) {
        return state.SkipWithError("not what is reachable is left");
      }
    }
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// Ephemerons in a chain: each value is the next one's key. They are made in random order, or against the
// chain's.
void chain(benchmark::State& state, bool shuffled) {
  const auto links = static_cast<std::size_t>(state.range(0));
  WeakHeap weak(links + 1);
  std::vector<void*> keys(links + 1);
  for (void*& key : keys) key = weak.alloc(16, ACRE_KIND_LEAF);
  std::vector<std::size_t> order(links);
  for (std::size_t i = 0; i < links; ++i) order[i] = i;
  if (shuffled) std::shuffle(order.begin(), order.end(), std::mt19937_64(1));
  for (std::size_t i : order) weak.kept[i] = weak.ephemeron(keys[i], keys[i + 1]);
  weak.kept[links] = keys[0];
  for (auto _ : state) acre_collect(weak.thread);
  if (weak.heap.stats().live_objects != 2 * links + 1) state.SkipWithError("the chain broke");
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// Weak references to objects of which every second one dies.
void weak_references(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    {
      WeakHeap weak(count);
      std::vector<acre_weak*> references(count);
      for (std::size_t i = 0; i < count; ++i) {
        void* object = weak.alloc(16, ACRE_KIND_LEAF);
        if (i % 2 == 0) weak.kept[i] = object;
        references[i] = acre_weak_new(weak.thread, object);
      }
      state.ResumeTiming();
      acre_collect(weak.thread);
      state.PauseTiming();
      for (std::size_t i = 0; i < count; ++i) {
        if (acre_weak_get(weak.thread, references[i]) != weak.kept[i]) {
          return state.SkipWithError("not the dead ones are cleared");
        }
      }
    }
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// Objects with finalizers, all dead: found by one collection, and run.
void finalizers(benchmark::State& state, decltype(&acre_finalizer_set) set) {
  const auto count = static_cast<std::size_t>(state.range(0));
  for (auto _ : state) {
    state.PauseTiming();
    {
      WeakHeap weak(1);
      std::size_t ran = 0;
      for (std::size_t i = 0; i < count; ++i) {
        void* object = weak.alloc(16, ACRE_KIND_LEAF);
        check(set(
            weak.thread, object, [](void*, void* sum) { ++*static_cast<std::size_t*>(sum); },
            &ran));
      }
      state.ResumeTiming();
      acre_collect(weak.thread);
      acre_run_finalizers(weak.thread);
      state.PauseTiming();
      if (ran != count) return state.SkipWithError("not each ran once");
    }
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

// Setting a new entry, in a table that grows to so many; and finding one.
void table_set(benchmark::State& state) {
  const auto entries = static_cast<std::size_t>(state.range(0));
  WeakHeap weak(entries + 1);
  for (std::size_t i = 0; i < entries; ++i) weak.kept[i] = weak.alloc(16, ACRE_KIND_LEAF);
  for (auto _ : state) {
    weak.kept[entries] = weak.table(ACRE_WEAK_KEYS);
    for (std::size_t i = 0; i < entries; ++i) {
      check(acre_weak_table_set(weak.thread, weak.kept[entries], weak.kept[i], weak.kept[i]));
    }
    state.PauseTiming();
    acre_collect(weak.thread);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
void table_get(benchmark::State& state) {
  const auto entries = static_cast<std::size_t>(state.range(0));
  WeakHeap weak(entries + 1);
  void* table = weak.kept[entries] = weak.table(ACRE_WEAK_KEYS);
  for (std::size_t i = 0; i < entries; ++i) {
    weak.kept[i] = weak.alloc(16, ACRE_KIND_LEAF);
    check(acre_weak_table_set(weak.thread, table, weak.kept[i], weak.kept[i]));
  }
  std::size_t i = 0;
  for (auto _ : state) {
    benchmark::DoNotOptimize(acre_weak_table_get(weak.thread, table, weak.kept[i]));
    if (++i == entries) i = 0;
  }
  state.SetItemsProcessed(state.iterations());
}

void steps(benchmark::internal::Benchmark* benchmark, std::int64_t most) {
  for (std::int64_t size = most / 4; size <= most; size *= 2) benchmark->Arg(size);
  benchmark->UseRealTime()->Unit(benchmark::kMillisecond);
}
void to_a_million(benchmark::internal::Benchmark* benchmark) { steps(benchmark, 1'000'000); }
void to_a_hundred_thousand(benchmark::internal::Benchmark* benchmark) { steps(benchmark, 100'000); }

BENCHMARK_CAPTURE(weak_keys, all_dead, 0)->Name("weak/keys/all_dead")->Apply(to_a_million);
BENCHMARK_CAPTURE(weak_keys, half_dead, 2)->Name("weak/keys/half_dead")->Apply(to_a_million);
BENCHMARK_CAPTURE(weak_keys, all_live, 1)->Name("weak/keys/all_live")->Apply(to_a_million);
BENCHMARK_CAPTURE(chain, in_order, false)
    ->Name("weak/chain/in_order")
    ->Apply(to_a_hundred_thousand);
BENCHMARK_CAPTURE(chain, shuffled, true)->Name("weak/chain/shuffled")->Apply(to_a_hundred_thousand);
BENCHMARK(weak_references)->Name("weak/references")->Apply(to_a_million);
BENCHMARK_CAPTURE(finalizers, ordered, &acre_finalizer_set)
    ->Name("weak/finalizers/ordered")
    ->Apply(to_a_million);
BENCHMARK_CAPTURE(finalizers, unordered, &acre_finalizer_set_unordered)
    ->Name("weak/finalizers/unordered")
    ->Apply(to_a_million);
BENCHMARK(table_set)->Name("weak/table/set")->Arg(1000)->Arg(100'000)->UseRealTime();
BENCHMARK(table_get)->Name("weak/table/get")->Arg(1000)->Arg(100'000);

}  // namespace
}  // namespace acre::bench
