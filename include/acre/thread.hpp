// Thread: the calling thread, attached; it makes objects.
#ifndef ACRE_THREAD_HPP_
#define ACRE_THREAD_HPP_

#include <acre/heap.hpp>
#include <acre/keep.hpp>

#include <concepts>
#include <cstddef>
#include <limits>
#include <memory>
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
//
// Example:
//   struct String {  // a leaf, with its characters behind it
//     using Tail = char;
//     size_t length;
//   };
//
//   std::thread other([&heap = heap] {
//     acre::Thread mine(heap);
//     acre::Local<Node> node(mine, mine.make<Node>(nullptr, 7L));  // what the constructor takes
//     acre::Local<Node> row(mine, mine.make_array<Node>(100));     // one object of 100 Nodes
//     row.get()[99].next = node.get();
//     String* text = mine.make_tailed<String>(5, size_t{5});
//     std::memcpy(acre::tail(text), "hello", 5);
//     double* samples = mine.make_uninit_array<double>(48000);  // not zeroed
//     mine.free(samples);                                       // need not be
//   });
//   const acre::Blocking blocking(thread);  // collections do not wait for this thread while it waits
//   other.join();
class Thread {
 public:
  explicit Thread(Heap& heap) : Thread(heap, &acre_thread_attach) {}
  Thread(Heap& heap, Manner manner)
      : Thread(heap, [manner](acre_heap* of, acre_thread** out) {
          return acre_thread_attach_as(of, static_cast<int>(manner), out);
        }) {}
  // Null, and the reason in *status, where the constructors throw.
  static std::unique_ptr<Thread> try_attach(Heap& heap, acre_status* status = nullptr,
                                            Manner manner = Manner::kCooperative) {
    acre_thread* thread = nullptr;
    const int how = static_cast<int>(manner);
    if (!detail::tell(status, acre_thread_attach_as(heap, how, &thread))) return nullptr;
    std::unique_ptr<Thread> made(new (std::nothrow) Thread(heap, thread));
    if (made == nullptr) {
      detail::tell(status, ACRE_E_NOMEM);
      (void)acre_thread_detach(thread);
    }
    return made;
  }
  ~Thread() { (void)acre_thread_detach(thread_); }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  acre_thread* get() const { return thread_; }
  operator acre_thread*() const { return thread_; }  // NOLINT(google-explicit-constructor)
  Heap& heap() const { return *heap_; }

  // A new T. Throws OutOfMemory, and what T's constructor throws (which must not yield to another thread). Arguments
  // that are references are held meanwhile; but in make<T>(make<A>(), make<B>()) nothing holds the A when the B is made,
  // and a field of an object that nothing holds is to be handed over by .get().
  // Inlined, it is at most ten instructions up to the constructor (test/pins), for T up to ACRE_INLINE_BYTES.
  template <class T, class... Args>
  T* make(Args&&... args) {
    void* memory = take_ready<T>();
    if (__builtin_expect(memory == nullptr, 0)) {
      if constexpr (detail::Leaf<T>) {
        memory = allocate_or_throw<T>();
      } else {
        memory = allocate_or_throw<T>(detail::reference_of(args)...);
      }
    }
    return construct<T>(memory, std::forward<Args>(args)...);
  }
  // The same, or null: last_error() tells why. What T's constructor throws still arrives, and Error(ACRE_E_LIMIT) for
  // a type that is one kind too many (Heap::try_kind asks for it ahead). So do the other try_make_*.
  template <class T, class... Args>
  T* try_make(Args&&... args) {
    void* memory = take_ready<T>();
    if (__builtin_expect(memory == nullptr, 0))
      memory = allocate_slowly<T>(detail::reference_of(args)...);
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

  // A T with `count` elements of T::Tail behind it: see Tailed in kind.hpp. Throws OutOfMemory.
  template <Tailed T, class... Args>
  T* make_tailed(size_t count, Args&&... args) {
    T* object = try_make_tailed<T>(count, std::forward<Args>(args)...);
    if (object == nullptr) throw_last_error();
    return object;
  }
  template <Tailed T, class... Args>
  T* try_make_tailed(size_t count, Args&&... args) {
    const detail::Holding<sizeof...(Args)> holding(thread_, keeps_new_,
                                                   {detail::reference_of(args)...});
    void* memory = allocate_tailed<T>(count);
    return memory == nullptr ? nullptr : construct<T>(memory, std::forward<Args>(args)...);
  }

  // `count` Ts in a row whose content is undefined: for buffers that are written at once. T holds no
  // references. Throws OutOfMemory.
  template <class T>
  T* make_uninit_array(size_t count) {
    T* elements = try_make_uninit_array<T>(count);
    if (elements == nullptr) throw_last_error();
    return elements;
  }
  template <class T>
  T* try_make_uninit_array(size_t count) {
    static_assert(detail::Leaf<T> && detail::is_true_leaf<T>(),
                  "only types without references may be left undefined");
    static_assert(alignof(T) <= 16, "buffers are aligned to 16 bytes");
    const size_t bytes = bytes_of(0, count, sizeof(T));
    return static_cast<T*>(acre_alloc_uninit(thread_, bytes, ACRE_KIND_LEAF));
  }

  // Frees an object that nothing refers to, before the collector would: see acre_free.
  void free(void* object) { acre_free(thread_, object); }

  void safepoint() { acre_safepoint(thread_); }
  void collect() { acre_collect(thread_); }
  void release_memory() { acre_release_memory(thread_); }
  // What was queued: see finalizer.hpp, weak.hpp. How many it ran.
  size_t run_finalizers() { return acre_run_finalizers(thread_); }
  acre_status last_error() const { return acre_last_error(thread_); }

 private:
  template <class Attach>
  requires std::invocable<Attach&, acre_heap*, acre_thread**> Thread(Heap& heap, Attach attach)
      : Thread(heap, attached(heap, attach)) {}
  Thread(Heap& heap, acre_thread* thread)
      : heap_(&heap), thread_(thread), keeps_new_(!heap.scans_stacks()) {
    for (acre_gap*& gap : gaps_) gap = &detail::empty_gap;
  }
  template <class Attach>
  static acre_thread* attached(Heap& heap, Attach attach) {
    acre_thread* thread = nullptr;
    check(attach(heap.get(), &thread));
    return thread;
  }

  // Of a head and `count` elements; more than there can be, if it is: let the heap say so, with its status.
  static size_t bytes_of(size_t head, size_t count, size_t element) {
    constexpr size_t kMost = std::numeric_limits<size_t>::max();
    return count > (kMost - head) / element ? kMost : head + count * element;
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
      if constexpr (!detail::Leaf<T>) {
        gap = gaps_[detail::gap_number<T>.load(std::memory_order_relaxed)];
      } else {
        gap = acre_gap_of(thread_, ACRE_KIND_LEAF, ACRE_INLINE_CLASS(sizeof(T)));
      }
      return acre_gap_take(gap, ACRE_INLINE_CLASS_BYTES(sizeof(T)));
    }
  }

