// Acre for C++20: the C API (acre.h) with types and scopes. Header only; link libacre.
//
//   struct Node {
//     acre::Member<Node> next;
//     long value = 0;
//     void trace(acre::Visitor& visitor) { visitor(next); }
//   };
//
//   acre::Heap heap;                              // one reservation, one collector
//   acre::Thread thread(heap);                    // this thread may allocate, until the scope ends
//   acre::Root<Node> list(thread);                // a root that any scope may hold
//   for (long i = 0; i < 1000; ++i) {
//     Node* node = thread.make<Node>();           // the stack keeps it alive
//     node->value = i;
//     node->next = list.get();
//     list = node;
//   }
//
// How a type is traced, the first that applies:
//   1. a member function `void trace(acre::Visitor&)`: it visits each Member and each raw reference;
//   2. `static constexpr acre::Layout layout{0, 3}`: the numbers of the 8-byte words that are references;
//   3. a trivially copyable type without either is a leaf: it must hold no references.
// Member is not trivially copyable, so a type that has one and forgot to say so does not compile.
//
// Objects never move and their destructors are not run: the collector frees memory, nothing else.
// So make<T> asks that T be trivially destructible. An object may be traced before its constructor
// has finished and after it threw: memory is zero before, and all zero must be a valid state for
// trace.
//
// Errors: calls throw acre::Error (of acre_status) or acre::OutOfMemory; those named try_* return
// null instead. Units, ownership and thread rules are those of the C calls behind.
#ifndef ACRE_ACRE_HPP_
#define ACRE_ACRE_HPP_

#include <acre/acre.h>

#include <atomic>
#include <concepts>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <limits>
#include <memory>
#include <mutex>
#include <new>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__GLIBCXX__)
#include <cxxabi.h>  // the exception by which threads end
#endif

namespace acre {

// ---- Errors -----------------------------------------------------------------------------------

class Error : public std::exception {
 public:
  explicit Error(acre_status status) : status_(status) {}
  acre_status status() const { return status_; }
  const char* what() const noexcept override { return acre_strerror(status_); }

 private:
  acre_status status_;
};

// Also a std::bad_alloc, for code that knows nothing of Acre. The status is ACRE_E_NOMEM, or
// ACRE_E_LIMIT where a memory limit forbids the allocation.
class OutOfMemory : public std::bad_alloc {
 public:
  explicit OutOfMemory(acre_status status = ACRE_E_NOMEM) : status_(status) {}
  acre_status status() const { return status_; }
  const char* what() const noexcept override { return acre_strerror(status_); }

 private:
  acre_status status_;
};

inline void check(acre_status status) {
  if (status == ACRE_E_NOMEM) throw OutOfMemory();
  if (status != ACRE_OK) throw Error(status);
}

// ---- References in objects --------------------------------------------------------------------

// A reference in an object of the heap: a field that carries the write barrier. Reads as a T*.
template <class T>
class Member {
 public:
  Member() = default;
  // A field of an object that nobody else has seen yet needs no barrier.
  Member(T* object) : object_(object) {}  // NOLINT(google-explicit-constructor)
  Member(std::nullptr_t) {}               // NOLINT(google-explicit-constructor)
  Member(const Member& other) : object_(other.get()) {}
  Member& operator=(const Member& other) {
    store(other.get());
    return *this;
  }
  Member& operator=(T* object) {
    store(object);
    return *this;
  }

  T* get() const { return __atomic_load_n(&object_, __ATOMIC_RELAXED); }
  operator T*() const { return get(); }  // NOLINT(google-explicit-constructor)
  T* operator->() const { return get(); }
  std::add_lvalue_reference_t<T> operator*() const { return *get(); }
  explicit operator bool() const { return get() != nullptr; }

  // Where the reference is, for acre_visit and acre_store.
  void** slot() { return const_cast<void**>(reinterpret_cast<const void* const*>(&object_)); }

 private:
  // The collector of this version stops the world, so a store with release order is all of the
  // barrier.
  void store(T* object) { __atomic_store_n(&object_, object, __ATOMIC_RELEASE); }

  T* object_ = nullptr;
};

// What a trace function tells its references to.
class Visitor {
 public:
  explicit Visitor(acre_visitor* visitor) : visitor_(visitor) {}

