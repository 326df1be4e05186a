// Makes a bare Heap. Its own file, compiled as the core is (without RTTI), because the table of
// NoCollector's virtual functions is emitted where a Heap is constructed.

#ifndef ACRE_TEST_RUNTIME_HEAP_HEAP_FACTORY_H_
#define ACRE_TEST_RUNTIME_HEAP_HEAP_FACTORY_H_

#include "runtime/heap/heap.h"

namespace acre::rt::test {

// Not initialised. Delete it.
Heap* new_heap();

}  // namespace acre::rt::test

#endif  // ACRE_TEST_RUNTIME_HEAP_HEAP_FACTORY_H_
