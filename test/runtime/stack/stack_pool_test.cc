// The pool of stacks against a model that only knows sets: what is taken is nobody else's, what comes back is
// used again, what was not needed goes back to the page heap as clean pages, and refusals leave nothing behind.

#include "runtime/stack/stack_pool.h"

#include <signal.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "test/runtime/base/forked_child.h"
#include "test/runtime/base/random_seed.h"
#include "test/runtime/heap/heap_state.h"

namespace acre::rt::test {
namespace {

using acre::test::in_forked_child;

class PoolState {
 public:
  explicit PoolState(uint64_t reserve = 256 * kMiB, FaultPlan* faults = nullptr)
      : heap_(reserve, faults) {
    pool_->init(&*heap_);
  }
  explicit PoolState(const acre_options& options) : heap_(options) { pool_->init(&*heap_); }
  ~PoolState() { BOOST_TEST(complaints() == ""); }

  StackPool* operator->() { return pool_.get(); }
  HeapState& heap() { return heap_; }
  PageCache& pages() { return pages_; }

  Stack* take(unsigned stack_class, StackCache* cache = nullptr,
              StackUse use = StackUse::kForeign) {
    why = ACRE_E_STATE;
    return pool_->take(stack_class, use, cache, pages_, &why);
  }
  // As a collection does, all caches flushed before.
  void give_all_back() {
    pool_->retire_unneeded(true);
    while (pool_->give_back(3)) {
    }
  }
  uint64_t kernel_page() { return heap_->os.page_size().raw; }
  uint64_t guard() { return kernel_page(); }
  ByteCount retained() { return heap_->pages.retention().retained(); }
  uint64_t in_use_pages() { return heap_->pages.usage().in_use.raw; }
  uint64_t untouched() { return heap_->pages.retention().untouched().raw; }

  std::string complaints() {
    std::string text;
    pool_->check([](const char* line,
                    void* to) { *static_cast<std::string*>(to) += std::string(line) + "; "; },
                 &text);
    heap_->pages.flush_cache(pages_);
    return text + heap_.complaints();
  }

  acre_status why = ACRE_E_STATE;