  template <class T>
  void visit(Member<T>& member) {
    acre_visit(visitor_, member.slot());
  }
  template <class T>
  void visit(const Member<T>& member) {
    acre_visit(visitor_, const_cast<Member<T>&>(member).slot());
  }
  // A raw reference; may be null, tagged in its low four bits, or point into an object.
  template <class T>
  void visit(T*& reference) {
    acre_visit(visitor_, const_cast<void**>(reinterpret_cast<const void* const*>(&reference)));
  }
  template <class T>
  void visit(T* const& reference) {
    acre_visit(visitor_, const_cast<void**>(reinterpret_cast<const void* const*>(&reference)));
  }
  // Words that may be references.
  void visit_conservative(const void* start, size_t bytes) {
    acre_visit_conservative(visitor_, const_cast<void*>(start), bytes);
  }

  template <class... References>
  void operator()(References&... references) {
    (visit(references), ...);
  }

  acre_visitor* get() const { return visitor_; }

 private:
  acre_visitor* visitor_;
};

// Which 8-byte words of a type are references: at most the first 64 words.
class Layout {
 public:
  constexpr Layout(std::initializer_list<unsigned> words) {
    for (const unsigned word : words) bits_ |= uint64_t{1} << word;
  }
  constexpr uint64_t bits() const { return bits_; }

 private:
  uint64_t bits_ = 0;
};

// ---- Kinds ------------------------------------------------------------------------------------

// A registered kind: acre_kind with a type of its own.
class Kind {
 public:
  constexpr explicit Kind(acre_kind number) : number_(number) {}
  constexpr acre_kind number() const { return number_; }

  static constexpr Kind leaf() { return Kind(ACRE_KIND_LEAF); }
  static constexpr Kind conservative() { return Kind(ACRE_KIND_CONSERVATIVE); }

 private:
  acre_kind number_;
};

template <class T>
concept Traced = requires(T& object, Visitor& visitor) {
  object.trace(visitor);
};

template <class T>
concept LaidOut = !Traced<T> && requires {
  { T::layout } -> std::convertible_to<Layout>;
};

namespace detail {

__attribute__((visibility("default"))) inline std::atomic<unsigned> type_count{0};

// A small number for each type that was ever asked about, in this process.
template <class T>
unsigned type_number() {
  static const unsigned number = type_count.fetch_add(1);
  return number;
}

// Types whose gap a Thread remembers. Those that come later than that are allocated by acre_alloc.
inline constexpr unsigned kCachedTypes = 128;

// The place of T in each Thread's table of gaps; 0 until it has one: there the gap is always empty.
template <class T>
inline std::atomic<unsigned> gap_number{0};

inline acre_gap empty_gap{};

// The table of virtual functions of a T that is done, once there was one.
template <class T>
inline std::atomic<uintptr_t> finished_table{0};

inline uintptr_t table_of(const void* object) {
  uintptr_t table = 0;
  __builtin_memcpy(&table, object, sizeof(table));
  return table;
}

template <class T>
void trace(void* object, size_t size, acre_visitor* raw) {
  Visitor visitor(raw);
  T* elements = static_cast<T*>(object);
  if constexpr (std::is_polymorphic_v<T>) {
    // Alone in its object. While its constructor runs, or after that threw, it is a base of T or
    // nothing yet, and has no trace to call: then every word may be a reference.
    const uintptr_t table = table_of(object);
    if (table != 0 && table == finished_table<T>.load(std::memory_order_relaxed)) {
      elements->trace(visitor);
    } else {
      acre_visit_conservative(raw, object, size);
    }
  } else {
    // The rest of the object, behind the last one made, is zero: a valid state.
    for (size_t i = 0; i < size / sizeof(T); ++i) elements[i].trace(visitor);
  }
}

template <class T>
acre_kind register_kind(acre_heap* heap) {
  acre_kind_info info{};
  info.struct_size = sizeof(info);
  uint64_t bits = 0;
  if constexpr (Traced<T>) {
    info.trace = &trace<T>;
  } else {
    static_assert(sizeof(T) % sizeof(void*) == 0 && sizeof(T) <= 64 * sizeof(void*),
                  "a type with a layout is made of at most 64 whole words");
    constexpr unsigned kWords = sizeof(T) / sizeof(void*);
    static_assert(kWords == 64 || Layout(T::layout).bits() >> (kWords % 64) == 0,
                  "a layout names only words that the type has");
    bits = Layout(T::layout).bits();
    info.pointer_bitmap = &bits;
    info.element_words = sizeof(T) / sizeof(void*);
  }
  acre_kind kind = ACRE_KIND_NONE;
  check(acre_kind_register(heap, &info, &kind));
  return kind;
}

}  // namespace detail

// ---- Heap and thread --------------------------------------------------------------------------

// acre_options, with defaults and environment filled in.
struct Options : acre_options {
  Options() { acre_options_init(this); }
};

// One heap. Threads must be detached before it is destroyed (a Thread's scope lies in the Heap's).
class Heap {
 public:
  explicit Heap(const acre_options& options = Options())
      : scans_stacks_(options.conservative_stacks != 0) {
    check(acre_heap_create(&options, &heap_));
  }
  ~Heap() {
    if (acre_heap_destroy(heap_) == ACRE_OK) return;
    // exit() on one of its fibers, and this is a static one: it goes with the process.
    if (acre_fiber_current(acre_thread_current(heap_)) != nullptr) return;
    // Going on would leave a heap that nobody can reach, and threads that use it.
    std::terminate();
  }
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  acre_heap* get() const { return heap_; }
  operator acre_heap*() const { return heap_; }  // NOLINT(google-explicit-constructor)
  // Whether what lies on the stack of an attached thread is a root: the option conservative_stacks.
  bool scans_stacks() const { return scans_stacks_; }

