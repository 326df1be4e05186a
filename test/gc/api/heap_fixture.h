// Owns the heaps that the tests of the public API are run on, and how they are looked at. Only what
// acre.h declares is used here and in the tests beside it: they see what an embedder sees.
//
// The options do not come from the environment and no collection comes by itself, so that counts are
// exact: PreciseHeap has roots that the test names; StackHeap scans the stack too.

#ifndef ACRE_TEST_GC_API_HEAP_FIXTURE_H_
#define ACRE_TEST_GC_API_HEAP_FIXTURE_H_

#include <acre/acre.h>

#include <boost/test/unit_test.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ACRE_TEST_SHADOW_MEMORY \
  1  // limits of the address space cannot be set, and resident sizes say nothing
#else
#define ACRE_TEST_SHADOW_MEMORY 0
#endif

namespace acre::test {

inline constexpr size_t kKiB = 1 << 10;
inline constexpr size_t kMiB = 1 << 20;
inline constexpr size_t kGiB = 1 << 30;

// One size for each class and between, and some large ones.
inline constexpr size_t kSizes[] = {0,     1,     8,     15,    16,    17,    24,     32,     33,
                                    48,    64,    100,   127,   129,   256,   257,    500,    1000,
                                    1024,  1400,  2700,  4096,  4097,  6145,  8192,   8193,   10000,
                                    16384, 20000, 32767, 32768, 32769, 65536, 100000, 1 << 20};

inline acre_options plain_options() {
  for (const char* name :
       {"RESERVE_BYTES", "GC_PERCENT",       "MEMORY_LIMIT",   "CONSERVATIVE_STACKS",
        "MARK_THREADS",  "SCAVENGER",        "HUGE_PAGES",     "TRACE",
        "GC_EVERY",      "CLOBBER_FREE",     "VERIFY",         "HARD_LIMIT",
        "LIMIT_POLICY",  "IDLE_COLLECT_MS",  "RELEASE_LAZILY", "OVERFLOW_REPORT",
        "STOP_SIGNAL",   "STOP_WATCHDOG_MS", "CHECK_BARRIERS", "AUDIT_ROOTS"}) {
    unsetenv((std::string("ACRE_") + name).c_str());
  }
  acre_options options;
  acre_options_init(&options);
  options.reserve_bytes = 8 * kGiB;
  options.gc_percent = -1;
  return options;
}

inline acre_options precise_options() {
  acre_options options = plain_options();
  options.conservative_stacks = 0;
  return options;
}

inline acre_stats read_stats(acre_heap* heap) {
  acre_stats stats;
  stats.struct_size = sizeof(stats);
  acre_stats_read(heap, &stats);
  return stats;
}

inline bool heap_is_whole(acre_heap* heap) {
  const auto print = [](const char* line, void*) { std::fprintf(stderr, "verify: %s\n", line); };
  return acre_verify(heap, print, nullptr) == ACRE_OK;
}

struct Recount {
  uint64_t objects = 0;
  uint64_t bytes = 0;
  uint64_t objects_of_kind[256] = {};
  uint64_t bytes_of_kind[256] = {};
  const char* last = nullptr;
  bool ascending = true;
};

// What acre_heap_walk finds.
inline Recount recount(acre_heap* heap) {
  Recount count;
  const auto add = [](void* object, size_t size, acre_kind kind, void* arg) {
    auto& sum = *static_cast<Recount*>(arg);
    sum.ascending &= static_cast<char*>(object) > sum.last;
    sum.last = static_cast<char*>(object);
    ++sum.objects;
    sum.bytes += size;
    ++sum.objects_of_kind[kind];
    sum.bytes_of_kind[kind] += size;
    return 0;
  };
  BOOST_REQUIRE(acre_heap_walk(heap, add, &count) == ACRE_OK);
  return count;
}

// The equations of acre.h, of one reading.
inline void check_identities(const acre_stats& s) {
  BOOST_TEST(s.alloc == s.heap_alloc);
  BOOST_TEST(s.alloc == s.total_alloc - s.total_freed);
  BOOST_TEST(s.live_objects == s.mallocs - s.frees);
  uint64_t mallocs = 0;
  uint64_t frees = 0;
  uint64_t small_bytes = 0;
  for (const acre_class_stats& c : s.by_size) {
    BOOST_TEST(c.mallocs >= c.frees);
    mallocs += c.mallocs;
    frees += c.frees;
    small_bytes += (c.mallocs - c.frees) * c.size;
  }
  BOOST_TEST(s.by_size[0].size == 0u);
  BOOST_TEST(s.mallocs == mallocs);
  BOOST_TEST(s.frees == frees);
  BOOST_TEST(small_bytes <= s.alloc);
  BOOST_TEST(s.sys == s.heap_sys + s.stack_sys + s.span_sys + s.cache_sys + s.gc_sys + s.other_sys);
  BOOST_TEST(s.heap_sys == s.heap_idle + s.heap_inuse);
  BOOST_TEST(s.heap_released <= s.heap_idle);
  BOOST_TEST(s.heap_alloc <= s.heap_inuse);
  BOOST_TEST(s.reserved >= s.mapped);
  BOOST_TEST(s.mapped == s.heap_sys + s.stack_sys);
  BOOST_TEST(s.stack_untouched <= s.stack_sys);
  BOOST_TEST(s.num_forced_gc <= s.num_gc);
  BOOST_TEST(s.pause_last_ns <= s.pause_max_ns);
  BOOST_TEST(s.pause_max_ns <= s.pause_total_ns);
  BOOST_TEST((s.num_gc == 0) == (s.last_gc_ns == 0));
}

inline bool all_zero(const void* start, size_t bytes) {
  const auto* at = static_cast<const unsigned char*>(start);
  for (size_t i = 0; i < bytes; ++i) {
    if (at[i] != 0) return false;
  }
  return true;
}

// Overwrites the stack below the caller, where frames of calls that returned have left references. Not instrumented:
// AddressSanitizer's frames have gaps that nothing is written to.
[[gnu::noinline]] __attribute__((no_sanitize("address"))) inline void scrub_stack() {
  volatile char frames[16 * 1024];
  for (volatile char& byte : frames) byte = 0;
}

// A heap, to which the calling thread is attached.
class Heap {
 public:
  explicit Heap(const acre_options& options) {
    BOOST_REQUIRE(acre_heap_create(&options, &heap) == ACRE_OK);
    BOOST_REQUIRE(acre_thread_attach(heap, &thread) == ACRE_OK);
  }
  ~Heap() {
    if (heap == nullptr) return;
    BOOST_TEST(heap_is_whole(heap));
    BOOST_TEST(acre_heap_destroy(heap) == ACRE_OK);
  }
  Heap(const Heap&) = delete;
  Heap& operator=(const Heap&) = delete;

