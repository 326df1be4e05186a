#include "gc/weak/weak.h"

namespace acre::gc {

void Weak::init(rt::Heap* heap, WorkPool* pool) {
  kinds.init(heap);
  ephemerons.init(heap, pool);
  specials.init(heap);
}

void Weak::finish_marking(Drain& drain) {
  ephemerons.resolve(drain);
  specials.clear_weak();
  ephemerons.clear_dead();
  if (specials.any_finalizers()) {
    specials.queue_finalizers(SpecialType::kUnordered);
    specials.mark_behind_ordered(ephemerons, drain);
    specials.queue_finalizers(SpecialType::kOrdered);
    specials.mark_queued(drain);
    ephemerons.resolve(drain);
    ephemerons.clear_dead();
  }
  specials.queue_cleanups();
  ephemerons.end_cycle();
}

void Weak::lock_for_fork() {
  specials.lock_for_fork();
  kinds.lock_for_fork();
}

void Weak::unlock_after_fork() {
  kinds.unlock_after_fork();
  specials.unlock_after_fork();
}

}  // namespace acre::gc
