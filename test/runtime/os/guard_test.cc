// Guards: touching one is a fault, what was one is clean memory again, and those that take mappings stop
// before these run out. By the kernel's advice where it has that, and by protection.

#include <signal.h>
#include <sys/mman.h>

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <memory>

#include "runtime/os/os.h"
#include "test/runtime/base/forked_child.h"
#include "test/runtime/os/kernel_view.h"

namespace acre::rt {
namespace {

using acre::test::ChildEnd;
using acre::test::in_forked_child;
using test::kernel_view;

constexpr uint64_t kPages = 64;

struct Ground {
  FaultPlan plan;
  std::unique_ptr<Os> os = std::make_unique<Os>();
  ByteCount page;
  Addr start;

  // 0: as many mappings as the system allows.
  explicit Ground(bool by_protection, uint64_t max_map_count = 0) {
    if (by_protection) plan.pretend_no_guard_advice();
    if (max_map_count != 0) plan.pretend_max_map_count(max_map_count);
    os->init(&plan);
    page = os->page_size();
    start = os->reserve(page * kPages, page);
    BOOST_REQUIRE((start != Addr{}));
    BOOST_REQUIRE(os->commit(start, page * kPages));
  }
  ~Ground() {
    os->check();
    BOOST_CHECK(os->unmap(start, page * kPages));
  }

