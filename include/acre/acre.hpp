// Acre for C++20: the C API (acre.h) with types and scopes. Header only; link libacre.
//
// Example:
//   struct Node {
//     acre::Member<Node> next;
//     long value = 0;
//     void trace(acre::Visitor& visitor) { visitor(next); }
//   };
//
//   acre::Heap heap;                              // one reservation, one collector
//   acre::Thread thread(heap);                    // this thread may allocate, until the scope ends
//   acre::Root<Node> list(thread);                // a root that any scope may hold
//   for (long i = 0; i < 1000; ++i) {
//     Node* node = thread.make<Node>();           // the stack keeps it alive
//     node->value = i;
//     node->next = list.get();
//     list = node;
//   }
//
// `Node`, `heap` and `thread` in the examples of these headers are as here. All of them are compiled and run by
// test/include/examples.
//
// How a type is traced, the first that applies:
//   1. a member function `void trace(acre::Visitor&)`: it visits each Member and each raw reference;
//   2. `static constexpr acre::Layout layout{0, 3}`: the numbers of the 8-byte words that are references;
//   3. a trivially copyable type without either is a leaf: it must hold no references.
// Member is not trivially copyable, so a type that has one and forgot to say so does not compile. A type with a
// `Tail` goes on behind itself with elements (Tailed).
//
// Objects never move and their destructors are not run: the collector frees memory, nothing else.
// So make<T> asks that T be trivially destructible. An object may be traced before its constructor
// has finished and after it threw: memory is zero before, and all zero must be a valid state for
// trace.
//
// Errors: calls throw acre::Error (of acre_status) or acre::OutOfMemory; those named try_* return
// null, nothing or false instead. Units, ownership and thread rules are those of the C calls behind.
//
// This header is all of them:
//   error.hpp          Error, OutOfMemory
//   member.hpp         Layout, Member, Visitor: references in objects
//   kind.hpp           Kind, and how a type becomes one; Tailed
//   heap.hpp           Options, Heap
//   thread.hpp         Thread: make, make_array, make_tailed; Manner
//   blocking.hpp       Blocking
//   root.hpp           Root, Local
//   root_vector.hpp    RootVector, Locals
//   root_scanner.hpp   RootScanner, RootRange
//   weak.hpp           Weak, WeakNotify, Ephemeron, WeakMap
//   finalizer.hpp      set_finalizer, Cleanup
//   fiber.hpp          Fiber, make_fiber
//   stl_allocator.hpp  StlAllocator
#ifndef ACRE_ACRE_HPP_
#define ACRE_ACRE_HPP_

#include <acre/blocking.hpp>
#include <acre/error.hpp>
#include <acre/fiber.hpp>
#include <acre/finalizer.hpp>
#include <acre/heap.hpp>
#include <acre/kind.hpp>
#include <acre/member.hpp>
#include <acre/root.hpp>
#include <acre/root_scanner.hpp>
#include <acre/root_vector.hpp>
#include <acre/stl_allocator.hpp>
#include <acre/thread.hpp>
#include <acre/weak.hpp>

#endif  // ACRE_ACRE_HPP_