  void* alloc(size_t bytes, acre_kind kind = ACRE_KIND_LEAF) {
    return acre_alloc(thread, bytes, kind);
  }
  void collect() { acre_collect(thread); }
  acre_stats stats() const { return read_stats(heap); }
  uint64_t live() const { return stats().live_objects; }
  // Whether there is an object that begins at this address.
  bool holds(const void* object) const {
    return object != nullptr && acre_object_base(heap, object) == object;
  }
  acre_status last_error() const { return acre_last_error(thread); }

  acre_kind add_kind(acre_trace_fn trace) {
    const acre_kind_info info = {sizeof(info), "traced", trace, nullptr, 0, 0};
    acre_kind kind = ACRE_KIND_NONE;
    BOOST_REQUIRE(acre_kind_register(heap, &info, &kind) == ACRE_OK);
    return kind;
  }
  acre_kind add_kind(const void* bitmap, size_t element_words) {
    const acre_kind_info info = {sizeof(info), "mapped", nullptr, bitmap, element_words, 0};
    acre_kind kind = ACRE_KIND_NONE;
    BOOST_REQUIRE(acre_kind_register(heap, &info, &kind) == ACRE_OK);
    return kind;
  }

  acre_heap* heap = nullptr;
  acre_thread* thread = nullptr;
};

struct PreciseHeap : Heap {
  explicit PreciseHeap(const acre_options& options = precise_options()) : Heap(options) {}
};

struct StackHeap : Heap {
  StackHeap() : Heap(plain_options()) {}
};

class Handle {
 public:
  Handle(acre_thread* thread, void* object) : handle_(acre_handle_new(thread, object)) {
    BOOST_REQUIRE(handle_ != nullptr);
  }
  ~Handle() { acre_handle_drop(handle_); }
  Handle(Handle&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  void* get() const { return acre_handle_get(handle_); }
  void set(void* object) { acre_handle_set(handle_, object); }

 private:
  acre_handle* handle_;
};

// The kernel's mappings of this process.
inline int count_vmas() {
  std::ifstream maps("/proc/self/maps");
  int lines = 0;
  for (std::string line; std::getline(maps, line);) ++lines;
  return lines;
}

// Those that came since there were `before`: none under a sanitizer that has shadow memory, as that maps
// for itself whenever it likes.
inline int vmas_since(int before) { return ACRE_TEST_SHADOW_MEMORY ? 0 : count_vmas() - before; }

inline size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  size_t size = 0;
  size_t resident = 0;
  statm >> size >> resident;
  return resident * 4096;
}

}  // namespace acre::test

#endif  // ACRE_TEST_GC_API_HEAP_FIXTURE_H_
