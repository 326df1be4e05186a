// StlAllocator: the storage of standard containers in the heap.
#ifndef ACRE_STL_ALLOCATOR_HPP_
#define ACRE_STL_ALLOCATOR_HPP_

#include <acre/thread.hpp>

#include <cstddef>
#include <limits>
#include <new>
#include <type_traits>

namespace acre {

// Puts the storage of a standard container into the heap, where it keeps alive what its elements refer to.
//
//   - Numbers and enumerations go into leaf objects, and so do elements of type T if Leaf is true: trivially
//     copyable ones without references. All else, the containers' nodes too, is scanned conservatively. Numbers that
//     encode references need Leaf = false.
//   - Where stacks are scanned, the container itself must be where the collector looks: on a stack, in a root
//     range, in an object of a conservative kind. Without (conservative_stacks=0) each block is held by a handle until
//     the container frees it, so the container may be anywhere, but is to be destroyed: in an object of the
//     heap it would leak. What is put into it has to be held by something else until it is in.
//   - The container is used by the thread whose Thread it was made with. Allocators are equal if they are of one Thread.
//   - What it frees is free at once (acre_free). Throws OutOfMemory.
//
// Example:
//   template <class T>
//   using Allocator = acre::StlAllocator<T>;
//   template <class Key, class T>
//   using Map = std::map<Key, T, std::less<Key>, Allocator<std::pair<const Key, T>>>;
//
//   std::vector<Node*, Allocator<Node*>> nodes{Allocator<Node*>(thread)};
//   acre::Local<Node> node(thread, thread.make<Node>(nullptr, 6L));
//   nodes.push_back(node);
//   Map<int, Node*> by_number{Allocator<int>(thread)};
//   by_number[6] = node;
//   node = nullptr;
//   thread.collect();
//   assert(nodes[0]->value == 6 && by_number.at(6) == nodes[0]);
template <class T, bool Leaf = std::is_arithmetic_v<T> || std::is_enum_v<T>, class Element = T>
class StlAllocator {
 public:
  using value_type = T;
  // Element stays what the program named: only that is known to be a leaf, a container's node of it is not.
  template <class U>
  struct rebind {
    using other = StlAllocator<U, Leaf, Element>;
  };

  explicit StlAllocator(Thread& thread) : thread_(&thread) {}
  template <class U, bool UsLeaf, class UsElement>
  StlAllocator(
      const StlAllocator<U, UsLeaf, UsElement>& other)  // NOLINT(google-explicit-constructor)
      : thread_(&other.owner()) {}

  T* allocate(size_t count) {
    if (count > std::numeric_limits<size_t>::max() / sizeof(T) - 1)
      throw std::bad_array_new_length();
    const size_t head = held() ? kAlign : 0;
    auto* block =
        static_cast<char*>(acre_alloc_aligned(thread(), head + count * sizeof(T), kAlign, kKind));
    if (block == nullptr) throw OutOfMemory(acre_last_error(thread()));
    if (held()) hold(block);
    return reinterpret_cast<T*>(block + head);
  }
  void deallocate(T* memory, size_t) {
    void* block = memory;
    if (held()) {
      block = reinterpret_cast<char*>(memory) - kAlign;
      acre_handle_drop(*static_cast<acre_handle**>(block));
    }
    acre_free(thread(), block);
  }

  acre_thread* thread() const { return thread_->get(); }
  Thread& owner() const { return *thread_; }
  template <class U, bool UsLeaf, class UsElement>
  bool operator==(const StlAllocator<U, UsLeaf, UsElement>& other) const {
    return thread_ == &other.owner();
  }

 private:
  static constexpr bool kPlain = std::is_arithmetic_v<T> || std::is_enum_v<T>;
  static constexpr acre_kind kKind =
      Leaf && (kPlain || std::is_same_v<T, Element>) ? ACRE_KIND_LEAF : ACRE_KIND_CONSERVATIVE;
  static constexpr size_t kAlign = alignof(T) > 16 ? alignof(T) : 16;

  // Whether a block begins with the handle that holds it.
  bool held() const { return !thread_->heap().scans_stacks(); }
  void hold(char* block) {
    acre_handle* handle = acre_handle_new(thread(), block);
    if (handle == nullptr) throw OutOfMemory();
    *reinterpret_cast<acre_handle**>(block) = handle;
  }

  Thread* thread_;
};

}  // namespace acre

#endif  // ACRE_STL_ALLOCATOR_HPP_
