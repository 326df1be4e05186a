// A thread attached to the heap, for as long as the object lives, with the calls that the workloads make.
//
// Two conditions end a workload early, both by exception so that no workload has to hand them upward: the
// heap has no memory (OutOfMemory), or another thread of the same workload gave up (Cancelled). References
// live on the stack, which the heap scans (the runner sets conservative_stacks), or in handles; never in
// malloc'ed memory.
#pragma once

#include <acre/acre.h>

#include <atomic>
#include <cstdint>
#include <stdexcept>

namespace acre::bench {

class OutOfMemory : public std::runtime_error {
 public:
  explicit OutOfMemory(std::size_t bytes);
};

class Cancelled : public std::runtime_error {
 public:
  Cancelled() : std::runtime_error("another thread gave up") {}
};

// An object does not hold what the workload wrote into it.
class Corrupt : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Any other refusal of the heap.
class HeapError : public std::runtime_error {
 public:
  HeapError(const char* call, acre_status status);
};

void require(const char* call, acre_status status);

class Mutator {
 public:
  Mutator(acre_heap* heap, const std::atomic<bool>& cancel);
  ~Mutator();
  Mutator(const Mutator&) = delete;
  Mutator& operator=(const Mutator&) = delete;

  acre_heap* heap() const { return heap_; }
  acre_thread* thread() const { return thread_; }

  void* alloc(std::size_t bytes, acre_kind kind) {
    void* object = acre_alloc(thread_, bytes, kind);
    if (object == nullptr) [[unlikely]]
      fail(bytes);
    return object;
  }

  void* alloc_uninit(std::size_t bytes) {
    void* object = acre_alloc_uninit(thread_, bytes, ACRE_KIND_LEAF);
    if (object == nullptr) [[unlikely]]
      fail(bytes);
    return object;
  }

  void* realloc(void* object, std::size_t bytes) {
    void* larger = acre_realloc(thread_, object, bytes);
    if (larger == nullptr) [[unlikely]]
      fail(bytes);
    return larger;
  }

  template <typename T>
  T* make(acre_kind kind) {
    return static_cast<T*>(alloc(sizeof(T), kind));
  }

  // Every store of a reference into an object goes through here: the write barrier.
  template <typename T>
  void store(void* object, T** slot, T* value) {
    acre_store(thread_, object, reinterpret_cast<void**>(slot), value);
  }

  // To be called now and then: gives way to a collection, and notices that the workload is over.
  void poll() {
    acre_safepoint(thread_);
    if (cancel_.load(std::memory_order_relaxed)) throw Cancelled();
  }

 private:
  [[noreturn]] void fail(std::size_t bytes) const;

  acre_heap* heap_;
  acre_thread* thread_ = nullptr;
  const std::atomic<bool>& cancel_;
};

// Lets other threads collect while this one waits in the kernel.
class Blocking {
 public:
  explicit Blocking(Mutator& mutator) : thread_(mutator.thread()) { acre_blocking_begin(thread_); }
  ~Blocking() { acre_blocking_end(thread_); }
  Blocking(const Blocking&) = delete;
  Blocking& operator=(const Blocking&) = delete;

 private:
  acre_thread* thread_;
};

// A handle for the length of a scope. To be destroyed before its heap.
class Root {
 public:
  Root(Mutator& mutator, void* object);
  ~Root() { acre_handle_drop(handle_); }
  Root(const Root&) = delete;
  Root& operator=(const Root&) = delete;

  template <typename T>
  T* get() const {
    return static_cast<T*>(acre_handle_get(handle_));
  }
  void set(void* object) { acre_handle_set(handle_, object); }

 private:
  acre_handle* handle_;
};

// A kind whose elements of `words` words hold references where `bitmap` has a bit. The second form is
// for elements of up to 64 words.
acre_kind register_bitmap_kind(acre_heap* heap, const char* name, const std::uint64_t* bitmap,
                               std::size_t words);
inline acre_kind register_bitmap_kind(acre_heap* heap, const char* name, std::uint64_t bitmap,
                                      std::size_t words) {
  return register_bitmap_kind(heap, name, &bitmap, words);
}
acre_kind register_traced_kind(acre_heap* heap, const char* name, acre_trace_fn trace);

}  // namespace acre::bench
