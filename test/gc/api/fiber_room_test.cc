// What Acre itself takes of a small stack, a fiber's or a coroutine's: less than 4 KiB, whatever the call. The
// stack below is painted, and it is looked at how far the paint is gone.

#include <ucontext.h>

#include <functional>

#include "test/gc/api/heap_fixture.h"

// (Instrumented code has frames of its own.)
#if !ACRE_TEST_SHADOW_MEMORY

namespace acre::test {
namespace {

constexpr size_t kPromised = 4 * kKiB;
constexpr unsigned char kPaint = 0x5a;

using Work = std::function<void()>;

// Bytes that work() takes of the stack below this frame.
[[gnu::noinline]] size_t stack_taken(const Work& work) {
  auto* here = static_cast<volatile unsigned char*>(__builtin_frame_address(0));
  volatile unsigned char* high = here - 512;  // of this function's own
  volatile unsigned char* low = here - 48 * kKiB;
  for (volatile unsigned char* at = low; at < high; ++at) *at = kPaint;
  work();
  while (low < high && *low == kPaint) ++low;
  return static_cast<size_t>(here - low) - 512;
}

acre_options roomy_options() {
  acre_options options = plain_options();
  options.mark_threads = 3;
  return options;
}

struct Room : Heap {
  Room() : Heap(roomy_options()) {}

  // All of it on a fiber.
  void on_fiber(Work work) {
    acre_fiber* fiber = nullptr;
    const auto run = [](acre_fiber*, void* arg) -> void* {
      (*static_cast<Work*>(arg))();
      return nullptr;
    };
    BOOST_REQUIRE(acre_fiber_new(thread, 128 * kKiB, run, &work, &fiber) == ACRE_OK);
    acre_fiber_resume(thread, fiber, nullptr);
    BOOST_TEST(acre_fiber_done(fiber) == 1);
  }
  // All of it on a stack that Acre does not see anybody switch to. Returns the bytes of that which were used.
  size_t on_coroutine(size_t stack_bytes, Work work) {
    acre_stack stack;
    BOOST_REQUIRE(acre_stack_new(heap, stack_bytes, &stack) == ACRE_OK);
    auto* low = static_cast<unsigned char*>(stack.low);
    const auto size = static_cast<size_t>(static_cast<unsigned char*>(stack.high) - low);
    memset(low, kPaint, size);
    static ucontext_t caller;
    static ucontext_t coroutine;
    static Work* given;
    given = &work;
    BOOST_REQUIRE(getcontext(&coroutine) == 0);
    coroutine.uc_stack.ss_sp = low;
    coroutine.uc_stack.ss_size = size;
    coroutine.uc_link = &caller;
    makecontext(
        &coroutine, +[] { (*given)(); }, 0);
    BOOST_REQUIRE(swapcontext(&caller, &coroutine) == 0);
    size_t untouched = 0;
    while (untouched < size && low[untouched] == kPaint) ++untouched;
    BOOST_TEST(acre_stack_free(heap, &stack) == ACRE_OK);
    return size - untouched;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(fiber_room, Room)

BOOST_AUTO_TEST_CASE(calls_take_less_of_a_fibers_stack_than_promised) {
  on_fiber([this] {
    const auto takes_little = [](const char* what, const Work& work) {
      const size_t taken = stack_taken(work);
      BOOST_TEST(taken < kPromised, what << " took " << taken);
    };
    takes_little("acre_alloc", [this] {
      for (int i = 0; i < 10'000; ++i) acre_alloc(thread, 1'000, ACRE_KIND_CONSERVATIVE);
    });
    takes_little("acre_collect", [this] { acre_collect(thread); });
    takes_little("acre_release_memory", [this] { acre_release_memory(thread); });
    takes_little("acre_verify", [this] { acre_verify(heap, nullptr, nullptr); });
    takes_little("acre_stats_read", [this] {
      static acre_stats stats;
      stats.struct_size = sizeof(stats);
      acre_stats_read(heap, &stats);
    });
    takes_little("acre_stats_read of an older caller", [this] {
      static acre_stats stats;
      stats.struct_size = offsetof(acre_stats, accounted);
      acre_stats_read(heap, &stats);
      BOOST_TEST(stats.struct_size == offsetof(acre_stats, accounted));
    });
    takes_little("acre_stop_stats_read", [this] {
      static acre_stop_stats stats;
      acre_stop_stats_read(heap, &stats);
    });
    takes_little("acre_resident_bytes", [this] { acre_resident_bytes(heap); });
    takes_little("acre_set_memory_limit", [this] {
      acre_set_memory_limit(heap, ACRE_LIMIT_AUTO);
      acre_set_memory_limit(heap, ACRE_NO_LIMIT);
    });
    takes_little("acre_heap_create", [] {
      static acre_heap* other;
      acre_heap_create(nullptr, &other);
      acre_heap_destroy(other);
    });
    takes_little("acre_heap_create with a limit", [] {
      static acre_heap* other;
      static acre_options options;
      options = plain_options();
      options.memory_limit = ACRE_LIMIT_AUTO;
      acre_heap_create(&options, &other);
      acre_heap_destroy(other);
    });
    takes_little("acre_fiber_new", [this] {
      static acre_fiber* fiber;
      acre_fiber_new(
          thread, 0, [](acre_fiber*, void*) -> void* { return nullptr; }, nullptr, &fiber);
      acre_fiber_resume(thread, fiber, nullptr);
    });
  });
}

BOOST_AUTO_TEST_CASE(a_collection_on_a_coroutine_takes_little_of_its_stack) {
  const size_t used = on_coroutine(8 * kKiB, [this] {
    acre_collect(thread);
    acre_set_memory_limit(heap, 64 * kMiB);
    acre_collect(thread);
    acre_set_memory_limit(heap, ACRE_NO_LIMIT);
  });
  // (What began the coroutine is in it.)
  BOOST_TEST(used < kPromised + 512);
}

BOOST_AUTO_TEST_CASE(trace_functions_have_room_while_a_coroutine_collects) {
  static int traced;
  traced = 0;
  const acre_kind kind = add_kind([](void*, size_t, acre_visitor*) {
    volatile char frame[64 * kKiB];
    for (volatile char& c : frame) c = 1;
    ++traced;
  });
  const size_t used = on_coroutine(8 * kKiB, [this, kind] {
    auto* volatile object = acre_alloc(thread, 64, kind);
    acre_collect(thread);
    acre_collect(thread);
    // Only this stack refers to it.
    BOOST_TEST(acre_object_size(heap, object) == 64u);
  });
  BOOST_TEST(traced == 2);
  BOOST_TEST(used < 8 * kKiB);
  BOOST_TEST(heap_is_whole(heap));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acre::test

#else

BOOST_AUTO_TEST_CASE(instrumented_frames_are_not_measured) { BOOST_TEST(true); }

#endif
