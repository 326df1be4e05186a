// Owns the free stacks that one thread keeps, so that most fibers come and go without a lock.
//
// By its thread, or while that is stopped. Emptied at every collection: what is kept is the pool's to
// decide.

#ifndef ACRE_RUNTIME_STACK_STACK_CACHE_H_
#define ACRE_RUNTIME_STACK_STACK_CACHE_H_

#include <algorithm>

#include "runtime/stack/stack.h"

namespace acre::rt {

class StackCache {
 public:
  // Of the smallest class; of larger ones as many as take no more bytes than a megabyte, one at least.
  // More: fewer turns at the pool's lock, and more memory that a thread keeps from the others.
  static constexpr unsigned kMost = 64;
  static constexpr unsigned most(unsigned stack_class) {
    return static_cast<unsigned>(
        std::clamp<uint64_t>(kMiB / stack_class_bytes(stack_class).raw, 1, kMost));
  }

  Stack* pop(unsigned stack_class) {
    List& list = lists_[stack_class];
    Stack* stack = list.first;
    if (stack == nullptr) return nullptr;
    list.first = stack->next;
    --list.count;
    return stack;
  }
  void push(Stack* stack) {
    List& list = lists_[stack->stack_class];
    stack->next = list.first;
    list.first = stack;
    ++list.count;
  }
  bool full(unsigned stack_class) const { return lists_[stack_class].count >= most(stack_class); }

 private:
  struct List {
    Stack* first;
    uint64_t count;
  };
  List lists_[kStackClasses];
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_STACK_STACK_CACHE_H_
