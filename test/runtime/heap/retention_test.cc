// Giving back towards a goal: by allocations, by steps of the background thread, and on request. What
// limits do is in retention_limit_test.cc.

#include "runtime/heap/retention.h"

#include <boost/test/unit_test.hpp>
#include <vector>

#include "test/runtime/heap/retention_state.h"

namespace acre::rt {
namespace {

using test::pages;
using test::RetentionState;

// A huge page that is free as a whole is not cut, so a release may be that much more than asked.
constexpr uint64_t kHugePages = 256;

ByteCount all_steps(RetentionState& state, ByteCount at_most) {
  ByteCount total;
  for (;;) {
    const ByteCount done = state->release_towards_goal(at_most);
    if (done == ByteCount(0)) return total;
    BOOST_TEST_REQUIRE(done.raw <= at_most.raw + pages(kHugePages).raw);
    total += done;
  }
}

// Spans of a chunk each, full of what is not zero, from the first on.
std::vector<Span*> chunks_in_use(RetentionState& state, int count) {
  std::vector<Span*> spans;
  for (int i = 0; i < count; ++i) {
    spans.push_back(state.alloc_touched(kChunkPages));
    BOOST_REQUIRE(spans.back()->first_page().raw == spans.size() * kChunkPages - kChunkPages);
  }
  return spans;
}

bool holds_memory(RetentionState& state, uint64_t chunk) {
  return state.holds_memory(PageId(chunk * kChunkPages));
}

BOOST_AUTO_TEST_SUITE(retention)

BOOST_AUTO_TEST_CASE(what_is_mapped_and_was_never_taken_is_not_retained) {
  RetentionState state;
  BOOST_TEST(state->retained().raw == 0u);
  Span* span = state.alloc(1000);
  BOOST_TEST(state->retained().raw == pages(1000).raw);
  BOOST_TEST(state->releasable().raw == 0u);
  state.sane();
  Span* other = state.alloc(50);
  state.free(span);
  BOOST_TEST(state->retained().raw == pages(1050).raw);
  BOOST_TEST(state->releasable().raw == pages(1000).raw);
  state.sane();
  state.free(other);
  BOOST_TEST(state->release_all().raw == pages(1050).raw);
  BOOST_TEST(state->retained().raw == 0u);
}

BOOST_AUTO_TEST_CASE(without_a_goal_nothing_goes_back_by_itself) {
  RetentionState state;
  Span* kept = state.alloc_touched(3000);
  Span* span = state.alloc_touched(300);
  state.free(span);
  BOOST_TEST(state->keep_within(PageCount(1000)));
  BOOST_TEST(state->release_towards_goal(ByteCount(kMiB)).raw == 0u);
  BOOST_TEST(state->releasable().raw == pages(300).raw);
  state.free(kept);
}

BOOST_AUTO_TEST_CASE(an_allocation_gives_back_what_it_took_from_what_is_above_the_goal) {
  RetentionState state;
  Span* low = state.alloc_touched(2000);
  Span* high = state.alloc_touched(2000);
  state.free(low);
  state->set_goal(pages(4100));
  Span* grown = state.alloc(3000);  // fits the hole not
  BOOST_REQUIRE(grown != nullptr);
  BOOST_TEST(state->retained().raw == pages(5000).raw);  // all that was free
  BOOST_TEST(state->released_by(ReleaseBy::kAllocation).raw == pages(2000).raw);
  BOOST_TEST(!state->over_limit());
  state.sane();
  state.free(high);
  state.free(grown);
}

BOOST_AUTO_TEST_CASE(a_small_allocation_gives_back_a_megabyte_not_everything) {
  RetentionState state;
  Span* low = state.alloc_touched(4000);
  Span* high = state.alloc_touched(100);
  state.free(low);
  (void)state->release_all();  // the lower part holds none
  low = state.alloc_touched(2000);
  Span* again = state.alloc_touched(1900);
  state.free(again);
  state->set_goal(ByteCount(0));
  Span* fresh = state.alloc(16);
  // It went into pages with memory: nothing was taken, nothing is given back.
  BOOST_TEST(state->released_by(ReleaseBy::kAllocation).raw == 0u);
  BOOST_TEST(state->keep_within(PageCount(16)));
  const ByteCount released = state->released_by(ReleaseBy::kAllocation);
  BOOST_TEST(released.raw >= kMiB);
  BOOST_TEST(released.raw <= kMiB + pages(kHugePages).raw);
  state.sane();
  for (Span* span : {fresh, low, high}) state.free(span);
}

BOOST_AUTO_TEST_CASE(steps_come_to_the_goal_and_stop_there) {
  RetentionState state;
  Span* kept = state.alloc_touched(1000);
  Span* gone = state.alloc_touched(6000);
  state.free(gone);
  state->begin_generation();
  state->begin_generation();
  for (const uint64_t goal : {6500, 4000, 1000, 0}) {
    state->set_goal(pages(goal));
    (void)all_steps(state, ByteCount(kMiB));
    BOOST_TEST(state->retained().raw <= pages(goal < 1000 ? 1000 : goal).raw);
    BOOST_TEST((state->retained() + pages(kHugePages)).raw >= pages(goal).raw);
    state.sane();
  }
  BOOST_TEST(state->retained().raw == pages(1000).raw);
  BOOST_TEST(state->released_by(ReleaseBy::kBackground).raw == pages(6000).raw);
  BOOST_TEST(*static_cast<uint8_t*>(state.start(*kept)) == 0x5a);
  state.free(kept);
}

BOOST_AUTO_TEST_CASE(what_is_freed_above_a_step_is_found_before_they_say_that_nothing_is_left) {
  RetentionState state;
  Span* low = state.alloc_touched(2000);
  Span* middle = state.alloc_touched(16);
  Span* high = state.alloc_touched(2000);
  state->begin_generation();
  state.free(low);
  state->begin_generation();
  state->set_goal(ByteCount(0));
  BOOST_TEST(state->release_towards_goal(ByteCount(kMiB)).raw > 0u);
  state.free(high);
  state->begin_generation();
  (void)all_steps(state, ByteCount(kMiB));
  BOOST_TEST(state->releasable().raw == 0u);
  state.free(middle);
}

BOOST_AUTO_TEST_CASE(on_request_what_the_kernel_only_might_take_goes_back_at_once) {
  RetentionState state(128 * kMiB, nullptr, true);
  Span* span = state.alloc_touched(2048);
  const PageId first = span->first_page();
  state.free(span);
  state->begin_generation();
  state->set_goal(ByteCount(0));
  BOOST_TEST(all_steps(state, ByteCount(kMiB)).raw == pages(2048).raw);
  BOOST_TEST(state->releasable().raw == 0u);
  BOOST_TEST(state->release_all().raw == 0u);  // of what counts as released none is new
  const Space& space = state.heap->space;
  BOOST_TEST(state.heap->os.resident(space.address(first), pages(2048)).raw == 0u);
}

BOOST_AUTO_TEST_CASE(steps_leave_a_chunk_that_was_full_alone_for_a_generation) {
  RetentionState state;
  const std::vector<Span*> spans = chunks_in_use(state, 6);
  state->set_goal(ByteCount(0));
  state->begin_generation();
  for (const int i : {1, 2, 4}) state.free(spans[static_cast<size_t>(i)]);
  BOOST_TEST(state->release_towards_goal(ByteCount(kMiB)).raw == 0u);
  state->begin_generation();
  // The highest goes first.
  BOOST_TEST(state->release_towards_goal(ByteCount(4 * kMiB)).raw == 4 * kMiB);
  BOOST_TEST(!holds_memory(state, 4));
  BOOST_TEST(holds_memory(state, 2));
  BOOST_TEST(state->release_towards_goal(ByteCount(4 * kMiB)).raw == 4 * kMiB);
  BOOST_TEST(!holds_memory(state, 2));
  BOOST_TEST(holds_memory(state, 1));
  for (const int i : {0, 3, 5}) state.free(spans[static_cast<size_t>(i)]);
}

BOOST_AUTO_TEST_CASE(a_request_and_an_allocation_do_not_wait_for_a_generation) {
  RetentionState state;
  const std::vector<Span*> spans = chunks_in_use(state, 4);
  state->begin_generation();
  state.free(spans[1]);
  state.free(spans[3]);
  state->set_goal(ByteCount(0));
  BOOST_TEST(state->keep_within(PageCount(16)));
  BOOST_TEST(holds_memory(state, 3));  // a megabyte went, or two
  BOOST_TEST(state->released_by(ReleaseBy::kAllocation).raw >= kMiB);
  (void)state->release_all();
  BOOST_TEST(!holds_memory(state, 1));
  BOOST_TEST(!holds_memory(state, 3));
  BOOST_TEST(state->releasable().raw == 0u);
  BOOST_TEST(state->released_by(ReleaseBy::kBackground).raw == 0u);
  state.free(spans[0]);
  state.free(spans[2]);
}

BOOST_AUTO_TEST_CASE(what_the_kernel_refuses_stays_free_and_is_not_released) {
  FaultPlan faults;
  RetentionState state(128 * kMiB, &faults);
  Span* span = state.alloc_touched(3000);
  state.free(span);
  state->begin_generation();
  state->set_goal(ByteCount(0));
  faults.fail(OsCall::kRelease, 1, UINT64_MAX);
  BOOST_TEST(state->release_all().raw == 0u);
  BOOST_TEST(state->release_towards_goal(ByteCount(kMiB)).raw == 0u);
  BOOST_TEST(state->keep_within(PageCount(100)));
  BOOST_TEST(state->releasable().raw == pages(3000).raw);
  BOOST_TEST(state->retained().raw == pages(3000).raw);
  state.sane();
  span = state.alloc(3000);
  BOOST_REQUIRE(span != nullptr);
  BOOST_TEST(!span->known_zero);
  faults.clear();
  state.free(span);
  BOOST_TEST(state->release_all().raw == pages(3000).raw);
}

BOOST_AUTO_TEST_CASE(pages_that_go_back_lazily_are_not_known_to_be_zero) {
  RetentionState state(128 * kMiB, nullptr, true);
  Span* span = state.alloc_touched(2000);
  state.free(span);
  state->begin_generation();
  state->begin_generation();
  state->set_goal(ByteCount(0));
  BOOST_TEST(all_steps(state, ByteCount(kMiB)).raw == pages(2000).raw);
  BOOST_TEST(state->retained().raw == 0u);
  span = state.alloc_touched(2000);
  BOOST_TEST(!span->known_zero);
  for (uint64_t i = 0; i < span->size().raw; i += 4096) {
    BOOST_TEST_REQUIRE(static_cast<uint8_t*>(state.start(*span))[i] == 0x5a);
  }
  state.free(span);
  // On request at once.
  BOOST_TEST(state->release_all().raw == pages(2000).raw);
  BOOST_TEST(state->retained().raw == 0u);
  span = state.alloc(2000);
  BOOST_TEST(!state.holds_memory(PageId(0)));
  BOOST_TEST(!span->known_zero);
  state.free(span);
}

// Holes that nothing fits go back, as allocations take new pages: with a goal, and without.
BOOST_AUTO_TEST_CASE(a_heap_like_swiss_cheese_keeps_a_tenth_more_than_is_in_use) {
  for (const bool has_goal : {true, false}) {
    RetentionState state(256 * kMiB);
    std::vector<Span*> spans;
    for (int i = 0; i < 400; ++i) spans.push_back(state.alloc_touched(32));
    for (size_t i = 0; i < spans.size(); i += 2) state.free(spans[i]);
    const auto tenth_more = [&] { return ByteCount(state.in_use().raw / 10 * 11); };
    std::vector<Span*> larger;
    for (int i = 0; i < 120; ++i) {
      if (has_goal) state->set_goal(tenth_more());
      larger.push_back(state.alloc_touched(64));
    }
    BOOST_TEST(state->retained().raw <= tenth_more().raw + pages(64).raw);
    BOOST_TEST(state->released_by(ReleaseBy::kAllocation).raw > 0u);
    state->set_goal(tenth_more());
    state->begin_generation();
    (void)all_steps(state, ByteCount(kMiB));
    BOOST_TEST(state->retained().raw <= tenth_more().raw);
    state.sane();
    for (size_t i = 1; i < spans.size(); i += 2) state.free(spans[i]);
    for (Span* span : larger) state.free(span);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
