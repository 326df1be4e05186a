// Owns the heap of the limit tests: live objects with known content in a root range, that come and go at
// random, so that spans fragment; and what must hold of its figures in each reading.

#ifndef ACRE_TEST_GC_API_LIMIT_FIXTURE_H_
#define ACRE_TEST_GC_API_LIMIT_FIXTURE_H_

#include <time.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include "test/gc/api/heap_fixture.h"

namespace acre::test {

// Allocated in all where much garbage is made.
inline constexpr uint64_t kChurnBytes = ACRE_TEST_SHADOW_MEMORY ? kGiB : 4 * kGiB;

// 16 bytes to 64 KiB, each power of two as often.
inline size_t random_size(std::mt19937_64& random) {
  const size_t floor = size_t{16} << random() % 12;
  return floor + random() % floor;
}

inline uint64_t clock_ns(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}
inline uint64_t process_cpu_ns() { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

// Slots for objects of 16 bytes.
inline constexpr size_t kManySlots = 4'000'000;

struct OomCalls {
  int calls = 0;
  size_t bytes = 0;
  static int handler(acre_heap*, size_t bytes, void* arg) {
    auto* self = static_cast<OomCalls*>(arg);
    ++self->calls;
    self->bytes = bytes;
    return 0;
  }
};

class LimitedHeap : public Heap {
 public:
  // Each collection goes through all `slots`.
  explicit LimitedHeap(const acre_options& options, size_t slots = 100'000)
      : Heap(options), slots_(slots, nullptr) {
    BOOST_REQUIRE(acre_root_add(heap, slots_.data(), slots * sizeof(void*), 0) == ACRE_OK);
  }
  ~LimitedHeap() {
    BOOST_TEST(intact());
    BOOST_TEST(acre_root_remove(heap, slots_.data()) == ACRE_OK);
  }

  // One more live object. False: refused.
  bool keep(size_t size) {
    BOOST_REQUIRE(used_ < slots_.size());
    void* object = make(size);
    if (object == nullptr) return false;
    slots_[used_++] = object;
    live_bytes_ += acre_object_size(heap, object);
    return true;
  }
  void fill_to(uint64_t live, std::mt19937_64& random) {
    target_ = live;
    while (live_bytes_ < live) BOOST_REQUIRE(keep(random_size(random)));
  }
  // A new object; every second one lives, and others are dropped at random until as much lives as
  // fill_to was told.
  bool replace_one(size_t size, std::mt19937_64& random) {
    void* object = make(size);
    if (object == nullptr) return false;
    if (random() % 2 == 0) return true;
    live_bytes_ += acre_object_size(heap, object);
    while (used_ > 0 && live_bytes_ > target_) {
      void*& place = slots_[random() % used_];
      live_bytes_ -= acre_object_size(heap, place);
      place = slots_[--used_];
      slots_[used_] = nullptr;
    }
    slots_[used_++] = object;
    return true;
  }
  void drop_all() {
    std::fill(slots_.begin(), slots_.begin() + static_cast<ptrdiff_t>(used_), nullptr);
    used_ = 0;
    live_bytes_ = 0;
  }

  void* kept(size_t i) const { return slots_[i]; }
  uint64_t live_bytes() const { return live_bytes_; }

  // Nobody wrote into an object, and none is gone.
  bool intact() const {
    return std::all_of(slots_.begin(), slots_.begin() + static_cast<ptrdiff_t>(used_),
                       [this](void* object) {
                         const auto* words = static_cast<const uint64_t*>(object);
                         return words[0] == reinterpret_cast<uintptr_t>(object) + 1 &&
                                acre_object_size(heap, object) >= words[1];
                       });
  }

  // One reading: what is accounted is within `limit`, and is what acre.h says it is.
  acre_stats check_accounted(uint64_t limit) const {
    const acre_stats s = stats();
    if (s.accounted > limit || s.accounted != s.sys - s.heap_released) {
      BOOST_TEST_REQUIRE(s.accounted <= limit);
      BOOST_TEST_REQUIRE(s.accounted == s.sys - s.heap_released);
    }
    return s;
  }

  // Where collections are being put off, within some seconds.
  bool allocates_again(size_t size) {
    const uint64_t start = clock_ns(CLOCK_MONOTONIC);
    while (clock_ns(CLOCK_MONOTONIC) - start < 30'000'000'000) {
      if (alloc(size) != nullptr) return true;
    }
    return false;
  }

 private:
  void* make(size_t size) {
    size = std::max<size_t>(size, 16);
    auto* words = static_cast<uint64_t*>(alloc(size));
    if (words == nullptr) return nullptr;
    memset(words, 0x5a, size);
    words[0] = reinterpret_cast<uintptr_t>(words) + 1;
    words[1] = size;
    return words;
  }

  std::vector<void*> slots_;
  size_t used_ = 0;
  uint64_t live_bytes_ = 0;
  uint64_t target_ = 0;
};

}  // namespace acre::test

#endif  // ACRE_TEST_GC_API_LIMIT_FIXTURE_H_
