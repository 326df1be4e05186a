// What tests of the C++ API share: a heap that scans no stacks, so that what a test does not root is garbage, filled with
// 0xdb at once.
#ifndef ACRE_TEST_INCLUDE_PRECISE_HEAP_H_
#define ACRE_TEST_INCLUDE_PRECISE_HEAP_H_

#include <acre/acre.hpp>
#include <cstddef>
#include <cstdint>

struct Node {
  acre::Member<Node> next;
  long value = 0;
  void trace(acre::Visitor& visitor) { visitor(next); }
};

struct PreciseHeap {
  static acre::Options options() {
    acre::Options options;
    options.conservative_stacks = 0;
    options.clobber_free = 1;
    options.reserve_bytes = size_t{256} << 20;
    return options;
  }

  uint64_t live() {
    thread.collect();
    return heap.stats().live_objects;
  }
  acre::Heap heap{options()};
  acre::Thread thread{heap};
};

// The same, with a collection and a check of everything at each allocation.
struct TorturedHeap {
  static acre::Options options() {
    acre::Options options = PreciseHeap::options();
    options.gc_every = 1;
    options.verify = 1;
    return options;
  }
  acre::Heap heap{options()};
  acre::Thread thread{heap};
};

#endif  // ACRE_TEST_INCLUDE_PRECISE_HEAP_H_