  // The kind of T in this heap, registered at the first call. Any thread.
  template <class T>
  Kind kind() {
    if constexpr (!Traced<T> && !LaidOut<T>) {
      static_assert(
          std::is_trivially_copyable_v<T>,
          "T needs trace(acre::Visitor&), a static constexpr acre::Layout layout, or must be "
          "trivially copyable and hold no references");
      return Kind::leaf();
    } else {
      const unsigned number = detail::type_number<T>();
      const std::lock_guard<std::mutex> guard(kinds_lock_);
      if (kinds_.size() <= number) kinds_.resize(number + 1, ACRE_KIND_NONE);
      if (kinds_[number] == ACRE_KIND_NONE) kinds_[number] = detail::register_kind<T>(heap_);
      return Kind(kinds_[number]);
    }
  }

  acre_stats stats() const {
    acre_stats stats{};
    stats.struct_size = sizeof(stats);
    acre_stats_read(heap_, &stats);
    return stats;
  }
  bool verify(acre_report_fn report = nullptr, void* arg = nullptr) {
    return acre_verify(heap_, report, arg) == ACRE_OK;
  }
  // fn(void* object, size_t size, Kind) for each object; see acre_heap_walk.
  template <class Fn>
  void walk(Fn fn) {
    check(acre_heap_walk(
        heap_,
        [](void* object, size_t size, acre_kind kind, void* arg) {
          (*static_cast<Fn*>(arg))(object, size, Kind(kind));
          return 0;
        },
        &fn));
  }
  int set_gc_percent(int percent) { return acre_set_gc_percent(heap_, percent); }
  size_t set_memory_limit(size_t bytes) { return acre_set_memory_limit(heap_, bytes); }
  size_t set_hard_limit(size_t bytes) { return acre_set_hard_limit(heap_, bytes); }
  void set_limit_handler(acre_limit_fn handler, void* arg) {
    acre_set_limit_handler(heap_, handler, arg);
  }

