// Limits that are a share of what the system allows: how they are asked for, that they are computed from
// what the kernel says, and that with them a heap survives in a memory cgroup and follows its limit.

#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include <functional>
#include <string>

#include "runtime/os/limits.h"
#include "test/gc/api/limit_fixture.h"
#include "test/runtime/base/forked_child.h"
#include "test/runtime/base/random_seed.h"
#include "test/runtime/os/test_cgroup.h"

namespace acre::test {
namespace {

uint64_t share_of_ceiling(uint64_t percent) {
  return rt::memory_ceiling().bytes.raw / 100 * percent;
}

void skip(const std::string& why) {
  std::cout << "SKIPPED " << boost::unit_test::framework::current_test_case().p_name << ": " << why
            << std::endl;
}

// A heap that is made as the environment says.
struct FromEnvironment {
  acre_heap* heap = nullptr;
  explicit FromEnvironment(const char* limit) {
    (void)plain_options();
    setenv("ACRE_MEMORY_LIMIT", limit, 1);
    BOOST_REQUIRE(acre_heap_create(nullptr, &heap) == ACRE_OK);
    unsetenv("ACRE_MEMORY_LIMIT");
  }
  ~FromEnvironment() { BOOST_TEST(acre_heap_destroy(heap) == ACRE_OK); }
  FromEnvironment(const FromEnvironment&) = delete;
  FromEnvironment& operator=(const FromEnvironment&) = delete;
};

acre_options growing_options(size_t memory_limit) {
  acre_options options = precise_options();
  options.gc_percent = 400;
  options.memory_limit = memory_limit;
  return options;
}

// Keeps 40 MiB and allocates much more. What a child exits with: 0, or where it failed.
int live_on(size_t memory_limit, uint64_t most) {
  LimitedHeap heap(growing_options(memory_limit), 100'000);
  std::mt19937_64 random(1);
  heap.fill_to(40 * kMiB, random);
  for (uint64_t allocated = 0; allocated < kChurnBytes;) {
    const size_t size = random_size(random);
    if (!heap.replace_one(size, random)) return 10;
    allocated += size;
    if (random() % 64 == 0 && heap.stats().accounted > most) return 11;
  }
  return heap.intact() ? 0 : 12;
}

// The background thread looks once a second.
bool follows(const LimitedHeap& heap, uint64_t limit) {
  for (int tries = 0; tries < 2000; ++tries) {
    if (heap.stats().memory_limit == limit / 100 * 90) return true;
    usleep(10'000);
  }
  return false;
}

int follow_the_group(TestCgroup& group) {
  if (!group.join()) return 1;
  LimitedHeap heap(growing_options(ACRE_LIMIT_AUTO), 100'000);
  std::mt19937_64 random(1);
  heap.fill_to(24 * kMiB, random);
  int step = 20;
  for (const uint64_t limit : {64 * kMiB, 128 * kMiB, 80 * kMiB}) {
    ++step;
    // The kernel lowers no limit below what is taken.
    acre_release_memory(heap.thread);
    if (!group.set_limit(limit) || !follows(heap, limit)) return step;
    for (int i = 0; i < 50'000; ++i) {
      if (!heap.replace_one(random_size(random), random)) return step + 10;
      if (i % 64 == 0 && heap.stats().accounted > limit) return step + 20;
    }
  }
  return 0;
}

constexpr const char* kShadow = "a sanitizer's own memory counts in the group, too";

BOOST_AUTO_TEST_SUITE(container_limit)

BOOST_AUTO_TEST_CASE(auto_and_percentages_are_shares_of_what_the_process_may_have) {
  PreciseHeap heap;
  for (const size_t percent : {1, 33, 80, 100}) {
    (void)acre_set_memory_limit(heap.heap, ACRE_LIMIT_PERCENT(percent));
    BOOST_TEST(heap.stats().memory_limit == share_of_ceiling(percent), percent);
    BOOST_TEST(acre_set_memory_limit(heap.heap, 0) == ACRE_LIMIT_PERCENT(percent));
  }
  BOOST_TEST(acre_set_memory_limit(heap.heap, ACRE_LIMIT_AUTO) == ACRE_LIMIT_PERCENT(100));
  BOOST_TEST(heap.stats().memory_limit == share_of_ceiling(90));
  BOOST_TEST(acre_set_memory_limit(heap.heap, ACRE_NO_LIMIT) == ACRE_LIMIT_AUTO);
  BOOST_TEST(heap.stats().memory_limit == ACRE_NO_LIMIT);
}

BOOST_AUTO_TEST_CASE(a_limit_that_cannot_be_read_again_stays_as_it_was) {
  const ChildEnd end = in_forked_child([] {
    Heap heap(growing_options(ACRE_LIMIT_AUTO));
    const uint64_t before = heap.stats().memory_limit;
    if (before == ACRE_NO_LIMIT) return 1;
    const rlimit none = {0, 0};
    if (setrlimit(RLIMIT_NOFILE, &none) != 0) return 2;
    if (acre_set_memory_limit(heap.heap, ACRE_LIMIT_AUTO) != ACRE_LIMIT_AUTO) return 3;
    return heap.stats().memory_limit == before ? 0 : 4;
  });
  BOOST_TEST(end.exited_with(0), end.status);
}

BOOST_AUTO_TEST_CASE(the_environment_may_ask_in_each_form) {
  const auto limit_with = [](const char* text) {
    const FromEnvironment made(text);
    return read_stats(made.heap).memory_limit;
  };
  BOOST_TEST(limit_with("auto") == share_of_ceiling(90));
  BOOST_TEST(limit_with("80%") == share_of_ceiling(80));
  BOOST_TEST(limit_with("1%") == share_of_ceiling(1));
  BOOST_TEST(limit_with("100%") == share_of_ceiling(100));
  BOOST_TEST(limit_with("64MiB") == 64 * kMiB);
  BOOST_TEST(limit_with("67108864") == 64 * kMiB);
  BOOST_TEST(limit_with("none") == ACRE_NO_LIMIT);
  BOOST_TEST(limit_with("0") == ACRE_NO_LIMIT);
}

BOOST_AUTO_TEST_CASE(what_is_no_limit_is_named_on_stderr_and_passed_over) {
  for (const auto& [name, text] : {std::pair{"ACRE_MEMORY_LIMIT", "half"},
                                   {"ACRE_MEMORY_LIMIT", "0%"},
                                   {"ACRE_MEMORY_LIMIT", "101%"},
                                   {"ACRE_MEMORY_LIMIT", "80 %"},
                                   {"ACRE_MEMORY_LIMIT", "automatic"},
                                   {"ACRE_HARD_LIMIT", "80%"},
                                   {"ACRE_HARD_LIMIT", "auto"},
                                   {"ACRE_HARD_LIMIT", "-1"},
                                   {"ACRE_LIMIT_POLICY", "panic"},
                                   {"ACRE_LIMIT_POLICY", "1"}}) {
    const ChildEnd end = in_forked_child([&, variable = name, value = text] {
      (void)plain_options();
      setenv(variable, value, 1);
      acre_heap* heap = nullptr;
      if (acre_heap_create(nullptr, &heap) != ACRE_OK) return 1;
      const acre_stats s = read_stats(heap);
      return s.memory_limit == ACRE_NO_LIMIT && s.hard_limit == ACRE_NO_LIMIT ? 0 : 2;
    });
    BOOST_TEST_CONTEXT(name << "=" << text) {
      BOOST_TEST(end.exited_with(0));
      BOOST_TEST(contains(end.stderr_text, name));
      BOOST_TEST(contains(end.stderr_text, text));
    }
  }
}

BOOST_AUTO_TEST_CASE(the_environment_sets_hard_limit_and_policy) {
  (void)plain_options();
  setenv("ACRE_HARD_LIMIT", "48MiB", 1);
  setenv("ACRE_LIMIT_POLICY", "fail", 1);
  acre_options options;
  acre_options_init(&options);
  (void)plain_options();
  BOOST_TEST(options.hard_limit == 48 * kMiB);
  BOOST_TEST(options.limit_policy == ACRE_LIMIT_FAIL);
  const Heap heap(options);
  BOOST_TEST(heap.stats().hard_limit == 48 * kMiB);
}

BOOST_AUTO_TEST_CASE(auto_survives_in_a_small_group_that_ends_a_heap_without_a_limit) {
  if (ACRE_TEST_SHADOW_MEMORY) return skip(kShadow);
  TestCgroup group;
  if (!group.create(96 * kMiB)) return skip(group.why());
  const ChildEnd with =
      in_forked_child([&] { return group.join() ? live_on(ACRE_LIMIT_AUTO, 96 * kMiB) : 1; });
  BOOST_TEST(with.exited_with(0), "ended with " << with.status << ": " << with.stderr_text);
  // The group is not harmless: it ends who takes more. None but the child is in it.
  const ChildEnd without =
      in_forked_child([&] { return group.join() ? live_on(ACRE_NO_LIMIT, UINT64_MAX) : 1; });
  BOOST_TEST(WIFSIGNALED(without.status));
  BOOST_TEST(WTERMSIG(without.status) == SIGKILL);
}

BOOST_AUTO_TEST_CASE(the_limit_of_a_group_is_followed_while_the_heap_runs) {
  if (ACRE_TEST_SHADOW_MEMORY) return skip(kShadow);
  TestCgroup group;
  if (!group.create(64 * kMiB)) return skip(group.why());
  const ChildEnd end = in_forked_child([&] { return follow_the_group(group); });
  BOOST_TEST(end.exited_with(0), "ended with " << end.status << ": " << end.stderr_text);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
