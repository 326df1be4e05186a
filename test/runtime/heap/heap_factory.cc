#include "test/runtime/heap/heap_factory.h"

namespace acre::rt::test {

Heap* new_heap() { return new Heap(); }

}  // namespace acre::rt::test
