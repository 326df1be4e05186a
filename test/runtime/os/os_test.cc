#include "runtime/os/os.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "test/runtime/base/forked_child.h"
#include "test/runtime/os/kernel_view.h"

using namespace acre::rt;  // NOLINT(google-build-using-namespace)
using acre::test::ChildEnd;
using acre::test::contains;
using acre::test::in_forked_child;
using test::kernel_view;
using test::require_books_are_the_kernels;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ACRE_TEST_SHADOW_MEMORY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ACRE_TEST_SHADOW_MEMORY 1
#endif
#endif

namespace {

const ByteCount kArena{kArenaBytes};

uint64_t failures(const Os& os, OsCall call) {
  return os.counters().failures[static_cast<size_t>(call)];
}
uint64_t calls(const Os& os, OsCall call) { return os.counters().calls[static_cast<size_t>(call)]; }

struct Fixture {
  FaultPlan plan;
  std::unique_ptr<Os> os = std::make_unique<Os>();
  ByteCount page;

  Fixture() {
    os->init(&plan);
    page = os->page_size();
  }
  ~Fixture() { os->check(); }

  Addr reserve(ByteCount size) {
    const Addr start = os->reserve(size, page);
    BOOST_REQUIRE((start != Addr{}));
    return start;
  }
};

void fill(Addr start, ByteCount size, int value) { std::memset(start.as<void>(), value, size.raw); }

bool all_bytes_are(Addr start, ByteCount size, char value) {
  const char* bytes = start.as<char>();
  for (uint64_t i = 0; i < size.raw; ++i) {
    if (bytes[i] != value) return false;
  }
  return true;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(os_memory, Fixture)

BOOST_AUTO_TEST_CASE(memory_goes_through_all_its_states) {
  const ByteCount size = page * 16;
  const Addr start = reserve(size);
  BOOST_TEST(os->commit(start, size));
  BOOST_TEST(all_bytes_are(start, size, 0));
  fill(start, size, 7);
  BOOST_TEST(os->resident(start, size).raw == size.raw);
  BOOST_TEST(os->release(start, page * 4));
  BOOST_TEST(os->resident(start, size).raw == (page * 12).raw);
  BOOST_TEST(all_bytes_are(start, page * 4, 0));
  BOOST_TEST(all_bytes_are(start + page * 4, page * 12, 7));
  BOOST_TEST(os->unmap(start, size));
  BOOST_TEST(kernel_view(start, size).vmas == 0u);
  BOOST_TEST(os->counters().reserved.raw == 0u);
  BOOST_TEST(os->counters().committed.raw == 0u);
  BOOST_TEST(os->counters().vmas == 0u);
}

BOOST_AUTO_TEST_CASE(reserved_memory_faults_when_touched) {
  const Addr start = reserve(page);
  const ChildEnd end = in_forked_child([&] {
    signal(SIGSEGV, [](int) { _exit(11); });
    fill(start, ByteCount(1), 1);
    return 0;
  });
  BOOST_TEST(end.exited_with(11));
  BOOST_TEST(os->unmap(start, page));
}

BOOST_AUTO_TEST_CASE(committing_again_keeps_the_content) {
  const Addr start = reserve(page * 4);
  BOOST_TEST(os->commit(start, page * 2));
  fill(start, page * 2, 5);
  BOOST_TEST(os->commit(start, page * 4));
  BOOST_TEST(all_bytes_are(start, page * 2, 5));
  BOOST_TEST(all_bytes_are(start + page * 2, page * 2, 0));
  BOOST_TEST(os->counters().committed.raw == (page * 4).raw);
  BOOST_TEST(os->unmap(start, page * 4));
}

BOOST_AUTO_TEST_CASE(a_reservation_is_aligned_as_asked_and_exactly_as_large) {
  for (const uint64_t align : {page.raw, kMiB, kArenaBytes, kGiB}) {
    BOOST_TEST_CONTEXT(align) {
      // Odd sizes, so that the kernel's own placement is not aligned by chance.
      const ByteCount size = kArena + page;
      const Addr start = os->reserve(size, ByteCount(align));
      BOOST_REQUIRE((start != Addr{}));
      BOOST_TEST(start.raw % align == 0u);
      BOOST_TEST(os->counters().reserved.raw == size.raw);
      BOOST_TEST(kernel_view(start, size).mapped.raw == size.raw);
      BOOST_TEST(os->commit(start, page));
      BOOST_TEST(os->commit(start + kArena, page));
      BOOST_TEST(os->unmap(start, size));
    }
  }
}

BOOST_AUTO_TEST_CASE(what_alignment_took_beyond_the_size_is_given_back) {
  const auto mapped_in_all = [] { return kernel_view(Addr{}, ByteCount(UINT64_MAX)).mapped; };
  const ByteCount before = mapped_in_all();
  std::vector<Addr> starts;
  for (int i = 0; i < 8; ++i) {
    starts.push_back(os->reserve(page * 3, kArena));
    BOOST_REQUIRE((starts.back() != Addr{}));
  }
  // Boost and libc may map a little meanwhile; the slack would be eight arenas.
  BOOST_TEST((mapped_in_all() - before).raw < kArenaBytes);
  for (const Addr start : starts) BOOST_TEST(os->unmap(start, page * 3));
}

BOOST_AUTO_TEST_CASE(the_whole_range_of_a_heap_can_be_reserved_and_costs_one_vma) {
  const ByteCount size(512 * kGiB);
  const Addr start = os->reserve(size, kArena);
  BOOST_REQUIRE((start != Addr{}));
  BOOST_TEST(start.raw % kArenaBytes == 0u);
  BOOST_TEST(os->commit(start, kArena));
  BOOST_TEST(os->commit(start + kArena, kArena));
  BOOST_TEST(os->commit(start + (size - kArena), kArena));
  fill(start + kArena * 2 - page, page, 1);
  BOOST_TEST(os->counters().vmas == 3u);
  require_books_are_the_kernels(*os, start, size);
  BOOST_TEST(os->resident(start, kArena * 2).raw == page.raw);
  BOOST_TEST(os->unmap(start, size));
}

BOOST_AUTO_TEST_CASE(the_counters_are_what_proc_self_maps_shows) {
  const ByteCount size = kArena * 8;
  const Addr start = os->reserve(size, kArena);
  BOOST_REQUIRE((start != Addr{}));
  require_books_are_the_kernels(*os, start, size);
  // Upwards from the bottom and downwards from the top, touching as it goes.
  for (uint64_t i = 0; i < 3; ++i) {
    BOOST_TEST(os->commit(start + kArena * i, kArena));
    fill(start + kArena * i, page, 1);
    require_books_are_the_kernels(*os, start, size);
    BOOST_TEST(os->commit(start + (size - page * (i + 1)), page));
    fill(start + (size - page * (i + 1)), page, 1);
    require_books_are_the_kernels(*os, start, size);
  }
  BOOST_TEST(os->counters().vmas == 3u);
  // Untouched commits in the middle, then the gap between closes.
  BOOST_TEST(os->commit(start + kArena * 4, page));
  BOOST_TEST(os->commit(start + kArena * 4 + page * 2, page));
  BOOST_TEST(os->counters().vmas == 7u);
  require_books_are_the_kernels(*os, start, size);
  BOOST_TEST(os->commit(start + kArena * 4 + page, page));
  BOOST_TEST(os->counters().vmas == 5u);
  require_books_are_the_kernels(*os, start, size);
  BOOST_TEST(os->release(start, kArena));
  require_books_are_the_kernels(*os, start, size);
  BOOST_TEST(os->unmap(start + kArena, kArena));
  BOOST_TEST(os->counters().vmas == 6u);
  require_books_are_the_kernels(*os, start, size);
  BOOST_TEST(os->unmap(start, kArena));
  BOOST_TEST(os->unmap(start + kArena * 2, kArena * 6));
  require_books_are_the_kernels(*os, start, size);
}

BOOST_AUTO_TEST_CASE(advice_on_huge_pages_is_counted_or_refused_without_harm) {
  const ByteCount size = kArena * 4;
  const Addr start = os->reserve(size, kArena);
  BOOST_REQUIRE((start != Addr{}));
  BOOST_TEST(os->commit(start, kArena * 2));
  if (os->advise_huge(start, kArena, true)) {
    BOOST_TEST(os->counters().vmas == 3u);
    require_books_are_the_kernels(*os, start, size);
    BOOST_TEST(os->advise_huge(start + kArena, kArena, true));
    BOOST_TEST(os->counters().vmas == 2u);
    require_books_are_the_kernels(*os, start, size);
    BOOST_TEST(os->advise_huge(start, size, false));
    BOOST_TEST(os->counters().vmas == 2u);
    require_books_are_the_kernels(*os, start, size);
  } else {
    BOOST_TEST(failures(*os, OsCall::kAdvise) == 1u);
  }
  fill(start, page, 3);
  BOOST_TEST(all_bytes_are(start, page, 3));
  BOOST_TEST(os->unmap(start, size));
}

BOOST_AUTO_TEST_CASE(resident_bytes_are_those_that_were_touched_across_slices) {
  const ByteCount size = page * 10'000;  // more than two slices of mincore
  const Addr start = reserve(size);
  BOOST_TEST(os->resident(start, size).raw == 0u);
  BOOST_TEST(os->commit(start, size));
  os->advise_huge(start, size, false);
  for (const uint64_t i : {uint64_t{0}, uint64_t{4095}, uint64_t{4096}, uint64_t{9999}}) {
    fill(start + page * i, ByteCount(1), 1);
  }
  BOOST_TEST(os->resident(start, size).raw == (page * 4).raw);
  BOOST_TEST(os->unmap(start, size));
  BOOST_TEST(os->resident(start, size).raw == 0u);
}

BOOST_AUTO_TEST_CASE(threads_may_commit_and_release_their_parts_at_once) {
  constexpr uint64_t kThreads = 4;
  constexpr uint64_t kSteps = 50;
  const Addr start = reserve(page * (kThreads * kSteps));
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 0; i < kSteps; ++i) {
        const Addr mine = start + page * (t * kSteps + i);
        if (!os->commit(mine, page)) continue;
        fill(mine, page, 1);
        os->release(mine, page);
        os->counters();
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(os->counters().committed.raw == (page * (kThreads * kSteps)).raw);
  BOOST_TEST(os->counters().vmas == 1u);
  BOOST_TEST(calls(*os, OsCall::kRelease) == kThreads * kSteps);
  BOOST_TEST(os->unmap(start, page * (kThreads * kSteps)));
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(os_refusals, Fixture)

BOOST_AUTO_TEST_CASE(the_nth_call_of_each_kind_fails_as_planned_and_changes_nothing) {
  const ByteCount size = page * 4;
  const Addr start = reserve(size);
  BOOST_TEST(os->commit(start, page));
  fill(start, page, 9);
  const Os::Counters before = os->counters();
  for (const OsCall call :
       {OsCall::kReserve, OsCall::kCommit, OsCall::kRelease, OsCall::kDecommit, OsCall::kAdvise,
        OsCall::kPopulate, OsCall::kCollapse, OsCall::kUnmap, OsCall::kQuery, OsCall::kGuard}) {
    plan.fail(call, 1);
  }
  BOOST_TEST((os->reserve(size, page) == Addr{}));
  BOOST_TEST(!os->commit(start, size));
  BOOST_TEST(!os->release(start, page));
  BOOST_TEST(!os->advise_huge(start, size, false));
  BOOST_TEST(!os->decommit(start, page));
  BOOST_TEST(!os->populate(start, page));
  BOOST_TEST(!os->collapse(start, page));
  BOOST_TEST(!os->unmap(start, size));
  BOOST_TEST(os->resident(start, size).raw == 0u);
  BOOST_TEST(!os->guard(start, page));

  const Os::Counters after = os->counters();
  BOOST_TEST(after.reserved.raw == before.reserved.raw);
  BOOST_TEST(after.committed.raw == before.committed.raw);
  BOOST_TEST(after.vmas == before.vmas);
  BOOST_TEST(after.all_calls() == before.all_calls() + 10);
  BOOST_TEST(after.all_failures() == before.all_failures() + 10);
  for (size_t i = 0; i < kOsCalls; ++i) BOOST_TEST(after.failures[i] == 1u);
  BOOST_TEST(all_bytes_are(start, page, 9));
  require_books_are_the_kernels(*os, start, size);

  BOOST_TEST(os->commit(start, size));
  BOOST_TEST(os->release(start, page));
  BOOST_TEST(os->unmap(start, size));
}

BOOST_AUTO_TEST_CASE(the_third_commit_fails_when_that_is_the_plan) {
  const Addr start = reserve(page * 4);
  plan.fail(OsCall::kCommit, 3);
  BOOST_TEST(os->commit(start, page));
  BOOST_TEST(os->commit(start + page, page));
  BOOST_TEST(!os->commit(start + page * 2, page));
  BOOST_TEST(os->commit(start + page * 2, page));
  BOOST_TEST(failures(*os, OsCall::kCommit) == 1u);
  BOOST_TEST(calls(*os, OsCall::kCommit) == 4u);
  BOOST_TEST(os->unmap(start, page * 4));
}

BOOST_AUTO_TEST_CASE(errno_stays_what_it_was) {
  errno = 42;
  const Addr start = reserve(page);
  // More than any address space has.
  BOOST_TEST((os->reserve(ByteCount(uint64_t{1} << 60), page) == Addr{}));
  BOOST_TEST((os->reserve(ByteCount(UINT64_MAX & ~(page.raw - 1)), kArena) == Addr{}));
  os->commit(start, page);
  os->advise_huge(start, page, true);
  BOOST_TEST(os->unmap(start, page));
  os->resident(start, page);
  Addr low;
  Addr high;
  current_stack(&low, &high);
  BOOST_TEST(errno == 42);
}

BOOST_AUTO_TEST_CASE(more_pieces_than_the_books_hold_are_refused_and_all_can_still_be_unmapped) {
  const ByteCount size = page * (2 * OsBooks::kMaxPieces);
  const Addr start = reserve(size);
  uint64_t committed = 0;
  while (os->commit(start + page * (2 * committed), page)) ++committed;
  BOOST_TEST(os->counters().vmas <= OsBooks::kMaxPieces);
  BOOST_TEST(os->counters().vmas >= OsBooks::kMaxPieces - 1);
  BOOST_TEST(failures(*os, OsCall::kCommit) == 1u);
  BOOST_TEST(!os->advise_huge(start + (size - page * 3), page, true));
  require_books_are_the_kernels(*os, start, size);
  BOOST_TEST(os->unmap(start, size));
  BOOST_TEST(os->counters().vmas == 0u);
}

BOOST_AUTO_TEST_CASE(a_range_that_was_not_reserved_is_our_bug_and_aborts) {
  const Addr start = reserve(page * 2);
  const auto aborts_with = [](const char* message, auto body) {
    const ChildEnd end = in_forked_child([&] {
      body();
      return 0;
    });
    BOOST_TEST(end.aborted());
    BOOST_TEST(contains(end.stderr_text, message));
  };
  aborts_with("what is committed was reserved", [&] { os->commit(start, page * 1000); });
  aborts_with("what is unmapped was reserved", [&] { os->unmap(start - page, page * 2); });
  aborts_with("a range is whole pages", [&] { os->commit(start + ByteCount(1), page); });
  aborts_with("a range is whole pages", [&] { os->release(start, ByteCount(0)); });
  aborts_with("an alignment is a power of two", [&] { os->reserve(page, page * 3); });
  aborts_with("Os::init was called", [&] { Os().release(start, page); });
  BOOST_TEST(os->unmap(start, page * 2));
}

#if !defined(ACRE_TEST_SHADOW_MEMORY)  // whose shadows are above any such limit
BOOST_AUTO_TEST_CASE(under_ulimit_v_a_reservation_is_refused_without_harm) {
  const ChildEnd end = in_forked_child([&] {
    const rlimit limit = {kGiB, kGiB};
    if (setrlimit(RLIMIT_AS, &limit) != 0) return 1;
    if (os->reserve(ByteCount(512 * kGiB), kArena) != Addr{}) return 2;
    if (os->counters().reserved.raw != 0 || failures(*os, OsCall::kReserve) != 1) return 3;
    const Addr start = os->reserve(ByteCount(64 * kMiB), page);
    if (start == Addr{}) return 4;
    if (!os->commit(start, page)) return 5;
    fill(start, page, 1);
    if (!os->unmap(start, ByteCount(64 * kMiB))) return 6;
    return 0;
  });
  BOOST_TEST(end.exited_with(0));
}
#endif

BOOST_AUTO_TEST_CASE(a_child_of_a_fork_can_use_its_copy) {
  const Addr start = reserve(page * 2);
  BOOST_TEST(os->commit(start, page));
  fill(start, page, 1);
  os->lock_for_fork();
  const ChildEnd end = in_forked_child([&] {
    os->unlock_after_fork();
    if (!os->commit(start + page, page)) return 1;
    if (!all_bytes_are(start, page, 1)) return 2;
    return os->unmap(start, page * 2) ? 0 : 3;
  });
  os->unlock_after_fork();
  BOOST_TEST(end.exited_with(0));
  BOOST_TEST(os->unmap(start, page * 2));
}

BOOST_AUTO_TEST_CASE(zeroed_memory_is_as_good_as_a_constructed_one) {
  const std::unique_ptr<uint64_t[]> memory(new uint64_t[sizeof(Os) / 8 + 1]());
  auto* other = reinterpret_cast<Os*>(memory.get());
  other->init(nullptr);
  const Addr start = other->reserve(page, page);
  BOOST_TEST((start != Addr{}));
  BOOST_TEST(other->commit(start, page));
  BOOST_TEST(other->unmap(start, page));
  other->check();
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(os_clock)

BOOST_AUTO_TEST_CASE(the_clock_goes_forward_while_a_sleeper_uses_no_processor) {
  const uint64_t wall = now_ns();
  const uint64_t cpu = thread_cpu_ns();
  usleep(20'000);
  BOOST_TEST(now_ns() - wall >= 20'000'000u);
  BOOST_TEST(thread_cpu_ns() - cpu < now_ns() - wall);
}

BOOST_AUTO_TEST_CASE(processor_time_is_the_callers_own) {
  const uint64_t before = thread_cpu_ns();
  while (thread_cpu_ns() - before < 5'000'000) {
  }
  uint64_t others = UINT64_MAX;
  std::thread([&] { others = thread_cpu_ns(); }).join();
  BOOST_TEST(others < before + 5'000'000);
}

BOOST_AUTO_TEST_CASE(time_in_calls_is_counted) {
  Os os;
  os.init(nullptr);
  const ByteCount size = kArena;
  const uint64_t before = now_ns();
  const Addr start = os.reserve(size, os.page_size());
  BOOST_REQUIRE((start != Addr{}));
  BOOST_TEST(os.commit(start, size));
  fill(start, size, 1);
  BOOST_TEST(os.release(start, size));
  BOOST_TEST(os.unmap(start, size));
  const Os::Counters counters = os.counters();
  BOOST_TEST(counters.nanoseconds[static_cast<size_t>(OsCall::kRelease)] > 0u);
  BOOST_TEST(counters.all_nanoseconds() < now_ns() - before);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(os_stacks)

namespace {

// Where the real stack is: under asan, locals may live on a fake one.
Addr frame() { return Addr(__builtin_frame_address(0)); }

}  // namespace

BOOST_AUTO_TEST_CASE(the_main_threads_frame_lies_between_its_stacks_bounds) {
  Addr low;
  Addr high;
  BOOST_REQUIRE(current_stack(&low, &high));
  BOOST_TEST((low < frame() && frame() < high));
}

BOOST_AUTO_TEST_CASE(another_threads_frame_lies_between_its_own) {
  Addr low;
  Addr high;
  Addr its_frame;
  bool known = false;
  std::thread([&] {
    known = current_stack(&low, &high);
    its_frame = frame();
  }).join();
  BOOST_TEST(known);
  BOOST_TEST((low < its_frame && its_frame < high));
  BOOST_TEST(!(low < frame() && frame() < high));
}

BOOST_AUTO_TEST_CASE(the_main_threads_stack_is_known_without_proc) {
  char directory[] = "/tmp/acre_no_proc_XXXXXX";
  BOOST_REQUIRE(mkdtemp(directory) != nullptr);
  const ChildEnd end = in_forked_child([&] {
    Addr low;
    Addr high;
    if (!current_stack(&low, &high)) return 1;
    if (chroot(directory) != 0 || chdir("/") != 0) return 77;  // not root
    Addr low_again;
    Addr high_again;
    if (!current_stack(&low_again, &high_again)) return 2;
    if (high_again != high) return 3;
    return low_again < frame() && frame() < high_again ? 0 : 4;
  });
  rmdir(directory);
  if (end.exited_with(77)) {
    BOOST_TEST_MESSAGE("skipped: chroot needs root");
    return;
  }
  BOOST_TEST(end.exited_with(0));
}

BOOST_AUTO_TEST_SUITE_END()