  template <class T, class... References>
  __attribute__((noinline, cold)) void* allocate_slowly(References... references) {
    const detail::Holding<sizeof...(References)> holding(thread_, keeps_new_, {references...});
    void* memory = allocate<T>(1);
    if constexpr (serves_inline(sizeof(T), alignof(T)) && !detail::Leaf<T>) {
      const unsigned number = detail::type_number<T>() + 1;
      if (number < detail::kCachedTypes) {
        gaps_[number] = acre_gap_of(thread_, kind_of<T>(), ACRE_INLINE_CLASS(sizeof(T)));
        detail::gap_number<T>.store(number, std::memory_order_relaxed);
      }
    }
    return memory;
  }

  // Throws here and not where it is inlined, so that what was taken is not compared with null again.
  template <class T, class... References>
  __attribute__((noinline, cold)) void* allocate_or_throw(References... references) {
    void* memory = allocate_slowly<T>(references...);
    if (memory == nullptr) throw_last_error();
    return memory;
  }

  template <class T>
  void* allocate(size_t count) {
    static_assert(!Tailed<T>, "a type with a tail is made by make_tailed");
    return allocate_bytes<T>(bytes_of(0, count, sizeof(T)), alignof(T));
  }
  template <Tailed T>
  void* allocate_tailed(size_t count) {
    using Tail = typename T::Tail;
    static_assert(std::is_trivially_destructible_v<Tail>, "destructors are not run");
    // A kind with a layout has room for one element.
    if (detail::LaidOutTail<T> && count == 0) count = 1;
    const size_t bytes = bytes_of(tail_offset<T>(), count, sizeof(Tail));
    return allocate_bytes<T>(bytes, alignof(T) > alignof(Tail) ? alignof(T) : alignof(Tail));
  }

  template <class T>
  void* allocate_bytes(size_t bytes, size_t align) {
    static_assert(std::is_trivially_destructible_v<T>,
                  "destructors are not run: keep what needs one outside the heap");
    const acre_kind kind = kind_of<T>();
    if (align > 16) return acre_alloc_aligned(thread_, bytes, align, kind);
    return acre_alloc(thread_, bytes, kind);
  }

  // The heap's answer, remembered without a lock.
  template <class T>
  acre_kind kind_of() {
    if constexpr (detail::Leaf<T>) {
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
    check_memory(acre_last_error(thread_));
    throw OutOfMemory();
  }

  Heap* heap_;
  acre_thread* thread_ = nullptr;
  const bool keeps_new_;
  acre_gap* gaps_[detail::kCachedTypes];
  std::vector<acre_kind> kinds_;
};

}  // namespace acre

#endif  // ACRE_THREAD_HPP_
