// Owns scanning stacks: of threads, wherever they run, and of fibers.

#ifndef ACRE_GC_MARK_STACK_SCAN_H_
#define ACRE_GC_MARK_STACK_SCAN_H_

#include "gc/mark/marker.h"
#include "runtime/fiber/fiber.h"

namespace acre::gc {

// What a thread that was stopped or blocks holds: the locals, registers and stacks of its own and of the
// fibers that run on it, and these fibers. Returns the bytes of stack that were scanned.
uint64_t scan_thread(Marker& marker, const rt::Thread& thread, bool conservative);

// Stacks whose owners switch without Acre: all of each, as far as anybody ever used it, which the pool is told.
// Returns the bytes.
uint64_t scan_foreign_stacks(Marker& marker, rt::StackPool& stacks);

// The trace function of the kind of fibers, where stacks are scanned and where they are not.
void trace_fiber(void* fiber, size_t size, acre_visitor* visitor);
void trace_fiber_precisely(void* fiber, size_t size, acre_visitor* visitor);

// Of a suspended fiber: from where on its stack is in use, and how many bytes (0 of others).
uintptr_t lowest_used(const rt::Fiber& fiber);
uint64_t depth_of(const rt::Fiber& fiber);

}  // namespace acre::gc

#endif  // ACRE_GC_MARK_STACK_SCAN_H_
