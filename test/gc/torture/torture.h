// Owns what the torture tests share: how long they run, and the comparison of a heap with shadow graphs.
//
//   ACRE_TEST_SEED=n          repeats a run (of one thread, exactly)
//   ACRE_TORTURE_SECONDS=s    each test case runs that long: a soak

#ifndef ACRE_TEST_GC_TORTURE_TORTURE_H_
#define ACRE_TEST_GC_TORTURE_TORTURE_H_

#include <boost/test/unit_test.hpp>
#include <chrono>
#include <cstdlib>
#include <string>

#include "test/gc/cycle/test_heap.h"
#include "test/gc/torture/shadow_graph.h"

namespace acre::test {

class Deadline {
 public:
  explicit Deadline(double seconds) {
    if (const char* given = std::getenv("ACRE_TORTURE_SECONDS")) seconds = std::atof(given);
    end_ = Clock::now() +
           std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  }
  bool passed() const { return Clock::now() >= end_; }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point end_;
};

// Walks the heap after a collection: `reached` is in it, as large as it should be, and with exact roots
// nothing else is. What differs, or nothing.
inline std::string compare_with_walk(acre_heap* heap, ShadowGraph::Reached reached,
                                     bool exact_roots) {
  struct Walk {
    ShadowGraph::Reached* reached;
    uint64_t unknown = 0;
    uintptr_t previous = 0;
    bool ordered = true;
  } walk{&reached};
  const acre_status status = acre_heap_walk(
      heap,
      [](void* object, size_t, acre_kind, void* arg) {
        auto* state = static_cast<Walk*>(arg);
        const auto address = reinterpret_cast<uintptr_t>(object);
        state->ordered &= address > state->previous;
        state->previous = address;
        state->unknown += state->reached->erase(address) == 0 ? 1 : 0;
        return 0;
      },
      &walk);
  std::string text;
  if (status != ACRE_OK) text += "the walk failed; ";
  if (!walk.ordered) text += "the walk is not in order of address; ";
  if (!reached.empty()) text += std::to_string(reached.size()) + " reached objects are gone; ";
  if (exact_roots && walk.unknown != 0) {
    text += std::to_string(walk.unknown) + " unreachable objects survived; ";
  }
  return text;
}

}  // namespace acre::test

#endif  // ACRE_TEST_GC_TORTURE_TORTURE_H_
