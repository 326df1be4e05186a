// Thread: the calling thread, attached; it makes objects. Blocking: a region in which collections do not wait for it.
#ifndef ACRE_THREAD_HPP_
#define ACRE_THREAD_HPP_

#include <acre/heap.hpp>

#include <limits>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

namespace acre {

// How a thread comes to a stop: see acre_thread_attach_as.
enum class Manner {
  kCooperative = ACRE_THREAD_COOPERATIVE,
  kUncooperative = ACRE_THREAD_UNCOOPERATIVE
};

// The calling thread, attached for the length of a scope. Use it from this thread only.
class Thread {
 public:
  explicit Thread(Heap& heap) : Thread(heap, &acre_thread_attach) {}
  Thread(Heap& heap, Manner manner)
      : Thread(heap, [manner](acre_heap* of, acre_thread** out) {
          return acre_thread_attach_as(of, static_cast<int>(manner), out);
        }) {}
  ~Thread() { (void)acre_thread_detach(thread_); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  acre_thread* get() const { return thread_; }
  operator acre_thread*() const { return thread_; }  // NOLINT(google-explicit-constructor)
  Heap& heap() const { return *heap_; }

  // A new T. Throws OutOfMemory, and what T's constructor throws (which must not yield to another thread).
  // Inlined, it is at most ten instructions up to the constructor (test/pins), for T up to ACRE_INLINE_BYTES.
  template <class T, class... Args>
  T* make(Args&&... args) {
    void* memory = take_ready<T>();
    if (__builtin_expect(memory == nullptr, 0)) memory = allocate_or_throw<T>();
    return construct<T>(memory, std::forward<Args>(args)...);
  }
  // The same, or null if there is no memory. (What T's constructor throws still arrives, and
  // Error(ACRE_E_LIMIT) for a type that is one kind too many.)
  template <class T, class... Args>
  T* try_make(Args&&... args) {
    void* memory = take_ready<T>();
    if (__builtin_expect(memory == nullptr, 0)) memory = allocate_slowly<T>();
    return memory == nullptr ? nullptr : construct<T>(memory, std::forward<Args>(args)...);
  }
  // `count` Ts in a row, each value-initialised. Throws OutOfMemory.
  template <class T>
  T* make_array(size_t count) {
    T* elements = try_make_array<T>(count);
    if (elements == nullptr) throw_last_error();
    return elements;
  }
  template <class T>
  T* try_make_array(size_t count) {
    static_assert(!std::is_polymorphic_v<T>, "arrays hold types without virtual functions");
    void* memory = allocate<T>(count);
    if (memory == nullptr) return nullptr;
    T* elements = static_cast<T*>(memory);
    if constexpr (!std::is_trivially_default_constructible_v<T>) {
      construct_array<T>(elements, count);
    }
    return elements;
  }

  // `count` Ts in a row whose content is undefined: for buffers that are written at once. T holds no
  // references. Throws OutOfMemory.
  template <class T>
  T* make_uninit_array(size_t count) {
    static_assert(std::is_trivially_copyable_v<T> && !Traced<T> && !LaidOut<T>,
                  "only types without references may be left undefined");
    static_assert(alignof(T) <= 16, "buffers are aligned to 16 bytes");
    const size_t bytes = count > std::numeric_limits<size_t>::max() / sizeof(T)
                             ? std::numeric_limits<size_t>::max()
                             : count * sizeof(T);
    void* memory = acre_alloc_uninit(thread_, bytes, ACRE_KIND_LEAF);
    if (memory == nullptr) throw_last_error();
    return static_cast<T*>(memory);
  }

  void safepoint() { acre_safepoint(thread_); }
  void collect() { acre_collect(thread_); }
  void release_memory() { acre_release_memory(thread_); }
  acre_status last_error() const { return acre_last_error(thread_); }

 private:
  template <class Attach>
  Thread(Heap& heap, Attach attach) : heap_(&heap), keeps_new_(!heap.scans_stacks()) {
    check(attach(heap.get(), &thread_));
    for (acre_gap*& gap : gaps_) gap = &detail::empty_gap;
  }

  static constexpr bool serves_inline(size_t bytes, size_t align) {
    return bytes <= ACRE_INLINE_BYTES && align <= 16;
  }

  // From the gap of T, or null: then it is for allocate_slowly.
  template <class T>
  void* take_ready() {
    if constexpr (!serves_inline(sizeof(T), alignof(T))) {
      return nullptr;
    } else {
      acre_gap* gap = nullptr;
      if constexpr (Traced<T> || LaidOut<T>) {
        gap = gaps_[detail::gap_number<T>.load(std::memory_order_relaxed)];
      } else {
        gap = acre_gap_of(thread_, ACRE_KIND_LEAF, ACRE_INLINE_CLASS(sizeof(T)));
      }
      return acre_gap_take(gap, ACRE_INLINE_CLASS_BYTES(sizeof(T)));
    }
  }

  template <class T>
  __attribute__((noinline, cold)) void* allocate_slowly() {
    void* memory = allocate<T>(1);
    if constexpr (serves_inline(sizeof(T), alignof(T)) && (Traced<T> || LaidOut<T>)) {
      const unsigned number = detail::type_number<T>() + 1;
      if (number < detail::kCachedTypes) {
        gaps_[number] = acre_gap_of(thread_, kind_of<T>(), ACRE_INLINE_CLASS(sizeof(T)));
        detail::gap_number<T>.store(number, std::memory_order_relaxed);
      }
    }
    return memory;
  }

  // Throws here and not where it is inlined, so that what was taken is not compared with null again.
  template <class T>
  __attribute__((noinline, cold)) void* allocate_or_throw() {
    void* memory = allocate_slowly<T>();
    if (memory == nullptr) throw_last_error();
    return memory;
  }

  template <class T>
  void* allocate(size_t count) {
    static_assert(std::is_trivially_destructible_v<T>,
                  "destructors are not run: keep what needs one outside the heap");
    if (count > std::numeric_limits<size_t>::max() / sizeof(T)) {
      // More than there can be: let the heap say so, with its status.
      return acre_alloc(thread_, std::numeric_limits<size_t>::max(), ACRE_KIND_LEAF);
    }
    const acre_kind kind = kind_of<T>();
    if constexpr (alignof(T) > 16) {
      return acre_alloc_aligned(thread_, count * sizeof(T), alignof(T), kind);
    } else {
      return acre_alloc(thread_, count * sizeof(T), kind);
    }
  }

  // The heap's answer, remembered without a lock.
  template <class T>
  acre_kind kind_of() {
    if constexpr (!Traced<T> && !LaidOut<T>) {
      return heap_->kind<T>().number();
    } else {
      const unsigned number = detail::type_number<T>();
      if (kinds_.size() <= number) kinds_.resize(number + 1, ACRE_KIND_NONE);
      if (kinds_[number] == ACRE_KIND_NONE) kinds_[number] = heap_->kind<T>().number();
      return kinds_[number];
    }
  }

  // The new object is a root until its constructor is done, where stacks are not scanned (where they
  // are, `make` itself holds it there). `local` is the caller's and apart, so that its address makes
  // nothing else go through memory.
  class Keep {
   public:
    Keep(const Thread& thread, acre_local& local, void* object) : thread_(thread), local_(local) {
      if (__builtin_expect(!thread_.keeps_new_, 1)) return;
      local_ = {fields().locals, object};
      fields().locals = &local_;
    }
    ~Keep() {
      if (__builtin_expect(thread_.keeps_new_, 0)) fields().locals = local_.previous;
    }
    Keep(const Keep&) = delete;
    Keep& operator=(const Keep&) = delete;

   private:
    acre_thread_inline& fields() { return *reinterpret_cast<acre_thread_inline*>(thread_.thread_); }

    const Thread& thread_;
    acre_local& local_;
  };

  template <class T, class... Args>
  T* construct(void* memory, Args&&... args) {
    if constexpr (std::is_trivially_constructible_v<T, Args...>) {
      return new (memory) T(std::forward<Args>(args)...);
    } else {
      acre_local local;
      const Keep keep(*this, local, memory);
      T* object = nullptr;
      if constexpr (std::is_constructible_v<T, Args...>) {
        object = new (memory) T(std::forward<Args>(args)...);
      } else {
        object = new (memory) T{std::forward<Args>(args)...};  // aggregates
      }
      if constexpr (std::is_polymorphic_v<T>) {
        const uintptr_t table = detail::table_of(memory);
        if (detail::finished_table<T>.load(std::memory_order_relaxed) != table) {
          detail::finished_table<T>.store(table, std::memory_order_relaxed);
        }
      }
      return object;
    }
  }
  template <class T>
  void construct_array(T* elements, size_t count) {
    acre_local local;
    const Keep keep(*this, local, elements);
    for (size_t i = 0; i < count; ++i) new (&elements[i]) T();
  }

  [[noreturn]] void throw_last_error() {
    const acre_status status = acre_last_error(thread_);
    if (status == ACRE_E_LIMIT) throw OutOfMemory(status);
    check(status);
    throw OutOfMemory();
  }

  Heap* heap_;
  acre_thread* thread_ = nullptr;
  const bool keeps_new_;
  acre_gap* gaps_[detail::kCachedTypes];
  std::vector<acre_kind> kinds_;
};

// A blocking region for a scope: collections do not wait for this thread meanwhile.
class Blocking {
 public:
  explicit Blocking(Thread& thread) : thread_(thread.get()) { acre_blocking_begin(thread_); }
  ~Blocking() { acre_blocking_end(thread_); }
  Blocking(const Blocking&) = delete;
  Blocking& operator=(const Blocking&) = delete;

 private:
  acre_thread* thread_;
};

}  // namespace acre

#endif  // ACRE_THREAD_HPP_
