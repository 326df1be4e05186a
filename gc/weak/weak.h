// Owns what a heap has of weak references, ephemerons and finalizers, and the part of a collection that is about
// them, put together: the steps in order, as acre/weak.h promises them.

#ifndef ACRE_GC_WEAK_WEAK_H_
#define ACRE_GC_WEAK_WEAK_H_

#include "gc/weak/ephemerons.h"
#include "gc/weak/specials.h"
#include "gc/weak/weak_pairs.h"

namespace acre::gc {

struct Weak {
  WeakKinds kinds;
  Ephemerons ephemerons;
  Specials specials;

  void init(rt::Heap* heap, WorkPool* pool);

  // All that roots reach is marked, but for what only ephemerons lead to. World stopped.
  void finish_marking(Drain& drain);

  // Around fork.
  void lock_for_fork();
  void unlock_after_fork();
};

}  // namespace acre::gc

#endif  // ACRE_GC_WEAK_WEAK_H_
