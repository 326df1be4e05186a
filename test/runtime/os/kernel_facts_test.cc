// What the heap relies on of the kernel, tried without the heap: where one of these fails, it is not our
// code that is at fault. bench/mmap_facts says more about each.
//
// The calls go past the C library, for a sanitizer's mmap does more than it is told.

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cinttypes>
#include <cstdio>
#include <cstring>

#include "runtime/base/units.h"
#include "test/runtime/base/forked_child.h"

using namespace acre::rt;  // NOLINT(google-build-using-namespace)
using acre::test::ChildEnd;
using acre::test::in_forked_child;

namespace {

constexpr int kReadWrite = PROT_READ | PROT_WRITE;
constexpr size_t kSize = 4 * kMiB;
constexpr size_t kHuge = 2 * kMiB;

size_t page() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

char* map(size_t size, int protection) {
  const long start = syscall(SYS_mmap, nullptr, size, protection,
                             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return start == -1 ? nullptr : reinterpret_cast<char*>(start);
}
bool map_over(char* start, size_t size, int protection) {
  return syscall(SYS_mmap, start, size, protection,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) != -1;
}
bool unmap(char* start, size_t size) { return syscall(SYS_munmap, start, size) == 0; }
bool protect(char* start, size_t size, int protection) {
  return syscall(SYS_mprotect, start, size, protection) == 0;
}
bool advise(char* start, size_t size, int advice) {
  return syscall(SYS_madvise, start, size, advice) == 0;
}

// A range of `size` bytes from a multiple of 2 MiB, without access, between guards of another sort, so that it
// merges with nothing.
char* reserve(size_t size) {
  char* all = map(size + 2 * kHuge, PROT_READ);
  BOOST_REQUIRE(all != nullptr);
  char* start = all + kHuge - reinterpret_cast<uintptr_t>(all) % kHuge;
  BOOST_REQUIRE(protect(start, size, PROT_NONE));
  return start;
}
char* writable(size_t size) {
  char* start = reserve(size);
  BOOST_REQUIRE(protect(start, size, kReadWrite));
  return start;
}

bool all_bytes_are(const char* start, size_t size, char value) {
  for (size_t i = 0; i < size; ++i) {
    if (start[i] != value) return false;
  }
  return true;
}

// By mincore; SIZE_MAX where not all is mapped. No malloc.
size_t resident(char* start, size_t size) {
  unsigned char pages[1024];
  size_t in_memory = 0;
  for (size_t at = 0; at < size; at += sizeof(pages) * page()) {
    const size_t slice = std::min(size - at, sizeof(pages) * page());
    if (mincore(start + at, slice, pages) != 0) return SIZE_MAX;
    for (size_t i = 0; i < slice / page(); ++i) in_memory += pages[i] & 1;
  }
  return in_memory * page();
}

uint64_t vmas_in(const char* start, size_t size) {
  std::FILE* maps = std::fopen("/proc/self/maps", "r");
  BOOST_REQUIRE(maps != nullptr);
  const auto low = reinterpret_cast<uintptr_t>(start);
  uint64_t count = 0;
  char line[512];
  while (std::fgets(line, sizeof(line), maps) != nullptr) {
    uintptr_t from = 0;
    uintptr_t end = 0;
    if (std::sscanf(line, "%" SCNxPTR "-%" SCNxPTR, &from, &end) != 2) continue;
    if (from < low + size && end > low) ++count;
  }
  std::fclose(maps);
  return count;
}

// A line of /proc/self/status in KiB.
uint64_t status_kib(const char* label) {
  std::FILE* status = std::fopen("/proc/self/status", "r");
  BOOST_REQUIRE(status != nullptr);
  uint64_t value = 0;
  char line[512];
  while (std::fgets(line, sizeof(line), status) != nullptr) {
    if (std::strncmp(line, label, std::strlen(label)) == 0) {
      std::sscanf(line + std::strlen(label), ": %" SCNu64, &value);
    }
  }
  std::fclose(status);
  return value;
}

// 0: no ceiling that could be met in reasonable time, or none is told.
size_t ceiling() {
  constexpr long kMost = 1'200'000;
  std::FILE* file = std::fopen("/proc/sys/vm/max_map_count", "r");
  if (file == nullptr) return 0;
  long limit = 0;
  if (std::fscanf(file, "%ld", &limit) != 1 || limit > kMost) limit = 0;
  std::fclose(file);
  return static_cast<size_t>(limit);
}

// Makes mappings until the kernel grants no more, by mprotect of every second page and then by mmap. False:
// it never refused, or not with ENOMEM. No malloc; `crowd` is of crowd_bytes().
size_t crowd_bytes() { return (ceiling() + 64) * page(); }
bool fill_up_to_the_ceiling(char* crowd) {
  bool refused = false;
  for (size_t at = page(); at + page() < crowd_bytes() && !refused; at += 2 * page()) {
    refused = !protect(crowd + at, page(), PROT_READ);
  }
  if (!refused || errno != ENOMEM) return false;
  // The kernel puts one below the other: in alternation, they do not merge.
  for (int i = 0; i < 64; ++i) {
    if (map(page(), i % 2 == 0 ? PROT_READ : kReadWrite) == nullptr) return errno == ENOMEM;
  }
  return false;
}

// `body` in a child that has all the mappings it can have, or nothing with a message.
template <class Body>
void at_the_ceiling(Body body) {
  if (ceiling() == 0) {
    BOOST_TEST_MESSAGE("skipped: no ceiling of mappings that could be met");
    return;
  }
  char* crowd = reserve(crowd_bytes());
  constexpr int kNotFilled = 99;
  const ChildEnd end = in_forked_child([&] {
    if (!fill_up_to_the_ceiling(crowd)) return kNotFilled;
    return body(crowd);
  });
  BOOST_TEST(end.exited_with(0), "wait status " << end.status << " " << end.stderr_text);
  BOOST_TEST(unmap(crowd, crowd_bytes()));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(kernel_facts)

BOOST_AUTO_TEST_CASE(what_is_mapped_and_not_touched_takes_no_memory) {
  char* start = writable(kSize);
  BOOST_TEST(resident(start, kSize) == 0u);
  start[kMiB] = 1;
  BOOST_TEST(resident(start, kSize) >= page());
  BOOST_TEST(unmap(start, kSize));
}

BOOST_AUTO_TEST_CASE(released_memory_reads_zero_is_not_resident_and_keeps_its_address) {
  char* start = writable(kSize);
  std::memset(start, 7, kSize);
  BOOST_TEST(resident(start, kSize) == kSize);
  BOOST_TEST(advise(start + kMiB, kMiB, MADV_DONTNEED));
  BOOST_TEST(resident(start, kSize) == kSize - kMiB);
  BOOST_TEST(vmas_in(start, kSize) == 1u);
  BOOST_TEST(all_bytes_are(start + kMiB, kMiB, 0));
  BOOST_TEST(all_bytes_are(start, kMiB, 7));
  BOOST_TEST(all_bytes_are(start + 2 * kMiB, kSize - 2 * kMiB, 7));
  std::memset(start + kMiB, 8, kMiB);
  BOOST_TEST(resident(start, kSize) == kSize);
  BOOST_TEST(unmap(start, kSize));
}

BOOST_AUTO_TEST_CASE(a_part_of_a_huge_page_can_be_released_alone) {
  char* start = writable(kHuge);
  advise(start, kHuge, MADV_HUGEPAGE);  // holds just as well where there are none
  std::memset(start, 7, kHuge);
  BOOST_TEST(advise(start + 64 * kKiB, 64 * kKiB, MADV_DONTNEED));
  BOOST_TEST(resident(start, kHuge) == kHuge - 64 * kKiB);
  BOOST_TEST(vmas_in(start, kHuge) == 1u);
  BOOST_TEST(all_bytes_are(start, 64 * kKiB, 7));
  BOOST_TEST(all_bytes_are(start + 128 * kKiB, kHuge - 128 * kKiB, 7));
  BOOST_TEST(all_bytes_are(start + 64 * kKiB, 64 * kKiB, 0));
  BOOST_TEST(unmap(start, kHuge));
}

BOOST_AUTO_TEST_CASE(releasing_here_and_there_costs_no_vma) {
  char* start = writable(kSize);
  std::memset(start, 7, kSize);
  for (size_t at = 0; at < kSize; at += 4 * page()) {
    BOOST_REQUIRE(advise(start + at, page(), MADV_DONTNEED));
  }
  BOOST_TEST(resident(start, kSize) == kSize / 4 * 3);
  BOOST_TEST(vmas_in(start, kSize) == 1u);
  BOOST_TEST(unmap(start, kSize));
}

BOOST_AUTO_TEST_CASE(mapping_over_a_mapping_gives_its_memory_back_and_reads_zero) {
  char* start = writable(kSize);
  std::memset(start, 7, kSize);
  BOOST_TEST(map_over(start + kMiB, kMiB, kReadWrite));
  BOOST_TEST(resident(start, kSize) == kSize - kMiB);
  BOOST_TEST(all_bytes_are(start + kMiB, kMiB, 0));
  BOOST_TEST(all_bytes_are(start, kMiB, 7));
  BOOST_TEST(map_over(start, kSize, PROT_NONE));
  BOOST_TEST(resident(start, kSize) == 0u);
  BOOST_TEST(protect(start, kSize, kReadWrite));
  BOOST_TEST(all_bytes_are(start, kSize, 0));
  BOOST_TEST(unmap(start, kSize));
}

BOOST_AUTO_TEST_CASE(reserving_512_gib_costs_no_memory) {
  constexpr size_t kReservation = 512 * kGiB;
  const uint64_t tables = status_kib("VmPTE");
  const uint64_t anonymous = status_kib("RssAnon");
  char* start = map(kReservation, PROT_NONE);
  BOOST_REQUIRE(start != nullptr);
  // The test itself touches a page now and then. A page table for each GiB would be 2 MiB.
  BOOST_TEST(status_kib("VmPTE") < tables + 1024);
  BOOST_TEST(status_kib("RssAnon") < anonymous + 1024);
  BOOST_TEST(vmas_in(start, kReservation) == 1u);
  BOOST_TEST(protect(start + kReservation / 2, kMiB, kReadWrite));
  BOOST_TEST(status_kib("VmPTE") < tables + 1024);
  start[kReservation / 2] = 1;
  BOOST_TEST(vmas_in(start, kReservation) == 3u);
  BOOST_TEST(unmap(start, kReservation));
}

BOOST_AUTO_TEST_CASE(committing_at_the_border_of_a_reservation_costs_no_vma) {
  for (const bool touching : {false, true}) {
    char* start = reserve(kSize);
    BOOST_REQUIRE(protect(start, page(), kReadWrite));
    BOOST_TEST(vmas_in(start, kSize) == 2u);
    for (size_t at = page(); at + page() < kSize; at += page()) {
      if (touching) start[at - page()] = 1;
      BOOST_REQUIRE(protect(start + at, page(), kReadWrite));
    }
    BOOST_TEST(vmas_in(start, kSize) == 2u);
    BOOST_TEST(unmap(start, kSize));
  }
}

BOOST_AUTO_TEST_CASE(at_the_ceiling_of_mappings_committing_at_the_border_works) {
  char* start = reserve(kSize);
  BOOST_REQUIRE(protect(start, page(), kReadWrite));
  at_the_ceiling([&](char*) {
    for (size_t at = page(); at + page() < kSize; at += page()) {
      if (!protect(start + at, page(), kReadWrite)) return 1;
      start[at] = 1;
    }
    return map(page(), kReadWrite) == nullptr ? 0 : 2;  // still at the ceiling
  });
  BOOST_TEST(unmap(start, kSize));
}

BOOST_AUTO_TEST_CASE(at_the_ceiling_of_mappings_releasing_works) {
  char* start = writable(kSize);
  std::memset(start, 7, kSize);
  at_the_ceiling([&](char*) {
    if (!advise(start + kMiB, kMiB, MADV_DONTNEED)) return 1;
    if (resident(start, kSize) != kSize - kMiB) return 2;
    if (!all_bytes_are(start + kMiB, kMiB, 0)) return 3;
    return all_bytes_are(start + 2 * kMiB, kMiB, 7) ? 0 : 4;
  });
  BOOST_TEST(unmap(start, kSize));
}

BOOST_AUTO_TEST_CASE(
    at_the_ceiling_mmap_and_a_splitting_mprotect_say_enomem_and_nothing_else_breaks) {
  char* start = writable(kSize);
  std::memset(start, 7, kSize);
  at_the_ceiling([&](char* crowd) {
    if (map(page(), kReadWrite) != nullptr || errno != ENOMEM) return 1;
    if (protect(start + kMiB, kMiB, PROT_NONE) || errno != ENOMEM) return 2;
    if (unmap(start + kMiB, kMiB) || errno != ENOMEM) return 3;
    if (!all_bytes_are(start, kSize, 7)) return 4;
    std::memset(start, 8, kSize);
    // Below the ceiling all is as it was.
    if (!unmap(crowd, crowd_bytes())) return 5;
    if (map(page(), kReadWrite) == nullptr) return 6;
    if (!protect(start + kMiB, kMiB, PROT_NONE)) return 7;
    return all_bytes_are(start, kMiB, 8) ? 0 : 8;
  });
  BOOST_TEST(unmap(start, kSize));
}

BOOST_AUTO_TEST_SUITE_END()
