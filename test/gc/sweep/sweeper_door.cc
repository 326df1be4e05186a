#include "test/gc/sweep/sweeper_door.h"

namespace acre::test {

SweeperDoor::SweeperDoor(rt::Heap& heap) : sweeper_(static_cast<gc::Sweeper*>(heap.collector)) {}
void SweeperDoor::begin() { sweeper_->begin(); }
void SweeperDoor::finish() { sweeper_->finish(); }
bool SweeperDoor::done() const { return sweeper_->done(); }
rt::SweptSpan SweeperDoor::sweep(rt::Span& span, bool keep_empty) {
  return sweeper_->sweep(span, keep_empty);
}
void SweeperDoor::sweep_in_place(rt::Span& span) { sweeper_->sweep_in_place(span); }
void SweeperDoor::reclaim(rt::PageCount wanted) { sweeper_->reclaim(wanted); }

}  // namespace acre::test
