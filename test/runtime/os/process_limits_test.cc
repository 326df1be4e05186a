// What runtime/os/limits.h says of the process that asks, on the machine it runs on.

#include "runtime/os/limits.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <fstream>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "test/runtime/base/forked_child.h"
#include "test/runtime/os/test_cgroup.h"

using namespace acre::rt;  // NOLINT(google-build-using-namespace)
using acre::test::in_forked_child;
using acre::test::TestCgroup;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ACRE_TEST_SHADOW_MEMORY 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define ACRE_TEST_SHADOW_MEMORY 1
#endif
#endif

namespace {

void skip(const std::string& why) {
  BOOST_TEST_MESSAGE("skipped: " << why);
  std::cout << "skipped: " << why << std::endl;
}

char state_of_main_thread() {
  std::ifstream stat("/proc/self/stat");
  std::string id, name;
  char state = 0;
  stat >> id >> name >> state;
  return state;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(limits_of_this_process)

BOOST_AUTO_TEST_CASE(there_is_a_ceiling_and_it_is_no_more_than_physical_memory) {
  const MemoryCeiling ceiling = memory_ceiling();
  BOOST_TEST((ceiling.source != CeilingSource::kNone));
  BOOST_TEST(ceiling.bytes.raw > 0u);
  BOOST_TEST(ceiling.bytes.raw <= static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
                                      static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
  BOOST_TEST_MESSAGE("ceiling: " << ceiling.bytes.raw << " by " << name_of(ceiling.source));
  BOOST_TEST(max_map_count() > 0u);
}

BOOST_AUTO_TEST_CASE(a_mapping_that_cannot_merge_is_one_more_vma) {
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const uint64_t before = count_vmas();
  // Each shared anonymous mapping is a file of its own.
  void* mapped = mmap(nullptr, page, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  const uint64_t with = count_vmas();
  BOOST_REQUIRE(mapped != MAP_FAILED);
  BOOST_REQUIRE(munmap(mapped, page) == 0);
  const uint64_t after = count_vmas();
  BOOST_TEST(before > 0u);
  BOOST_TEST(with == before + 1);
  BOOST_TEST(after == before);
}

BOOST_AUTO_TEST_CASE(what_is_touched_becomes_resident) {
  constexpr size_t kSize = 64 * kMiB;
  void* mapped = mmap(nullptr, kSize, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  BOOST_REQUIRE(mapped != MAP_FAILED);
  const uint64_t before = resident_of_process().raw;
  std::memset(mapped, 1, kSize);
  const uint64_t with = resident_of_process().raw;
  BOOST_REQUIRE(munmap(mapped, kSize) == 0);
  const uint64_t after = resident_of_process().raw;
  // The kernel counts in batches for each processor.
  constexpr uint64_t kSlack = 8 * kMiB;
  BOOST_TEST(with + kSlack > before + kSize);
#if !defined(ACRE_TEST_SHADOW_MEMORY)
  BOOST_TEST(with < before + kSize + kSlack);
  BOOST_TEST(after < before + kSlack);
#else
  BOOST_TEST(after < with);
#endif
}

BOOST_AUTO_TEST_CASE(many_threads_read_the_same_at_once) {
  const MemoryCeiling ceiling = memory_ceiling();
  int different[4] = {};
  std::vector<std::thread> threads;
  for (int& count : different) {
    threads.emplace_back([&count, &ceiling] {
      for (int i = 0; i < 100; ++i) {
        if (memory_ceiling().bytes != ceiling.bytes || count_vmas() == 0) ++count;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const int count : different) BOOST_TEST(count == 0);
}

// The files of /proc/self are then empty, or say nothing true.
BOOST_AUTO_TEST_CASE(all_is_read_as_well_when_the_main_thread_has_exited) {
  const auto end = in_forked_child([]() -> int {
    const MemoryCeiling expected = memory_ceiling();
    std::thread([expected] {
      while (state_of_main_thread() != 'Z') std::this_thread::yield();
      const MemoryCeiling ceiling = memory_ceiling();
      if (ceiling.bytes != expected.bytes || ceiling.source != expected.source) _exit(2);
      if (count_vmas() == 0) _exit(3);
      if (resident_of_process().raw == 0) _exit(4);
      _exit(0);
    }).detach();
    syscall(SYS_exit, 0);  // this thread only, and without unwinding
    return 1;
  });
  BOOST_TEST(end.exited_with(0), "ended with " << end.status << ": " << end.stderr_text);
}

BOOST_AUTO_TEST_CASE(the_limit_of_a_real_group_is_seen_and_its_change_followed) {
  TestCgroup group;
  if (!group.create(64 * kMiB)) {
    return skip(group.why());
  }
  const uint64_t outside = memory_ceiling().bytes.raw;
  if (outside < 96 * kMiB) {
    return skip("the ceiling is " + std::to_string(outside) + " bytes already");
  }
  const CeilingSource source =
      group.version() == 1 ? CeilingSource::kCgroup1 : CeilingSource::kCgroup2Max;
  const auto end = in_forked_child([&] {
    if (!group.join()) return 1;
    const MemoryCeiling first = memory_ceiling();
    if (first.bytes.raw != 64 * kMiB || first.source != source) return 2;
    if (!group.set_limit(96 * kMiB)) return 3;
    const MemoryCeiling second = memory_ceiling();
    return second.bytes.raw == 96 * kMiB && second.source == source ? 0 : 4;
  });
  BOOST_TEST(end.exited_with(0), "ended with " << end.status << ": " << end.stderr_text);
  BOOST_TEST(memory_ceiling().bytes.raw == outside);
}

BOOST_AUTO_TEST_CASE(a_real_group_is_removed_even_with_a_process_in_it) {
  std::string folder;
  pid_t child = 0;
  {
    TestCgroup group;
    if (!group.create(64 * kMiB)) {
      return skip(group.why());
    }
    folder = group.folder();
    int joined[2];
    BOOST_REQUIRE(pipe(joined) == 0);
    child = fork();
    BOOST_REQUIRE(child >= 0);
    if (child == 0) {
      const char answer = group.join() ? 'y' : 'n';
      if (write(joined[1], &answer, 1) != 1) _exit(1);
      for (;;) pause();
    }
    char answer = 0;
    BOOST_TEST(read(joined[0], &answer, 1) == 1);
    BOOST_TEST(answer == 'y');
    close(joined[0]);
    close(joined[1]);
    if (answer != 'y') kill(child, SIGKILL);
  }
  BOOST_TEST(access(folder.c_str(), F_OK) != 0);
  int status = 0;
  BOOST_TEST(waitpid(child, &status, 0) == child);
  BOOST_TEST(WIFSIGNALED(status));
}

BOOST_AUTO_TEST_SUITE_END()
