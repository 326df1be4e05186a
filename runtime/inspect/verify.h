// Owns checking the heap's books against each other, by recounting slowly what the heap keeps
// quickly.
//
//   page table   every page of a span has the span's entry; every other page's entry is zero and the
//                page allocator says it is free; both summed are the pages mapped
//   spans        the record fits its entry; alloc bits only where objects start; marked implies alloc,
//                swept implies no mark; each small span is in exactly one central set (by count)
//   counters     allocated objects by class = mallocs - frees; pages in use = sum over spans
//   allocator    PageAlloc::check
//
// Not here: references between objects, which only a walk from the roots can judge (gc/cycle).

#ifndef ACRE_RUNTIME_INSPECT_VERIFY_H_
#define ACRE_RUNTIME_INSPECT_VERIFY_H_

#include "runtime/thread/registry.h"

namespace acre::rt {

// World stopped, caches flushed. True if all holds; each violation is a line to `report` (may be
// NULL).
bool verify_books(Heap& heap, ThreadRegistry& threads, acre_report_fn report, void* arg);

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_INSPECT_VERIFY_H_
