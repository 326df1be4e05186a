// What a workload asks of the system that it measures: the concept Memory. Each workload is written once, as a
// template over it; acre_cc_memory.h, acre_c_memory.h, boehm_memory.h and malloc_memory.h are the four
// interfaces, each used as its users would.
//
// A Memory M has
//
//   M::kFrees            true: what is dropped must be freed (malloc); false: a collector finds it
//   M::Ref<T>            a field that refers to a T; reads as a T*
//   M::Layout            `static constexpr M::Layout layout{0, 3}` in a type: the numbers of its words that are Refs
//   M::Heap              the heap; heap.declare<T>() before the first T with a layout is made; heap.collections()
//   M::Mutator           a thread that allocates; made on that thread, of the heap. It has
//     make<T>(args...)      a new T(args...); T() must be all zero: where memory comes zeroed, nothing is written
//     make_array<T>(n)      n Ts, all zero
//     make_uninit_bytes(n)  n bytes without references, content undefined
//     store(object, field, value)  field = value, where field is a Ref in object
//     drop(object)          nothing refers to it any more
//     collect()             a full collection (not where kFrees)
//   M::Root<T>           keeps a T and what it reaches: Root(mutator, object), get(), set(object)
//   M::Waiting           for a scope: this thread waits, and collections need not wait for it
//   M::start_thread, M::join_thread  as pthread_create and pthread_join
//
// Stacks are scanned by all the collectors here, so locals keep what they refer to.
#pragma once

#include <pthread.h>

#include <concepts>
#include <cstddef>
#include <cstdint>

namespace acre::compare {

// A type without a layout, for the concept.
struct Leaf {
  std::uint64_t word;
};

template <class M>
concept Memory = requires(typename M::Heap& heap, typename M::Mutator& mutator,
                          typename M::template Ref<Leaf>& field, Leaf* object, pthread_t* id,
                          void* (*body)(void*)) {
  { M::kFrees } -> std::convertible_to<bool>;
  {heap.template declare<Leaf>()};
  { heap.collections() } -> std::same_as<std::uint64_t>;
  { mutator.template make<Leaf>() } -> std::same_as<Leaf*>;
  { mutator.template make_array<Leaf>(std::size_t{1}) } -> std::same_as<Leaf*>;
  { mutator.make_uninit_bytes(std::size_t{1}) } -> std::same_as<std::byte*>;
  {mutator.store(object, field, object)};
  {mutator.drop(object)};
  { M::start_thread(id, body, nullptr) } -> std::same_as<int>;
  { M::join_thread(*id) } -> std::same_as<int>;
  typename M::template Root<Leaf>;
  typename M::Waiting;
};

// An element of an array of references.
template <Memory M, class T>
struct Slot {
  static constexpr typename M::Layout layout{0};
  typename M::template Ref<T> ref;
};

// The compiler must take it that somebody reads and writes the object: so it cannot leave out the making, the
// freeing or the filling of one that the workload does not look at.
template <class T>
inline T* escape(T* object) {
  asm volatile("" : "+r"(object) : : "memory");
  return object;
}

}  // namespace acre::compare
