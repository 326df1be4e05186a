// The C++ API: that types are traced as they say, roots of each sort hold, and errors come as documented.
// All heaps here scan no stacks, so that what a test does not root is garbage.

#include <acre/acre.hpp>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Traced {
  acre::Member<Traced> next;
  long value = 0;
  void trace(acre::Visitor& visitor) { visitor(next); }
};

struct LaidOut {
  LaidOut* left;
  long number;
  LaidOut* right;
  static constexpr acre::Layout layout{0, 2};
};

struct Leaf {
  char text[40];
};

struct Base {
  acre::Member<Traced> first;
  virtual void trace(acre::Visitor& visitor) { visitor(first); }
};
struct Derived : Base {
  acre::Member<Traced> second;
  void trace(acre::Visitor& visitor) override {
    Base::trace(visitor);
    visitor(second);
  }
};

struct alignas(64) Aligned {
  double lanes[8];
};

struct Thrower {
  acre::Member<Traced> held;
  void trace(acre::Visitor& visitor) { visitor(held); }
  explicit Thrower(bool yes) {
    if (yes) throw std::runtime_error("no");
  }
};

// Allocates, and so may collect, in its constructor.
struct Nested {
  acre::Member<Traced> inner;
  explicit Nested(acre::Thread& thread) {
    thread.collect();
    inner = thread.make<Traced>();
    inner->value = 7;
  }
  void trace(acre::Visitor& visitor) { visitor(inner); }
};

// Collects while the object is still its abstract base.
struct Abstract {
  explicit Abstract(acre::Thread& thread) { thread.collect(); }
  virtual void trace(acre::Visitor& visitor) = 0;
};
struct Concrete : Abstract {
  acre::Member<const Traced> held;
  const int* raw = nullptr;
  explicit Concrete(acre::Thread& thread) : Abstract(thread) {}
  void trace(acre::Visitor& visitor) override { visitor(held, raw); }
};

struct Pod {
  int a;
  int b;
};

acre::Options precise() {
  acre::Options options;
  options.conservative_stacks = 0;
  options.clobber_free = 1;
  options.reserve_bytes = size_t{256} << 20;
  return options;
}

struct PreciseHeap {
  acre::Heap heap{precise()};
  acre::Thread thread{heap};

