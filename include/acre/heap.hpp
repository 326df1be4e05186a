// Heap: one reservation, one collector, and the kinds of the types that live in it.
#ifndef ACRE_HEAP_HPP_
#define ACRE_HEAP_HPP_

#include <acre/kind.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <new>
#include <optional>
#include <vector>

namespace acre {

// acre_options, with defaults and environment filled in.
struct Options : acre_options {
  Options() { acre_options_init(this); }
};

// One heap. Threads must be detached before it is destroyed (a Thread's scope lies in the Heap's).
//
// Example:
//   acre::Options options;
//   options.conservative_stacks = 0;
//   options.hard_limit = size_t{256} << 20;
//   acre::Heap small(options);  // throws Error, OutOfMemory
//
//   acre_status status;
//   options.reserve_bytes = 1;
//   std::unique_ptr<acre::Heap> none = acre::Heap::try_create(options, &status);
//   assert(none == nullptr && status == ACRE_E_INVALID);
class Heap {
 public:
  explicit Heap(const acre_options& options = Options())
      : scans_stacks_(options.conservative_stacks != 0) {
    check(acre_heap_create(&options, &heap_));
  }
  // Null, and the reason in *status, where the constructor throws.
  static std::unique_ptr<Heap> try_create(const acre_options& options,
                                          acre_status* status = nullptr) {
    acre_heap* heap = nullptr;
    if (!detail::tell(status, acre_heap_create(&options, &heap))) return nullptr;
    std::unique_ptr<Heap> made(new (std::nothrow) Heap(heap, options.conservative_stacks != 0));
    if (made == nullptr) {
      detail::tell(status, ACRE_E_NOMEM);
      (void)acre_heap_destroy(heap);
    }
    return made;
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
    acre_kind kind = ACRE_KIND_NONE;
    check(find_kind<T>(&kind));
    return Kind(kind);
  }
  // The same, or nothing, and the reason in *status. Once it gave a kind, no allocation of a T fails for want of one.
  template <class T>
  std::optional<Kind> try_kind(acre_status* status = nullptr) {
    acre_kind kind = ACRE_KIND_NONE;
    if (!detail::tell(status, find_kind<T>(&kind))) return std::nullopt;
    return Kind(kind);
  }

  // Of any address: the start of the object that it points into, or null. See acre_object_base.
  void* object_base(const void* any) const { return acre_object_base(heap_, any); }
  size_t object_size(const void* object) const { return acre_object_size(heap_, object); }
  Kind kind_of(const void* object) const { return Kind(acre_object_kind(heap_, object)); }

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
  // How many Thread::run_finalizers would run.
  size_t finalizers_waiting() const { return acre_finalizers_waiting(heap_); }
  int set_gc_percent(int percent) { return acre_set_gc_percent(heap_, percent); }
  size_t set_memory_limit(size_t bytes) { return acre_set_memory_limit(heap_, bytes); }
  size_t set_hard_limit(size_t bytes) { return acre_set_hard_limit(heap_, bytes); }
  void set_limit_handler(acre_limit_fn handler, void* arg) {
    acre_set_limit_handler(heap_, handler, arg);
  }
  void set_oom_handler(acre_oom_fn handler, void* arg) {
    acre_set_oom_handler(heap_, handler, arg);
  }

 private:
  Heap(acre_heap* heap, bool scans_stacks) : heap_(heap), scans_stacks_(scans_stacks) {}

  template <class T>
  acre_status find_kind(acre_kind* kind) {
    if constexpr (detail::Leaf<T>) {
      static_assert(
          detail::is_true_leaf<T>(),
          "T needs trace(acre::Visitor&), a static constexpr acre::Layout layout, or must be "
          "trivially copyable and hold no references");
      *kind = ACRE_KIND_LEAF;
    } else {
      using Type = typename detail::Registered<T>::type;
      const unsigned number = detail::type_number<Type>();
      const std::lock_guard<std::mutex> guard(kinds_lock_);
      if (!detail::has_entry(kinds_, number)) return ACRE_E_NOMEM;
      if (kinds_[number] == ACRE_KIND_NONE) {
        const acre_status status = detail::register_kind<Type>(heap_, &kinds_[number]);
        if (status != ACRE_OK) {
          kinds_[number] = ACRE_KIND_NONE;
          return status;
        }
      }
      *kind = kinds_[number];
    }
    return ACRE_OK;
  }

  acre_heap* heap_ = nullptr;
  bool scans_stacks_;
  std::mutex kinds_lock_;
  std::vector<acre_kind> kinds_;
};

}  // namespace acre

#endif  // ACRE_HEAP_HPP_
