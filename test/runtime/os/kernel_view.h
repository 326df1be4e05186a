// What the kernel says of a range of addresses, by /proc/self/maps, to compare the books of runtime/os with.

#ifndef ACRE_TEST_RUNTIME_OS_KERNEL_VIEW_H_
#define ACRE_TEST_RUNTIME_OS_KERNEL_VIEW_H_

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdio>

#include "runtime/os/os.h"

namespace acre::rt::test {

// How many VMAs lie in it, and how many of its bytes are mapped, and writable.
struct KernelView {
  uint64_t vmas = 0;
  ByteCount mapped;
  ByteCount writable;
};

inline KernelView kernel_view(Addr start, ByteCount size) {
  KernelView view;
  std::FILE* maps = std::fopen("/proc/self/maps", "r");
  BOOST_REQUIRE(maps != nullptr);
  char line[512];
  while (std::fgets(line, sizeof(line), maps) != nullptr) {
    unsigned long from = 0;
    unsigned long end = 0;
    char flags[8] = {};
    BOOST_REQUIRE(std::sscanf(line, "%lx-%lx %7s", &from, &end, flags) == 3);
    const uintptr_t low = std::max<uintptr_t>(from, start.raw);
    const uintptr_t high = std::min<uintptr_t>(end, start.raw + size.raw);
    if (low >= high) continue;
    view.vmas += 1;
    view.mapped += ByteCount(high - low);
    if (flags[1] == 'w') view.writable += ByteCount(high - low);
  }
  std::fclose(maps);
  return view;
}

inline void require_books_are_the_kernels(const Os& os, Addr start, ByteCount size) {
  const KernelView kernel = kernel_view(start, size);
  const Os::Counters books = os.counters();
  BOOST_TEST(books.vmas == kernel.vmas);
  BOOST_TEST(books.reserved.raw == kernel.mapped.raw);
  BOOST_TEST(books.committed.raw == kernel.writable.raw);
  os.check();
}

}  // namespace acre::rt::test

#endif  // ACRE_TEST_RUNTIME_OS_KERNEL_VIEW_H_