 private:
  acre_heap* heap_ = nullptr;
  bool scans_stacks_;
  std::mutex kinds_lock_;
  std::vector<acre_kind> kinds_;
};

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

// ---- Roots ------------------------------------------------------------------------------------

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

// ---- Fibers -----------------------------------------------------------------------------------

class Fiber;

namespace detail {

template <class Fn>
void* run_fiber(acre_fiber* fiber, void* fn);

}  // namespace detail

// A coroutine on a stack of the heap: an object, to be referred to by Fiber* (in Members, Roots, Locals, on a
// scanned stack). Made by make_fiber; see acre_fiber in acre.h.
//
//   acre::Fiber* numbers = acre::make_fiber(thread, [](acre::Fiber& self) {
//     for (long i = 1; i <= 3; ++i) self.yield(reinterpret_cast<void*>(i));
//   });
//   while (void* n = numbers->resume(thread)) ...   // 1, 2, 3
//
// What is on the stack of a fiber that is collected is forgotten: its destructors do not run. Its word
// (acre_fiber_set_data) is this class's own, and it is to be resumed by this class only, not by acre_fiber_resume.
class Fiber {
 public:
  Fiber() = delete;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs it until it yields or is done; returns what it yields, or what its function returns. An exception
  // that leaves its function arrives here. Throws Error(ACRE_E_STATE) if it is done or runs already.
  void* resume(Thread& thread, void* value = nullptr) {
    auto* fields = reinterpret_cast<acre_thread_inline*>(thread.get());
    void* object = fields->object;
    fields->object = &thread;
    const acre_fiber_turn turn = acre_fiber_resume_turn(thread.get(), get(), value);
    fields->object = object;
    if (__builtin_expect((static_cast<uint32_t>(turn.status) | turn.done) != 0, 0)) end(turn);
    return turn.value;
  }
  // In the fiber: gives control back to who resumed it, and returns the value of the next resume.
  void* yield(void* value = nullptr) {
    const acre_fiber_turn turn = acre_fiber_yield_turn(get(), value);
    check(static_cast<acre_status>(turn.status));
    return turn.value;
  }
  // In the fiber: the thread that runs it, another one perhaps after each yield.
  Thread& thread() {
    auto* fields = reinterpret_cast<acre_thread_inline*>(acre_fiber_thread(get()));
    return *static_cast<Thread*>(fields->object);
  }

  bool done() const { return acre_fiber_done(get()) != 0; }
  void set_name(const char* name) { acre_fiber_set_name(get(), name); }

  acre_fiber* get() { return reinterpret_cast<acre_fiber*>(this); }
  const acre_fiber* get() const { return reinterpret_cast<const acre_fiber*>(this); }

 private:
  // Not the common case: it was refused, or is done.
  void end(const acre_fiber_turn& turn) {
    check(static_cast<acre_status>(turn.status));
    const std::unique_ptr<std::exception_ptr> error(
        static_cast<std::exception_ptr*>(acre_fiber_data(get())));
    if (error == nullptr) return;
    acre_fiber_set_data(get(), nullptr);
    std::rethrow_exception(*error);
  }
};

namespace detail {

template <class Fn>
__attribute__((no_sanitize("undefined")))  // the exception by which threads end has no object
void* run_fiber(acre_fiber* raw, void* given) {
  // To the fiber's own stack, before the one that made it goes on.
  Fn fn(std::move(*static_cast<Fn*>(given)));
  (void)acre_fiber_yield(raw, nullptr);
  auto& fiber = *reinterpret_cast<Fiber*>(raw);
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Fn&, Fiber&>>) {
      fn(fiber);
    } else {
      return fn(fiber);
    }
#if defined(__GLIBCXX__)
  } catch (abi::__forced_unwind&) {
    throw;  // the thread ends
#endif
  } catch (...) {
    acre_fiber_set_data(raw, new std::exception_ptr(std::current_exception()));
  }
  return nullptr;
}

}  // namespace detail

// A fiber that calls fn(acre::Fiber&), which returns nothing or a void*. fn is moved to the fiber's stack; what it
// captures is scanned there (not with conservative_stacks=0: then it must not capture references, but take
// them as values of resume). Throws what acre_fiber_new reports.
template <class Fn>
Fiber* make_fiber(Thread& thread, Fn fn, size_t stack_bytes = 0) {
  acre_fiber* fiber = nullptr;
  const acre_status status =
      acre_fiber_new(thread.get(), stack_bytes, &detail::run_fiber<Fn>, &fn, &fiber);
  if (status == ACRE_E_LIMIT) throw OutOfMemory(status);
  check(status);
  check(static_cast<acre_status>(acre_fiber_resume_turn(thread.get(), fiber, nullptr).status));
  return reinterpret_cast<Fiber*>(fiber);
}

// ---- Standard containers ----------------------------------------------------------------------

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

#endif  // ACRE_ACRE_HPP_
