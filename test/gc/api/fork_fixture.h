// Owns what tests of fork share: children with a deadline, threads that keep a heap busy, and what a child
// does to show that its heap is whole.
//
// In a child nothing of Boost.Test counts, so what runs there answers with an exit code, 0 for good.

#ifndef ACRE_TEST_GC_API_FORK_FIXTURE_H_
#define ACRE_TEST_GC_API_FORK_FIXTURE_H_

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "test/gc/api/heap_fixture.h"

namespace acre::test {

// tsan follows no thread that a child makes, so there its heaps make none.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool kChildMakesThreads = false;
#else
inline constexpr bool kChildMakesThreads = true;
#endif

inline constexpr int kChildSeconds = 60;
inline constexpr int kCaseSeconds = 280;

// What hangs says so and ends: a child after a minute, the whole after some.
class ForkFixture {
 public:
  ForkFixture() {
    signal(SIGALRM, [](int) {
      const char message[] = "fork test: this process hung\n";
      (void)!write(STDERR_FILENO, message, sizeof(message) - 1);
      _exit(99);
    });
    alarm(kCaseSeconds);
  }
  ~ForkFixture() { alarm(0); }
  ForkFixture(const ForkFixture&) = delete;
  ForkFixture& operator=(const ForkFixture&) = delete;
};

inline acre_options fork_options(acre_options options) {
  options.reserve_bytes = kGiB;
  options.clobber_free = 1;
  options.mark_threads = 1;
  options.scavenger = kChildMakesThreads ? 1 : 0;
  return options;
}

// The exit code of a child that runs `body`; less than 0: the signal that killed it. `waiting` (may be NULL)
// is in a blocking region meanwhile.
template <class Body>
int code_of_child(acre_thread* waiting, Body body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(kChildSeconds);
    _exit(body());
  }
  if (child < 0) return 1000;
  if (waiting != nullptr) acre_blocking_begin(waiting);
  int status = 0;
  const bool waited = waitpid(child, &status, 0) == child;
  if (waiting != nullptr) acre_blocking_end(waiting);
  if (!waited) return 1001;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

// A list of objects of many sizes, held by a local; each knows its number.
class NumberedList {
 public:
  explicit NumberedList(acre_thread* thread) : thread_(thread) { acre_local_push(thread, &local_); }
  ~NumberedList() { (void)acre_local_pop(thread_, &local_); }
  NumberedList(const NumberedList&) = delete;
  NumberedList& operator=(const NumberedList&) = delete;

  bool build(size_t length, uintptr_t first) {
    local_.object = nullptr;
    length_ = length;
    first_ = first;
    for (size_t i = 0; i < length; ++i) {
      const size_t bytes = i % 64 == 63 ? 40 * kKiB : 16 + i % 23 * 24;
      auto* node = static_cast<Node*>(acre_alloc(thread_, bytes, ACRE_KIND_CONSERVATIVE));
      if (node == nullptr) return false;
      node->number = first + i;
      acre_store(thread_, node, &node->next, local_.object);
      local_.object = node;
    }
    return true;
  }
  bool whole() const {
    size_t left = length_;
    for (auto* node = static_cast<Node*>(local_.object); node != nullptr;
         node = static_cast<Node*>(node->next)) {
      if (left == 0 || node->number != first_ + --left) return false;
    }
    return left == 0;
  }

 private:
  struct Node {
    void* next;
    uintptr_t number;
  };

