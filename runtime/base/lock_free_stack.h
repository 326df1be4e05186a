// Owns the lock-free stack: push and pop by any number of threads, one compare-and-swap each.
//
// Treiber's stack, intrusive: a node carries its link (`std::atomic<Node*> next_in_stack`) and is
// in at most one stack at a time. The head is two words, the first node and a tag:
//
//     head_   | AO_val1: first node, 0 if empty | AO_val2: tag, one more at every change |
//
// changed together by the 16-byte compare-and-swap of libatomic_ops. The tag is what makes pop
// right: a thread reads A as first and B as next of it, sleeps, and meanwhile A and B are popped
// and A is pushed again; the head's first word is as before but B must not become the head, and the
// tag says so.
//
// The head is read as two loads, tag first. They may belong to different states; then the tag has
// changed since and the swap fails. pop reads the link of a node that another thread may have
// popped and be using: so **a node's memory stays mapped, and its link stays a link, while the
// stack lives**. The word read may be nonsense; the swap then fails, too.
//
// All zero is an empty stack. Order: what a thread wrote before a push is seen by the one that pops
// or takes the node. The idea and its use for span sets are Go's (lfstack.go), which packs the tag
// into the pointer's spare bits where we have 64 of our own.

#ifndef ACRE_RUNTIME_BASE_LOCK_FREE_STACK_H_
#define ACRE_RUNTIME_BASE_LOCK_FREE_STACK_H_

#if defined(__x86_64__)
#define AO_CMPXCHG16B_AVAILABLE  // or clang's tsan build would get no 16-byte swap at all
#endif
#include <atomic_ops.h>

#include <atomic>
#include <cstdint>

#if !defined(AO_HAVE_double_compare_and_swap_full)
#error "libatomic_ops has no double-width compare-and-swap here (on x86-64: compile with -mcx16)"
#endif

#if defined(__SANITIZE_THREAD__)
#define ACRE_STACK_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ACRE_STACK_TSAN 1
#endif
#endif
#if defined(ACRE_STACK_TSAN)
#include <sanitizer/tsan_interface.h>
#endif

namespace acre::rt {

// The part that does not depend on the type of the node.
class LockFreeStackHead {
 public:
  struct Value {
    uintptr_t first;
    uintptr_t tag;
  };

  Value read() const {
    Value value;
    value.tag = __atomic_load_n(&words_.AO_val2, __ATOMIC_ACQUIRE);
    value.first = __atomic_load_n(&words_.AO_val1, __ATOMIC_ACQUIRE);
    after_acquire();
    return value;
  }

  // Makes `first` the head if it still is `expected`.
  bool replace(Value expected, uintptr_t first) {
    AO_double_t from = AO_DOUBLE_T_INITIALIZER;
    AO_double_t to = AO_DOUBLE_T_INITIALIZER;
    from.AO_val1 = expected.first;
    from.AO_val2 = expected.tag;
    to.AO_val1 = first;
    to.AO_val2 = expected.tag + 1;
    before_release();
    if (AO_double_compare_and_swap_full(&words_, from, to) == 0) return false;
    after_acquire();
    return true;
  }

 private:
  // tsan does not see into the swap's inline assembly: it is told.
#if defined(ACRE_STACK_TSAN)
  void before_release() { __tsan_release(&words_); }
  void after_acquire() const { __tsan_acquire(const_cast<AO_double_t*>(&words_)); }
#else
  void before_release() {}
  void after_acquire() const {}
#endif

  alignas(16) AO_double_t words_ = AO_DOUBLE_T_INITIALIZER;
};

template <class Node>
class LockFreeStack {
 public:
  constexpr LockFreeStack() = default;
  LockFreeStack(const LockFreeStack&) = delete;
  LockFreeStack& operator=(const LockFreeStack&) = delete;

  void push(Node* node) { push_list(node, node); }

  // Pushes a chain that is linked by next_in_stack from first to last; first is the next to be
  // popped.
  void push_list(Node* first, Node* last) {
    LockFreeStackHead::Value head;
    do {
      head = head_.read();
      last->next_in_stack.store(reinterpret_cast<Node*>(head.first), std::memory_order_relaxed);
    } while (!head_.replace(head, reinterpret_cast<uintptr_t>(first)));
  }

  // The node pushed last, or nullptr.
  Node* pop() {
    for (;;) {
      const LockFreeStackHead::Value head = head_.read();
      if (head.first == 0) return nullptr;
      Node* node = reinterpret_cast<Node*>(head.first);
      Node* next = node->next_in_stack.load(std::memory_order_relaxed);
      if (head_.replace(head, reinterpret_cast<uintptr_t>(next))) return node;
    }
  }

  // Empties the stack; the nodes are linked by next_in_stack, in the order in which pop gives them.
  Node* take_all() {
    for (;;) {
      const LockFreeStackHead::Value head = head_.read();
      if (head.first == 0) return nullptr;
      if (head_.replace(head, 0)) return reinterpret_cast<Node*>(head.first);
    }
  }

  // Of this moment only: another thread may be pushing.
  bool empty() const { return head_.read().first == 0; }

 private:
  LockFreeStackHead head_;
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_BASE_LOCK_FREE_STACK_H_
