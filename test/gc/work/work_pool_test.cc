#include "gc/work/work_pool.h"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>
#include <vector>

#include "test/gc/cycle/test_heap.h"

namespace acre::gc {
namespace {

BOOST_AUTO_TEST_SUITE(work_pool)

BOOST_AUTO_TEST_CASE(there_are_as_many_buffers_as_allowed_and_they_come_back) {
  acre::test::TestHeap heap;
  WorkPool pool{};
  pool.init(&heap.core().space, 2);
  WorkBuffer* one = pool.take_empty();
  WorkBuffer* two = pool.take_empty();
  BOOST_REQUIRE(one != nullptr && two != nullptr && one != two);
  BOOST_TEST(pool.take_empty() == nullptr);
  BOOST_TEST(pool.bytes().raw == 2 * sizeof(WorkBuffer));
  one->push({123});
  pool.put_empty(one);
  BOOST_TEST(pool.take_empty() == one);
  BOOST_TEST(one->empty());
}

BOOST_AUTO_TEST_CASE(a_buffer_gives_last_in_first_out_and_knows_when_it_is_full) {
  acre::test::TestHeap heap;
  WorkPool pool{};
  pool.init(&heap.core().space);
  WorkBuffer* buffer = pool.take_empty();
  for (uintptr_t i = 0; i < WorkBuffer::kCapacity; ++i) {
    BOOST_TEST_REQUIRE(!buffer->full());
    buffer->push({i});
  }
  BOOST_TEST(buffer->full());
  for (uintptr_t i = WorkBuffer::kCapacity; i > 0; --i)
    BOOST_TEST_REQUIRE(buffer->pop().address == i - 1);
  BOOST_TEST(buffer->empty());
}

BOOST_AUTO_TEST_CASE(threads_that_pass_work_on_lose_none) {
  acre::test::TestHeap heap;
  WorkPool pool{};
  pool.init(&heap.core().space, 64);
  std::atomic<uint64_t> pushed{0};
  std::atomic<uint64_t> popped{0};
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (uint64_t i = 1; i < 20000; ++i) {
        if (WorkBuffer* buffer = i % 2 == 0 ? pool.take_empty() : nullptr) {
          buffer->push({i * 4 + t});
          pushed += i * 4 + t;
          pool.put_grey(buffer);
        } else if (WorkBuffer* full = pool.take_grey()) {
          while (!full->empty()) popped += full->pop().address;
          pool.put_empty(full);
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  while (WorkBuffer* full = pool.take_grey()) {
    while (!full->empty()) popped += full->pop().address;
  }
  BOOST_TEST(pushed == popped);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::gc
