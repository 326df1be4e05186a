// Kinds: from how a type is traced (acre.hpp says how it tells) to its acre_kind in a heap. What a Thread remembers of
// types for allocation is numbered here.
#ifndef ACRE_KIND_HPP_
#define ACRE_KIND_HPP_

#include <acre/error.hpp>
#include <acre/member.hpp>

#include <algorithm>
#include <atomic>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <type_traits>
#include <vector>

namespace acre {

// A registered kind: acre_kind with a type of its own. Heap::kind<T>() is a type's.
//
// Example:
//   Node* node = thread.make<Node>();
//   assert(heap.kind_of(node) == heap.kind<Node>());
//   char* text = static_cast<char*>(acre_alloc(thread, 100, acre::Kind::leaf().number()));
//   assert(heap.kind_of(text) == acre::Kind::leaf());
class Kind {
 public:
  constexpr explicit Kind(acre_kind number) : number_(number) {}
  constexpr acre_kind number() const { return number_; }
  constexpr bool operator==(const Kind&) const = default;

  static constexpr Kind leaf() { return Kind(ACRE_KIND_LEAF); }
  static constexpr Kind conservative() { return Kind(ACRE_KIND_CONSERVATIVE); }

 private:
  acre_kind number_;
};

template <class T>
concept Traced = requires(T& object, Visitor& visitor) {
  object.trace(visitor);
};

template <class T>
concept LaidOut = !Traced<T> && requires {
  { T::layout } -> std::convertible_to<Layout>;
};

// An object that goes on behind its T with elements of type T::Tail, as many as Thread::make_tailed is told: strings,
// vectors, closures with what they captured. The tail begins as zeroes. A T without trace is a leaf if it and
// T::Tail are; if it is one word without references, T::Tail may have a layout (as Member does).
//
// Example:
//   struct Vector {
//     using Tail = acre::Member<Node>;
//     size_t count;
//     Tail& operator[](size_t i) { return acre::tail(this)[i]; }
//   };
//   struct Closure {
//     using Tail = acre::Member<void>;
//     acre::Member<Node> code;
//     size_t captured = 0;
//     void trace(acre::Visitor& visitor) {
//       visitor(code);
//       visitor.visit_range(acre::tail(this), captured);
//     }
//   };
//
//   acre::Local<Vector> vector(thread, thread.make_tailed<Vector>(10, size_t{10}));
//   (*vector)[9] = thread.make<Node>();
//   acre::Local<Closure> closure(thread, thread.make_tailed<Closure>(1));
//   closure->captured = 1;
//   acre::tail(closure.get())[0] = vector.get();
template <class T>
concept Tailed = requires {
  typename T::Tail;
};

template <Tailed T>
constexpr size_t tail_offset() {
  return (sizeof(T) + alignof(typename T::Tail) - 1) / alignof(typename T::Tail) *
         alignof(typename T::Tail);
}
// The first element of an object's tail.
template <Tailed T>
typename T::Tail* tail(T* object) {
  return reinterpret_cast<typename T::Tail*>(reinterpret_cast<char*>(object) + tail_offset<T>());
}

namespace detail {

__attribute__((visibility("default"))) inline std::atomic<unsigned> type_count{0};

// A small number for each type that was ever asked about, in this process.
template <class T>
unsigned type_number() {
  static const unsigned number = type_count.fetch_add(1);
  return number;
}

template <class T>
concept LaidOutTail = Tailed<T> && !Traced<T> && LaidOut<typename T::Tail> &&
                      sizeof(T) == sizeof(void*) && std::is_trivially_copyable_v<T>;

template <class T>
concept Leaf = !Traced<T> && !LaidOut<T> && !LaidOutTail<T>;

template <class T>
constexpr bool is_true_leaf() {
  if constexpr (Tailed<T>) {
    return std::is_trivially_copyable_v<T> && Leaf<typename T::Tail> &&
           std::is_trivially_copyable_v<typename T::Tail>;
  } else {
    return std::is_trivially_copyable_v<T>;
  }
}

// Makes room for entry `number` in a table of kinds; false: no memory.
inline bool has_entry(std::vector<acre_kind>& kinds, unsigned number) {
  try {
    if (kinds.size() <= number) kinds.resize(number + 1, ACRE_KIND_NONE);
  } catch (const std::bad_alloc&) {
    return false;
  }
  return true;
}

// All Members are one kind, whatever they refer to.
template <class T>
struct Registered {
  using type = T;
};
template <class T>
struct Registered<Member<T>> {
  using type = Member<void>;
};

// The name of T without its namespaces, for reports: as much of it as a kind's name may be.
template <class T>
void copy_name(char (&name)[32]) {
  const std::string_view text = __PRETTY_FUNCTION__;
  size_t start = text.find("T = ") + 4;
  const size_t end = text.find_first_of(";]", start);
  const size_t arguments = std::min(text.find('<', start), end);
  const size_t scope = text.rfind("::", arguments);
  if (scope != std::string_view::npos && scope > start) start = scope + 2;
  name[text.substr(start, end - start).copy(name, sizeof(name) - 1)] = '\0';
}

// Types whose gap a Thread remembers. Those that come later than that are allocated by acre_alloc.
inline constexpr unsigned kCachedTypes = 128;

// The place of T in each Thread's table of gaps; 0 until it has one: there the gap is always empty.
template <class T>
inline std::atomic<unsigned> gap_number{0};

inline acre_gap empty_gap{};

// The table of virtual functions of a T that is done, once there was one.
template <class T>
inline std::atomic<uintptr_t> finished_table{0};

inline uintptr_t table_of(const void* object) {
  uintptr_t table = 0;
  __builtin_memcpy(&table, object, sizeof(table));
  return table;
}

template <class T>
void trace(void* object, size_t size, acre_visitor* raw) {
  Visitor visitor(raw);
  T* elements = static_cast<T*>(object);
  if constexpr (Tailed<T>) {
    static_assert(!std::is_polymorphic_v<T>, "a type with a tail has no virtual functions");
    elements->trace(visitor);
  } else if constexpr (std::is_polymorphic_v<T>) {
    // Alone in its object. While its constructor runs, or after that threw, it is a base of T or
    // nothing yet, and has no trace to call: then every word may be a reference.
    const uintptr_t table = table_of(object);
    if (table != 0 && table == finished_table<T>.load(std::memory_order_relaxed)) {
      elements->trace(visitor);
    } else {
      acre_visit_conservative(raw, object, size);
    }
  } else {
    // The rest of the object, behind the last one made, is zero: a valid state.
    for (size_t i = 0; i < size / sizeof(T); ++i) elements[i].trace(visitor);
  }
}

template <class T>
constexpr uint64_t layout_bits() {
  static_assert(sizeof(T) % sizeof(void*) == 0 && sizeof(T) <= 64 * sizeof(void*),
                "a type with a layout is made of at most 64 whole words");
  constexpr unsigned kWords = sizeof(T) / sizeof(void*);
  static_assert(kWords == 64 || Layout(T::layout).bits() >> (kWords % 64) == 0,
                "a layout names only words that the type has");
  return Layout(T::layout).bits();
}

template <class T>
acre_status register_kind(acre_heap* heap, acre_kind* kind) {
  char name[32];
  copy_name<T>(name);
  acre_kind_info info{};
  info.struct_size = sizeof(info);
  info.name = name;
  uint64_t bits = 0;
  if constexpr (Traced<T>) {
    info.trace = &trace<T>;
  } else if constexpr (LaidOut<T>) {
    static_assert(!Tailed<T>, "a type with a layout and a tail needs a trace function");
    bits = layout_bits<T>();
    info.element_words = sizeof(T) / sizeof(void*);
  } else {
    bits = layout_bits<typename T::Tail>();
    info.element_words = sizeof(typename T::Tail) / sizeof(void*);
    info.flags = ACRE_KIND_HAS_HEADER;
  }
  if constexpr (!Traced<T>) info.pointer_bitmap = &bits;
  return acre_kind_register(heap, &info, kind);
}

}  // namespace detail

}  // namespace acre

#endif  // ACRE_KIND_HPP_
