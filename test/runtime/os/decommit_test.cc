// The ways back: decommit, lazy release; and keeping away from the end of the VMAs.

#include <signal.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <memory>

#include "runtime/os/limits.h"
#include "runtime/os/os.h"
#include "test/runtime/base/forked_child.h"
#include "test/runtime/os/kernel_view.h"

namespace acre::rt {
namespace {

using acre::test::in_forked_child;
using test::require_books_are_the_kernels;

struct Ground {
  FaultPlan plan;
  std::unique_ptr<Os> os = std::make_unique<Os>();
  ByteCount page;

  // 0: the process's own limit of VMAs.
  explicit Ground(uint64_t max_map_count = 0) {
    plan.pretend_max_map_count(max_map_count);
    os->init(&plan);
    page = os->page_size();
  }
  ~Ground() { os->check(); }

  Addr ready(ByteCount size, int value) {
    const Addr start = os->reserve(size, ByteCount(2 * kMiB));
    BOOST_REQUIRE((start != Addr{}));
    BOOST_REQUIRE(os->commit(start, size));
    std::memset(start.as<void>(), value, size.raw);
    return start;
  }
};

bool all_bytes_are(Addr start, ByteCount size, char value) {
  for (uint64_t i = 0; i < size.raw; ++i) {
    if (start.as<char>()[i] != value) return false;
  }
  return true;
}

BOOST_AUTO_TEST_SUITE(os_decommit)

BOOST_AUTO_TEST_CASE(content_charge_and_access_are_gone_until_it_is_committed_again) {
  Ground g;
  const ByteCount size = g.page * 16;
  const Addr start = g.ready(size, 7);
  const Addr hole = start + g.page * 4;
  BOOST_TEST(g.os->decommit(hole, g.page * 3));
  BOOST_TEST(g.os->counters().committed.raw == (g.page * 13).raw);
  BOOST_TEST(g.os->counters().reserved.raw == size.raw);
  BOOST_TEST(g.os->counters().vmas == 3u);
  require_books_are_the_kernels(*g.os, start, size);
  BOOST_TEST(g.os->resident(start, size).raw == (g.page * 13).raw);
  const auto end = in_forked_child([&] {
    signal(SIGSEGV, [](int) { _exit(11); });
    return int{*hole.as<volatile char>()};
  });
  BOOST_TEST(end.exited_with(11));
  BOOST_TEST(g.os->commit(hole, g.page * 3));
  BOOST_TEST(all_bytes_are(hole, g.page * 3, 0));
  BOOST_TEST(all_bytes_are(start, g.page * 4, 7));
  BOOST_TEST(all_bytes_are(hole + g.page * 3, g.page * 9, 7));
  BOOST_TEST(g.os->counters().committed.raw == size.raw);
  BOOST_TEST(g.os->counters().vmas == 1u);
  BOOST_TEST(g.os->unmap(start, size));
}

BOOST_AUTO_TEST_CASE(what_is_reserved_in_part_or_already_may_be_decommitted) {
  Ground g;
  const ByteCount size = g.page * 8;
  const Addr start = g.os->reserve(size, g.page);
  BOOST_TEST(g.os->decommit(start, size));
  BOOST_TEST(g.os->commit(start + g.page * 2, g.page * 2));
  BOOST_TEST(g.os->decommit(start + g.page, g.page * 6));
  BOOST_TEST(g.os->counters().committed.raw == 0u);
  BOOST_TEST(g.os->counters().vmas == 1u);
  require_books_are_the_kernels(*g.os, start, size);
  BOOST_TEST(g.os->unmap(start, size));
}

BOOST_AUTO_TEST_CASE(released_pages_can_be_decommitted_and_advice_is_forgotten) {
  Ground g;
  const ByteCount size(8 * kMiB);
  const ByteCount half(4 * kMiB);
  const Addr start = g.ready(size, 3);
  const bool knows_huge = g.os->advise_huge(start, size, false);
  BOOST_TEST(g.os->release(start, half));
  BOOST_TEST(g.os->decommit(start, half));
  require_books_are_the_kernels(*g.os, start, size);
  BOOST_TEST(g.os->commit(start, half));
  if (knows_huge) {
    BOOST_TEST(g.os->counters().vmas == 2u);
    require_books_are_the_kernels(*g.os, start, size);
    BOOST_TEST(g.os->advise_huge(start, half, false));
    BOOST_TEST(g.os->counters().vmas == 1u);
  }
  BOOST_TEST(all_bytes_are(start + half, half, 3));
  BOOST_TEST(g.os->unmap(start, size));
}

BOOST_AUTO_TEST_CASE(a_refusal_leaves_all_as_it_was) {
  Ground g;
  const ByteCount size = g.page * 4;
  const Addr start = g.ready(size, 5);
  g.plan.fail(OsCall::kDecommit, 1);
  BOOST_TEST(!g.os->decommit(start + g.page, g.page));
  BOOST_TEST(all_bytes_are(start, size, 5));
  BOOST_TEST(g.os->counters().committed.raw == size.raw);
  BOOST_TEST(g.os->counters().failures[static_cast<size_t>(OsCall::kDecommit)] == 1u);
  BOOST_TEST(g.os->decommit(start + g.page, g.page));
  BOOST_TEST(g.os->unmap(start, size));
}

// Holes can wait; commit cannot.
BOOST_AUTO_TEST_CASE(holes_leave_places_in_the_books_for_what_must_be_committed) {
  Ground g;
  const ByteCount size = g.page * (4 * OsBooks::kMaxPieces);
  const Addr start = g.os->reserve(size, g.page);
  BOOST_REQUIRE(g.os->commit(start, g.page * (3 * OsBooks::kMaxPieces)));
  uint64_t holes = 0;
  while (holes < OsBooks::kMaxPieces && g.os->decommit(start + g.page * (2 * holes), g.page)) {
    ++holes;
  }
  BOOST_TEST(holes >= OsBooks::kMaxPieces / 2 - 64);
  BOOST_TEST(holes < OsBooks::kMaxPieces);
  BOOST_TEST(g.os->commit(start + g.page * (3 * OsBooks::kMaxPieces), g.page));
  BOOST_TEST(g.os->commit(start + g.page * (4 * OsBooks::kMaxPieces - 9), g.page));
  require_books_are_the_kernels(*g.os, start, size);
  BOOST_TEST(g.os->unmap(start, size));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(os_release_lazily)

BOOST_AUTO_TEST_CASE(memory_that_went_back_lazily_works_and_keeps_what_is_written_then) {
  Ground g;
  const ByteCount size = g.page * 64;
  const Addr start = g.ready(size, 7);
  BOOST_TEST(g.os->release(start, size, ReleaseHow::kLazily));
  for (uint64_t i = 0; i < 64; ++i) {
    const Addr at = start + g.page * i;
    const char now = *at.as<char>();
    BOOST_TEST((now == 7 || now == 0));
    std::memset(at.as<void>(), 9, g.page.raw);
  }
  BOOST_TEST(all_bytes_are(start, size, 9));
  BOOST_TEST(g.os->counters().committed.raw == size.raw);
  BOOST_TEST(g.os->counters().vmas == 1u);
  BOOST_TEST(g.os->release(start, size));  // and at once
  BOOST_TEST(all_bytes_are(start, size, 0));
  BOOST_TEST(g.os->unmap(start, size));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(os_vmas)

BOOST_AUTO_TEST_CASE(there_are_vmas_left_as_long_as_a_sixteenth_of_them_is) {
  const uint64_t now = count_vmas();
  BOOST_REQUIRE(now > 0u);
  Ground g(4 * now);
  BOOST_TEST(g.os->max_vmas() == 4 * now);
  BOOST_TEST(g.os->process_vmas() == 0u);
  BOOST_TEST(g.os->has_vmas_left(1));
  BOOST_TEST(g.os->process_vmas() >= now - now / 4);
  BOOST_TEST(g.os->process_vmas() <= now + now / 4);
  BOOST_TEST(g.os->has_vmas_left(2 * now));
  BOOST_TEST(!g.os->has_vmas_left(3 * now));
  BOOST_TEST(!g.os->has_vmas_left(100 * now));
  Ground full(now);
  BOOST_TEST(!full.os->has_vmas_left(0));
  Ground usual;
  BOOST_TEST(usual.os->max_vmas() == max_map_count());
}

BOOST_AUTO_TEST_CASE(near_the_limit_advice_that_would_split_is_refused_and_other_is_not) {
  Ground g(10);
  const ByteCount size(8 * kMiB);
  const Addr start = g.ready(size, 3);
  const bool knows_huge = g.os->advise_huge(start, size, true);
  const uint64_t calls = g.os->counters().calls[static_cast<size_t>(OsCall::kAdvise)];
  BOOST_TEST(!g.os->advise_huge(start, ByteCount(4 * kMiB), false));
  BOOST_TEST(!g.os->advise_huge(start + ByteCount(2 * kMiB), ByteCount(4 * kMiB), false));
  BOOST_TEST(g.os->counters().calls[static_cast<size_t>(OsCall::kAdvise)] == calls + 2);
  BOOST_TEST(g.os->counters().vmas == 1u);
  require_books_are_the_kernels(*g.os, start, size);
  if (knows_huge) BOOST_TEST(g.os->advise_huge(start, size, false));
  // What must be is done: the kernel, not this number, is the judge.
  BOOST_TEST(g.os->decommit(start, ByteCount(4 * kMiB)));
  BOOST_TEST(g.os->commit(start, ByteCount(4 * kMiB)));
  BOOST_TEST(all_bytes_are(start + ByteCount(4 * kMiB), ByteCount(4 * kMiB), 3));
  BOOST_TEST(g.os->unmap(start, size));
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
