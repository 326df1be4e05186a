#include "runtime/heap/central.h"

#include "runtime/heap/collector.h"

namespace acre::rt {

Span* Central::take_with_room(uint32_t sweep_gen, unsigned shard, Collector& collector) {
  for (unsigned i = 0; i < kShards; ++i) {
    if (Span* span = take_from(shards_[(shard + i) % kShards], sweep_gen, collector)) {
      span->shard = static_cast<uint8_t>(shard % kShards);
      return span;
    }
  }
  return nullptr;
}

Span* Central::take_from(Shard& shard, uint32_t sweep_gen, Collector& collector) {
  if (Span* span = shard.partial[swept(sweep_gen)].pop()) return span;
  for (int tries = 0; tries < kSweepTries; ++tries) {
    Span* span = take_unswept_from(shard, sweep_gen);
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
  for (Shard& shard : shards_) {
    if (Span* span = take_unswept_from(shard, sweep_gen)) return span;
  }
  return nullptr;
}

Span* Central::take_unswept_from(Shard& shard, uint32_t sweep_gen) {
  const unsigned unswept = 1 - swept(sweep_gen);
  if (Span* span = shard.partial[unswept].pop()) return span;
  return shard.full[unswept].pop();
}

}  // namespace acre::rt
