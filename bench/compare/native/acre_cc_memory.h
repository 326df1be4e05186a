// Acre by its C++ API.
#pragma once

#include <pthread.h>

#include <acre/acre.hpp>
#include <cstddef>
#include <cstdint>

#include "bench/compare/native/program.h"

namespace acre::compare {

struct AcreCc {
  static constexpr bool kFrees = false;

  template <class T>
  using Ref = acre::Member<T>;
  template <class T>
  class Root;
  using Layout = acre::Layout;

  class Heap : public acre::Heap {
   public:
    // A type becomes known to the heap by itself, but then in the middle of the work.
    template <class T>
    void declare() {
      kind<T>();
    }
    std::uint64_t collections() const { return stats().num_gc; }
  };

  class Mutator : public acre::Thread {
   public:
    explicit Mutator(Heap& heap) : acre::Thread(heap) {}

    std::byte* make_uninit_bytes(std::size_t bytes) { return make_uninit_array<std::byte>(bytes); }

    template <class Object, class T>
    void store(Object*, acre::Member<T>& field, T* value) {
      field = value;
    }
    void drop(void*) {}
  };

  using Waiting = acre::Blocking;

  static int start_thread(pthread_t* id, void* (*body)(void*), void* argument) {
    return pthread_create(id, nullptr, body, argument);
  }
  static int join_thread(pthread_t id) { return pthread_join(id, nullptr); }
};

template <class T>
class AcreCc::Root {
 public:
  Root(Mutator& mutator, T* object) : root_(mutator, object) {}
  T* get() const { return root_.get(); }
  void set(T* object) { root_ = object; }

 private:
  acre::Root<T> root_;
};

}  // namespace acre::compare
