// malloc and free, of the C library or of whatever LD_PRELOAD puts in its place.
#pragma once

#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <initializer_list>
#include <new>

#include "bench/compare/native/program.h"

namespace acre::compare {

struct Malloc {
  static constexpr bool kFrees = true;

  template <class T>
  using Ref = T*;

  struct Layout {
    constexpr Layout(std::initializer_list<unsigned>) {}
  };

  struct Heap {
    template <class T>
    void declare() {}
    std::uint64_t collections() const { return 0; }
  };

  class Mutator {
   public:
    explicit Mutator(Heap&) {}

    template <class T, class... Args>
    T* make(Args... args) {
      return new (found(std::malloc(sizeof(T)))) T(args...);
    }
    template <class T>
    T* make_array(std::size_t count) {
      return static_cast<T*>(found(std::calloc(count, sizeof(T))));
    }
    std::byte* make_uninit_bytes(std::size_t bytes) {
      return static_cast<std::byte*>(found(std::malloc(bytes)));
    }

    template <class Object, class T>
    void store(Object*, T*& field, T* value) {
      field = value;
    }
    void drop(void* object) { std::free(object); }

   private:
    static void* found(void* object) {
      if (object == nullptr) [[unlikely]]
        out_of_memory();
      return object;
    }
  };

  template <class T>
  class Root {
   public:
    Root(Mutator&, T* object) : object_(object) {}
    T* get() const { return object_; }
    void set(T* object) { object_ = object; }

   private:
    T* object_;
  };

  struct Waiting {
    explicit Waiting(Mutator&) {}
  };

  static int start_thread(pthread_t* id, void* (*body)(void*), void* argument) {
    return pthread_create(id, nullptr, body, argument);
  }
  static int join_thread(pthread_t id) { return pthread_join(id, nullptr); }
};

}  // namespace acre::compare
