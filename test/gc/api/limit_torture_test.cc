// Two threads under limits that change all the time, with collections at every few allocations that verify
// the heap and overwrite what is freed: NULL comes only for a limit, and never harms what lives.

#include <thread>

#include "test/gc/api/limit_fixture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

struct Setting {
  size_t memory_limit = ACRE_NO_LIMIT;
  size_t hard_limit = ACRE_NO_LIMIT;
  int policy = ACRE_LIMIT_KEEP_GOING;
  int gc_every = 50;
  bool change_limits = false;
};

acre_options torture_options(const Setting& setting) {
  acre_options options = precise_options();
  options.gc_percent = 50;
  options.gc_every = setting.gc_every;
  options.verify = 1;
  options.clobber_free = 1;
  options.memory_limit = setting.memory_limit;
  options.hard_limit = setting.hard_limit;
  options.limit_policy = setting.policy;
  return options;
}

constexpr size_t kPlaces = 300;
constexpr int kSteps = ACRE_TEST_SHADOW_MEMORY ? 4'000 : 12'000;

// Objects with known content in the places of a root range, of one thread.
class Worker {
 public:
  Worker(acre_heap* heap, const Setting& setting, uint64_t seed)
      : heap_(heap), setting_(setting), random_(seed) {}

  void run() {
    if (acre_thread_attach(heap_, &thread_) != ACRE_OK) return note("not attached");
    if (acre_root_add(heap_, places_, sizeof(places_), 0) != ACRE_OK) note("no root");
    for (int i = 0; i < kSteps && complaint_ == nullptr; ++i) step();
    if (acre_root_remove(heap_, places_) != ACRE_OK) note("no root to remove");
    if (acre_thread_detach(thread_) != ACRE_OK) note("not detached");
  }

  const char* complaint() const { return complaint_; }
  uint64_t refused() const { return refused_; }
  uint64_t given() const { return given_; }

