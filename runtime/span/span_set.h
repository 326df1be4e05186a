// Owns the span set: a lock-free collection of spans of one central list, last in, first out.
//
// A span is in at most one set (its link is in the span), and spans are never unmapped while the
// heap lives, which is what makes a lock-free stack of them safe. Go keeps such sets as growing
// arrays of blocks because its spans are recycled by an allocator; with flat spans a link in the
// span does it.

#ifndef ACRE_RUNTIME_SPAN_SPAN_SET_H_
#define ACRE_RUNTIME_SPAN_SPAN_SET_H_

#include "runtime/base/lock_free_stack.h"
#include "runtime/span/span.h"

namespace acre::rt {

class SpanSet {
 public:
  // Any thread. The caller owns the span and gives it up.
  void push(Span* span) { stack_.push(span); }

  // Any thread. NULL: empty. The caller owns what it gets.
  Span* pop() { return stack_.pop(); }

  // By counting; no other thread uses the set.
  uint64_t count() {
    uint64_t spans = 0;
    Span* first = stack_.take_all();
    for (Span* span = first; span != nullptr; ++spans) {
      Span* next = span->next_in_stack.load(std::memory_order_relaxed);
      if (next == nullptr) stack_.push_list(first, span);
      span = next;
    }
    return spans;
  }

  bool empty() const { return stack_.empty(); }

 private:
  LockFreeStack<Span> stack_;
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_SPAN_SPAN_SET_H_
