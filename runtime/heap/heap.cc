#include "runtime/heap/heap.h"

namespace acre::rt {

acre_status Heap::init(const acre_options& wanted, FaultPlan* faults) {
  options = wanted;
  os.init(faults);
  const acre_status status =
      space.init(&os, ByteCount(wanted.reserve_bytes), wanted.huge_pages, &PageHeap::table_sizes);
  if (status != ACRE_OK) return status;
  pages.init(&space, ByteCount(sizeof(Heap)),
             wanted.release_lazily != 0 ? ReleaseHow::kLazily : ReleaseHow::kNow);
  large.init(&space);
  collector = &no_collector;
  fiber_kind.store(ACRE_KIND_NONE, std::memory_order_relaxed);
  store_phase.store(0, std::memory_order_relaxed);
  // Go starts at 0 too; spans that were never in use have generation 0 and are in no set.
  sweep_gen.store(0, std::memory_order_relaxed);
  gc_trigger.store(INT64_MAX, std::memory_order_relaxed);
  stack_trigger.store(UINT64_MAX, std::memory_order_relaxed);
  if (!kinds.init(&space)) {
    (void)space.destroy();
    return ACRE_E_NOMEM;
  }
  return ACRE_OK;
}

void Heap::lock_for_fork() {
  kinds.lock_for_fork();
  pages.lock_for_fork();
  space.lock_for_fork();
  os.lock_for_fork();
}

void Heap::unlock_after_fork() {
  os.unlock_after_fork();
  space.unlock_after_fork();
  pages.unlock_after_fork();
  kinds.unlock_after_fork();
}

}  // namespace acre::rt
