// The heap that the benchmarks of the public calls run on, and the calling thread attached to it.
//
// It is quiet: roots are exact (handles and ranges, no stacks), it collects only when the benchmark
// says so, and nothing runs in the background, so that only what is named is in the figures. All other
// options are as the environment says (ACRE_HUGE_PAGES, ACRE_MARK_THREADS, ...).
//
// What cannot be set up ends the program: acre.hpp throws, and nobody catches. What fails within a
// measured loop is State::SkipWithError.
#pragma once

#include <benchmark/benchmark.h>
#include <acre/acre.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace acre::bench {

inline Options quiet_options() {
  Options options;
  options.conservative_stacks = 0;
  options.gc_percent = -1;
  options.scavenger = 0;
  return options;
}

struct MicroHeap {
  Heap heap;
  Thread thread;

  explicit MicroHeap(const acre_options& options = quiet_options()) : heap(options), thread(heap) {}

  // For setting up; not a root, because nothing is collected before the benchmark says so. Its memory is
  // written: fresh memory would else be backed, page by page, in the time to be measured, or read as the
  // kernel's one page of zeros.
  void** alloc(std::size_t bytes, acre_kind kind) {
    void* object = acre_alloc(thread, bytes, kind);
    if (object == nullptr) throw OutOfMemory();
    benchmark::DoNotOptimize(std::memset(object, 0, bytes));
    return static_cast<void**>(object);
  }

  // Bit i of `bits`: word i of an element of `words` words is a reference.
  acre_kind bitmap_kind(std::uint64_t bits, std::size_t words) {
    acre_kind_info info{};
    info.struct_size = sizeof(info);
    info.pointer_bitmap = &bits;
    info.element_words = words;
    acre_kind kind = ACRE_KIND_NONE;
    check(acre_kind_register(heap, &info, &kind));
    return kind;
  }
};

// References in malloc'ed memory that are roots, from the construction on: the vector must not grow
// any more.
class RootRange {
 public:
  RootRange(Heap& heap, std::vector<void*>& references) : heap_(heap), start_(references.data()) {
    check(acre_root_add(heap_, start_, references.size() * sizeof(void*), 0));
  }
  ~RootRange() { (void)acre_root_remove(heap_, start_); }
  RootRange(const RootRange&) = delete;
  RootRange& operator=(const RootRange&) = delete;

 private:
  acre_heap* heap_;
  void* start_;
};

}  // namespace acre::bench
