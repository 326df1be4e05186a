// References in objects, and how a type tells the collector of them: Member, Visitor, Layout.
#ifndef ACRE_MEMBER_HPP_
#define ACRE_MEMBER_HPP_

#include <acre/acre.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

namespace acre {

// A reference in an object of the heap: a field that carries the write barrier. Reads as a T*.
template <class T>
class Member {
 public:
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

// What a trace function tells its references to.
class Visitor {
 public:
  explicit Visitor(acre_visitor* visitor) : visitor_(visitor) {}

  template <class T>
  void visit(Member<T>& member) {
    acre_visit(visitor_, member.slot());
  }
  template <class T>
  void visit(const Member<T>& member) {
    acre_visit(visitor_, const_cast<Member<T>&>(member).slot());
  }
  // A raw reference; may be null, tagged in its low four bits, or point into an object.
  template <class T>
  void visit(T*& reference) {
    acre_visit(visitor_, const_cast<void**>(reinterpret_cast<const void* const*>(&reference)));
  }
  template <class T>
  void visit(T* const& reference) {
    acre_visit(visitor_, const_cast<void**>(reinterpret_cast<const void* const*>(&reference)));
  }
  // Words that may be references.
  void visit_conservative(const void* start, size_t bytes) {
    acre_visit_conservative(visitor_, const_cast<void*>(start), bytes);
  }

  template <class... References>
  void operator()(References&... references) {
    (visit(references), ...);
  }

  acre_visitor* get() const { return visitor_; }

 private:
  acre_visitor* visitor_;
};

// Which 8-byte words of a type are references: at most the first 64 words.
class Layout {
 public:
  constexpr Layout(std::initializer_list<unsigned> words) {
    for (const unsigned word : words) bits_ |= uint64_t{1} << word;
  }
  constexpr uint64_t bits() const { return bits_; }

 private:
  uint64_t bits_ = 0;
};

}  // namespace acre

#endif  // ACRE_MEMBER_HPP_
