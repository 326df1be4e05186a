#include "gc/work/work_pool.h"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <set>
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

BOOST_AUTO_TEST_SUITE(work_pool_trim)

constexpr unsigned kKept = 16;

std::vector<WorkBuffer*> take(WorkPool& pool, unsigned count) {
  std::vector<WorkBuffer*> buffers;
  for (unsigned i = 0; i < count; ++i) {
    buffers.push_back(pool.take_empty());
    BOOST_REQUIRE(buffers.back() != nullptr);
    BOOST_REQUIRE(buffers.back()->empty());
    std::memset(static_cast<void*>(buffers.back()->items), 0x5a, sizeof(WorkBuffer::items));
  }
  return buffers;
}

void put(WorkPool& pool, const std::vector<WorkBuffer*>& buffers) {
  for (WorkBuffer* buffer : buffers) pool.put_empty(buffer);
}

uint64_t resident_buffers(rt::Space& space, const std::vector<WorkBuffer*>& buffers) {
  uint64_t count = 0;
  for (WorkBuffer* buffer : buffers) {
    const rt::ByteCount size(sizeof(WorkBuffer));
    count += space.os().resident(rt::Addr(buffer), size) > rt::ByteCount(0) ? 1 : 0;
  }
  return count;
}

BOOST_AUTO_TEST_CASE(buffers_without_work_give_their_memory_back_but_for_some) {
  acre::test::TestHeap heap;
  rt::Space& space = heap.core().space;
  WorkPool pool{};
  pool.init(&space);
  const std::vector<WorkBuffer*> buffers = take(pool, 2000);
  const rt::ByteCount used = space.meta_used();
  BOOST_TEST(pool.bytes().raw == 2000 * sizeof(WorkBuffer));
  BOOST_TEST(pool.trim(10) == 0);  // all are at work
  put(pool, buffers);
  BOOST_TEST(pool.trim(100) == 100u);
  // One of them keeps the addresses of the others.
  BOOST_TEST(pool.bytes().raw == (2000 - 99) * sizeof(WorkBuffer));
  while (pool.trim(300) != 0) {
  }
  BOOST_TEST(pool.bytes().raw == kKept * sizeof(WorkBuffer));
  BOOST_TEST(resident_buffers(space, buffers) == kKept);
  BOOST_TEST((used - space.meta_used()).raw == (2000 - kKept) * sizeof(WorkBuffer));
}

BOOST_AUTO_TEST_CASE(trimmed_buffers_are_taken_again_before_new_ones) {
  acre::test::TestHeap heap;
  rt::Space& space = heap.core().space;
  WorkPool pool{};
  pool.init(&space, 1500);
  for (int round = 0; round < 4; ++round) {
    std::vector<WorkBuffer*> buffers = take(pool, 1500);
    BOOST_TEST(pool.take_empty() == nullptr);
    const rt::ByteCount used = space.meta_used();
    std::set<WorkBuffer*> all(buffers.begin(), buffers.end());
    BOOST_TEST(all.size() == 1500u);
    for (uintptr_t i = 0; i < buffers.size(); ++i) {
      while (!buffers[i]->full()) buffers[i]->push({i});
    }
    for (uintptr_t i = 0; i < buffers.size(); ++i) {
      while (!buffers[i]->empty()) BOOST_TEST_REQUIRE(buffers[i]->pop().address == i);
    }
    put(pool, buffers);
    while (pool.trim(64) != 0) {
    }
    // Some, then all, in the next round.
    const std::vector<WorkBuffer*> some = take(pool, 700);
    for (WorkBuffer* buffer : some) BOOST_TEST_REQUIRE(all.count(buffer) == 1u);
    BOOST_TEST(pool.bytes().raw >= 700 * sizeof(WorkBuffer));
    BOOST_TEST(pool.bytes().raw <= (700 + kKept) * sizeof(WorkBuffer));
    put(pool, some);
    if (round % 2 == 0) {
      while (pool.trim(1000) != 0) {
      }
    }
    const std::vector<WorkBuffer*> again = take(pool, 1500);
    for (WorkBuffer* buffer : again) BOOST_TEST_REQUIRE(all.erase(buffer) == 1u);
    BOOST_TEST(space.meta_used().raw == used.raw);
    BOOST_TEST(pool.bytes().raw == 1500 * sizeof(WorkBuffer));
    put(pool, again);
  }
}

BOOST_AUTO_TEST_CASE(a_few_buffers_are_kept_and_work_is_never_trimmed) {
  acre::test::TestHeap heap;
  WorkPool pool{};
  pool.init(&heap.core().space);
  put(pool, take(pool, kKept));
  BOOST_TEST(pool.trim(1000) == 0u);
  std::vector<WorkBuffer*> buffers = take(pool, 600);
  for (uintptr_t i = 0; i < 600; ++i) {
    buffers[i]->push({i + 1});
    pool.put_grey(buffers[i]);
  }
  BOOST_TEST(pool.trim(1000) == 0u);
  uint64_t sum = 0;
  while (WorkBuffer* buffer = pool.take_grey()) {
    sum += buffer->pop().address;
    pool.put_empty(buffer);
  }
  BOOST_TEST(sum == 600 * 601 / 2);
  BOOST_TEST(pool.trim(1000) == 600 - kKept + 2u);  // with the two that keep the addresses
}

BOOST_AUTO_TEST_CASE(a_kernel_that_refuses_loses_no_buffer) {
  rt::FaultPlan faults;
  acre::test::TestHeap heap(acre::test::quiet_options(), &faults);
  WorkPool pool{};
  pool.init(&heap.core().space, 300);
  put(pool, take(pool, 300));
  faults.fail(rt::OsCall::kRelease, 1, UINT64_MAX);
  while (pool.trim(100) != 0) {
  }
  faults.clear();
  const std::vector<WorkBuffer*> buffers = take(pool, 300);
  const std::set<WorkBuffer*> all(buffers.begin(), buffers.end());
  BOOST_TEST(all.size() == 300u);
  BOOST_TEST(pool.take_empty() == nullptr);
  put(pool, buffers);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::gc
