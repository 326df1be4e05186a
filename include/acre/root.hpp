// Roots that programs hold: Root of any lifetime, Local for a scope.
#ifndef ACRE_ROOT_HPP_
#define ACRE_ROOT_HPP_

#include <acre/thread.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace acre {

// A root of any lifetime: a handle. Move-only. Must not outlive its heap. One that was moved from
// reads as null, and may only be destroyed or moved to.
template <class T>
class Root {
 public:
  explicit Root(Thread& thread, T* object = nullptr)
      : handle_(acre_handle_new(thread.get(), to_void(object))) {
    if (handle_ == nullptr) throw OutOfMemory();
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
  static void* to_void(T* object) { return const_cast<std::remove_const_t<T>*>(object); }

  acre_handle* handle_;
};

// A root for a scope: cheaper than Root, first in, last out, on this thread. Needed where stacks
// are not scanned (conservative_stacks = 0); right everywhere.
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
