// Markers that find work for each other come out together, and only when all of it is done: an item is a
// number, and whoever handles it may find others, for himself, for anyone, or for a marker by name.

#include <pthread.h>

#include <atomic>
#include <boost/test/data/monomorphic.hpp>
#include <boost/test/data/test_case.hpp>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <memory>
#include <random>
#include <thread>
#include <vector>

#include "gc/work/work_pool.h"
#include "test/gc/cycle/test_heap.h"
#include "test/runtime/base/random_seed.h"

namespace acre::gc {
namespace {

// One round of marking: what was found, and how often each of it was handled.
class Relay {
 public:
  Relay(WorkPool* pool, unsigned markers, uint32_t most)
      : pool_(pool), markers_(markers), most_(most), handled_(new std::atomic<uint32_t>[most]()) {}

  // What marker `me` does; the first item is marker 0's.
  void body(unsigned me, uint64_t seed) {
    Marker marker{me, std::mt19937_64(seed * 31 + me)};
    if (me == 0) marker.mine.push_back(found_.fetch_add(1));
    do {
      handle_all(marker);
      give_away(marker);
    } while (take(marker) || pool_->wait_for_work(me));
    // Done is for all: nobody may find anything now.
    if (handled_count_ != found_) ended_early_ = true;
  }

  // What went wrong, or nothing.
  std::string complaints() const {
    std::string text;
    if (ended_early_) text += "a marker came out before the end; ";
    for (uint32_t i = 0; i < found_; ++i) {
      if (handled_[i] == 1) continue;
      return text + "item " + std::to_string(i) + " was handled " + std::to_string(handled_[i]) +
             " times";
    }
    return text;
  }
  uint32_t found() const { return found_; }
  uint32_t crossed() const { return crossed_; }

 private:
  struct Marker {
    unsigned me;
    std::mt19937_64 random;
    std::vector<uint32_t> mine = {};
    WorkBuffer* boxes[kMaxMarkers + 1] = {};  // the last is for anyone
  };

  void handle_all(Marker& marker) {
    while (!marker.mine.empty()) {
      const uint32_t item = marker.mine.back();
      marker.mine.pop_back();
      ++handled_[item];
      const uint64_t children = item == 0 ? 8 : marker.random() % 4;
      for (uint64_t i = 0; i < children; ++i) {
        const uint32_t child = found_.fetch_add(1);
        if (child >= most_) {
          --found_;  // and nobody has seen it
          break;
        }
        pass(marker, child);
      }
      ++handled_count_;
      if (pool_->hungry()) give_away(marker);
    }
  }

  void pass(Marker& marker, uint32_t item) {
    const auto to = static_cast<unsigned>(marker.random() % (markers_ + 2));
    if (to == markers_ + 1 || to == marker.me) return marker.mine.push_back(item);
    WorkBuffer*& box = marker.boxes[to == markers_ ? kMaxMarkers : to];
    if (box == nullptr) box = pool_->take_empty();
    if (box == nullptr) return marker.mine.push_back(item);
    box->push({item});
    if (box->full() || marker.random() % 64 == 0) give(marker, to == markers_ ? kMaxMarkers : to);
  }

  void give(Marker& marker, unsigned to) {
    WorkBuffer* box = marker.boxes[to];
    if (box == nullptr) return;
    marker.boxes[to] = nullptr;
    if (to == kMaxMarkers) {
      pool_->put_grey(box);
    } else {
      pool_->send(to, box);
    }
  }

  void give_away(Marker& marker) {
    for (unsigned to = 0; to <= kMaxMarkers; ++to) give(marker, to);
  }

  bool take(Marker& marker) {
    WorkBuffer* buffer = pool_->receive(marker.me);
    if (buffer == nullptr) buffer = pool_->take_grey();
    if (buffer == nullptr) return false;
    crossed_ += buffer->count;
    while (!buffer->empty()) marker.mine.push_back(static_cast<uint32_t>(buffer->pop().address));
    pool_->put_empty(buffer);
    return true;
  }

  WorkPool* pool_;
  unsigned markers_;
  uint32_t most_;
  std::unique_ptr<std::atomic<uint32_t>[]> handled_;
  std::atomic<uint32_t> found_{0};
  std::atomic<uint32_t> handled_count_{0};
  std::atomic<uint32_t> crossed_{0};
  std::atomic<bool> ended_early_{false};
};

// Threads that go through many rounds together.
class Rounds {
 public:
  explicit Rounds(unsigned markers) : markers_(markers) {
    pthread_barrier_init(&barrier_, nullptr, markers);
  }
  ~Rounds() { pthread_barrier_destroy(&barrier_); }
  Rounds(const Rounds&) = delete;
  Rounds& operator=(const Rounds&) = delete;

  // before(round), on one thread; each(marker, round), on all; after(round), on one.
  template <class Before, class Each, class After>
  void run(unsigned rounds, Before before, Each each, After after) {
    std::vector<std::thread> threads;
    const auto body = [&](unsigned me) {
      for (unsigned round = 0; round < rounds; ++round) {
        if (me == 0) before(round);
        pthread_barrier_wait(&barrier_);
        each(me, round);
        pthread_barrier_wait(&barrier_);
        if (me == 0) after(round);
      }
    };
    for (unsigned me = 1; me < markers_; ++me) threads.emplace_back(body, me);
    body(0);
    for (std::thread& thread : threads) thread.join();
  }

