// Builds with our checks count the system calls that are made with the page-heap lock held.

#include <boost/test/unit_test.hpp>
#include <memory>

#include "runtime/base/lock.h"
#include "runtime/os/os.h"

using namespace acre::rt;  // NOLINT(google-build-using-namespace)

namespace {

#if defined(ACRE_DEBUG) && ACRE_DEBUG
constexpr bool kCounted = true;
#else
constexpr bool kCounted = false;
#endif

struct Fixture {
  std::unique_ptr<Os> os = std::make_unique<Os>();
  ByteCount size{kMiB};
  Addr start;
  Lock page_heap{LockRank::kPageHeap};
  Lock grow{LockRank::kGrow};

  Fixture() {
    os->init(nullptr);
    start = os->reserve(size, os->page_size());
    BOOST_REQUIRE((start != Addr{}));
  }
  ~Fixture() { BOOST_TEST(os->unmap(start, size)); }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(locked_calls, Fixture)

BOOST_AUTO_TEST_CASE(calls_without_the_lock_are_not_counted) {
  BOOST_TEST(os->commit(start, size));
  {
    LockGuard guard(grow);
    BOOST_TEST(os->release(start, size));
  }
  BOOST_TEST(os->counters().calls_under_lock == 0u);
  BOOST_TEST(os->counters().longest_under_lock_ns == 0u);
}

BOOST_AUTO_TEST_CASE(each_call_with_it_is_counted_with_the_longest) {
  LockGuard outer(grow);
  {
    LockGuard guard(page_heap);
    BOOST_TEST(os->commit(start, size));
    BOOST_TEST(os->release(start, size));
    (void)os->resident(start, size);
  }
  BOOST_TEST(os->counters().calls_under_lock == (kCounted ? 3u : 0u));
  BOOST_TEST((os->counters().longest_under_lock_ns > 0) == kCounted);
  BOOST_TEST(os->counters().longest_under_lock_ns <= os->counters().all_nanoseconds());
  BOOST_TEST(os->release(start, size));
  BOOST_TEST(os->counters().calls_under_lock == (kCounted ? 3u : 0u));
}

BOOST_AUTO_TEST_SUITE_END()
