// Owns going through all spans of a heap in order of address: what the heap walk, verify and every
// slow recount are made of. World stopped.

#ifndef ACRE_RUNTIME_INSPECT_WALK_H_
#define ACRE_RUNTIME_INSPECT_WALK_H_

#include <algorithm>

#include "runtime/heap/heap.h"

namespace acre::rt {

// Calls fn(Span&) for each until it returns false; then false.
template <class Fn>
bool for_each_span(const Space& space, Fn fn) {
  const uint64_t pages = space.mapped().raw >> kPageShift;
  for (uint64_t page = 0; page < pages;) {
    const PageEntry entry = space.page_entry(PageId(page));
    if (!entry.in_span()) {
      ++page;
      continue;
    }
    Span& span = *span_at(space, entry.start());
    if (!fn(span)) return false;
    // Forward whatever the tables say: verify walks damaged ones too.
    page = std::max(page + 1, entry.start().raw + span.page_count);
  }
  return true;
}

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_INSPECT_WALK_H_
