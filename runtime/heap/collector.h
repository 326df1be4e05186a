// The one seam from the heap up to the collector: what allocation needs of gc/, which is sweeping, and what
// freeing needs, where something is attached to an object. When to collect is decided above both, in gc/api.
//
// The defaults serve a heap without a collector (tests of this layer): nothing is ever unswept,
// because the sweep generation never moves.

#ifndef ACRE_RUNTIME_HEAP_COLLECTOR_H_
#define ACRE_RUNTIME_HEAP_COLLECTOR_H_

#include "runtime/base/units.h"
#include "runtime/span/span.h"

namespace acre::rt {

enum class SweptSpan : uint8_t {
  kHasRoom,  // at least one slot is free; the caller owns the span
  kFull,     // none is; the caller owns the span
  kFreed,    // nothing lived: the span went back to the page heap
};

class Collector {
 public:
  // Sweeps a span that the caller took from an unswept set (or finds that sweep_in_place was here).
  // Where nothing lives: kHasRoom if the caller wants it (`keep_empty`), else kFreed.
  virtual SweptSpan sweep(Span& span, bool keep_empty);

  // Sees to it that a small span is swept, whoever owns it. It stays where it is and is not freed.
  virtual void sweep_in_place(Span& span);

  // Called without locks before `wanted` pages are taken: sweeps until so many came free, or
  // nothing is left to sweep.
  virtual void reclaim(PageCount wanted);

  // An object of a span that has_specials is about to be freed by hand.
  virtual void forget(Addr object);

 protected:
  ~Collector() = default;
};

class NoCollector final : public Collector {};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_HEAP_COLLECTOR_H_
