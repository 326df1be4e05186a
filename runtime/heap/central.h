// Owns the central list: the spans of one size class and one kind that no thread has cached.
//
// Structure, as Go's mcentral: spans with free slots (partial) and without (full), each swept and
// unswept. The swept sets of this cycle are the unswept ones of the next: when the sweep generation
// grows by 2, the two change places by parity alone, and nothing is moved. That is right because a
// cycle begins only when both unswept sets are empty.
//
//   take a span with room:   1. a swept partial one
//                            2. an unswept partial one, swept by the taker
//                            3. unswept full ones, swept by the taker until one has room, at most
//                               kSweepTries of a shard (then a fresh span is cheaper)
//
// Each set is kept in shards. A thread gives its spans to its own shard and takes from there first,
// so that it meets memory again that its processor still has in the cache; only when its own has
// nothing it looks at the others.
//
// All zero is the empty list. Any thread, no locks.

#ifndef ACRE_RUNTIME_HEAP_CENTRAL_H_
#define ACRE_RUNTIME_HEAP_CENTRAL_H_

#include <cstdint>

#include "runtime/span/span_set.h"

namespace acre::rt {

class Collector;

class alignas(64) Central {
 public:
  // More tries find more of the room that is there; fewer bound the time of one refill.
  static constexpr int kSweepTries = 100;

  // More of them keep more threads apart; fewer are looked through sooner. A power of two.
  static constexpr unsigned kShards = 4;

  // A swept span that may have room (all others it sweeps on the way go where they belong), or
  // NULL. It belongs to the shard from now on.
  Span* take_with_room(uint32_t sweep_gen, unsigned shard, Collector& collector);

  // A swept span, owned by the caller, that is given up.
  void put(Span* span, bool has_room, uint32_t sweep_gen) {
    Shard& shard = shards_[span->shard % kShards];
    (has_room ? shard.partial : shard.full)[swept(sweep_gen)].push(span);
  }

  // One span to be swept, or NULL when there is none.
  Span* take_unswept(uint32_t sweep_gen);

  // Spans in all four sets. World stopped.
  uint64_t count_spans() {
    uint64_t spans = 0;
    for (Shard& shard : shards_) {
      spans += shard.partial[0].count() + shard.partial[1].count();
      spans += shard.full[0].count() + shard.full[1].count();
    }
    return spans;
  }

 private:
  static unsigned swept(uint32_t sweep_gen) { return (sweep_gen / 2) % 2; }

  struct Shard {
    SpanSet partial[2];
    SpanSet full[2];
  };

  Span* take_from(Shard& shard, uint32_t sweep_gen, Collector& collector);
  static Span* take_unswept_from(Shard& shard, uint32_t sweep_gen);

  Shard shards_[kShards];
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_HEAP_CENTRAL_H_
