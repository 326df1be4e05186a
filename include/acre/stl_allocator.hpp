// StlAllocator: the storage of standard containers in the heap.
#ifndef ACRE_STL_ALLOCATOR_HPP_
#define ACRE_STL_ALLOCATOR_HPP_

#include <acre/thread.hpp>

#include <cstddef>
#include <limits>
#include <new>
#include <type_traits>

namespace acre {

// Puts the storage of a standard container into the heap. Elements of trivially copyable types
// without pointers go into leaf objects if Leaf says so; all else is scanned conservatively. The
// container itself must be where the collector looks (a stack, a root range, an object of a
// conservative kind), and be used by the thread whose Thread it was made with. Freed storage is
// given back by acre_free at once.
template <class T, bool Leaf = std::is_arithmetic_v<T> || std::is_enum_v<T>>
class StlAllocator {
 public:
  using value_type = T;
  template <class U>
  struct rebind {
    using other = StlAllocator<U, Leaf && (std::is_arithmetic_v<U> || std::is_enum_v<U>)>;
  };

  explicit StlAllocator(Thread& thread) : thread_(thread.get()) {}
  template <class U, bool UsLeaf>
  StlAllocator(const StlAllocator<U, UsLeaf>& other)  // NOLINT(google-explicit-constructor)
      : thread_(other.thread()) {}

  T* allocate(size_t count) {
    constexpr acre_kind kKind = Leaf ? ACRE_KIND_LEAF : ACRE_KIND_CONSERVATIVE;
    if (count > std::numeric_limits<size_t>::max() / sizeof(T)) throw std::bad_array_new_length();
    constexpr size_t kAlign = alignof(T) > 16 ? alignof(T) : 16;
    void* memory = acre_alloc_aligned(thread_, count * sizeof(T), kAlign, kKind);
    if (memory == nullptr) throw OutOfMemory();
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, size_t) { acre_free(thread_, memory); }

  acre_thread* thread() const { return thread_; }
  template <class U, bool UsLeaf>
  bool operator==(const StlAllocator<U, UsLeaf>& other) const {
    return thread_ == other.thread();
  }

 private:
  acre_thread* thread_;
};

}  // namespace acre

#endif  // ACRE_STL_ALLOCATOR_HPP_