 private:
  unsigned markers_;
  pthread_barrier_t barrier_;
};

// Returns how many items went through the pool.
uint64_t relay_for(unsigned markers, uint64_t max_buffers, unsigned rounds, uint32_t most) {
  const uint64_t seed = acre::test::random_seed();
  acre::test::TestHeap heap;
  WorkPool pool{};
  pool.init(&heap.core().space, max_buffers);
  std::unique_ptr<Relay> relay;
  uint64_t crossed = 0;
  std::string complaints;
  Rounds(markers).run(
      rounds,
      [&](unsigned) {
        pool.begin(markers);
        relay = std::make_unique<Relay>(&pool, markers, most);
      },
      [&](unsigned me, unsigned round) { relay->body(me, seed + round); },
      [&](unsigned) {
        complaints += relay->complaints();
        crossed += relay->crossed();
      });
  BOOST_TEST(complaints == "", markers << " markers, " << max_buffers << " buffers");
  BOOST_TEST(pool.take_grey() == nullptr);
  for (unsigned i = 0; i < kMaxMarkers; ++i) BOOST_TEST(pool.receive(i) == nullptr);
  // No buffer was lost: all that were made can be had.
  const uint64_t made = pool.bytes().raw / sizeof(WorkBuffer);
  uint64_t had = 0;
  while (had < made && pool.take_empty() != nullptr) ++had;
  BOOST_TEST(had == made);
  BOOST_TEST(pool.bytes().raw / sizeof(WorkBuffer) == made);
  return crossed;
}

constexpr unsigned kMarkers[] = {2, 3, 5, 8, 16};

BOOST_AUTO_TEST_SUITE(end_detection)

BOOST_DATA_TEST_CASE(all_items_are_handled_once_before_anyone_comes_out,
                     boost::unit_test::data::make(kMarkers), markers) {
  BOOST_TEST(relay_for(markers, UINT64_MAX, 300, 1000) > 1000u);
}

BOOST_DATA_TEST_CASE(so_they_are_when_there_are_fewer_buffers_than_markers,
                     boost::unit_test::data::make(kMarkers), markers) {
  for (const uint64_t max_buffers : {1, 2, 3, 7}) {
    BOOST_TEST(relay_for(markers, max_buffers, 60, 500) > 0u);
  }
}

BOOST_AUTO_TEST_CASE(rounds_of_hardly_any_work_end_too) {
  // The end comes while the others still arrive.
  for (const uint32_t most : {1u, 2u, 9u}) relay_for(4, UINT64_MAX, 3000, most);
}

BOOST_AUTO_TEST_CASE(a_marker_alone_is_done_at_once) {
  acre::test::TestHeap heap;
  WorkPool pool{};
  pool.init(&heap.core().space);
  pool.begin(1);
  BOOST_TEST(!pool.hungry());
  BOOST_TEST(!pool.wait_for_work(0));
  WorkBuffer* buffer = pool.take_empty();
  buffer->push({1});
  pool.begin(1);
  pool.send(0, buffer);
  BOOST_TEST(pool.wait_for_work(0));
  BOOST_TEST(pool.receive(0) == buffer);
  BOOST_TEST(!pool.wait_for_work(0));
}

BOOST_AUTO_TEST_CASE(sleepers_wake_for_what_is_theirs_and_for_what_is_anyones) {
  using Clock = std::chrono::steady_clock;
  constexpr unsigned kAll = 5;
  acre::test::TestHeap heap;
  WorkPool pool{};
  pool.init(&heap.core().space);
  std::atomic<unsigned> received{0};
  std::atomic<unsigned> grey{0};
  std::atomic<bool> late{false};
  const auto wait_for = [&late](const auto& condition) {
    const auto deadline = Clock::now() + std::chrono::seconds(60);
    while (!condition() && !late) {
      std::this_thread::yield();
      if (Clock::now() > deadline) late = true;
    }
  };
  const auto give_work = [&](unsigned round) {
    // Long enough that the others sleep; some rounds try the moment when they are about to.
    std::this_thread::sleep_for(std::chrono::microseconds(round % 4 == 0 ? 3000 : round * 7));
    for (unsigned to = 1; to < kAll; ++to) {
      WorkBuffer* buffer = pool.take_empty();
      buffer->push({to});
      pool.send(to, buffer);
    }
    // Marker 0 is at work all the time, so nobody may leave, and each must have come for its own.
    wait_for([&] { return received == (round + 1) * (kAll - 1); });
    WorkBuffer* buffer = pool.take_empty();
    buffer->push({0});
    pool.put_grey(buffer);
    wait_for([&] { return grey == round + 1; });
  };
  Rounds(kAll).run(
      40, [&](unsigned) { pool.begin(kAll); },
      [&](unsigned me, unsigned round) {
        if (me == 0) give_work(round);
        while (pool.wait_for_work(me)) {
          if (WorkBuffer* buffer = pool.receive(me)) {
            received += buffer->count;
            pool.put_empty(buffer);
          } else if (WorkBuffer* anyones = pool.take_grey()) {
            grey += anyones->count;
            pool.put_empty(anyones);
          }
        }
      },
      [](unsigned) {});
  BOOST_TEST(!late);
  BOOST_TEST(received == 40u * (kAll - 1));
  BOOST_TEST(grey == 40u);
}

BOOST_AUTO_TEST_CASE(the_pool_is_hungry_while_somebody_waits) {
  acre::test::TestHeap heap;
  WorkPool pool{};
  pool.init(&heap.core().space);
  pool.begin(2);
  BOOST_TEST(!pool.hungry());
  std::thread other([&] { (void)pool.wait_for_work(1); });
  while (!pool.hungry()) std::this_thread::yield();
  BOOST_TEST(!pool.wait_for_work(0));
  other.join();
  pool.begin(2);
  BOOST_TEST(!pool.hungry());
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::gc
