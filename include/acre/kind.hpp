// Kinds: from how a type is traced (acre.hpp says how it tells) to its acre_kind in a heap. What a Thread remembers of
// types for allocation is numbered here.
#ifndef ACRE_KIND_HPP_
#define ACRE_KIND_HPP_

#include <acre/error.hpp>
#include <acre/member.hpp>

#include <atomic>
#include <concepts>
#include <cstdint>
#include <type_traits>

namespace acre {

// A registered kind: acre_kind with a type of its own.
class Kind {
 public:
  constexpr explicit Kind(acre_kind number) : number_(number) {}
  constexpr acre_kind number() const { return number_; }

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

namespace detail {

__attribute__((visibility("default"))) inline std::atomic<unsigned> type_count{0};

// A small number for each type that was ever asked about, in this process.
template <class T>
unsigned type_number() {
  static const unsigned number = type_count.fetch_add(1);
  return number;
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
  if constexpr (std::is_polymorphic_v<T>) {
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
acre_kind register_kind(acre_heap* heap) {
  acre_kind_info info{};
  info.struct_size = sizeof(info);
  uint64_t bits = 0;
  if constexpr (Traced<T>) {
    info.trace = &trace<T>;
  } else {
    static_assert(sizeof(T) % sizeof(void*) == 0 && sizeof(T) <= 64 * sizeof(void*),
                  "a type with a layout is made of at most 64 whole words");
    constexpr unsigned kWords = sizeof(T) / sizeof(void*);
    static_assert(kWords == 64 || Layout(T::layout).bits() >> (kWords % 64) == 0,
                  "a layout names only words that the type has");
    bits = Layout(T::layout).bits();
    info.pointer_bitmap = &bits;
    info.element_words = sizeof(T) / sizeof(void*);
  }
  acre_kind kind = ACRE_KIND_NONE;
  check(acre_kind_register(heap, &info, &kind));
  return kind;
}

}  // namespace detail

}  // namespace acre

#endif  // ACRE_KIND_HPP_
