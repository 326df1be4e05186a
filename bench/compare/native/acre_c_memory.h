// Acre by its C API: kinds by bitmap, acre_alloc and acre_store.
#pragma once

#include <acre/acre.h>
#include <pthread.h>

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>

#include "bench/compare/native/program.h"

namespace acre::compare {

inline void require(const char* call, acre_status status) {
  if (status == ACRE_E_NOMEM) out_of_memory();
  if (status != ACRE_OK) throw std::runtime_error(std::string(call) + ": " + acre_strerror(status));
}

struct AcreC {
  static constexpr bool kFrees = false;

  template <class T>
  using Ref = T*;
  template <class T>
  class Root;

  class Layout {
   public:
    constexpr Layout(std::initializer_list<unsigned> words) {
      for (const unsigned word : words) bits_ |= std::uint64_t{1} << word;
    }
    constexpr std::uint64_t bits() const { return bits_; }

   private:
    std::uint64_t bits_ = 0;
  };

  // The kinds are variables of the program: it makes one heap.
  template <class T>
  inline static acre_kind kind_of = ACRE_KIND_LEAF;

  class Heap {
   public:
    Heap() { require("acre_heap_create", acre_heap_create(nullptr, &heap_)); }
    ~Heap() { (void)acre_heap_destroy(heap_); }
    Heap(const Heap&) = delete;
    Heap& operator=(const Heap&) = delete;

    template <class T>
    void declare() {
      if constexpr (requires { T::layout; }) {
        const std::uint64_t bits = T::layout.bits();
        acre_kind_info info{};
        info.struct_size = sizeof(info);
        info.pointer_bitmap = &bits;
        info.element_words = sizeof(T) / sizeof(void*);
        require("acre_kind_register", acre_kind_register(heap_, &info, &kind_of<T>));
      }
    }
    std::uint64_t collections() const {
      acre_stats stats{};
      stats.struct_size = sizeof(stats);
      acre_stats_read(heap_, &stats);
      return stats.num_gc;
    }
    acre_heap* get() const { return heap_; }

   private:
    acre_heap* heap_ = nullptr;
  };

  class Mutator {
   public:
    explicit Mutator(Heap& heap) {
      require("acre_thread_attach", acre_thread_attach(heap.get(), &thread_));
    }
    ~Mutator() { (void)acre_thread_detach(thread_); }
    Mutator(const Mutator&) = delete;
    Mutator& operator=(const Mutator&) = delete;

    acre_thread* get() const { return thread_; }

    template <class T, class... Args>
    T* make(Args... args) {
      T* object = static_cast<T*>(found(acre_alloc(thread_, sizeof(T), kind_of<T>)));
      if constexpr (sizeof...(Args) > 0) write(object, T(args...));
      return object;
    }
    template <class T>
    T* make_array(std::size_t count) {
      return static_cast<T*>(found(acre_alloc(thread_, count * sizeof(T), kind_of<T>)));
    }
    std::byte* make_uninit_bytes(std::size_t bytes) {
      return static_cast<std::byte*>(found(acre_alloc_uninit(thread_, bytes, ACRE_KIND_LEAF)));
    }

    template <class Object, class T>
    void store(Object* object, T*& field, T* value) {
      acre_store(thread_, object, reinterpret_cast<void**>(&field), value);
    }
    void drop(void*) {}
    void collect() { acre_collect(thread_); }

   private:
    // What a C program does by hand, field by field: references by acre_store, all else by assignment.
    template <class T>
    void write(T* object, const T& content) {
      constexpr std::size_t kWords = sizeof(T) / sizeof(void*);
      const auto words = std::bit_cast<std::array<void*, kWords>>(content);
      [&]<std::size_t... kIndex>(std::index_sequence<kIndex...>) {
        (write_word<kIndex>(object, words[kIndex]), ...);
      }
      (std::make_index_sequence<kWords>());
    }
    template <std::size_t kIndex, class T>
    void write_word(T* object, void* word) {
      void** const field = reinterpret_cast<void**>(object) + kIndex;
      if constexpr ((T::layout.bits() >> kIndex) & 1) {
        acre_store(thread_, object, field, word);
      } else {
        *field = word;
      }
    }

    static void* found(void* object) {
      if (object == nullptr) [[unlikely]]
        out_of_memory();
      return object;
    }

    acre_thread* thread_ = nullptr;
  };

  class Waiting {
   public:
    explicit Waiting(Mutator& mutator) : thread_(mutator.get()) { acre_blocking_begin(thread_); }
    ~Waiting() { acre_blocking_end(thread_); }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    acre_thread* thread_;
  };

  static int start_thread(pthread_t* id, void* (*body)(void*), void* argument) {
    return pthread_create(id, nullptr, body, argument);
  }
  static int join_thread(pthread_t id) { return pthread_join(id, nullptr); }
};

template <class T>
class AcreC::Root {
 public:
  Root(Mutator& mutator, T* object) : handle_(acre_handle_new(mutator.get(), object)) {
    if (handle_ == nullptr) out_of_memory();
  }
  ~Root() { acre_handle_drop(handle_); }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  T* get() const { return static_cast<T*>(acre_handle_get(handle_)); }
  void set(T* object) { acre_handle_set(handle_, object); }

 private:
  acre_handle* handle_;
};

}  // namespace acre::compare