  uint64_t live() {
    thread.collect();
    return heap.stats().live_objects;
  }
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(acre_hpp, PreciseHeap)

BOOST_AUTO_TEST_CASE(a_traced_list_lives_by_its_root_and_dies_with_it) {
  {
    acre::Root<Traced> list(thread);
    for (long i = 0; i < 1000; ++i) {
      auto* node = thread.make<Traced>();
      node->value = i;
      node->next = list.get();
      list = node;
    }
    BOOST_TEST(live() == 1000u);
    long expected = 999;
    for (Traced* node = list; node != nullptr; node = node->next) {
      BOOST_REQUIRE_EQUAL(node->value, expected--);
    }
    BOOST_TEST(expected == -1);
    BOOST_TEST(heap.verify());
  }
  BOOST_TEST(live() == 0u);
}

BOOST_AUTO_TEST_CASE(a_layout_tells_references_from_numbers) {
  acre::Root<LaidOut> root(thread, thread.make<LaidOut>());
  root->left = thread.make<LaidOut>();
  root->right = thread.make<LaidOut>();
  root->number = static_cast<long>(reinterpret_cast<uintptr_t>(thread.make<LaidOut>()));
  BOOST_TEST(live() == 3u);
}

BOOST_AUTO_TEST_CASE(an_array_is_traced_to_its_last_element) {
  constexpr size_t kCount = 5000;
  acre::Root<Traced> traced(thread, thread.make_array<Traced>(kCount));
  acre::Root<LaidOut> laid_out(thread, thread.make_array<LaidOut>(kCount));
  for (size_t i : {size_t{0}, kCount / 2, kCount - 1}) {
    traced.get()[i].next = thread.make<Traced>();
    laid_out.get()[i].right = thread.make<LaidOut>();
  }
  BOOST_TEST(live() == 2u + 6u);
  BOOST_TEST(traced.get()[kCount - 1].next->value == 0);
}

BOOST_AUTO_TEST_CASE(a_virtual_trace_sees_what_the_derived_class_holds) {
  acre::Root<Base> root(thread, thread.make<Derived>());
  root->first = thread.make<Traced>();
  static_cast<Derived*>(root.get())->second = thread.make<Traced>();
  BOOST_TEST(live() == 3u);
}

BOOST_AUTO_TEST_CASE(leaves_and_aggregates_and_aligned_types_are_made) {
  acre::Local<Leaf> leaf(thread, thread.make<Leaf>());
  acre::Local<Pod> pod(thread, thread.make<Pod>(1, 2));
  acre::Local<Aligned> aligned(thread, thread.make_array<Aligned>(10));
  BOOST_TEST(live() == 3u);
  BOOST_TEST(leaf->text[39] == 0);
  BOOST_TEST(pod->b == 2);
  BOOST_TEST(reinterpret_cast<uintptr_t>(aligned.get()) % alignof(Aligned) == 0u);
  BOOST_TEST(acre_object_kind(heap, leaf.get()) == unsigned{ACRE_KIND_LEAF});
}

BOOST_AUTO_TEST_CASE(locals_hold_for_their_scope) {
  {
    acre::Local<Traced> outer(thread, thread.make<Traced>());
    {
      acre::Local<Traced> inner(thread, thread.make<Traced>());
      BOOST_TEST(live() == 2u);
      outer = inner;
      BOOST_TEST(live() == 1u);
    }
    BOOST_TEST(live() == 1u);
  }
  BOOST_TEST(live() == 0u);
}

BOOST_AUTO_TEST_CASE(a_root_moves_and_keeps_its_object) {
  acre::Root<Traced> first(thread, thread.make<Traced>());
  acre::Root<Traced> second(std::move(first));
  BOOST_TEST(live() == 1u);
  acre::Root<Traced> third(thread);
  third = std::move(second);
  BOOST_TEST(live() == 1u);
  BOOST_TEST(third->value == 0);
}

BOOST_AUTO_TEST_CASE(an_object_is_a_root_while_its_constructor_allocates) {
  acre::Root<Nested> root(thread, thread.make<Nested>(thread));
  BOOST_TEST(live() == 2u);
  BOOST_TEST(root->inner->value == 7);
}

BOOST_AUTO_TEST_CASE(an_object_whose_base_is_abstract_is_traced_while_it_is_made) {
  acre::Root<Concrete> root(thread, thread.make<Concrete>(thread));
  root->held = thread.make<Traced>();
  BOOST_TEST(live() == 2u);
}

BOOST_AUTO_TEST_CASE(a_root_that_was_moved_from_reads_as_null) {
  acre::Root<Traced> first(thread, thread.make<Traced>());
  const acre::Root<Traced> second(std::move(first));
  BOOST_TEST(!static_cast<bool>(first));  // NOLINT(bugprone-use-after-move): what is tested
  BOOST_TEST(static_cast<bool>(second));
}

BOOST_AUTO_TEST_CASE(the_oom_handler_may_not_end_the_heap_or_its_thread) {
  struct Seen {
    acre_thread* thread;
    acre_status destroyed;
    acre_status detached;
  } seen{thread.get(), ACRE_OK, ACRE_OK};
  acre_set_oom_handler(
      heap,
      [](acre_heap* full, size_t, void* arg) {
        auto* result = static_cast<Seen*>(arg);
        result->detached = acre_thread_detach(result->thread);
        result->destroyed = acre_heap_destroy(full);
        return 0;
      },
      &seen);
  acre::Local<Leaf> most(thread, thread.make_array<Leaf>((size_t{200} << 20) / sizeof(Leaf)));
  BOOST_TEST(thread.try_make_array<Leaf>((size_t{200} << 20) / sizeof(Leaf)) == nullptr);
  BOOST_TEST(seen.destroyed == ACRE_E_STATE);
  BOOST_TEST(seen.detached == ACRE_E_STATE);
  BOOST_TEST(heap.verify());
}

BOOST_AUTO_TEST_CASE(what_a_constructor_throws_arrives_and_leaves_garbage_only) {
  BOOST_CHECK_THROW(thread.make<Thrower>(true), std::runtime_error);
  BOOST_TEST(live() == 0u);
  acre::Local<Thrower> fine(thread, thread.make<Thrower>(false));
  BOOST_TEST(live() == 1u);
}

BOOST_AUTO_TEST_CASE(a_lack_of_memory_is_an_exception_or_null_by_choice_of_call) {
  BOOST_CHECK_THROW(thread.make_array<Traced>(size_t{1} << 30), acre::OutOfMemory);
  BOOST_CHECK_THROW(thread.make_array<Traced>(SIZE_MAX), std::bad_alloc);
  BOOST_TEST(thread.try_make_array<Leaf>(SIZE_MAX / 2) == nullptr);
  BOOST_TEST(thread.last_error() == ACRE_E_NOMEM);
  BOOST_TEST(thread.try_make<Leaf>() != nullptr);
}

BOOST_AUTO_TEST_CASE(a_heap_that_cannot_be_made_throws_with_its_status) {
  acre::Options options;
  options.reserve_bytes = 1;
  try {
    acre::Heap impossible(options);
    BOOST_FAIL("made");
  } catch (const acre::Error& error) {
    BOOST_TEST(error.status() == ACRE_E_INVALID);
    BOOST_TEST(std::string(error.what()) == acre_strerror(ACRE_E_INVALID));
  }
}

BOOST_AUTO_TEST_CASE(kinds_are_registered_once_a_heap) {
  const acre_kind first = heap.kind<Traced>().number();
  BOOST_TEST(heap.kind<Traced>().number() == first);
  acre::Root<Traced> root(thread, thread.make<Traced>());
  BOOST_TEST(acre_object_kind(heap, root.get()) == first);
  acre::Heap other(precise());
  acre::Thread in_other(other);
  acre::Root<Traced> elsewhere(in_other, in_other.make<Traced>());
  BOOST_TEST(acre_object_base(heap, elsewhere.get()) == nullptr);
  BOOST_TEST(heap.stats().kinds == 3u);
}

BOOST_AUTO_TEST_CASE(walking_shows_each_object_once) {
  acre::Root<Traced> root(thread, thread.make<Traced>());
  acre::Root<Leaf> leaf(thread, thread.make<Leaf>());
  std::set<void*> seen;
  heap.walk([&seen](void* object, size_t size, acre::Kind) {
    BOOST_TEST(size >= sizeof(Traced));
    seen.insert(object);
  });
  BOOST_TEST(seen == (std::set<void*>{root.get(), leaf.get()}));
}

BOOST_AUTO_TEST_CASE(threads_allocate_side_by_side_and_block_by_scope) {
  // Boost.Test's checks are for one thread: the workers only count.
  std::vector<long> counts(4);
  std::vector<std::thread> workers;
  for (int worker = 0; worker < 4; ++worker) {
    workers.emplace_back([this, &count = counts[static_cast<size_t>(worker)]] {
      acre::Thread mine(heap);
      acre::Root<Traced> list(mine);
      for (long i = 0; i < 50000; ++i) {
        auto* node = mine.make<Traced>();
        node->value = i;
        // Every tenth is kept.
        if (i % 10 != 0) continue;
        node->next = list.get();
        list = node;
      }
      for (Traced* node = list; node != nullptr; node = node->next) ++count;
    });
  }
  {
    acre::Blocking joining(thread);
    for (std::thread& worker : workers) worker.join();
  }
  for (const long count : counts) BOOST_TEST(count == 5000);
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_AUTO_TEST_SUITE(acre_hpp_containers)

// With stacks scanned: the containers themselves are on the stack.
BOOST_AUTO_TEST_CASE(standard_containers_live_in_the_heap) {
  acre::Heap heap;
  acre::Thread thread(heap);
  using Entry = std::pair<const int, long>;
  std::map<int, long, std::less<>, acre::StlAllocator<Entry>> map{
      acre::StlAllocator<Entry>(thread)};
  std::vector<double, acre::StlAllocator<double>> numbers{acre::StlAllocator<double>(thread)};
  for (int i = 0; i < 20000; ++i) {
    map[i] = i * 3L;
    numbers.push_back(i);
    if (i % 5000 == 0) thread.collect();
  }
  thread.collect();
  BOOST_TEST(map.size() == 20000u);
  for (const auto& [key, value] : map) BOOST_REQUIRE_EQUAL(value, key * 3L);
  for (int i = 0; i < 20000; ++i) BOOST_REQUIRE_EQUAL(numbers[static_cast<size_t>(i)], i);
  BOOST_TEST(acre_object_base(heap, numbers.data()) == numbers.data());
  BOOST_TEST(acre_object_kind(heap, numbers.data()) == unsigned{ACRE_KIND_LEAF});
  BOOST_TEST(heap.verify());
}

// With stacks scanned make puts the object on no list: its own frame holds it.
BOOST_AUTO_TEST_CASE(an_object_lives_while_its_constructor_collects_with_stacks_scanned) {
  acre::Options options = precise();
  options.conservative_stacks = 1;
  acre::Heap heap(options);
  acre::Thread thread(heap);
  BOOST_TEST(heap.scans_stacks());
  for (int i = 0; i < 100; ++i) {
    auto* nested = thread.make<Nested>(thread);
    BOOST_TEST_REQUIRE(acre_object_base(heap, nested) == nested);
    BOOST_TEST_REQUIRE(nested->inner->value == 7);
    auto* concrete = thread.make<Concrete>(thread);
    BOOST_TEST_REQUIRE(acre_object_base(heap, concrete) == concrete);
  }
  BOOST_TEST(heap.verify());
}

BOOST_AUTO_TEST_CASE(a_memory_limit_throws_what_a_lack_of_memory_throws) {
  acre::Heap heap(precise());
  acre::Thread thread(heap);
  BOOST_TEST(heap.set_hard_limit(8 * 1024 * 1024) == ACRE_NO_LIMIT);
  acre_status status = ACRE_OK;
  try {
    (void)thread.make_array<long>(4 * 1024 * 1024);
  } catch (const std::bad_alloc& problem) {
    status = dynamic_cast<const acre::OutOfMemory&>(problem).status();
  }
  BOOST_TEST(status == ACRE_E_LIMIT);
  BOOST_TEST(heap.set_hard_limit(ACRE_NO_LIMIT) == 8u * 1024 * 1024);
  BOOST_TEST(thread.make_array<long>(4 * 1024 * 1024) != nullptr);
}

BOOST_AUTO_TEST_SUITE_END()
