// RootVector and Locals: any number of references that are roots. The value stack of an interpreter, arguments, what a
// parser has read so far.
#ifndef ACRE_ROOT_VECTOR_HPP_
#define ACRE_ROOT_VECTOR_HPP_

#include <acre/root.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

namespace acre {

namespace detail {

// A stack of Elements in one array object of the heap, which `Anchor` holds. There is always a free cell behind the
// last: an element that does not fit lies there while a larger array is made, so that it is held meanwhile.
template <template <class> class Anchor, class Element>
class ElementStack {
 public:
  using value_type = Element;

  // Throws OutOfMemory.
  explicit ElementStack(Thread& thread, size_t capacity = 15)
      : anchor_(thread, thread.make_array<Element>(capacity + 1)),
        elements_(anchor_.get()),
        capacity_(capacity) {}
  ElementStack(const ElementStack&) = delete;
  ElementStack& operator=(const ElementStack&) = delete;

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Element& operator[](size_t index) { return elements_[index]; }
  const Element& operator[](size_t index) const { return elements_[index]; }
  Element& back() { return elements_[size_ - 1]; }
  Element* begin() { return elements_; }
  Element* end() { return elements_ + size_; }
  const Element* begin() const { return elements_; }
  const Element* end() const { return elements_ + size_; }

  // May collect, and throws OutOfMemory, when it has to grow: then pointers to elements are old.
  void push_back(Thread& thread, const Element& element) {
    elements_[size_] = element;
    if (__builtin_expect(size_ == capacity_, 0)) grow(thread);
    ++size_;
  }
  // False, with thread.last_error(), instead of an exception.
  bool try_push_back(Thread& thread, const Element& element) {
    elements_[size_] = element;
    if (size_ == capacity_ && !try_grow(thread)) return false;
    ++size_;
    return true;
  }
  Element pop_back() {
    const Element element = back();
    truncate(size_ - 1);
    return element;
  }
  // Down to the first `size`.
  void truncate(size_t size) {
    while (size_ > size) elements_[--size_] = Element();
  }
  void clear() { truncate(0); }

  // What is pushed while it lives is popped when it ends.
  class Frame {
   public:
    explicit Frame(ElementStack& stack) : stack_(stack), base_(stack.size()) {}
    ~Frame() { stack_.truncate(base_); }
    Frame(const Frame&) = delete;
    Frame& operator=(const Frame&) = delete;
    // Index of its first element.
    size_t base() const { return base_; }

   private:
    ElementStack& stack_;
    size_t base_;
  };

 private:
  bool try_grow(Thread& thread) {
    const size_t capacity = capacity_ * 2 + 1;
    Element* grown = thread.try_make_array<Element>(capacity + 1);
    if (grown == nullptr) {
      elements_[size_] = Element();
      return false;
    }
    std::copy(elements_, elements_ + capacity_ + 1, grown);
    anchor_ = grown;
    elements_ = grown;
    capacity_ = capacity;
    return true;
  }
  void grow(Thread& thread) {
    if (!try_grow(thread)) throw OutOfMemory(thread.last_error());
  }

  Anchor<Element> anchor_;
  Element* elements_;
  size_t size_ = 0;
  size_t capacity_;
};

}  // namespace detail

// A vector of references to Ts that is a root, of any lifetime (of its heap's at most), used by one thread at a time.
// Its storage is an object of the heap. RootVectorOf is for elements of another type: one with trace or layout,
// for which all zero is a valid state, such as a VM's tagged values.
//
// Example:
//   struct Value {
//     acre::Member<void> word;
//     void trace(acre::Visitor& visitor) { visitor(word); }
//   };
//
//   acre::RootVector<Node> stack(thread);
//   for (long i = 0; i < 100; ++i) stack.push_back(thread, thread.make<Node>(nullptr, i));
//   {
//     acre::RootVector<Node>::Frame call(stack);
//     stack.push_back(thread, stack[99].get());
//     assert(stack[call.base()]->value == 99);
//   }
//   assert(stack.size() == 100 && stack.pop_back()->value == 99);
//
//   acre::RootVectorOf<Value> values(thread);
//   values.push_back(thread, Value{thread.make<Node>()});
template <class Element>
using RootVectorOf = detail::ElementStack<Root, Element>;
template <class T>
using RootVector = RootVectorOf<Member<T>>;

// The same for a scope: cheaper to make, and first in, last out among the Locals of the thread or fiber. A fiber
// that is collected in the middle leaves nothing behind.
//
// Example:
//   acre::Locals<Node> arguments(thread);
//   for (long i = 0; i < 20; ++i) arguments.push_back(thread, thread.make<Node>(nullptr, i));
//   long sum = 0;
//   for (const acre::Member<Node>& argument : arguments) sum += argument->value;
//   assert(sum == 190);
template <class Element>
using LocalsOf = detail::ElementStack<Local, Element>;
template <class T>
using Locals = LocalsOf<Member<T>>;

}  // namespace acre

#endif  // ACRE_ROOT_VECTOR_HPP_
