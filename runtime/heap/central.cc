#include "runtime/heap/central.h"

#include "runtime/heap/collector.h"

namespace acre::rt {

Span* Central::take_with_room(uint32_t sweep_gen, Collector& collector) {
  if (Span* span = partial_[swept(sweep_gen)].pop()) return span;
  for (int tries = 0; tries < kSweepTries; ++tries) {
    Span* span = take_unswept(sweep_gen);
    if (span == nullptr) return nullptr;
    switch (collector.sweep(*span, true)) {
      case SweptSpan::kHasRoom: return span;
      case SweptSpan::kFull: put(span, false, sweep_gen); break;
      case SweptSpan::kFreed: break;
    }
  }
  return nullptr;
}

Span* Central::take_unswept(uint32_t sweep_gen) {
  const unsigned unswept = 1 - swept(sweep_gen);
  if (Span* span = partial_[unswept].pop()) return span;
  return full_[unswept].pop();
}

}  // namespace acre::rt
