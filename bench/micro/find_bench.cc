// runtime/span: find_object, by acre_object_base: what conservative marking, acre_free and acre_realloc
// ask of each address. On a heap of 16 MiB, at addresses in no order.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <random>

#include "bench/micro/micro_heap.h"

namespace acre::bench {
namespace {

constexpr std::size_t kBytes = 48;  // no power of two
constexpr std::size_t kObjects = (16 << 20) / kBytes;

class Addresses {
 public:
  Addresses() {
    objects_.reserve(kObjects);
    for (std::size_t i = 0; i < kObjects; ++i) {
      objects_.push_back(reinterpret_cast<char*>(micro_.alloc(kBytes, ACRE_KIND_LEAF)));
    }
    std::shuffle(objects_.begin(), objects_.end(), std::mt19937_64(1));
  }

  MicroHeap& micro() { return micro_; }
  std::vector<const char*>& all() { return objects_; }

  // `found`: whether an object is to be found at each of them.
  void look_up(benchmark::State& state, bool found) {
    acre_heap* heap = micro_.heap;
    for (const char* address : objects_) {
      if ((acre_object_base(heap, address) != nullptr) == found) continue;
      state.SkipWithError("the address is not of the kind to be measured");
      break;
    }
    std::size_t i = 0;
    for (auto _ : state) {
      benchmark::DoNotOptimize(acre_object_base(heap, objects_[i]));
      if (++i == objects_.size()) i = 0;
    }
    state.SetItemsProcessed(state.iterations());
  }

 private:
  MicroHeap micro_;
  std::vector<const char*> objects_;
};

// The address of an object.
void hit(benchmark::State& state) {
  Addresses addresses;
  addresses.look_up(state, true);
}

// The same few objects again and again: all that is read is in the processor's cache.
void hit_cached(benchmark::State& state) {
  Addresses addresses;
  addresses.all().resize(64);
  addresses.look_up(state, true);
}

// An address within an object.
void interior(benchmark::State& state) {
  Addresses addresses;
  std::size_t offset = 0;
  for (const char*& address : addresses.all()) address += 1 + offset++ % (kBytes - 1);
  addresses.look_up(state, true);
}

// A free slot of a span.
void free_slot(benchmark::State& state) {
  Addresses addresses;
  std::vector<const char*>& all = addresses.all();
  all.resize(all.size() / 2);
  for (const char* address : all) acre_free(addresses.micro().thread, const_cast<char*>(address));
  addresses.look_up(state, false);
}

// A page that is in no span.
void free_page(benchmark::State& state) {
  Addresses addresses;
  for (const char* address : addresses.all()) {
    acre_free(addresses.micro().thread, const_cast<char*>(address));
  }
  addresses.micro().thread.collect();
  addresses.look_up(state, false);
}

// An address that is not the heap's.
void foreign(benchmark::State& state) {
  Addresses addresses;
  std::vector<char> elsewhere(addresses.all().size());
  std::size_t i = 0;
  for (const char*& address : addresses.all()) address = &elsewhere[i++];
  addresses.look_up(state, false);
}

BENCHMARK(hit)->Name("find/hit");
BENCHMARK(hit_cached)->Name("find/hit_cached");
BENCHMARK(interior)->Name("find/interior");
BENCHMARK(free_slot)->Name("find/free_slot");
BENCHMARK(free_page)->Name("find/free_page");
BENCHMARK(foreign)->Name("find/foreign");

}  // namespace
}  // namespace acre::bench
