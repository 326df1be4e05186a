// Roots that programs hold: Root of any lifetime, Local for a scope.
#ifndef ACRE_ROOT_HPP_
#define ACRE_ROOT_HPP_

#include <acre/thread.hpp>

#include <cstddef>
#include <optional>
#include <type_traits>
#include <utility>

namespace acre {

// A root of any lifetime: a handle. Move-only. Must not outlive its heap. One that was moved from
// reads as null, and may only be destroyed or moved to.
//
// Example:
//   std::vector<acre::Root<Node>> kept;
//   for (long i = 0; i < 3; ++i) kept.emplace_back(thread, thread.make<Node>(nullptr, i));
//   kept[0] = kept[2].get();
//   kept.pop_back();
//   assert(kept[0]->value == 2 && kept[1]->value == 1);
//   std::optional<acre::Root<Node>> root = acre::Root<Node>::try_new(thread);  // no exception
//   assert(root && root->get() == nullptr);
template <class T>
class Root {
 public:
  explicit Root(Thread& thread, T* object = nullptr)
      : handle_(acre_handle_new(thread.get(), to_void(object))) {
    if (handle_ == nullptr) throw OutOfMemory();
  }
  // Nothing if there is no memory for one.
  static std::optional<Root> try_new(Thread& thread, T* object = nullptr) {
    acre_handle* handle = acre_handle_new(thread.get(), to_void(object));
    if (handle == nullptr) return std::nullopt;
    return Root(handle);
  }
  ~Root() { acre_handle_drop(handle_); }
  Root(Root&& other) noexcept : handle_(std::exchange(other.handle_, nullptr)) {}
  Root& operator=(Root&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  Root& operator=(T* object) {
    acre_handle_set(handle_, to_void(object));
    return *this;
  }

  T* get() const { return static_cast<T*>(acre_handle_get(handle_)); }
  operator T*() const { return get(); }  // NOLINT(google-explicit-constructor)
  T* operator->() const { return get(); }
  std::add_lvalue_reference_t<T> operator*() const { return *get(); }
  explicit operator bool() const { return get() != nullptr; }

 private:
  explicit Root(acre_handle* handle) : handle_(handle) {}

  static void* to_void(T* object) { return const_cast<std::remove_const_t<T>*>(object); }

  acre_handle* handle_;
};

// A root for a scope: cheaper than Root, first in, last out, on this thread. Needed where stacks
// are not scanned (conservative_stacks = 0), for each reference that is used after a call that may collect; right
// everywhere.
//
// Example:
//   acre::Local<Node> list(thread);
//   for (long i = 1; i <= 3; ++i) list = thread.make<Node>(list.get(), i);
//   acre::Local<Node> other(thread, thread.make<Node>());
//   other->next = thread.make<Node>(list.get(), 4L);
//   assert(other->next->next->next->next->value == 1);
template <class T>
class Local {
 public:
  explicit Local(Thread& thread, T* object = nullptr)
      : thread_(thread.get()), local_{nullptr, to_void(object)} {
    acre_local_push(thread_, &local_);
  }
  ~Local() { (void)acre_local_pop(thread_, &local_); }
  Local(const Local&) = delete;
  Local& operator=(const Local& other) {
    local_.object = other.local_.object;
    return *this;
  }
  Local& operator=(T* object) {
    local_.object = to_void(object);
    return *this;
  }

  T* get() const { return static_cast<T*>(local_.object); }
  operator T*() const { return get(); }  // NOLINT(google-explicit-constructor)
  T* operator->() const { return get(); }
  std::add_lvalue_reference_t<T> operator*() const { return *get(); }
  explicit operator bool() const { return get() != nullptr; }

 private:
  static void* to_void(T* object) { return const_cast<std::remove_const_t<T>*>(object); }

  acre_thread* thread_;
  acre_local local_;
};

}  // namespace acre

#endif  // ACRE_ROOT_HPP_
