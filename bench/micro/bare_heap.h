// The heap without threads, roots and marking: runtime/heap and gc/sweep put together, for benchmarks of
// these layers. Who is alive is said by mark bits that the benchmark sets by hand.
//
// A layer of its own, compiled as the core is: without RTTI, because the classes that the heap calls
// virtually have none, and a benchmark that called them itself would not link under ubsan.
#pragma once

#include <cstdint>
#include <span>

#include "runtime/heap/thread_cache.h"

namespace acre::bench {

class BareHeap {
 public:
  // Ends the program if there is no memory.
  explicit BareHeap(std::uint64_t reserve_bytes);
  ~BareHeap();
  BareHeap(const BareHeap&) = delete;
  BareHeap& operator=(const BareHeap&) = delete;

  rt::Heap& core() { return *core_; }
  rt::Space& space() { return core_->space; }
  rt::ThreadCache& cache() { return *cache_; }
  rt::Central& central(std::uint32_t kind, std::uint8_t size_class) {
    return core_->kinds.central(kind, size_class);
  }

  // As acre_alloc_uninit does, for a leaf object. NULL: no pages.
  void* alloc_leaf(std::uint64_t bytes) {
    if (void* object = cache().try_alloc_uninit(bytes, ACRE_KIND_LEAF)) return object;
    return cache().alloc_slow(bytes, ACRE_KIND_LEAF, rt::Fill::kUninit);
  }
  // A fresh span of leaf objects that the caller owns. NULL: no pages.
  rt::Span* new_span(std::uint8_t size_class);

  // A swept span from a central list that has room, and its owner gives it up again.
  rt::Span* take_with_room(std::uint8_t size_class);
  void put_with_room(rt::Span* span);

  // What the mark phase and then the sweep do: all spans in central lists become unswept; these, which
  // the caller owns, are swept (and given to nobody); all in central lists are.
  void begin_sweep();
  void sweep(std::span<rt::Span* const> spans);
  void finish_sweep();

 private:
  struct Parts;

  Parts* parts_;
  rt::Heap* core_;
  rt::ThreadCache* cache_;
};

}  // namespace acre::bench
