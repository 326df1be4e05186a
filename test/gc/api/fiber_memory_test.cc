// Memory of stacks: what fibers and coroutines hold counts, brings collections, is kept below limits, and goes
// back.

#include <unistd.h>

#include <algorithm>
#include <vector>

#include "test/gc/api/heap_fixture.h"

namespace acre::test {
namespace {

acre_options options_with(int percent, size_t hard_limit = ACRE_NO_LIMIT) {
  acre_options options = plain_options();
  options.gc_percent = percent;
  options.hard_limit = hard_limit;
  options.scavenger = 0;  // what happens, happens at once
  return options;
}

[[gnu::noinline]] void touch(size_t bytes) {
  volatile char frame[4 * kKiB];
  for (size_t i = 0; i < sizeof(frame); i += 512) frame[i] = 1;
  if (bytes > sizeof(frame)) touch(bytes - sizeof(frame));
  frame[0] = 2;
}

[[gnu::noinline]] void touch_and_yield(acre_fiber* self, size_t bytes) {
  volatile char frame[4 * kKiB];
  for (size_t i = 0; i < sizeof(frame); i += 512) frame[i] = 1;
  if (bytes > sizeof(frame)) {
    touch_and_yield(self, bytes - sizeof(frame));
  } else {
    acre_fiber_yield(self, nullptr);
  }
  frame[0] = 2;
}

constexpr size_t kDeep = 200 * kKiB;

void* end_at_once(acre_fiber*, void*) { return nullptr; }
void* wait(acre_fiber* self, void*) {
  acre_fiber_yield(self, nullptr);
  return nullptr;
}
void* wait_deep(acre_fiber* self, void*) {
  touch_and_yield(self, kDeep);
  return nullptr;
}
void* wait_after_depth(acre_fiber* self, void*) {
  touch(kDeep);
  acre_fiber_yield(self, nullptr);
  return nullptr;
}

struct FiberHeap : Heap {
  static constexpr size_t kMost = 5'000;  // (tsan has 8,128 at most)

  explicit FiberHeap(const acre_options& options) : Heap(options) {
    kept.resize(kMost);
    BOOST_REQUIRE(acre_root_add(heap, kept.data(), kMost * sizeof(void*), 0) == ACRE_OK);
  }
  ~FiberHeap() { (void)acre_root_remove(heap, kept.data()); }

  // Makes one and runs it until it waits.
  [[gnu::noinline]] acre_status start(size_t stack, acre_fiber_fn fn, void** keep = nullptr) {
    acre_fiber* fiber = nullptr;
    const acre_status status = acre_fiber_new(thread, stack, fn, nullptr, &fiber);
    if (status != ACRE_OK) return status;
    if (keep != nullptr) *keep = fiber;
    acre_fiber_resume(thread, fiber, nullptr);
    return ACRE_OK;
  }
  void drop_all() {
    std::fill(kept.begin(), kept.end(), nullptr);
    scrub_stack();
  }
  uint64_t collections() { return stats().num_gc; }

