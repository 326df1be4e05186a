// The first thread's stack, which grows beyond what it was said to when the thread was attached.

#include <sys/resource.h>
#include <unistd.h>

#include "test/gc/api/uncooperative_fixture.h"
#include "test/runtime/base/forked_child.h"

namespace acre::test {
namespace {

constexpr size_t kBytes = 80;
constexpr unsigned kSeconds = 60;

// The limit is the process's own, and can be raised by so much.
constexpr size_t kMore = 8 * kMiB;

boost::test_tools::assertion_result limit_can_be_raised(boost::unit_test::test_unit_id) {
  rlimit limit = {};
  getrlimit(RLIMIT_STACK, &limit);
  const bool bounded = limit.rlim_cur <= 64 * kMiB;
  const bool may = limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= limit.rlim_cur + kMore;
  boost::test_tools::assertion_result result(bounded && may && ACRE_TEST_SHADOW_MEMORY == 0);
  result.message() << "ulimit -s is high or fixed, or a sanitizer watches the stack";
  return result;
}

struct Collected {
  acre_heap* heap;
  acre_thread* thread;
  int manner;
};

// By this thread, or while it waits somewhere.
void collect(const Collected& at) {
  if (at.manner == ACRE_THREAD_COOPERATIVE) return acre_collect(at.thread);
  std::thread([&at] {
    acre_thread* other = attach_or_abort(at.heap, ACRE_THREAD_COOPERATIVE);
    acre_collect(other);
    acre_thread_detach(other);
  }).join();
}

// Each frame's object is held by the frame alone.
[[gnu::noinline]] bool holds_at_depth(size_t bytes, const Collected& at) {
  constexpr size_t kFrame = 64 * kKiB;
  const Disguised object = hidden_object(at.thread, kBytes);
  void* volatile kept[kFrame / sizeof(void*)];
  kept[0] = object.plain();
  bool good = true;
  if (bytes > kFrame) {
    good = holds_at_depth(bytes - kFrame, at);
  } else {
    collect(at);
  }
  return good && kept[0] == object.plain() && is_intact(at.heap, object, kBytes);
}

int grow_and_collect(int manner) {
  alarm(kSeconds);
  const acre_options options = spoiling_options();
  Collected at{nullptr, nullptr, manner};
  if (acre_heap_create(&options, &at.heap) != ACRE_OK) return 1;
  at.thread = attach_or_abort(at.heap, manner);
  rlimit limit = {};
  getrlimit(RLIMIT_STACK, &limit);
  const size_t before = limit.rlim_cur;
  limit.rlim_cur = before + kMore;
  if (setrlimit(RLIMIT_STACK, &limit) != 0) return 2;
  if (!holds_at_depth(before + kMore / 2, at)) return 3;
  if (read_stats(at.heap).num_gc != 1) return 4;
  return acre_heap_destroy(at.heap) == ACRE_OK ? 0 : 5;
}

BOOST_AUTO_TEST_SUITE(stack_growth, *boost::unit_test::precondition(limit_can_be_raised))

BOOST_AUTO_TEST_CASE(is_scanned_when_a_cooperative_thread_collects) {
  const ChildEnd end = in_forked_child([] { return grow_and_collect(ACRE_THREAD_COOPERATIVE); });
  BOOST_TEST(end.exited_with(0), end.status << ": " << end.stderr_text);
}

BOOST_AUTO_TEST_CASE(does_not_keep_a_signal_from_stopping_the_thread) {
  const ChildEnd end = in_forked_child([] { return grow_and_collect(ACRE_THREAD_UNCOOPERATIVE); });
  BOOST_TEST(end.exited_with(0), end.status << ": " << end.stderr_text);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
