// Owns the counters as the outside sees them: what the parts of the heap count, added up into
// acre_stats. The identities are beside the struct, in inspect.h.
//
// A reading takes no stop: it holds the list of threads still, and adds what each has counted.
// Threads that allocate meanwhile make it inexact by what is in their caches.

#ifndef ACRE_RUNTIME_INSPECT_STATS_H_
#define ACRE_RUNTIME_INSPECT_STATS_H_

#include "runtime/thread/registry.h"

namespace acre::rt {

struct AllocationCounts {
  uint64_t mallocs[kSizeClasses];
  uint64_t frees[kSizeClasses];
  uint64_t large_malloc_bytes;
  uint64_t large_free_bytes;

  uint64_t total(const uint64_t (&counts)[kSizeClasses]) const;
  uint64_t bytes(const uint64_t (&counts)[kSizeClasses], uint64_t large_bytes) const;
};

// The caller holds the list of threads still (it stopped the world), or may be old by what they
// allocate.
AllocationCounts count_allocations(Heap& heap, ThreadRegistry& threads);

// Fills in what this side of the heap knows; the collector's fields are left as they are.
void read_heap_stats(Heap& heap, ThreadRegistry& threads, acre_stats* stats);

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_INSPECT_STATS_H_
