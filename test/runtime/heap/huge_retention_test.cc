// Huge pages and giving back are at odds: what the heap asks the kernel for, and when it takes it back.

#include "test/runtime/heap/retention_state.h"

namespace acre::rt::test {
namespace {

constexpr ByteCount kReserve{512 * kMiB};
constexpr uint64_t kLarge = 280 * kMiB / kPageBytes;  // more than four arenas

// The kernel may have no huge pages at all: then nothing is ever wanted.
bool kernel_has_huge_pages(RetentionState& state) {
  return state.heap->os.advise_huge(state.heap->space.base(), state.heap->space.mapped(), false);
}

bool wants(RetentionState& state) { return state.heap->space.wants_huge_pages(); }

// Twice: a heap is left as it is from one question to the next.
void ask(RetentionState& state) {
  state->ask_for_huge_pages();
  state->ask_for_huge_pages();
}

BOOST_AUTO_TEST_SUITE(huge_retention)

BOOST_AUTO_TEST_CASE(a_large_heap_that_stays_as_it_is_asks_for_them_and_giving_back_ends_that) {
  RetentionState state(kReserve.raw, nullptr, false, ACRE_HUGE_PAGES_AUTO);
  Span* span = state.alloc(kLarge);
  state.heap->space.use_small_pages();
  if (!kernel_has_huge_pages(state)) return;
  state->ask_for_huge_pages();
  BOOST_TEST(!wants(state));
  state->ask_for_huge_pages();
  BOOST_TEST(wants(state));

  Span* more = state.alloc_touched(512);
  state.free(more);
  BOOST_TEST(state->release_all().raw > 0u);
  BOOST_TEST(!wants(state));
  // As long as it does not grow it does not ask again: khugepaged would fill what was released.
  for (int i = 0; i < 10; ++i) state->ask_for_huge_pages();
  BOOST_TEST(!wants(state));
  state.free(span);
}

BOOST_AUTO_TEST_CASE(a_small_or_sparse_heap_does_not_ask) {
  RetentionState small(kReserve.raw, nullptr, false, ACRE_HUGE_PAGES_AUTO);
  Span* span = small.alloc(100 * kMiB / kPageBytes);
  small.heap->space.use_small_pages();
  ask(small);
  BOOST_TEST(!wants(small));
  small.free(span);

  RetentionState sparse(kReserve.raw, nullptr, false, ACRE_HUGE_PAGES_AUTO);
  span = sparse.alloc(kLarge);
  sparse.heap->space.use_small_pages();
  sparse.free(span);
  (void)sparse->release_all();
  ask(sparse);
  BOOST_TEST(!wants(sparse));
}

BOOST_AUTO_TEST_CASE(always_and_never_are_not_changed_by_giving_back_or_asking) {
  for (const int choice : {ACRE_HUGE_PAGES_ALWAYS, ACRE_HUGE_PAGES_NEVER}) {
    RetentionState state(kReserve.raw, nullptr, false, choice);
    Span* span = state.alloc(kLarge);
    ask(state);
    BOOST_TEST(wants(state) == (choice == ACRE_HUGE_PAGES_ALWAYS));
    state.free(span);
    (void)state->release_all();
    BOOST_TEST(wants(state) == (choice == ACRE_HUGE_PAGES_ALWAYS));
  }
}

BOOST_AUTO_TEST_CASE(dense_chunks_are_made_huge_once_from_the_bottom_to_the_top) {
  FaultPlan plan;
  RetentionState state(kReserve.raw, &plan, false, ACRE_HUGE_PAGES_ALWAYS);
  // Three chunks in use, one half free, two in use.
  Span* low = state.alloc(3 * kChunkPages);
  Span* hole = state.alloc(kChunkPages / 2);
  Span* rest = state.alloc(kChunkPages / 2);
  Span* high = state.alloc(2 * kChunkPages);
  state.free(hole);
  plan.fail(OsCall::kCollapse, 1, UINT64_MAX);
  int refused = 0;
  for (int i = 0; i < 20; ++i) {
    refused += state->collapse_dense_chunk() == Retention::Collapse::kRefused ? 1 : 0;
  }
  BOOST_TEST(refused == 5);
  BOOST_TEST(plan.calls(OsCall::kCollapse) == 5u);
  BOOST_TEST((state->collapse_dense_chunk() == Retention::Collapse::kNothing));
  for (Span* span : {low, rest, high}) state.free(span);
}

BOOST_AUTO_TEST_CASE(where_small_pages_are_wanted_none_are_made_huge) {
  FaultPlan plan;
  RetentionState state(kReserve.raw, &plan, false, ACRE_HUGE_PAGES_NEVER);
  Span* span = state.alloc(4 * kChunkPages);
  BOOST_TEST((state->collapse_dense_chunk() == Retention::Collapse::kNothing));
  BOOST_TEST(plan.calls(OsCall::kCollapse) == 0u);
  state.free(span);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt::test
