#include "runtime/arena/space.h"

#include <sys/resource.h>

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <memory>
#include <utility>

#include "runtime/base/raw_memory.h"
#include "test/runtime/base/forked_child.h"

namespace acre::rt {
namespace {

using acre::test::in_forked_child;

TableSizes small_tables(PageCount) { return {ByteCount(8192), ByteCount(8192)}; }

struct Ground {
  FaultPlan faults;
  Os os;
  Space space;

  Ground() { os.init(&faults); }
  acre_status init(ByteCount wanted) {
    return space.init(&os, wanted, ACRE_HUGE_PAGES_AUTO, &small_tables);
  }
};

constexpr ByteCount mib(uint64_t n) { return ByteCount(n * kMiB); }

BOOST_AUTO_TEST_SUITE(space_ladder)

BOOST_AUTO_TEST_CASE(what_is_asked_is_reserved_and_given_back) {
  auto g = std::make_unique<Ground>();
  BOOST_REQUIRE_EQUAL(g->init(mib(1024)), ACRE_OK);
  BOOST_TEST(g->space.reserved().raw == kGiB);
  BOOST_TEST(g->space.mapped().raw == 0);
  BOOST_TEST(g->space.base().raw % kArenaBytes == 0);
  BOOST_TEST(g->os.counters().vmas <= 3);
  BOOST_TEST(g->space.destroy());
  BOOST_TEST(g->os.counters().reserved.raw == 0);
  BOOST_TEST(g->os.counters().vmas == 0);
}

BOOST_AUTO_TEST_CASE(a_refused_reservation_goes_one_rung_down) {
  for (const OsCall kind : {OsCall::kReserve, OsCall::kCommit}) {
    for (uint64_t refused = 1; refused <= 3; ++refused) {
      auto g = std::make_unique<Ground>();
      g->faults.fail(kind, 1, refused);
      BOOST_REQUIRE_EQUAL(g->init(mib(512)), ACRE_OK);
      BOOST_TEST(g->space.reserved().raw == 512 * kMiB >> refused);
      BOOST_TEST(g->space.destroy());
      BOOST_TEST(g->os.counters().reserved.raw == 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(below_the_last_rung_the_status_says_why) {
  for (const auto& [kind, status] : {std::pair{OsCall::kReserve, ACRE_E_ADDRESS_SPACE},
                                     std::pair{OsCall::kCommit, ACRE_E_NOMEM}}) {
    auto g = std::make_unique<Ground>();
    g->faults.fail(kind, 1, UINT64_MAX);
    BOOST_TEST(g->init(mib(512)) == status);
    BOOST_TEST(g->faults.calls(kind) == 4);  // 512, 256, 128, 64
    BOOST_TEST(g->os.counters().reserved.raw == 0);
  }
}

#if !defined(ACRE_SANITIZED)  // their shadow memory needs more than a limit allows
int with_address_space(rlim_t bytes, acre_status expected, uint64_t most_mib) {
  const rlimit limit{bytes, bytes};
  if (setrlimit(RLIMIT_AS, &limit) != 0) return 10;
  auto g = std::make_unique<Ground>();
  const acre_status status = g->init(kMaxReservation);
  if (status != expected) return 11;
  if (status == ACRE_OK && g->space.reserved().raw > most_mib * kMiB) return 12;
  PageId first;
  if (status == ACRE_OK && !g->space.map_arenas(1, true, &first)) return 13;
  if (status == ACRE_OK && !g->space.destroy()) return 14;
  return g->os.counters().reserved.raw == 0 ? 0 : 15;
}

BOOST_AUTO_TEST_CASE(ulimit_v_decides_the_rung) {
  const auto end = in_forked_child([] { return with_address_space(2048000000, ACRE_OK, 1024); });
  BOOST_TEST(end.exited_with(0), end.status);
}

BOOST_AUTO_TEST_CASE(too_small_a_ulimit_v_is_a_status) {
  const auto end =
      in_forked_child([] { return with_address_space(61440000, ACRE_E_ADDRESS_SPACE, 0); });
  BOOST_TEST(end.exited_with(0), end.status);
}
#endif

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(space_arenas)

BOOST_AUTO_TEST_CASE(arenas_are_mapped_in_order_to_the_end) {
  auto g = std::make_unique<Ground>();
  BOOST_REQUIRE_EQUAL(g->init(mib(512)), ACRE_OK);
  const uint64_t vmas = g->os.counters().vmas;
  PageId first;
  BOOST_TEST(!g->space.map_arenas(0, true, &first));
  BOOST_TEST(!g->space.map_arenas(9, true, &first));
  uint64_t mapped = 0;
  for (const uint64_t arenas : {1, 2, 1, 4}) {
    BOOST_TEST(g->space.arenas_left() == 8 - mapped);
    BOOST_REQUIRE(g->space.map_arenas(arenas, true, &first));
    BOOST_TEST(first.raw == mapped * kArenaPages);
    *g->space.address(first).as<char>() = 1;
    mapped += arenas;
    BOOST_TEST(g->space.mapped().raw == mapped * kArenaBytes);
    BOOST_TEST(g->os.counters().vmas <= vmas + 2);
  }
  BOOST_TEST(!g->space.map_arenas(1, true, &first));
  const Addr end = g->space.base() + g->space.mapped();
  BOOST_TEST(g->space.contains(end - ByteCount(1)));
  BOOST_TEST(!g->space.contains(end));
  BOOST_TEST(!g->space.contains(g->space.base() - ByteCount(1)));
  *(end - ByteCount(1)).as<char>() = 1;
  BOOST_TEST(g->space.destroy());
}

BOOST_AUTO_TEST_CASE(a_refused_mapping_leaves_the_space_as_it_was) {
  auto g = std::make_unique<Ground>();
  BOOST_REQUIRE_EQUAL(g->init(mib(128)), ACRE_OK);
  g->faults.fail(OsCall::kCommit, 1);
  PageId first;
  BOOST_TEST(!g->space.map_arenas(1, true, &first));
  BOOST_TEST(g->space.mapped().raw == 0);
  BOOST_TEST(g->space.map_arenas(1, true, &first));
  BOOST_TEST(first.raw == 0);
  BOOST_TEST(g->space.destroy());
}

BOOST_AUTO_TEST_CASE(a_refused_destroy_may_be_repeated) {
  auto g = std::make_unique<Ground>();
  BOOST_REQUIRE_EQUAL(g->init(mib(64)), ACRE_OK);
  g->faults.fail(OsCall::kUnmap, 1);
  BOOST_TEST(!g->space.destroy());
  g->space.mark_words()[0].store(1);
  BOOST_TEST(g->space.destroy());
}

BOOST_AUTO_TEST_CASE(tables_answer_for_every_page_and_granule) {
  auto g = std::make_unique<Ground>();
  BOOST_REQUIRE_EQUAL(g->init(mib(64)), ACRE_OK);
  Space& space = g->space;
  const PageId last(space.capacity().raw - 1);
  const PageEntry entry = PageEntry::make(PageState::kSmall, 254, 65, PageId(0xfffffff0));
  space.set_page_entry(last, entry);
  BOOST_TEST((space.page_entry(last).state() == PageState::kSmall));
  BOOST_TEST(int{space.page_entry(last).kind()} == 254);
  BOOST_TEST(int{space.page_entry(last).size_class()} == 65);
  BOOST_TEST(space.page_entry(last).start().raw == 0xfffffff0);
  BOOST_TEST(!space.page_entry(last - PageCount(1)).in_span());
  // The tables do not overlap: the last word of each changes no other.
  const uint64_t words = space.reserved().raw / kGranuleBytes / 64;
  space.mark_words()[words - 1].store(~uint64_t{0});
  space.alloc_words()[words - 1].store(~uint64_t{0});
  BOOST_TEST(space.page_entry(last).raw == entry.raw);
  BOOST_TEST(space.alloc_words()[0].load() == 0);
  BOOST_TEST(*static_cast<uint64_t*>(space.page_alloc_tables()) == 0);
  BOOST_TEST(*static_cast<uint64_t*>(space.span_table()) == 0);
  BOOST_TEST(space.destroy());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(space_meta)

BOOST_AUTO_TEST_CASE(meta_memory_is_zero_aligned_disjoint_and_ends) {
  auto g = std::make_unique<Ground>();
  BOOST_REQUIRE_EQUAL(g->init(mib(64)), ACRE_OK);
  uintptr_t end_of_last = 0;
  uint64_t taken = 0;
  uint64_t size = 1;
  for (const uint64_t align : {8, 16, 64, 4096, 8, 4096}) {
    auto* memory = static_cast<char*>(g->space.meta_alloc(ByteCount(size), align));
    BOOST_REQUIRE(memory != nullptr);
    const uintptr_t start = Addr(memory).raw;
    BOOST_TEST(start % align == 0);
    BOOST_TEST(start >= end_of_last);
    for (uint64_t i = 0; i < size; ++i) BOOST_REQUIRE(memory[i] == 0);
    memset(memory, 0xff, size);
    end_of_last = start + size;
    size = size * 7 + 3;
  }
  BOOST_TEST(g->space.meta_alloc(ByteCount(kGiB), 8) == nullptr);
  BOOST_TEST(g->space.meta_alloc(ByteCount(UINT64_MAX), 8) == nullptr);
  while (g->space.meta_alloc(ByteCount(kMiB), 4096) != nullptr) ++taken;
  BOOST_TEST(taken >= 60);
  BOOST_TEST(g->space.meta_alloc(ByteCount(kMiB), 8) == nullptr);
  BOOST_TEST(g->space.meta_used().raw <= 64 * kMiB + 64 * kKiB);
  BOOST_TEST(g->space.destroy());
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(space_guards)

bool faults_at(uint64_t arenas, bool below) {
  const auto end = in_forked_child([=] {
    auto g = std::make_unique<Ground>();
    signal(SIGSEGV, SIG_DFL);
    PageId first;
    if (g->init(mib(128)) != ACRE_OK || !g->space.map_arenas(arenas, true, &first)) return 3;
    const Addr base = g->space.base();
    const Addr at = below ? base - ByteCount(1) : base + g->space.mapped();
    *(at.as<volatile char>()) = 1;
    return 0;
  });
#if defined(ACRE_SANITIZED)
  return WIFSIGNALED(end.status) || (WIFEXITED(end.status) && WEXITSTATUS(end.status) > 3);
#else
  return WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGSEGV;
#endif
}

BOOST_AUTO_TEST_CASE(an_overflow_at_either_end_of_the_arenas_faults) {
  BOOST_TEST(faults_at(1, true));
  BOOST_TEST(faults_at(1, false));
  BOOST_TEST(faults_at(2, false));  // all that was reserved is mapped
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
