// References in objects, and how a type tells the collector of them: Member, Visitor, Layout.
#ifndef ACRE_MEMBER_HPP_
#define ACRE_MEMBER_HPP_

#include <acre/acre.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

namespace acre {

// Which 8-byte words of a type are references: at most the first 64 words. A type says so by a static member `layout`;
// then it needs no trace function, and its objects are marked faster. Raw pointers in it are stored by acre_store.
//
// Example:
//   struct Pair {
//     static constexpr acre::Layout layout{0, 1};
//     acre::Member<void> first, second;
//     long count;
//   };
//
//   acre::Local<Pair> pair(thread, thread.make<Pair>());
//   pair->first = thread.make<Node>();
//   pair->second = pair.get();
class Layout {
 public:
  constexpr Layout(std::initializer_list<unsigned> words) {
    for (const unsigned word : words) bits_ |= uint64_t{1} << word;
  }
  constexpr uint64_t bits() const { return bits_; }

 private:
  uint64_t bits_ = 0;
};

// A reference in an object of the heap: a field that carries the write barrier. Reads as a T*. Arrays of Members are
// objects like any other.
//
// Example:
//   acre::Local<Node> first(thread, thread.make<Node>());
//   first->next = thread.make<Node>();
//   first->next->value = 5;
//   acre::Member<Node>* nodes = thread.make_array<acre::Member<Node>>(100);
//   nodes[99] = first.get();
//   assert(nodes[99]->next->value == 5 && !nodes[0]);
template <class T>
class Member {
 public:
  static constexpr Layout layout{0};

  Member() = default;
  // A field of an object that nobody else has seen yet needs no barrier.
  Member(T* object) : object_(object) {}  // NOLINT(google-explicit-constructor)
  Member(std::nullptr_t) {}               // NOLINT(google-explicit-constructor)
  Member(const Member& other) : object_(other.get()) {}
  Member& operator=(const Member& other) {
    store(other.get());
    return *this;
  }
  Member& operator=(T* object) {
    store(object);
    return *this;
  }

  T* get() const { return __atomic_load_n(&object_, __ATOMIC_RELAXED); }
  operator T*() const { return get(); }  // NOLINT(google-explicit-constructor)
  T* operator->() const { return get(); }
  std::add_lvalue_reference_t<T> operator*() const { return *get(); }
  explicit operator bool() const { return get() != nullptr; }

  // Where the reference is, for acre_visit and acre_store.
  void** slot() { return const_cast<void**>(reinterpret_cast<const void* const*>(&object_)); }

 private:
  // As acre_store_any.
  void store(T* object) {
    if (__builtin_expect(acre_load_store_phases() != 0, 0)) {
      const void* value = object;
      acre_store_any_slow(slot(), const_cast<void*>(value));
    } else {
      __atomic_store_n(&object_, object, __ATOMIC_RELEASE);
    }
  }

  T* object_ = nullptr;
};

// What a trace function tells its references to. Besides Members it takes raw references, which may be null, tagged in
// their low four bits, or point into an object; fields with a trace function of their own; and arrays of all these.
//
// Example:
//   struct Slot {
//     acre::Member<Node> key, value;
//     void trace(acre::Visitor& visitor) { visitor(key, value); }
//   };
//   struct Table {
//     Slot slots[8];
//     Node* last_found = nullptr;
//     void trace(acre::Visitor& visitor) { visitor(slots, last_found); }
//   };
//
//   acre::Local<Table> table(thread, thread.make<Table>());
//   table->slots[7].value = thread.make<Node>();
//   thread.collect();
//   assert(table->slots[7].value->value == 0);
class Visitor {
 public:
  explicit Visitor(acre_visitor* visitor) : visitor_(visitor) {}

  template <class... References>
  void operator()(References&... references) {
    (visit(references), ...);
  }

  template <class T>
  void visit(const Member<T>& member) {
    acre_visit(visitor_, const_cast<Member<T>&>(member).slot());
  }
  template <class T>
  void visit(T* const& reference) {
    acre_visit(visitor_, const_cast<void**>(reinterpret_cast<const void* const*>(&reference)));
  }
  template <class T>
  requires requires(T& field, Visitor& visitor) { field.trace(visitor); }
  void visit(T& field) { field.trace(*this); }
  template <class T, size_t count>
  void visit(T (&references)[count]) {
    visit_range(references, count);
  }
  template <class T>
  void visit_range(T* first, size_t count) {
    for (size_t i = 0; i < count; ++i) visit(first[i]);
  }
  // Words that may be references.
  void visit_conservative(const void* start, size_t bytes) {
    acre_visit_conservative(visitor_, const_cast<void*>(start), bytes);
  }

  acre_visitor* get() const { return visitor_; }

 private:
  acre_visitor* visitor_;
};

}  // namespace acre

#endif  // ACRE_MEMBER_HPP_
