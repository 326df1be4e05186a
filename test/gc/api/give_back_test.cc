// Memory that is free goes back to the system: by itself when the program does nothing more, at once when
// asked; and what comes back is zero, however it went.

#include "test/gc/api/heap_fixture.h"
#include "test/gc/api/process_view.h"

namespace acre::test {
namespace {

// Little under sanitizers, where a page costs several.
constexpr size_t kDropped = ACRE_TEST_SHADOW_MEMORY ? 96 * kMiB : 448 * kMiB;
constexpr size_t kKept = 64 * kMiB;
constexpr uint64_t kBound = kKept * 12 / 10 + 32 * kMiB;

acre_options options_with(int huge_pages) {
  acre_options options = precise_options();
  options.gc_percent = 100;
  options.huge_pages = huge_pages;
  return options;
}

// A list in a handle, newest first.
void push(Heap& heap, Handle& list, size_t bytes) {
  auto** node = static_cast<void**>(heap.alloc(bytes, ACRE_KIND_CONSERVATIVE));
  BOOST_TEST_REQUIRE(node != nullptr);
  for (size_t i = 4096 / sizeof(void*); i < bytes / sizeof(void*); i += 512) {
    node[i] = reinterpret_cast<void*>(1);
  }
  node[0] = list.get();
  list.set(node);
}

// What is kept and what is dropped lie among each other, as large and as small objects.
struct Grown : Heap {
  Handle kept{thread, nullptr};

  explicit Grown(const acre_options& options) : Heap(options) {
    Handle dropped(thread, nullptr);
    for (size_t got = 0; got < kKept; got += kMiB) {
      if (got % (2 * kMiB) == 0) {
        push(*this, kept, kMiB);
      } else {
        for (size_t i = 0; i < kMiB; i += 1024) push(*this, kept, 1024);
      }
      for (size_t more = 0; more < kDropped / (kKept / kMiB); more += kMiB / 2) {
        for (size_t i = 0; i < kMiB / 4; i += 512) push(*this, dropped, 512);
        push(*this, dropped, kMiB / 4);
      }
    }
    grown = resident();
    BOOST_TEST(grown >= kKept + kDropped);
  }

  uint64_t resident() const { return acre_resident_bytes(heap); }
  bool kept_is_whole() const {
    size_t bytes = 0;
    for (auto** node = static_cast<void**>(kept.get()); node != nullptr;
         node = static_cast<void**>(node[0])) {
      bytes += acre_object_size(heap, node);
    }
    return bytes == kKept;
  }

  uint64_t grown = 0;
};

BOOST_AUTO_TEST_SUITE(give_back)

// Together, since all they do is wait.
BOOST_AUTO_TEST_CASE(after_a_drop_and_one_collection_memory_goes_back_by_itself) {
  Grown plain(options_with(ACRE_HUGE_PAGES_AUTO));
  Grown small_pages(options_with(ACRE_HUGE_PAGES_NEVER));
  acre_options none = options_with(ACRE_HUGE_PAGES_AUTO);
  none.scavenger = 0;
  Grown alone(none);
  for (Grown* heap : {&plain, &small_pages, &alone}) heap->collect();
  acre_blocking_begin(plain.thread);
  const auto start = std::chrono::steady_clock::now();
  BOOST_TEST(comes_true(
      60, [&] { return plain.resident() <= kBound && small_pages.resident() <= kBound; }));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  acre_blocking_end(plain.thread);
  BOOST_TEST_MESSAGE("back after " << took.count() << " s");
  for (Grown* heap : {&plain, &small_pages}) {
    // Some went back while it grew.
    BOOST_TEST(heap->stats().released_background >= (heap->grown - kBound) / 2);
    BOOST_TEST(heap->stats().num_forced_gc == 1u);
    BOOST_TEST(heap->kept_is_whole());
  }
  // Without the thread nobody has given anything back, until asked.
  BOOST_TEST(alone.stats().released_background == 0u);
  BOOST_TEST(alone.resident() >= alone.grown - alone.grown / 4);
  acre_release_memory(alone.thread);
  BOOST_TEST(alone.resident() <= kBound);
  BOOST_TEST(alone.kept_is_whole());
}

BOOST_AUTO_TEST_CASE(when_asked_it_goes_back_at_once) {
  for (const int lazily : {0, 1}) {
    acre_options options = options_with(ACRE_HUGE_PAGES_AUTO);
    options.release_lazily = lazily;
    Grown heap(options);
    acre_release_memory(heap.thread);
    BOOST_TEST(heap.resident() <= kBound, lazily);
    BOOST_TEST(heap.stats().released_request > 0u);
    BOOST_TEST(heap.stats().accounted == heap.stats().sys - heap.stats().heap_released);
    BOOST_TEST(heap.kept_is_whole());
    check_identities(heap.stats());
  }
}

// What the kernel takes lazily reads as it was until it is taken.
BOOST_AUTO_TEST_CASE(what_went_back_lazily_is_zero_when_it_is_used_again) {
  acre_options options = options_with(ACRE_HUGE_PAGES_NEVER);
  options.release_lazily = 1;
  options.memory_limit = 24 * kMiB;
  Heap heap(options);
  Handle list(heap.thread, nullptr);
  for (int round = 0; round < 40; ++round) {
    for (const size_t bytes : {size_t{64}, size_t{3000}, 40 * kKiB, 700 * kKiB, 3 * kMiB}) {
      for (size_t got = 0; got < 3 * kMiB; got += bytes) {
        auto* object = static_cast<char*>(heap.alloc(bytes, ACRE_KIND_CONSERVATIVE));
        BOOST_TEST_REQUIRE(object != nullptr);
        BOOST_TEST_REQUIRE(all_zero(object, bytes), "round " << round << ", " << bytes);
        std::memset(object + sizeof(void*), 0x5a, bytes - sizeof(void*));
      }
    }
    if (round % 10 == 9) heap.collect();
  }
  BOOST_TEST(heap.stats().released_allocating > 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
