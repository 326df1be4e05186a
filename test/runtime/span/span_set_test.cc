#include "runtime/span/span_set.h"

#include <atomic>
#include <boost/test/unit_test.hpp>
#include <memory>
#include <thread>
#include <vector>

namespace acre::rt {
namespace {

class Spans {
 public:
  explicit Spans(size_t count) : count_(count), entries_(new SpanTableEntry[count]()) {
    for (size_t i = 0; i < count; ++i) entries_[i].span.start_page = static_cast<uint32_t>(i);
  }
  Span* operator[](size_t i) { return &entries_[i].span; }
  size_t size() const { return count_; }

 private:
  size_t count_;
  std::unique_ptr<SpanTableEntry[]> entries_;
};

BOOST_AUTO_TEST_SUITE(span_set)

BOOST_AUTO_TEST_CASE(the_last_in_is_the_first_out) {
  Spans spans(5);
  SpanSet set;
  BOOST_TEST(set.empty());
  BOOST_TEST(set.pop() == nullptr);
  for (size_t i = 0; i < 5; ++i) set.push(spans[i]);
  BOOST_TEST(!set.empty());
  for (size_t i = 5; i > 0; --i) BOOST_TEST(set.pop() == spans[i - 1]);
  BOOST_TEST(set.pop() == nullptr);
}

BOOST_AUTO_TEST_CASE(counting_changes_nothing) {
  Spans spans(1000);
  SpanSet set;
  BOOST_TEST(set.count() == 0);
  for (size_t i = 0; i < spans.size(); ++i) {
    BOOST_TEST_REQUIRE(set.count() == i);
    set.push(spans[i]);
  }
  for (size_t i = spans.size(); i > 0; --i) BOOST_TEST_REQUIRE(set.pop() == spans[i - 1]);
}

BOOST_AUTO_TEST_CASE(threads_that_move_spans_conserve_their_number_and_sum) {
  constexpr int kThreads = 4;
  constexpr int kMoves = 40000;
  Spans spans(64);
  SpanSet sets[2];
  uint64_t sum = 0;
  for (size_t i = 0; i < spans.size(); ++i) {
    sets[i % 2].push(spans[i]);
    sum += i;
  }
  std::atomic<bool> shared{false};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kMoves; ++i) {
        Span* span = sets[(t + i) % 2].pop();
        if (span == nullptr) continue;
        // Its owner alone writes it: tsan would tell.
        if (span->page_count != 0) shared = true;
        span->page_count = 1;
        span->page_count = 0;
        sets[(t * i) % 2].push(span);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  BOOST_TEST(!shared);
  BOOST_TEST(sets[0].count() + sets[1].count() == spans.size());
  uint64_t left = 0;
  for (SpanSet& set : sets) {
    while (Span* span = set.pop()) left += span->start_page;
  }
  BOOST_TEST(left == sum);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::rt
