// Heap: one reservation, one collector, and the kinds of the types that live in it.
#ifndef ACRE_HEAP_HPP_
#define ACRE_HEAP_HPP_

#include <acre/kind.hpp>

#include <exception>
#include <mutex>
#include <type_traits>
#include <vector>

namespace acre {

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

}  // namespace acre

#endif  // ACRE_HEAP_HPP_