  acre_thread* thread_;
  acre_local local_ = {nullptr, nullptr};
  size_t length_ = 0;
  uintptr_t first_ = 0;
};

// The equations of acre.h, and the objects that there are against the counters.
inline bool counters_are_right(acre_heap* heap) {
  uint64_t objects = 0;
  uint64_t bytes = 0;
  struct Sums {
    uint64_t *objects, *bytes;
  } sums = {&objects, &bytes};
  const auto add = [](void*, size_t size, acre_kind, void* arg) {
    ++*static_cast<Sums*>(arg)->objects;
    *static_cast<Sums*>(arg)->bytes += size;
    return 0;
  };
  if (acre_heap_walk(heap, add, &sums) != ACRE_OK) return false;
  const acre_stats s = read_stats(heap);
  uint64_t mallocs = 0;
  uint64_t frees = 0;
  for (const acre_class_stats& c : s.by_size) {
    if (c.mallocs < c.frees) return false;
    mallocs += c.mallocs;
    frees += c.frees;
  }
  return s.mallocs == mallocs && s.frees == frees && s.live_objects == objects &&
         s.alloc == bytes && s.heap_sys == s.heap_idle + s.heap_inuse &&
         s.heap_released <= s.heap_idle && s.mapped == s.heap_sys;
}

// In a child that has `thread` alone: it allocates, collects and verifies. 0, or what went wrong.
inline int uses(acre_heap* heap, acre_thread* thread) {
  if (acre_thread_current(heap) != thread) return 10;
  if (read_stats(heap).threads != 1) return 11;
  if (!heap_is_whole(heap)) return 12;
  if (!counters_are_right(heap)) return 13;
  NumberedList list(thread);
  for (uintptr_t round = 0; round < 2; ++round) {
    if (!list.build(150, 1000 * round) || !list.whole()) return 14;
    const uint64_t cycles = read_stats(heap).num_gc;
    acre_collect(thread);
    if (acre_last_error(thread) != ACRE_OK || read_stats(heap).num_gc <= cycles) return 15;
    if (!list.whole()) return 16;
  }
  if (!heap_is_whole(heap)) return 17;
  return counters_are_right(heap) ? 0 : 18;
}

// Threads that run something over and over until they are stopped. What is not good ends them all, and good()
// says so.
class Busy {
 public:
  using Step = std::function<bool(unsigned round)>;
  using Body = std::function<void(Busy&)>;

  ~Busy() { stop(nullptr); }
  Busy() = default;
  Busy(const Busy&) = delete;
  Busy& operator=(const Busy&) = delete;

  void add(Body body) { threads_.emplace_back(std::move(body), std::ref(*this)); }

  // One that is attached to these heaps while it runs `step`.
  void add_attached(std::vector<acre_heap*> heaps,
                    std::function<bool(unsigned round, const std::vector<acre_thread*>&)> step) {
    add([heaps = std::move(heaps), step = std::move(step)](Busy& self) {
      std::vector<acre_thread*> threads(heaps.size());
      for (size_t i = 0; i < heaps.size(); ++i) {
        if (acre_thread_attach(heaps[i], &threads[i]) != ACRE_OK) self.good_ = false;
      }
      self.run([&](unsigned round) { return step(round, threads); });
      for (acre_thread* thread : threads) (void)acre_thread_detach(thread);
    });
  }
  void add_step(Step step) {
    add([step = std::move(step)](Busy& self) { self.run(step); });
  }

  // Until each has come round; the caller is in a blocking region, or attached to nothing.
  void wait_until_all_run() {
    while (good_ && running_ < threads_.size()) std::this_thread::yield();
  }
  // `thread`: the caller's attachment, or NULL.
  void stop(acre_thread* thread) {
    stop_ = true;
    if (thread != nullptr) acre_blocking_begin(thread);
    for (std::thread& busy : threads_) busy.join();
    if (thread != nullptr) acre_blocking_end(thread);
    threads_.clear();
  }
  bool good() const { return good_; }

  // For a body: `step` over and over.
  template <class Fn>
  void run(const Fn& step) {
    for (unsigned round = 0; !stop_ && good_; ++round) {
      if (!step(round)) good_ = false;
      if (round == 0) ++running_;
    }
  }

 private:
  std::vector<std::thread> threads_;
  std::atomic<bool> stop_{false};
  std::atomic<bool> good_{true};
  std::atomic<unsigned> running_{0};
};

// A step: a new list, looked at; collects in some rounds. Rests a little, so that a few threads of it leave
// the processors to children.
inline bool allocate_and_collect(acre_thread* thread, unsigned round, unsigned collect_every) {
  NumberedList list(thread);
  if (!list.build(100, round)) return false;
  if (round % collect_every == collect_every - 1) acre_collect(thread);
  acre_safepoint(thread);
  if (!list.whole()) return false;
  acre_blocking_begin(thread);
  usleep(300);
  acre_blocking_end(thread);
  return list.whole();
}

}  // namespace acre::test

#endif  // ACRE_TEST_GC_API_FORK_FIXTURE_H_
