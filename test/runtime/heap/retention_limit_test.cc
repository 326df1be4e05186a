// The soft and the hard limit: what goes back for them, and what is refused.

#include <boost/test/unit_test.hpp>

#include "runtime/heap/retention.h"
#include "test/runtime/heap/retention_state.h"

namespace acre::rt {
namespace {

using test::pages;
using test::RetentionState;

// What a heap accounts for when it retains so many pages.
ByteCount with(RetentionState& state, uint64_t count) {
  return state->accounted() - state->retained() - Retention::books_of(state->retained()) +
         pages(count) + Retention::books_of(pages(count));
}

struct Picture {
  uint64_t retained, releasable, accounted, mapped, in_use, released;
  bool operator==(const Picture&) const = default;
};

Picture picture(RetentionState& state) {
  const PageHeap::Usage usage = state.heap->pages.usage();
  return {state->retained().raw, state->releasable().raw, state->accounted().raw,
          usage.mapped.raw,      usage.in_use.raw,        usage.released.raw};
}

BOOST_AUTO_TEST_SUITE(retention_limits)

BOOST_AUTO_TEST_CASE(above_the_soft_limit_free_pages_go_back_and_nothing_is_asked_for) {
  RetentionState state;
  Span* low = state.alloc_touched(2000);
  Span* high = state.alloc_touched(100);
  state.free(low);
  state->set_limits(with(state, 2600), kNoByteLimit);
  Span* grown = state.alloc(2400);
  BOOST_REQUIRE(grown != nullptr);
  BOOST_TEST(state->accounted().raw <= with(state, 2600).raw);
  BOOST_TEST(!state->over_limit());
  BOOST_TEST(!state->above_limit());
  state.sane();
  state.free(grown);
  state.free(high);
}

BOOST_AUTO_TEST_CASE(the_soft_limit_is_passed_when_nothing_is_left_and_that_is_noted) {
  RetentionState state;
  state->set_limits(with(state, 1000), kNoByteLimit);
  Span* span = state.alloc(1000);
  BOOST_TEST(!state->over_limit());
  Span* more = state.alloc(16);
  BOOST_REQUIRE(more != nullptr);
  BOOST_TEST(state->above_limit());
  BOOST_TEST(state->over_limit());
  BOOST_TEST(state->take_over_limit());
  BOOST_TEST(!state->over_limit());
  BOOST_TEST(!state->take_over_limit());
  // Pages with memory are taken without a word.
  state.free(span);
  span = state.alloc(900);
  BOOST_TEST(!state->over_limit());
  state.free(span);
  state->release_above_limit();
  BOOST_TEST(!state->above_limit());
  BOOST_TEST(state->releasable().raw > 0u);  // no more than that
  state.free(more);
}

BOOST_AUTO_TEST_CASE(the_hard_limit_refuses_and_all_is_as_before) {
  RetentionState state;
  Span* span = state.alloc_touched(1000);
  state.sane();
  const Picture before = picture(state);
  const ByteCount limit = with(state, 1500);
  state->set_limits(limit, limit);
  for (const uint64_t align : {1, 64, 512}) {
    BOOST_TEST(state.alloc(600, align) == nullptr);
    BOOST_TEST((picture(state) == before));
    state.sane();
  }
  // Small spans, by the cache.
  const SpanRequest small{.pages = PageCount(1), .size_class = 5, .kind = 1, .sweep_gen = 0};
  state->set_limits(with(state, 1000), with(state, 1000));
  BOOST_TEST(state.heap->pages.alloc_span(small, state.cache) == nullptr);
  BOOST_TEST(state.cache.empty());
  BOOST_TEST((picture(state) == before));
  state->set_limits(limit, limit);
  Span* fits = state.alloc(500);
  BOOST_REQUIRE(fits != nullptr);
  BOOST_TEST(fits->known_zero);
  state.free(fits);
  state.free(span);
}

BOOST_AUTO_TEST_CASE(a_hard_limit_is_kept_whatever_the_soft_one) {
  for (const bool some : {false, true}) {
    RetentionState state;
    const ByteCount hard = with(state, 1500);
    state->set_limits(some ? with(state, 5000) : kNoByteLimit, hard);
    Span* span = state.alloc_touched(1000);
    BOOST_REQUIRE(span != nullptr);
    BOOST_TEST(state.alloc(600) == nullptr);
    BOOST_TEST(state->accounted().raw <= hard.raw);
    BOOST_TEST(!state->over_limit());  // the soft one was not passed
    // What is free goes back for it.
    Span* high = state.alloc_touched(100);
    state.free(span);
    span = state.alloc(1300);
    BOOST_REQUIRE(span != nullptr);
    BOOST_TEST(state->accounted().raw <= hard.raw);
    state.free(span);
    state.free(high);
  }
}

BOOST_AUTO_TEST_CASE(a_refused_run_that_held_some_memory_counts_as_free_with_memory) {
  RetentionState state;
  Span* span = state.alloc_touched(1000);
  state.free(span);
  const ByteCount limit = with(state, 1500);
  state->set_limits(limit, limit);
  BOOST_TEST(state.alloc(2000) == nullptr);
  state.sane();
  BOOST_TEST(state.in_use().raw == 0u);
  (void)state->release_all();
  BOOST_TEST(state->retained().raw == 0u);
  // And is no obstacle to what fits.
  span = state.alloc(1400);
  BOOST_REQUIRE(span != nullptr);
  state.free(span);
}

BOOST_AUTO_TEST_CASE(what_may_be_held_is_what_an_allocation_gets) {
  RetentionState state;
  BOOST_TEST(state->may_hold(ByteCount(UINT64_MAX / 2)));
  Span* span = state.alloc_touched(1000);
  Span* low = state.alloc_touched(200);
  state.free(span);
  const ByteCount limit = with(state, 700);
  state->set_limits(limit, limit);
  BOOST_TEST(state->may_hold(pages(500)));
  BOOST_TEST(!state->may_hold(pages(501)));
  BOOST_TEST(!state->may_hold(ByteCount(kGiB)));
  span = state.alloc(1001);
  BOOST_TEST(span == nullptr);
  span = state.alloc(500);
  BOOST_REQUIRE(span != nullptr);
  state.free(span);
  state.free(low);
  state->set_limits(ByteCount(1), ByteCount(1));
  BOOST_TEST(!state->may_hold(ByteCount(0)));
}

BOOST_AUTO_TEST_CASE(a_kernel_that_takes_nothing_back_makes_the_hard_limit_refuse) {
  FaultPlan faults;
  RetentionState state(128 * kMiB, &faults);
  Span* low = state.alloc_touched(1000);
  Span* high = state.alloc_touched(100);
  state.free(low);
  const ByteCount limit = with(state, 1500);
  state->set_limits(limit, limit);
  faults.fail(OsCall::kRelease, 1, UINT64_MAX);
  BOOST_TEST(state.alloc(1200) == nullptr);
  state.sane();
  faults.clear();
  low = state.alloc(1200);
  BOOST_REQUIRE(low != nullptr);
  state.free(low);
  state.free(high);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