 private:
  void step() {
    const size_t at = random_() % kPlaces;
    if (!intact(places_[at])) return note("an object was harmed");
    switch (random_() % 16) {
      case 0: return put(at, nullptr);
      case 1:
        if (places_[at] != nullptr) acre_free(thread_, places_[at]);
        return put(at, nullptr);
      case 2: return resize(at);
      case 3: return allocate(at, random_size(random_), size_t{16} << random_() % 12);
      case 4: return allocate(at, 100'000 + random_() % 2'000'000, 16);
      case 5:
        if (random_() % 16 == 0) return drop_all();
        if (setting_.change_limits) change_limits();
        return;
      default: return allocate(at, random_size(random_), 16);
    }
  }

  // The place is emptied in one case of two before, so that both happen: a new object beside the old, and
  // instead of it.
  void allocate(size_t at, size_t size, size_t align) {
    if (random_() % 2 == 0) put(at, nullptr);
    void* object = acre_alloc_aligned(thread_, size, align, ACRE_KIND_LEAF);
    if (object == nullptr) return refuse();
    ++given_;
    if (!all_zero(object, std::min<size_t>(size, 4096))) note("a new object is not zero");
    put(at, object);
    fill(object);
  }

  void resize(size_t at) {
    if (places_[at] == nullptr) return;
    void* object = acre_realloc(thread_, places_[at], random_size(random_));
    if (object == nullptr) {
      refuse();
      if (!intact(places_[at])) note("a refused realloc changed the object");
      return;
    }
    put(at, object);
    fill(object);
  }

  void refuse() {
    ++refused_;
    // The other thread may have made room, or set the limit, by the time the reason is looked for: then it
    // is no memory. That one thread alone hears of the limit is in hard_limit_test.
    const acre_status reason = acre_last_error(thread_);
    if (reason != ACRE_E_LIMIT && reason != ACRE_E_NOMEM) note("refused, but not for a limit");
    const bool may_be = setting_.hard_limit != ACRE_NO_LIMIT ||
                        setting_.policy == ACRE_LIMIT_FAIL || setting_.change_limits;
    if (!may_be) note("refused without a hard limit");
  }

  void change_limits() {
    const size_t limit = random_() % 4 == 0 ? ACRE_NO_LIMIT : (1 + random_() % 24) * kMiB;
    if (random_() % 2 == 0) {
      (void)acre_set_hard_limit(heap_, limit);
    } else {
      (void)acre_set_memory_limit(heap_, random_() % 8 == 0 ? ACRE_LIMIT_AUTO : limit);
    }
    (void)acre_set_gc_percent(heap_, static_cast<int>(random_() % 200) - 20);
    if (random_() % 8 == 0) acre_release_memory(thread_);
  }

  void drop_all() {
    for (size_t i = 0; i < kPlaces; ++i) put(i, nullptr);
  }

  void put(size_t at, void* object) {
    // A collection of the other thread's reads the places, but only while this thread stands still.
    places_[at] = object;
  }

  void fill(void* object) const {
    auto* words = static_cast<uint64_t*>(object);
    const size_t count = std::min<size_t>(acre_object_size(heap_, object) / 8, 512);
    for (size_t i = 0; i < count; ++i) words[i] = reinterpret_cast<uintptr_t>(object) + i;
  }
  bool intact(const void* object) const {
    if (object == nullptr) return true;
    const auto* words = static_cast<const uint64_t*>(object);
    const size_t count = std::min<size_t>(acre_object_size(heap_, object) / 8, 512);
    for (size_t i = 0; i < count; ++i) {
      if (words[i] != reinterpret_cast<uintptr_t>(object) + i) return false;
    }
    return count != 0;
  }

  void note(const char* complaint) {
    if (complaint_ == nullptr) complaint_ = complaint;
  }

  acre_heap* heap_;
  Setting setting_;
  std::mt19937_64 random_;
  acre_thread* thread_ = nullptr;
  void* places_[kPlaces] = {};
  const char* complaint_ = nullptr;
  uint64_t refused_ = 0;
  uint64_t given_ = 0;
};

// Both threads' refusals.
uint64_t torture(const Setting& setting) {
  const uint64_t seed = random_seed();
  Heap heap(torture_options(setting));
  acre_set_oom_handler(
      heap.heap,
      [](acre_heap* h, size_t, void*) { return static_cast<int>(read_stats(h).num_gc % 2); },
      nullptr);
  Worker workers[] = {{heap.heap, setting, seed}, {heap.heap, setting, seed + 1}};
  acre_blocking_begin(heap.thread);
  std::thread other([&] { workers[1].run(); });
  std::thread one([&] { workers[0].run(); });
  one.join();
  other.join();
  acre_blocking_end(heap.thread);
  uint64_t refused = 0;
  for (const Worker& worker : workers) {
    BOOST_TEST(worker.complaint() == nullptr, worker.complaint());
    BOOST_TEST(worker.given() > 0u);
    refused += worker.refused();
  }
  const acre_stats s = heap.stats();
  BOOST_TEST_MESSAGE(refused << " refused, " << s.num_gc << " collections, " << s.limit_events
                             << " events");
  check_identities(s);
  (void)acre_set_hard_limit(heap.heap, ACRE_NO_LIMIT);
  (void)acre_set_memory_limit(heap.heap, ACRE_NO_LIMIT);
  heap.collect();
  BOOST_TEST(heap.live() == 0u);
  BOOST_TEST(heap.alloc(64 * kMiB) != nullptr);
  return refused;
}

BOOST_AUTO_TEST_SUITE(limit_torture)

BOOST_AUTO_TEST_CASE(a_hard_limit_refuses_and_harms_nothing) {
  BOOST_TEST(torture({.hard_limit = 8 * kMiB}) > 0u);
}

BOOST_AUTO_TEST_CASE(a_hard_limit_refuses_without_torture_collections_too) {
  BOOST_TEST(torture({.hard_limit = 8 * kMiB, .gc_every = 0}) > 0u);
}

BOOST_AUTO_TEST_CASE(a_soft_limit_that_cannot_be_kept_refuses_nothing) {
  BOOST_TEST(torture({.memory_limit = 6 * kMiB}) == 0u);
}

BOOST_AUTO_TEST_CASE(a_soft_limit_that_fails_refuses_and_harms_nothing) {
  torture({.memory_limit = 6 * kMiB, .policy = ACRE_LIMIT_FAIL});
}

BOOST_AUTO_TEST_CASE(limits_that_change_all_the_time_harm_nothing) {
  torture({.memory_limit = 24 * kMiB, .hard_limit = 32 * kMiB, .change_limits = true});
}

BOOST_AUTO_TEST_CASE(limits_that_change_and_are_raised_harm_nothing) {
  torture(
      {.memory_limit = 8 * kMiB, .policy = ACRE_LIMIT_RAISE, .gc_every = 0, .change_limits = true});
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
