// The Boehm-Demers-Weiser collector. GC_MALLOC for what has references (every word of it is a possible one),
// GC_MALLOC_ATOMIC for what has none. No incremental mode, so a store of a reference is an assignment.
#pragma once

// gc.h declares threads for us under this name, and replaces pthread_create in what includes it.
#ifndef GC_THREADS
#define GC_THREADS
#endif
#include <gc/gc.h>
#include <pthread.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <new>

#include "bench/compare/native/program.h"

namespace acre::compare {

struct Boehm {
  static constexpr bool kFrees = false;

  template <class T>
  using Ref = T*;

  struct Layout {
    constexpr Layout(std::initializer_list<unsigned>) {}
  };

  class Heap {
   public:
    // Threads that help to mark come with a program's first thread; here they are for those with one, too.
    // (GC_MARKERS=1 in the environment: none.)
    Heap() {
      GC_INIT();
      GC_start_mark_threads();
    }
    template <class T>
    void declare() {}
    std::uint64_t collections() const { return GC_get_gc_no(); }
  };

  class Mutator {
   public:
    explicit Mutator(Heap&) {}

    template <class T, class... Args>
    T* make(Args... args) {
      T* object = static_cast<T*>(allocate<T>(sizeof(T)));
      if constexpr (sizeof...(Args) > 0) new (object) T(args...);
      return object;
    }
    template <class T>
    T* make_array(std::size_t count) {
      return static_cast<T*>(allocate<T>(count * sizeof(T)));
    }
    std::byte* make_uninit_bytes(std::size_t bytes) {
      return static_cast<std::byte*>(found(
          bytes < kLarge ? GC_MALLOC_ATOMIC(bytes) : GC_MALLOC_ATOMIC_IGNORE_OFF_PAGE(bytes)));
    }

    template <class Object, class T>
    void store(Object*, T*& field, T* value) {
      field = value;
    }
    void drop(void*) {}
    void collect() { GC_gcollect(); }

   private:
    // From here on gc.h advises to promise that a reference to the start is kept. The workloads do, in a Root or
    // a slot.
    static constexpr std::size_t kLarge = 100 << 10;

    template <class T>
    static void* allocate(std::size_t bytes) {
      if constexpr (requires { T::layout; }) {
        return found(bytes < kLarge ? GC_MALLOC(bytes) : GC_MALLOC_IGNORE_OFF_PAGE(bytes));
      } else {
        void* object = found(bytes < kLarge ? GC_MALLOC_ATOMIC(bytes)
                                            : GC_MALLOC_ATOMIC_IGNORE_OFF_PAGE(bytes));
        return std::memset(object, 0, bytes);
      }
    }
    static void* found(void* object) {
      if (object == nullptr) [[unlikely]]
        out_of_memory();
      return object;
    }
  };

  // On the stack, which is scanned; volatile, so that it is in memory as long as its scope lasts.
  template <class T>
  class Root {
   public:
    Root(Mutator&, T* object) : object_(object) {}
    ~Root() { object_ = nullptr; }
    Root(const Root&) = delete;
    Root& operator=(const Root&) = delete;

    T* get() const { return object_; }
    void set(T* object) { object_ = object; }

   private:
    T* volatile object_;
  };

  // A thread that waits is stopped by a signal like any other.
  struct Waiting {
    explicit Waiting(Mutator&) {}
  };

  static int start_thread(pthread_t* id, void* (*body)(void*), void* argument) {
    return GC_pthread_create(id, nullptr, body, argument);
  }
  static int join_thread(pthread_t id) { return GC_pthread_join(id, nullptr); }
};

}  // namespace acre::compare
