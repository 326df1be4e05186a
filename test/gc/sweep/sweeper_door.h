// The sweeper of a heap, called from code that is compiled as the core is, without RTTI: ubsan would look
// for the type information of what a test calls virtually.

#ifndef ACRE_TEST_GC_SWEEP_SWEEPER_DOOR_H_
#define ACRE_TEST_GC_SWEEP_SWEEPER_DOOR_H_

#include "gc/sweep/sweeper.h"

namespace acre::test {

class SweeperDoor {
 public:
  explicit SweeperDoor(rt::Heap& heap);
  void begin();
  void finish();
  bool done() const;
  rt::SweptSpan sweep(rt::Span& span, bool keep_empty = false);
  void sweep_in_place(rt::Span& span);
  void reclaim(rt::PageCount wanted);

 private:
  gc::Sweeper* sweeper_;
};

}  // namespace acre::test

#endif  // ACRE_TEST_GC_SWEEP_SWEEPER_DOOR_H_
