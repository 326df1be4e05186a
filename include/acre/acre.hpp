// Acre for C++20: the C API (acre.h) with types and scopes. Header only; link libacre.
//
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
// How a type is traced, the first that applies:
//   1. a member function `void trace(acre::Visitor&)`: it visits each Member and each raw reference;
//   2. `static constexpr acre::Layout layout{0, 3}`: the numbers of the 8-byte words that are references;
//   3. a trivially copyable type without either is a leaf: it must hold no references.
// Member is not trivially copyable, so a type that has one and forgot to say so does not compile.
//
// Objects never move and their destructors are not run: the collector frees memory, nothing else.
// So make<T> asks that T be trivially destructible. An object may be traced before its constructor
// has finished and after it threw: memory is zero before, and all zero must be a valid state for
// trace.
//
// Errors: calls throw acre::Error (of acre_status) or acre::OutOfMemory; those named try_* return
// null instead. Units, ownership and thread rules are those of the C calls behind.
//
// This header is all of them:
//   error.hpp          Error, OutOfMemory
//   member.hpp         Member, Visitor, Layout: references in objects
//   kind.hpp           Kind, and how a type becomes one
//   heap.hpp           Options, Heap
//   thread.hpp         Thread: make, make_array; Manner, Blocking
//   root.hpp           Root, Local
//   fiber.hpp          Fiber, make_fiber
//   stl_allocator.hpp  StlAllocator
#ifndef ACRE_ACRE_HPP_
#define ACRE_ACRE_HPP_

#include <acre/error.hpp>
#include <acre/fiber.hpp>
#include <acre/heap.hpp>
#include <acre/kind.hpp>
#include <acre/member.hpp>
#include <acre/root.hpp>
#include <acre/stl_allocator.hpp>
#include <acre/thread.hpp>

#endif  // ACRE_ACRE_HPP_