  std::vector<void*> kept;
};

}  // namespace

BOOST_AUTO_TEST_SUITE(fiber_memory)

BOOST_AUTO_TEST_CASE(dropped_fibers_bring_collections_that_find_their_stacks) {
  FiberHeap heap(options_with(100));
  uint64_t most = 0;
  for (int i = 0; i < 2'000; ++i) {
    BOOST_TEST_REQUIRE(heap.start(256 * kKiB, wait_after_depth) == ACRE_OK);
    most = std::max(most, heap.stats().stack_sys);
  }
  BOOST_TEST(heap.collections() > 2u);
  BOOST_TEST(most < 160 * kMiB);
}

BOOST_AUTO_TEST_CASE(fibers_that_live_bring_few_collections) {
  FiberHeap heap(options_with(100));
  for (size_t i = 0; i < FiberHeap::kMost; ++i) {
    BOOST_TEST_REQUIRE(heap.start(64 * kKiB, wait, &heap.kept[i]) == ACRE_OK);
  }
  // 351 MiB of addresses: each time twice as many.
  BOOST_TEST(heap.collections() >= 1u);
  BOOST_TEST(heap.collections() <= 4u);
  heap.drop_all();
}

BOOST_AUTO_TEST_CASE(fibers_that_come_and_go_bring_none) {
  FiberHeap heap(options_with(100));
  for (int i = 0; i < 20'000; ++i) {
    BOOST_TEST_REQUIRE(heap.start(64 * kKiB, end_at_once) == ACRE_OK);
  }
  BOOST_TEST(heap.collections() == 0u);
}

BOOST_AUTO_TEST_CASE(what_fibers_hold_is_kept_within_the_hard_limit) {
  constexpr size_t kLimit = 64 * kMiB;
  FiberHeap heap(options_with(-1, kLimit));
  size_t count = 0;
  acre_status status = ACRE_OK;
  while (count < 2'000) {
    status = heap.start(256 * kKiB, wait_deep, &heap.kept[count]);
    if (status != ACRE_OK) break;
    ++count;
  }
  BOOST_TEST(status == ACRE_E_LIMIT);
  BOOST_TEST(count > 200u);
#if !ACRE_TEST_SHADOW_MEMORY
  // (Those made between two collections are not known of.)
  BOOST_TEST(acre_resident_bytes(heap.heap) < kLimit + 32 * kMiB);
#endif
  // And when they are dropped, there is room again.
  heap.drop_all();
  BOOST_TEST(heap.start(256 * kKiB, wait_deep) == ACRE_OK);
}

#if !ACRE_TEST_SHADOW_MEMORY
BOOST_AUTO_TEST_CASE(what_fibers_once_touched_goes_back_rather_than_pass_a_limit) {
  constexpr size_t kLimit = 64 * kMiB;
  FiberHeap heap(options_with(-1, kLimit));
  uint64_t most = 0;
  for (size_t i = 0; i < 2'000; ++i) {
    BOOST_TEST_REQUIRE(heap.start(256 * kKiB, wait_after_depth, &heap.kept[i]) == ACRE_OK);
    if (i % 50 == 0) most = std::max(most, acre_resident_bytes(heap.heap));
  }
  BOOST_TEST(most < kLimit + 32 * kMiB);
  heap.drop_all();
}
#endif

BOOST_AUTO_TEST_CASE(a_collection_that_finds_fibers_dead_does_not_raise_what_is_accounted) {
  FiberHeap heap(options_with(-1));
  for (int i = 0; i < 2'000; ++i) BOOST_TEST_REQUIRE(heap.start(256 * kKiB, wait) == ACRE_OK);
  const uint64_t before = heap.stats().accounted;
  scrub_stack();
  heap.collect();
  BOOST_TEST(heap.stats().stacks <= 4u);
  BOOST_TEST(heap.stats().accounted < before);
  // Stacks of pages that went back know that they hold nothing.
  BOOST_TEST(heap.start(64 * kMiB, wait) == ACRE_OK);
  BOOST_TEST(heap.stats().accounted < before);
}

BOOST_AUTO_TEST_CASE(coroutines_count_with_what_they_touched) {
  FiberHeap heap(options_with(100));
  constexpr size_t kStacks = 20;
  constexpr size_t kTouched = 512 * kKiB;
  acre_stack stacks[kStacks];
  for (acre_stack& stack : stacks) {
    BOOST_REQUIRE(acre_stack_new(heap.heap, 4 * kMiB, &stack) == ACRE_OK);
    static_cast<char*>(stack.high)[-1] = 1;
  }
  heap.collect();
  BOOST_TEST(heap.stats().next_gc < 8 * kMiB);
  BOOST_TEST(heap.stats().stack_sys - heap.stats().stack_untouched <= kStacks * 8 * kKiB);
  for (acre_stack& stack : stacks) {
    memset(static_cast<char*>(stack.high) - kTouched, 1, kTouched);
  }
  heap.collect();
  BOOST_TEST(heap.stats().next_gc >= kStacks * kTouched);
  BOOST_TEST(heap.stats().stack_sys - heap.stats().stack_untouched == kStacks * kTouched);
  for (acre_stack& stack : stacks) BOOST_TEST(acre_stack_free(heap.heap, &stack) == ACRE_OK);
}

BOOST_AUTO_TEST_CASE(idle_stacks_go_back_before_an_allocation_is_refused) {
  FiberHeap heap(options_with(-1));
  constexpr size_t kFibers = 100;
  for (size_t i = 0; i < kFibers; ++i) {
    BOOST_TEST_REQUIRE(heap.start(256 * kKiB, wait_deep, &heap.kept[i]) == ACRE_OK);
  }
  heap.collect();  // knows now that they hold 20 MiB
  for (size_t i = 0; i < kFibers; ++i) {
    acre_fiber_resume(heap.thread, static_cast<acre_fiber*>(heap.kept[i]), nullptr);
  }
  BOOST_TEST(heap.stats().stacks == 0u);
  BOOST_TEST(heap.stats().stack_sys > 24 * kMiB);
  const uint64_t collections = heap.collections();
  acre_set_hard_limit(heap.heap, 16 * kMiB);
  BOOST_TEST(heap.alloc(4 * kMiB) != nullptr);
  BOOST_TEST(heap.collections() == collections);
  BOOST_TEST(heap.stats().stack_sys == 0u);
  heap.drop_all();
}

BOOST_AUTO_TEST_CASE(who_makes_a_fiber_and_finds_no_room_asks_the_oom_handler) {
  acre_options options = options_with(-1);
  options.reserve_bytes = 64 * kMiB;
  FiberHeap heap(options);
  struct Asked {
    FiberHeap* heap;
    int calls = 0;
    size_t bytes = 0;
    bool drop = false;
  } asked{&heap};
  acre_set_oom_handler(
      heap.heap,
      [](acre_heap*, size_t bytes, void* arg) {
        auto* self = static_cast<Asked*>(arg);
        ++self->calls;
        self->bytes = bytes;
        if (self->drop) self->heap->drop_all();
        return self->drop ? 1 : 0;
      },
      &asked);
  size_t count = 0;
  acre_status status = ACRE_OK;
  while ((status = heap.start(kMiB, wait, &heap.kept[count])) == ACRE_OK) ++count;
  BOOST_TEST(status == ACRE_E_NOMEM);
  BOOST_TEST(count > 50u);
  BOOST_TEST(asked.calls == 1);
  BOOST_TEST(asked.bytes == kMiB);
  asked.drop = true;
  BOOST_TEST(heap.start(kMiB, wait) == ACRE_OK);
  BOOST_TEST(asked.calls == 2);
  BOOST_TEST(heap.stats().stacks <= 4u);
  acre_set_oom_handler(heap.heap, nullptr, nullptr);
}

BOOST_AUTO_TEST_CASE(stacks_are_powers_of_two_and_what_the_guard_leaves_of_its_page) {
  FiberHeap heap(options_with(-1));
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  for (size_t bytes = 8 * kKiB; bytes <= 64 * kMiB; bytes *= 2) {
    acre_fiber* fiber = nullptr;
    BOOST_REQUIRE(acre_fiber_new(heap.thread, bytes - 1, wait, nullptr, &fiber) == ACRE_OK);
    if (page == 4 * kKiB) BOOST_TEST(acre_fiber_stack_bytes(fiber) == bytes + 4 * kKiB);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acre::test
