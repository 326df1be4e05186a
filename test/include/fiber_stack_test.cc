// Other people's coroutines on stacks of the heap: what only their frames hold lives, while threads collect.

// Boost.Coroutine2's own initialisation order.
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"

#include <acre/fiber_stack.hpp>
#include <atomic>
#include <boost/context/fiber.hpp>
#include <boost/coroutine2/coroutine.hpp>
#include <boost/fiber/all.hpp>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <thread>
#include <vector>

namespace {

struct Cell {
  acre::Member<Cell> next;
  long value = 0;
  void trace(acre::Visitor& visitor) { visitor(next); }
};

acre::Options options() {
  acre::Options options;
  options.reserve_bytes = 256 << 20;
  options.gc_percent = -1;
  return options;
}

struct Fixture {
  acre::Heap heap{options()};
  acre::Thread thread{heap};
  acre::FiberStack stacks{heap.get(), 16 << 10};
};

// Whatever was freed wrongly is given out again.
void make_garbage(acre::Thread& thread, int count) {
  for (int i = 0; i < count; ++i) thread.make<Cell>()->value = -1;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(fiber_stack, Fixture)

BOOST_AUTO_TEST_CASE(contexts_of_boost_hold_what_their_frames_refer_to) {
  namespace ctx = boost::context;
  std::vector<ctx::fiber> fibers;
  std::vector<long> got(100, -1);
  for (long i = 0; i < 100; ++i) {
    fibers.emplace_back(std::allocator_arg, stacks, [this, i, &got](ctx::fiber&& caller) {
      Cell* cell = thread.make<Cell>();
      cell->value = i;
      Cell* second = thread.make<Cell>();
      second->value = i * 3;
      cell->next = second;
      second = nullptr;
      caller = std::move(caller).resume();
      thread.collect();
      got[static_cast<size_t>(i)] = cell->value + cell->next->value;
      return std::move(caller);
    });
    fibers.back() = std::move(fibers.back()).resume();
  }
  thread.collect();
  make_garbage(thread, 1'000);
  BOOST_TEST(heap.stats().stacks == 100u);
  for (ctx::fiber& fiber : fibers) fiber = std::move(fiber).resume();
  for (long i = 0; i < 100; ++i) BOOST_TEST(got[static_cast<size_t>(i)] == 4 * i);
  BOOST_TEST(heap.stats().stacks == 0u);
  BOOST_TEST(heap.verify());
}

BOOST_AUTO_TEST_CASE(coroutines_of_boost_generate_from_what_they_hold) {
  using Coroutine = boost::coroutines2::coroutine<long>;
  std::vector<std::unique_ptr<Coroutine::pull_type>> sources;
  for (long i = 0; i < 100; ++i) {
    sources.push_back(
        std::make_unique<Coroutine::pull_type>(stacks, [this, i](Coroutine::push_type& push) {
          Cell* list = nullptr;
          for (long n = 0; n < 10; ++n) {
            Cell* cell = thread.make<Cell>();
            cell->value = i + n;
            cell->next = list;
            list = cell;
            if (n % 4 == 3) thread.collect();
            push(list->value);
            for (Cell* at = list; at != nullptr; at = at->next.get()) {
              if (at->value < i || at->value > i + n) push(-1);
            }
          }
        }));
  }
  for (long n = 0; n < 10; ++n) {
    thread.collect();
    make_garbage(thread, 500);
    for (long i = 0; i < 100; ++i) {
      auto& source = *sources[static_cast<size_t>(i)];
      BOOST_TEST_REQUIRE(static_cast<bool>(source));
      BOOST_TEST_REQUIRE(source.get() == i + n);
      source();
    }
  }
  for (auto& source : sources) BOOST_TEST(!*source);
  sources.clear();
  BOOST_TEST(heap.stats().stacks == 0u);
}

// AddressSanitizer is not told of Boost's switches, and must know the stack where something is thrown.
#if !defined(__SANITIZE_ADDRESS__)

BOOST_AUTO_TEST_CASE(one_that_is_left_unfinished_unwinds_and_gives_its_stack_back) {
  using Coroutine = boost::coroutines2::coroutine<long>;
  {
    Coroutine::pull_type source(stacks, [this](Coroutine::push_type& push) {
      acre::Root<Cell> root(thread, thread.make<Cell>());
      for (;;) push(root->value++);
    });
    BOOST_TEST(source.get() == 0);
    source();
    BOOST_TEST(source.get() == 1);
    BOOST_TEST(heap.stats().handles == 1u);
  }
  BOOST_TEST(heap.stats().handles == 0u);
  BOOST_TEST(heap.stats().stacks == 0u);
}

#endif

BOOST_AUTO_TEST_CASE(what_cannot_be_had_is_thrown) {
  BOOST_CHECK_THROW(acre::FiberStack(heap.get(), size_t{65} << 20).allocate(), acre::Error);
  acre::Options precise = options();
  precise.conservative_stacks = 0;
  acre::Heap other(precise);
  BOOST_CHECK_THROW(acre::FiberStack(other.get()).allocate(), acre::Error);
  std::vector<boost::context::stack_context> taken;
  acre::FiberStack large(heap.get(), size_t{64} << 20);
  const auto fill = [&] {
    for (int i = 0; i < 100; ++i) taken.push_back(large.allocate());
  };
  BOOST_CHECK_THROW(fill(), acre::OutOfMemory);
  BOOST_TEST(taken.size() >= 2u);
  for (auto& context : taken) large.deallocate(context);
  BOOST_TEST(heap.stats().stacks == 0u);
  acre_release_memory(thread.get());
  BOOST_TEST(heap.stats().stack_sys == 0u);
}

// ThreadSanitizer is not told of them either: Boost's libraries are not built for it.
#if !defined(__SANITIZE_THREAD__)

namespace fibers = boost::fibers;
using Idling = acre::Idling<fibers::algo::shared_work>;

// Threads that share fibers, until all of those are done.
class Workers {
 public:
  Workers(acre::Heap& heap, acre::Thread& own, unsigned count) {
    fibers::use_scheduling_algorithm<Idling>(own.get(), true);
    for (unsigned i = 1; i < count; ++i) {
      threads_.emplace_back([this, &heap] {
        acre::Thread thread(heap);
        fibers::use_scheduling_algorithm<Idling>(thread.get(), true);
        std::unique_lock<fibers::mutex> lock(mutex_);
        done_.wait(lock, [this] { return is_done_; });
      });
    }
  }
  // On a fiber of the thread that made them.
  void finish(acre::Thread& own) {
    {
      const std::unique_lock<fibers::mutex> lock(mutex_);
      is_done_ = true;
    }
    done_.notify_all();
    acre::Blocking blocking(own);
    for (std::thread& thread : threads_) thread.join();
  }

 private:
  std::vector<std::thread> threads_;
  fibers::mutex mutex_;
  fibers::condition_variable_any done_;
  bool is_done_ = false;
};

// The calling fiber's, which may be another after each suspension. Not inlined: a compiler keeps the address of a
// thread's variables across switches that it does not see.
[[gnu::noinline]] acre_thread* current(acre::Heap& heap) { return acre_thread_current(heap.get()); }

long* new_number(acre::Heap& heap, long value) {
  auto* object = static_cast<long*>(acre_alloc(current(heap), 40, ACRE_KIND_LEAF));
  object[4] = value;
  return object;
}

// A scheduler frees the stacks of fibers that ended when it comes to it, at the latest when its thread ends: that is
// to be before the heap does.
template <class Fn>
void on_thread_of_its_own(acre::Heap& heap, acre::Thread& waiting, Fn fn) {
  acre::Blocking blocking(waiting);
  std::thread([&] {
    acre::Thread own(heap);
    fn(own);
  }).join();
}

BOOST_AUTO_TEST_CASE(fibers_of_boost_move_between_threads_with_what_they_hold) {
  constexpr long kFibers = 200;
  std::atomic<long> wrong{0};
  std::atomic<long> done{0};
  long locked_sum = 0;
  on_thread_of_its_own(heap, thread, [&](acre::Thread& own) {
    Workers workers(heap, own, 4);
    {
      fibers::mutex mutex;
      std::vector<fibers::fiber> all;
      for (long i = 0; i < kFibers; ++i) {
        all.emplace_back(fibers::launch::dispatch, std::allocator_arg, stacks, [&, i] {
          long* object = new_number(heap, i);
          for (long n = 0; n < 20; ++n) {
            boost::this_fiber::yield();
            if (object[4] != i) ++wrong;
            if (n % 7 == i % 7) {
              const std::unique_lock<fibers::mutex> lock(mutex);
              boost::this_fiber::yield();
              locked_sum += object[4];
            }
            if ((n + 7 * i) % 50 == 0) acre_collect(current(heap));
            if (n % 5 == 0) boost::this_fiber::sleep_for(std::chrono::microseconds(50));
            long* fresh = new_number(heap, i);
            if (object[4] != i) ++wrong;
            object = fresh;
          }
          ++done;
        });
      }
      for (fibers::fiber& fiber : all) fiber.join();
    }
    workers.finish(own);
  });
  BOOST_TEST(wrong == 0);
  BOOST_TEST(done == kFibers);
  long expected = 0;
  for (long i = 0; i < kFibers; ++i) {
    for (long n = 0; n < 20; ++n) expected += n % 7 == i % 7 ? i : 0;
  }
  BOOST_TEST(locked_sum == expected);
  BOOST_TEST(heap.verify());
  thread.collect();
  BOOST_TEST(heap.stats().stacks == 0u);
}

BOOST_AUTO_TEST_CASE(what_goes_through_a_channel_is_held_by_a_frame_at_either_end) {
  constexpr long kPairs = 60;
  constexpr long kNumbers = 20;
  std::atomic<long> wrong{0};
  std::atomic<long> received{0};
  on_thread_of_its_own(heap, thread, [&](acre::Thread& own) {
    Workers workers(heap, own, 3);
    {
      // A sender waits until its number is taken, so there is always a frame that holds it.
      std::vector<std::unique_ptr<fibers::unbuffered_channel<long*>>> channels;
      std::vector<fibers::fiber> all;
      for (long i = 0; i < kPairs; ++i) {
        channels.push_back(std::make_unique<fibers::unbuffered_channel<long*>>());
        fibers::unbuffered_channel<long*>& channel = *channels.back();
        all.emplace_back(std::allocator_arg, stacks, [&heap = heap, &channel, i] {
          for (long n = 0; n < kNumbers; ++n) channel.push(new_number(heap, i * 1000 + n));
          channel.close();
        });
        all.emplace_back(std::allocator_arg, stacks, [&, &of = channel, i] {
          long* number = nullptr;
          for (long n = 0; of.pop(number) == fibers::channel_op_status::success; ++n) {
            if ((n + 7 * i) % 40 == 0) acre_collect(current(heap));
            (void)new_number(heap, -1);
            boost::this_fiber::yield();
            if (number[4] != i * 1000 + n) ++wrong;
            ++received;
          }
        });
      }
      for (fibers::fiber& fiber : all) fiber.join();
    }
    workers.finish(own);
  });
  BOOST_TEST(wrong == 0);
  BOOST_TEST(received == kPairs * kNumbers);
  BOOST_TEST(heap.verify());
  BOOST_TEST(heap.stats().stacks == 0u);
}

#endif

BOOST_AUTO_TEST_SUITE_END()
