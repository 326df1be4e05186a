// Owns a heap for tests: options given literally (the environment has no say), faults by plan, and the
// test's thread attached.

#ifndef ACRE_TEST_GC_CYCLE_TEST_HEAP_H_
#define ACRE_TEST_GC_CYCLE_TEST_HEAP_H_

#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>
#include <vector>

#include "acre/acre.h"
#include "gc/cycle/cycle.h"
#include "runtime/base/options.h"

namespace acre::test {

// Small, exact roots, and collecting when the test says so.
inline acre_options quiet_options(uint64_t reserve_bytes = 256 * rt::kMiB) {
  acre_options options;
  rt::options_defaults(&options);
  options.reserve_bytes = reserve_bytes;
  options.conservative_stacks = 0;
  options.gc_percent = -1;
  return options;
}

inline void append_line(const char* line, void* text) {
  auto& to = *static_cast<std::string*>(text);
  if (to.size() < 2000) to += std::string(line) + "\n";
}

class TestHeap {
 public:
  explicit TestHeap(const acre_options& options = quiet_options(),
                    rt::FaultPlan* faults = nullptr) {
    BOOST_REQUIRE_EQUAL(acre_heap::create(options, faults, &heap_), ACRE_OK);
    BOOST_REQUIRE_EQUAL(acre_thread_attach(heap_, &thread_), ACRE_OK);
  }
  ~TestHeap() {
    if (heap_ != nullptr) BOOST_CHECK_EQUAL(acre_heap_destroy(heap_), ACRE_OK);
  }
  TestHeap(const TestHeap&) = delete;
  TestHeap& operator=(const TestHeap&) = delete;

  acre_heap* get() const { return heap_; }
  acre_thread* thread() const { return thread_; }
  rt::Heap& core() const { return heap_->core; }
  const rt::Space& space() const { return heap_->core.space; }

  acre_kind kind(const acre_kind_info& info) const {
    acre_kind kind = ACRE_KIND_NONE;
    BOOST_REQUIRE_EQUAL(acre_kind_register(heap_, &info, &kind), ACRE_OK);
    return kind;
  }

  void** alloc(size_t bytes, acre_kind kind = ACRE_KIND_CONSERVATIVE) const {
    void* object = acre_alloc(thread_, bytes, kind);
    BOOST_REQUIRE(object != nullptr);
    return static_cast<void**>(object);
  }

  // What acre_verify says: nothing if the heap is whole.
  std::string complaints() const {
    std::string text;
    const acre_status status = acre_verify(heap_, &append_line, &text);
    if (status != ACRE_OK && text.empty()) text = acre_strerror(status);
    if (status == ACRE_OK && !text.empty()) text += "(but ACRE_OK)";
    return text;
  }

  // Addresses and sizes of all objects.
  std::vector<std::pair<void*, size_t>> objects() const {
    std::vector<std::pair<void*, size_t>> found;
    const acre_status status = acre_heap_walk(
        heap_,
        [](void* object, size_t size, acre_kind, void* to) {
          static_cast<std::vector<std::pair<void*, size_t>>*>(to)->emplace_back(object, size);
          return 0;
        },
        &found);
    BOOST_REQUIRE_EQUAL(status, ACRE_OK);
    return found;
  }

  acre_stats stats() const {
    acre_stats stats{};
    stats.struct_size = sizeof(stats);
    acre_stats_read(heap_, &stats);
    return stats;
  }

 private:
  acre_heap* heap_ = nullptr;
  acre_thread* thread_ = nullptr;
};

}  // namespace acre::test

#endif  // ACRE_TEST_GC_CYCLE_TEST_HEAP_H_
