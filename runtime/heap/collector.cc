#include "runtime/heap/collector.h"

#include "runtime/base/check.h"

namespace acre::rt {

SweptSpan Collector::sweep(Span& span, bool keep_empty) {
  (void)span;
  (void)keep_empty;
  ACRE_CHECK(false, "a heap without a collector has nothing to sweep");
  return SweptSpan::kFull;
}

void Collector::sweep_in_place(Span& span) { (void)span; }

void Collector::reclaim(PageCount wanted) { (void)wanted; }

void Collector::forget(Addr object) { (void)object; }

}  // namespace acre::rt
