// A heap without a collector, as runtime/ sees it.

#ifndef ACRE_TEST_RUNTIME_HEAP_HEAP_STATE_H_
#define ACRE_TEST_RUNTIME_HEAP_HEAP_STATE_H_

#include <boost/test/unit_test.hpp>
#include <memory>
#include <string>

#include "runtime/base/options.h"
#include "runtime/heap/thread_cache.h"
#include "test/runtime/heap/heap_factory.h"

namespace acre::rt::test {

class HeapState {
 public:
  explicit HeapState(uint64_t reserve_bytes = 64 * kMiB, FaultPlan* faults = nullptr)
      : HeapState(default_options(reserve_bytes), faults) {}
  explicit HeapState(const acre_options& options, FaultPlan* faults = nullptr) {
    BOOST_REQUIRE_EQUAL(heap_->init(options, faults), ACRE_OK);
  }
  ~HeapState() { BOOST_CHECK(heap_->space.destroy()); }
  HeapState(const HeapState&) = delete;
  HeapState& operator=(const HeapState&) = delete;

  Heap* operator->() { return heap_.get(); }
  Heap& operator*() { return *heap_; }

  ThreadCache& new_cache() {
    auto* cache =
        static_cast<ThreadCache*>(heap_->space.meta_alloc(ByteCount(sizeof(ThreadCache)), 64));
    BOOST_REQUIRE(cache != nullptr);
    cache->init(heap_.get());
    return *cache;
  }

  // What PageHeap::check says; nothing if all is well.
  std::string complaints() {
    std::string text;
    const auto append = [](const char* line, void* to) {
      *static_cast<std::string*>(to) += std::string(line) + "; ";
    };
    const bool whole = heap_->pages.check(append, &text);
    return whole == text.empty() ? text : "the result and the report disagree; " + text;
  }

 private:
  static acre_options default_options(uint64_t reserve_bytes) {
    acre_options options;
    options_defaults(&options);
    options.reserve_bytes = reserve_bytes;
    return options;
  }

  std::unique_ptr<Heap> heap_ = std::unique_ptr<Heap>(new_heap());
};

}  // namespace acre::rt::test

#endif  // ACRE_TEST_RUNTIME_HEAP_HEAP_STATE_H_
