// Owns the machine code of one function: it makes a linked list of the heap's objects, with allocation, barrier and
// poll inline, by the facts of acre/jit.h.

#ifndef ACRE_EXAMPLES_JIT_LIST_CODE_H_
#define ACRE_EXAMPLES_JIT_LIST_CODE_H_

#include <acre/jit.h>

#include <cstddef>
#include <cstdint>

namespace jit {

// A node of the list: its kind is a bitmap of two words, the first one a reference.
struct Node {
  Node* next;
  uint64_t value;
};

// Makes nodes with the values count, count - 1, ... 1, each referring to the one that is made next, and returns the
// first one, or NULL when memory is used up. What it holds meanwhile is in registers that calls keep.
using MakeList = Node* (*)(acre_thread* thread, uint64_t count);

struct Code {
  MakeList make_list =
      nullptr;  // nullptr: not for this processor, or the system lets nobody execute it
  size_t bytes = 0;
};

// For nodes of this kind. The code stays for the process's life.
Code generate(const acre_jit_facts& facts, acre_kind kind);

// The same function in C++, by the same facts: what the code does, and what is run where there is none.
Node* interpret(const acre_jit_facts& facts, acre_kind kind, acre_thread* thread, uint64_t count);

}  // namespace jit

#endif  // ACRE_EXAMPLES_JIT_LIST_CODE_H_