 private:
  HeapState heap_;
  std::unique_ptr<StackPool> pool_ = std::make_unique<StackPool>();
  PageCache pages_{};
};

bool writable(Addr start, Addr end) {
  for (Addr at = start; at < end; at = at + ByteCount(4096)) *at.as<volatile char>() = 1;
  *(end - ByteCount(1)).as<volatile char>() = 1;
  return true;
}

bool faults(Addr address) {
  const auto end = in_forked_child([&] {
    signal(SIGSEGV, SIG_DFL);
    *address.as<volatile char>() = 1;
    return 0;
  });
  return WIFSIGNALED(end.status) && WTERMSIG(end.status) == SIGSEGV;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(stack_pool)

BOOST_AUTO_TEST_CASE(classes_are_powers_of_two_that_hold_what_is_asked) {
  BOOST_TEST(stack_class_for(ByteCount(0)) == 0u);
  BOOST_TEST(stack_class_for(ByteCount(1)) == 0u);
  BOOST_TEST(stack_class_for(kMaxStack) == kStackClasses - 1);
  for (unsigned c = 0; c < kStackClasses; ++c) {
    BOOST_TEST(stack_class_for(stack_class_bytes(c)) == c);
    if (c + 1 < kStackClasses) {
      BOOST_TEST(stack_class_for(stack_class_bytes(c) + ByteCount(1)) == c + 1);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_stack_of_each_class_is_writable_above_a_guard) {
  PoolState pool(512 * kMiB);
  for (unsigned c = 0; c < kStackClasses; ++c) {
    Stack* stack = pool.take(c);
    BOOST_TEST_REQUIRE(stack != nullptr);
    const uint64_t unit = std::max(pool.guard(), kPageBytes);
    BOOST_TEST(stack->size().raw ==
               align_up(stack_class_bytes(c).raw + pool.guard(), unit) - pool.guard());
    BOOST_TEST(writable(stack->low, stack->high));
    BOOST_TEST(faults(stack->low - ByteCount(1)));
    BOOST_TEST(faults(stack->low - ByteCount(pool.guard())));
    BOOST_TEST(pool->find(stack->low) == stack);
    BOOST_TEST(pool->find(stack->low - ByteCount(pool.guard())) == stack);
    BOOST_TEST(pool->find(stack->high - ByteCount(1)) == stack);
    BOOST_TEST(pool->find(stack->high) != stack);
    BOOST_TEST(pool->in_use() == 1u);
    pool->put(stack, nullptr);
    BOOST_TEST(pool.take(c) == stack);
    pool->put(stack, nullptr);
  }
  BOOST_TEST(pool->find(Addr{}) == nullptr);
  BOOST_TEST(pool->find(Addr(&pool)) == nullptr);
  pool.give_all_back();
  BOOST_TEST(pool->bytes().raw == 0u);
}

BOOST_AUTO_TEST_CASE(only_what_was_free_all_the_time_is_given_back) {
  PoolState pool;
  std::vector<Stack*> stacks;
  for (int i = 0; i < 10; ++i) stacks.push_back(pool.take(0));
  for (Stack* stack : stacks) pool->put(stack, nullptr);
  const uint64_t each = pool->bytes().raw / 10;
  pool->retire_unneeded(false);  // at its beginning none was free
  BOOST_TEST(!pool->give_back(100));
  BOOST_TEST(pool->bytes().raw == 10 * each);
  // Four are needed at once, and free again at the end.
  for (int i = 0; i < 4; ++i) stacks[static_cast<size_t>(i)] = pool.take(0);
  for (int i = 0; i < 4; ++i) pool->put(stacks[static_cast<size_t>(i)], nullptr);
  pool->retire_unneeded(false);
  BOOST_TEST(pool->give_back(5));
  BOOST_TEST(!pool->give_back(5));
  BOOST_TEST(pool->bytes().raw == 4 * each);
  pool->retire_unneeded(false);
  (void)pool->give_back(100);
  BOOST_TEST(pool->bytes().raw == 0u);
  BOOST_TEST(pool.untouched() == 0u);
}

BOOST_AUTO_TEST_CASE(random_operations_match_the_model) {
  std::mt19937_64 random(acre::test::random_seed());
  const auto below = [&](uint64_t n) { return static_cast<unsigned>(random() % n); };
  PoolState pool;
  constexpr unsigned kClasses = 6;
  auto caches = std::make_unique<StackCache[]>(2);
  std::map<Stack*, uint64_t> taken;  // and what is written on it
  std::set<Stack*> cached[2];
  const auto which = [&] { return below(3); };  // two caches, or none
  for (int step = 0; step < 20'000; ++step) {
    const unsigned what = below(100);
    if (what < 48 && taken.size() < 400) {
      const unsigned c = below(kClasses);
      const unsigned w = which();
      Stack* stack = pool.take(c, w == 2 ? nullptr : &caches[w],
                               below(2) == 0 ? StackUse::kForeign : StackUse::kFiber);
      BOOST_TEST_REQUIRE(stack != nullptr);
      BOOST_TEST_REQUIRE(taken.count(stack) == 0u);
      BOOST_TEST_REQUIRE(stack->stack_class == c);
      BOOST_TEST_REQUIRE(stack->fiber == nullptr);
      const uint64_t mark = random();
      taken[stack] = mark;
      *stack->low.as<uint64_t>() = mark;
      *(stack->high - ByteCount(8)).as<uint64_t>() = mark;
      if (below(2) == 0) pool->set_touched(*stack, below(stack->size().raw + 1));
    } else if (what < 94 && !taken.empty()) {
      auto at = taken.begin();
      std::advance(at, below(std::min<uint64_t>(taken.size(), 50)));
      const auto [stack, mark] = *at;
      BOOST_TEST_REQUIRE(*stack->low.as<uint64_t>() == mark);
      BOOST_TEST_REQUIRE(*(stack->high - ByteCount(8)).as<uint64_t>() == mark);
      if (below(4) == 0) pool->release_below(*stack, (stack->high - ByteCount(64)).raw);
      BOOST_TEST_REQUIRE(*(stack->high - ByteCount(8)).as<uint64_t>() == mark);
      taken.erase(at);
      const unsigned w = which();
      pool->put(stack, w == 2 ? nullptr : &caches[w]);
    } else if (what < 96) {
      pool->flush(caches[below(2)]);
    } else if (what < 97) {
      // A collection, which empties all caches.
      pool->flush(caches[0]);
      pool->flush(caches[1]);
      pool->retire_unneeded(below(4) == 0);
    } else {
      (void)pool->give_back(below(20));
    }
    BOOST_TEST_REQUIRE(pool->in_use() == taken.size());
    if (step % 500 == 0) BOOST_TEST_REQUIRE(pool.complaints() == "");
  }
  for (const auto& [stack, mark] : taken) {
    BOOST_TEST(*stack->low.as<uint64_t>() == mark);
    pool->put(stack, nullptr);
  }
  pool->flush(caches[0]);
  pool->flush(caches[1]);
  pool.give_all_back();
  BOOST_TEST(pool->bytes().raw == 0u);
  BOOST_TEST(pool.untouched() == 0u);
  BOOST_TEST(pool.in_use_pages() == 0u);
}

BOOST_AUTO_TEST_CASE(what_is_touched_is_counted_as_memory_and_the_rest_is_not) {
  PoolState pool;
  Stack* stack = pool.take(5);  // 256 KiB
  const uint64_t all = stack->size().raw + pool.guard();
  BOOST_TEST(pool.untouched() == all - pool.kernel_page());
  writable(stack->low, stack->high);
  pool->set_touched(*stack, stack->size().raw);
  BOOST_TEST(pool.untouched() == pool.guard());
  // All but the top 20 KiB goes back, and is zero then.
  const Addr sp = stack->high - ByteCount(20 * kKiB);
  const ByteCount gone = pool->release_below(*stack, sp.raw);
  BOOST_TEST(gone.raw == stack->size().raw - 20 * kKiB);
  BOOST_TEST(pool.untouched() == all - 20 * kKiB);
  BOOST_TEST(*sp.as<char>() == 1);
  // Less than a call is worth stays, and is counted.
  writable(sp - ByteCount(8 * kKiB), sp);
  BOOST_TEST(pool->release_below(*stack, sp.raw).raw == 0u);
  BOOST_TEST(pool.untouched() == all - 28 * kKiB);
  BOOST_TEST(*(sp - ByteCount(8 * kKiB)).as<char>() == 1);
  BOOST_TEST(*(sp - ByteCount(8 * kKiB + 1)).as<char>() == 0);
  BOOST_TEST(pool->release_below(*stack, stack->low.raw).raw == 0u);
  pool->put(stack, nullptr);
  pool.give_all_back();
  BOOST_TEST(pool.untouched() == 0u);
}

BOOST_AUTO_TEST_CASE(a_stack_that_goes_back_to_the_page_heap_takes_no_memory_along) {
  PoolState pool;
  std::vector<Stack*> stacks;
  for (int i = 0; i < 20; ++i) {
    Stack* stack = pool.take(6);  // 512 KiB
    BOOST_TEST_REQUIRE(stack != nullptr);
    // Some are touched as a whole, which nobody tells the pool; the others at the top.
    writable(i % 2 == 0 ? stack->low : stack->high - ByteCount(64), stack->high);
    stacks.push_back(stack);
  }
  const Addr low = stacks[0]->low;
  const ByteCount before = pool.retained();
  for (Stack* stack : stacks) pool->put(stack, nullptr);
  pool.give_all_back();
  BOOST_TEST(pool.in_use_pages() == 0u);
  BOOST_TEST(pool.untouched() == 0u);
  BOOST_TEST(pool.retained().raw < before.raw);
  BOOST_TEST(pool.retained().raw < 512 * kKiB);
  BOOST_TEST(pool.heap()->os.resident(low, ByteCount(512 * kKiB)).raw == 0u);
}

BOOST_AUTO_TEST_CASE(a_stack_whose_memory_the_kernel_keeps_goes_back_with_it) {
  FaultPlan plan;
  PoolState pool(64 * kMiB, &plan);
  Stack* stack = pool.take(6);
  BOOST_TEST_REQUIRE(stack != nullptr);
  pool->put(stack, nullptr);
  plan.fail(OsCall::kRelease, 1);
  pool.give_all_back();
  BOOST_TEST(pool.untouched() == 0u);
  BOOST_TEST(pool.retained().raw >= 512 * kKiB);
}

BOOST_AUTO_TEST_CASE(a_refused_release_is_no_loss) {
  FaultPlan plan;
  PoolState pool(64 * kMiB, &plan);
  Stack* stack = pool.take(5);
  writable(stack->low, stack->high);
  plan.fail(OsCall::kRelease, 1);
  BOOST_TEST(pool->release_below(*stack, stack->high.raw).raw == 0u);
  BOOST_TEST(pool.untouched() == pool.guard());
  BOOST_TEST(*stack->low.as<char>() == 1);
  BOOST_TEST(pool->release_below(*stack, stack->high.raw).raw == stack->size().raw);
  pool->put(stack, nullptr);
}

BOOST_AUTO_TEST_CASE(a_refused_guard_is_a_limit_and_nothing_is_lost) {
  FaultPlan plan;
  PoolState pool(64 * kMiB, &plan);
  for (int i = 0; i < 200; ++i) {
    plan.fail(OsCall::kGuard, 1);
    BOOST_TEST_REQUIRE(pool.take(3) == nullptr);
    BOOST_TEST(pool.why == ACRE_E_LIMIT);
    BOOST_TEST_REQUIRE(pool.in_use_pages() == 0u);
  }
  plan.clear();
  BOOST_TEST(pool->in_use() == 0u);
  BOOST_TEST(pool.untouched() == 0u);
  Stack* stack = pool.take(3);
  BOOST_TEST(stack != nullptr);
  pool->put(stack, nullptr);
}

BOOST_AUTO_TEST_CASE(a_heap_without_room_or_without_memory_says_so) {
  FaultPlan plan;
  PoolState pool(64 * kMiB, &plan);
  BOOST_TEST(pool.take(kStackClasses - 1) == nullptr);  // with its guard it never fits
  BOOST_TEST(pool.why == ACRE_E_NOMEM);
  plan.fail(OsCall::kCommit, 1, 1000);
  Stack* stack = nullptr;
  std::vector<Stack*> stacks;
  while ((stack = pool.take(7)) != nullptr) stacks.push_back(stack);
  BOOST_TEST(pool.why == ACRE_E_NOMEM);
  plan.clear();
  while ((stack = pool.take(7)) != nullptr) stacks.push_back(stack);
  BOOST_TEST(pool.why == ACRE_E_NOMEM);
  BOOST_TEST(stacks.size() == 63u);  // of a megabyte, in 64 MiB, with guards
  for (Stack* one : stacks) pool->put(one, nullptr);
  pool.give_all_back();
  BOOST_TEST(pool.in_use_pages() == 0u);
}

BOOST_AUTO_TEST_CASE(the_hard_limit_is_a_limit) {
  acre_options options;
  options_defaults(&options);
  options.reserve_bytes = 256 * kMiB;
  options.hard_limit = 8 * kMiB;
  PoolState pool(options);
  pool.heap()->pages.retention().set_limits(ByteCount(UINT64_MAX), ByteCount(8 * kMiB));
  std::vector<Stack*> stacks;
  while (Stack* stack = pool.take(3)) {
    writable(stack->low, stack->high);
    pool->set_touched(*stack, stack->size().raw);
    stacks.push_back(stack);
    BOOST_TEST_REQUIRE(stacks.size() < 200u);
  }
  BOOST_TEST(pool.why == ACRE_E_LIMIT);
  BOOST_TEST(stacks.size() > 40u);
  for (Stack* one : stacks) pool->put(one, nullptr);
}

BOOST_AUTO_TEST_CASE(a_guard_that_cannot_be_removed_leaves_a_stack) {
  FaultPlan plan;
  PoolState pool(64 * kMiB, &plan);
  Stack* one = pool.take(0);
  Stack* two = pool.take(0);
  pool->put(one, nullptr);
  pool->put(two, nullptr);
  plan.fail(OsCall::kGuard, 1, 2);
  pool.give_all_back();
  BOOST_TEST(pool->bytes().raw == 2 * (one->size().raw + pool.guard()));
  BOOST_TEST(faults(one->low - ByteCount(1)));
  Stack* again = pool.take(0);
  BOOST_TEST((again == one || again == two));
  BOOST_TEST(writable(again->low, again->high));
  pool->put(again, nullptr);
  pool.give_all_back();
  BOOST_TEST(pool->bytes().raw == 0u);
}

BOOST_AUTO_TEST_CASE(guards_that_take_mappings_end_in_a_limit_and_nothing_leaks) {
  FaultPlan plan;
  plan.pretend_no_guard_advice();
  plan.pretend_max_map_count(400);
  PoolState pool(256 * kMiB, &plan);
  for (int round = 0; round < 5; ++round) {
    std::vector<Stack*> stacks;
    while (Stack* stack = pool.take(0)) {
      stacks.push_back(stack);
      BOOST_TEST_REQUIRE(stacks.size() < 200u);
    }
    BOOST_TEST(pool.why == ACRE_E_LIMIT);
    BOOST_TEST(stacks.size() > 20u);
    const uint64_t used = pool.in_use_pages();
    for (int i = 0; i < 10; ++i) BOOST_TEST(pool.take(0) == nullptr);
    BOOST_TEST(pool.in_use_pages() == used);
    BOOST_TEST(faults(stacks[3]->low - ByteCount(1)));
    BOOST_TEST(writable(stacks[3]->low, stacks[3]->high));
    for (Stack* stack : stacks) pool->put(stack, nullptr);
    pool.give_all_back();
    BOOST_TEST(pool.in_use_pages() == 0u);
  }
}

BOOST_AUTO_TEST_CASE(pages_of_former_stacks_make_spans_of_zeroed_objects) {
  for (const bool by_protection : {false, true}) {
    FaultPlan plan;
    if (by_protection) plan.pretend_no_guard_advice();
    PoolState pool(64 * kMiB, &plan);
    std::vector<Stack*> stacks;
    for (int i = 0; i < 50; ++i) stacks.push_back(pool.take(static_cast<unsigned>(i % 3)));
    Addr low = stacks[0]->low;
    Addr high = stacks[0]->high;
    for (Stack* stack : stacks) {
      low = std::min(low, stack->low - ByteCount(pool.guard()));
      high = std::max(high, stack->high);
      std::memset(stack->low.as<void>(), 0xee, stack->size().raw);
      pool->put(stack, nullptr);
    }
    pool.give_all_back();
    pool.heap()->pages.flush_cache(pool.pages());
    ThreadCache& cache = pool.heap().new_cache();
    uint64_t inside = 0;
    for (int i = 0; i < 30'000 && inside < (high - low).raw; ++i) {
      const size_t bytes = i % 2 == 0 ? 1024 : 64;
      auto* object = static_cast<char*>(cache.try_alloc(bytes, ACRE_KIND_CONSERVATIVE));
      if (object == nullptr) {
        object = static_cast<char*>(cache.alloc_slow(bytes, ACRE_KIND_CONSERVATIVE, Fill::kZero));
      }
      BOOST_TEST_REQUIRE(object != nullptr);
      if (Addr(object) >= low && Addr(object) < high) inside += bytes;
      for (size_t b = 0; b < bytes; ++b) {
        if (object[b] != 0) BOOST_FAIL("an object is not zero");
        object[b] = 1;
      }
      BOOST_TEST_REQUIRE(pool->find(Addr(object)) == nullptr);
    }
    BOOST_TEST(inside > (high - low).raw / 2);
    cache.flush();
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace acre::rt::test