  Addr at(uint64_t index) const { return start + page * index; }
  void write(uint64_t index) const { std::memset(at(index).as<void>(), 7, page.raw); }
  bool is_zero(uint64_t index) const {
    const char* bytes = at(index).as<char>();
    for (uint64_t i = 0; i < page.raw; ++i) {
      if (bytes[i] != 0) return false;
    }
    return true;
  }
  bool faults(uint64_t index, bool write) const {
    const ChildEnd end = in_forked_child([&] {
      signal(SIGSEGV, SIG_DFL);
      auto* byte = at(index).as<volatile char>();
      if (write) *byte = 1;
      return static_cast<int>(*byte) & 1;
    });
    return WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGSEGV;
  }
  uint64_t refused() const { return os->counters().failures[static_cast<size_t>(OsCall::kGuard)]; }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(os_guard)

BOOST_AUTO_TEST_CASE(a_guard_is_a_fault_and_afterwards_clean_memory) {
  for (const bool by_protection : {false, true}) {
    BOOST_TEST_CONTEXT("by protection: " << by_protection) {
      const Ground ground(by_protection);
      for (const uint64_t i : {0UL, 5UL, kPages - 1}) {
        BOOST_TEST(ground.os->guard(ground.at(i), ground.page));
        BOOST_TEST(ground.faults(i, true));
        BOOST_TEST(ground.faults(i, false));
      }
      for (const uint64_t i : {1UL, 4UL, 6UL, kPages - 2}) {
        BOOST_TEST(!ground.faults(i, true));
        ground.write(i);
      }
      for (const uint64_t i : {0UL, 5UL, kPages - 1}) {
        BOOST_TEST(ground.os->unguard(ground.at(i), ground.page));
        BOOST_TEST(ground.is_zero(i));
        ground.write(i);
      }
      BOOST_TEST(ground.refused() == 0u);
    }
  }
}

BOOST_AUTO_TEST_CASE(only_guards_by_protection_take_mappings_and_the_books_say_how_many) {
  for (const bool by_protection : {false, true}) {
    BOOST_TEST_CONTEXT("by protection: " << by_protection) {
      const Ground ground(by_protection);
      const ByteCount all = ground.page * kPages;
      const auto kernel = [&] { return kernel_view(ground.start, all).vmas; };
      BOOST_TEST(kernel() == 1u);
      for (uint64_t i = 1; i < 20; i += 2) {
        BOOST_REQUIRE(ground.os->guard(ground.at(i), ground.page));
      }
      // A kernel without the advice takes mappings whatever is asked.
      if (by_protection || kernel() == 1) BOOST_TEST(kernel() == (by_protection ? 21u : 1u));
      BOOST_TEST(ground.os->counters().vmas == kernel());
      for (uint64_t i = 1; i < 20; i += 2) {
        BOOST_REQUIRE(ground.os->unguard(ground.at(i), ground.page));
      }
      BOOST_TEST(kernel() == 1u);
      BOOST_TEST(ground.os->counters().vmas == 1u);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_refusal_leaves_the_range_as_it_was) {
  for (const bool by_protection : {false, true}) {
    BOOST_TEST_CONTEXT("by protection: " << by_protection) {
      Ground ground(by_protection);
      ground.plan.fail(OsCall::kGuard, 1);
      BOOST_TEST(!ground.os->guard(ground.at(3), ground.page));
      ground.write(3);
      BOOST_TEST(ground.os->guard(ground.at(4), ground.page));
      ground.plan.fail(OsCall::kGuard, 1);
      BOOST_TEST(!ground.os->unguard(ground.at(4), ground.page));
      BOOST_TEST(ground.faults(4, false));
      BOOST_TEST(ground.os->unguard(ground.at(4), ground.page));
      ground.write(4);
      BOOST_TEST(ground.refused() == 2u);
    }
  }
}

BOOST_AUTO_TEST_CASE(
    guards_by_protection_stop_before_mappings_run_out_and_those_removed_may_be_made_again) {
  std::FILE* maps = std::fopen("/proc/self/maps", "r");
  BOOST_REQUIRE(maps != nullptr);
  uint64_t now = 0;
  for (int c = 0; (c = std::fgetc(maps)) != EOF;) now += c == '\n' ? 1 : 0;
  std::fclose(maps);
  // A sixteenth stays for others.
  const Ground ground(true, (now + 22) * 16 / 15);
  uint64_t made = 0;
  while (made < kPages / 2 && ground.os->guard(ground.at(2 * made + 1), ground.page)) ++made;
  BOOST_TEST(made >= 5u);
  BOOST_TEST(made <= 14u);
  BOOST_TEST(ground.refused() == 1u);
  ground.write(2 * made + 1);
  for (int round = 0; round < 50; ++round) {
    for (uint64_t i = 0; i < made; ++i) {
      BOOST_REQUIRE(ground.os->unguard(ground.at(2 * i + 1), ground.page));
    }
    uint64_t again = 0;
    while (again < made && ground.os->guard(ground.at(2 * again + 1), ground.page)) ++again;
    // The program itself may have mapped something.
    BOOST_TEST_REQUIRE(again + 2 >= made);
    made = again;
    if (made < 3) break;
  }
}

BOOST_AUTO_TEST_CASE(lowest_mapped_is_where_a_hole_ends) {
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  constexpr uint64_t kSize = 100;
  void* memory =
      mmap(nullptr, kSize * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  BOOST_REQUIRE(memory != MAP_FAILED);
  const Addr low(memory);
  const Addr high = low + ByteCount(kSize * page);
  BOOST_TEST((lowest_mapped(low, high) == low));
  BOOST_TEST((lowest_mapped(high, high) == high));
  // From the top down the first hole counts: those below do not.
  for (const uint64_t hole : {0, 1, 2, 15, 16, 17, 50, 83, 84, 85, 98}) {
    BOOST_REQUIRE(munmap((low + ByteCount(hole * page)).as<void>(), page) == 0);
    BOOST_TEST((lowest_mapped(low, high) == low + ByteCount((hole + 1) * page)));
    BOOST_TEST(
        (lowest_mapped(low + ByteCount(hole * page), high) == low + ByteCount((hole + 1) * page)));
  }
  BOOST_REQUIRE(munmap((low + ByteCount(99 * page)).as<void>(), page) == 0);
  BOOST_TEST((lowest_mapped(low, high) == high));
  BOOST_REQUIRE(munmap(memory, kSize * page) == 0);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acre::rt
