// acre::Thread::make and its like: each object comes from the gap of its own heap, kind and size, whatever
// a Thread remembers of earlier ones, and is zero where nobody has written.

#include <acre/acre.hpp>
#include <boost/test/unit_test.hpp>
#include <cstring>
#include <map>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "test/runtime/base/random_seed.h"

namespace {

constexpr size_t kMiB = size_t{1} << 20;

// As many types as wanted: every third is leaf, laid out, or traced; sizes from 16 to 1040 bytes. Their
// constructors are written down so that T() does not zero the object first.
template <unsigned N>
struct Traced {
  acre::Member<void> next;
  unsigned number;
  char room[16 * (N % 65)];
  Traced() : number(N) {}
  void trace(acre::Visitor& visitor) { visitor(next); }
};
template <unsigned N>
struct LaidOut {
  long number;
  void* next;
  void* room[2 * (N % 32)];
  LaidOut() : number(N) {}  // NOLINT(cppcoreguidelines-pro-type-member-init)
  static constexpr acre::Layout layout{1};
};
template <unsigned N>
struct Leaf {
  uint64_t number;
  char room[16 * (N % 65)];
  Leaf() : number(N) {}  // NOLINT(cppcoreguidelines-pro-type-member-init)
};
template <unsigned N>
using Numbered =
    std::conditional_t<N % 3 == 0, Traced<N>, std::conditional_t<N % 3 == 1, LaidOut<N>, Leaf<N>>>;

// Two kinds of one size: what serves one would do for the other.
struct TracedPair {
  acre::Member<void> next;
  long number = 0;
  void trace(acre::Visitor& visitor) { visitor(next); }
};
struct LaidOutPair {
  long number = 0;
  void* next = nullptr;
  static constexpr acre::Layout layout{1};
};

acre::Options precise(int gc_every = 0) {
  acre::Options options;
  options.conservative_stacks = 0;
  options.clobber_free = 1;
  options.gc_percent = -1;
  options.gc_every = gc_every;
  options.reserve_bytes = 256 * kMiB;
  return options;
}

__attribute__((noinline)) bool all_zero(const void* memory, size_t from, size_t end) {
  const volatile auto* bytes = static_cast<const volatile unsigned char*>(memory);
  for (size_t i = from; i < end; ++i) {
    if (bytes[i] != 0) return false;
  }
  return true;
}

// Leaves the heap full of holes that are anything but zero.
void make_dirty(acre::Thread& thread) {
  std::mt19937_64 random(1);
  for (const acre_kind kind : {acre_kind{ACRE_KIND_LEAF}, acre_kind{ACRE_KIND_CONSERVATIVE}}) {
    for (int i = 0; i < 20000; ++i) {
      const size_t bytes = 16 + random() % 1100;
      void* memory = acre_alloc(thread, bytes, kind);
      memset(memory, 0xee, acre_object_size(thread.heap(), memory));
    }
  }
  thread.collect();
}

// Whether an object is of its type's kind and heap, and as large.
template <class T>
bool is_one(acre::Heap& heap, T* object) {
  return acre_object_base(heap, object) == object &&
         acre_object_kind(heap, object) == heap.kind<T>().number() &&
         acre_object_size(heap, object) >= sizeof(T);
}

// Makes one of each type; returns how many are as they should be.
template <unsigned... N>
unsigned make_one_of_each(acre::Thread& thread, std::integer_sequence<unsigned, N...>) {
  unsigned right = 0;
  (
      [&] {
        auto* object = thread.make<Numbered<N>>();
        right += is_one(thread.heap(), object) && object->number == N ? 1 : 0;
      }(),
      ...);
  return right;
}
template <unsigned kCount>
unsigned make_one_of_each(acre::Thread& thread) {
  return make_one_of_each(thread, std::make_integer_sequence<unsigned, kCount>());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(make)

BOOST_AUTO_TEST_CASE(two_heaps_used_in_turn_do_not_mix_though_their_kinds_differ) {
  acre::Heap one(precise());
  acre::Heap two(precise());
  const acre_kind first = one.kind<TracedPair>().number();
  const acre_kind second = one.kind<LaidOutPair>().number();
  // The other way round.
  BOOST_TEST(two.kind<LaidOutPair>().number() == first);
  BOOST_TEST(two.kind<TracedPair>().number() == second);
  acre::Thread in_one(one);
  acre::Thread in_two(two);
  uint64_t wrong = 0;
  for (int i = 0; i < 20000; ++i) {
    auto* a = in_one.make<TracedPair>();
    auto* b = in_two.make<TracedPair>();
    auto* c = in_two.make<LaidOutPair>();
    auto* d = in_one.make<LaidOutPair>();
    wrong += is_one(one, a) && is_one(two, b) && is_one(two, c) && is_one(one, d) ? 0 : 1;
    wrong += acre_object_base(two, a) == nullptr && acre_object_base(one, b) == nullptr ? 0 : 1;
    if (i % 5000 == 4000) in_one.collect();
    if (i % 5000 == 4500) in_two.collect();
  }
  BOOST_TEST(wrong == 0u);
  BOOST_TEST(acre::detail::gap_number<TracedPair> != 0u);  // or nothing here was remembered
  BOOST_TEST(acre::detail::gap_number<LaidOutPair> != 0u);
  BOOST_TEST(one.verify());
  BOOST_TEST(two.verify());
}

BOOST_AUTO_TEST_CASE(two_threads_objects_on_one_heap_share_what_they_are) {
  acre::Heap heap(precise());
  acre::Thread outer(heap);
  acre::Root<Traced<502>> list(outer);
  long made = 0;
  const auto push = [&list, &made](acre::Thread& thread) {
    auto* node = thread.make<Traced<502>>();
    node->next = list.get();
    list = node;
    ++made;
  };
  for (int i = 0; i < 200; ++i) {
    push(outer);
    {
      acre::Thread inner(heap);
      BOOST_TEST(inner.get() == outer.get());
      for (int n = 0; n < 10; ++n) push(inner), push(outer);
    }
    push(outer);
    if (i % 50 == 0) outer.collect();
  }
  outer.collect();
  BOOST_TEST(heap.stats().live_objects == static_cast<uint64_t>(made));
}

// A thread's record, and with it its gaps, goes to whoever attaches next.
BOOST_AUTO_TEST_CASE(a_thread_that_comes_back_takes_nothing_that_is_anothers) {
  acre::Heap heap(precise());
  std::vector<acre_handle*> roots;
  uint64_t kept = 0;
  bool right = true;
  const auto work = [&](unsigned number) {
    acre::Thread thread(heap);
    for (unsigned i = 0; i < 100; ++i) {
      auto* object = thread.make<Traced<503>>();
      right &= all_zero(object, 0, sizeof(void*)) && is_one(heap, object);
      object->number = number;
      if (i % 10 != 0) continue;
      roots.push_back(acre_handle_new(thread, object));
      ++kept;
    }
    if (number % 5 == 0) thread.collect();
  };
  for (unsigned number = 0; number < 100; ++number) {
    work(number);
    std::thread(work, number).join();
  }
  BOOST_TEST(right);
  acre::Thread thread(heap);
  thread.collect();
  BOOST_TEST(heap.stats().live_objects == kept);
  for (size_t i = 0; i < roots.size(); ++i) {
    BOOST_TEST_REQUIRE(static_cast<Traced<503>*>(acre_handle_get(roots[i]))->number == i / 20);
  }
  for (acre_handle* root : roots) acre_handle_drop(root);
}

BOOST_AUTO_TEST_CASE(it_is_right_when_each_allocation_collects) {
  for (const int every : {1, 2, 7}) {
    acre::Heap heap(precise(every));
    acre::Thread thread(heap);
    acre::Root<Traced<1>> traced(thread);
    acre::Root<LaidOut<2>> laid_out(thread);
    for (uint64_t i = 0; i < 200; ++i) {
      auto* first = thread.make<Traced<1>>();
      first->next = traced.get();
      traced = first;
      auto* second = thread.make<LaidOut<2>>();
      second->next = laid_out.get();
      laid_out = second;
      acre::Local<Leaf<1>> leaf(thread, thread.make<Leaf<1>>());
      (void)thread.make<Leaf<1>>();
      BOOST_TEST_REQUIRE(leaf->number == 1u);
    }
    // Torture counts each allocation: none is served in passing.
    BOOST_TEST(heap.stats().num_gc == 800u / static_cast<unsigned>(every));
    thread.collect();
    BOOST_TEST(heap.stats().live_objects == 400u);
    BOOST_TEST(heap.verify());
  }
}

template <class T>
bool is_zero_but_for_number(acre::Thread& thread) {
  bool right = true;
  for (int i = 0; i < 300; ++i) {
    T* object = thread.make<T>();
    const auto* start = reinterpret_cast<const char*>(object);
    const auto at = static_cast<size_t>(reinterpret_cast<const char*>(&object->number) - start);
    right &= all_zero(object, 0, at);
    right &= all_zero(object, at + sizeof(object->number), acre_object_size(thread.heap(), object));
    memset(static_cast<void*>(object), 0xaa, sizeof(T));
    if constexpr (!std::is_trivially_copyable_v<T> || acre::LaidOut<T>) {
      memset(static_cast<void*>(object), 0, sizeof(T));
    }
  }
  return right;
}

template <unsigned... N>
unsigned count_zero(acre::Thread& thread, std::integer_sequence<unsigned, N...>) {
  return (0u + ... + (is_zero_but_for_number<Numbered<N>>(thread) ? 1u : 0u));
}

BOOST_AUTO_TEST_CASE(an_object_is_zero_where_its_constructor_does_not_write) {
  acre::Heap heap(precise());
  acre::Thread thread(heap);
  make_dirty(thread);
  constexpr auto kTypes = std::make_integer_sequence<unsigned, 100>();
  for (int round = 0; round < 4; ++round) {
    BOOST_TEST(count_zero(thread, kTypes) == 100u);
    thread.collect();
  }
}

template <size_t kAlign, size_t kBytes>
struct alignas(kAlign) Aligned {
  acre::Member<void> held;
  char rest[kBytes - sizeof(void*)];
  void trace(acre::Visitor& visitor) { visitor(held); }
};

template <class T>
void check_aligned(acre::Thread& thread) {
  acre::Root<T> list(thread);
  for (int i = 0; i < 20; ++i) {
    T* one = thread.make<T>();
    T* many = thread.make_array<T>(3);
    for (T* object : {one, many}) {
      BOOST_TEST_REQUIRE(reinterpret_cast<uintptr_t>(object) % alignof(T) == 0u);
    }
    BOOST_TEST_REQUIRE(all_zero(one, 0, sizeof(T)));
    BOOST_TEST_REQUIRE(all_zero(many, 0, 3 * sizeof(T)));
    many[2].held = list.get();
    one->held = &many[1];  // into it
    list = one;
    thread.make<Leaf<7>>()->room[0] = 1;
  }
  thread.collect();
  BOOST_TEST(thread.heap().stats().live_objects == 40u);
  list = nullptr;
  thread.collect();
  BOOST_TEST(thread.heap().stats().live_objects == 0u);
}

BOOST_AUTO_TEST_CASE(types_with_an_alignment_above_16_get_it) {
  acre::Heap heap(precise());
  acre::Thread thread(heap);
  make_dirty(thread);
  check_aligned<Aligned<32, 32>>(thread);
  check_aligned<Aligned<32, 96>>(thread);
  check_aligned<Aligned<64, 64>>(thread);
  check_aligned<Aligned<128, 896>>(thread);
  check_aligned<Aligned<256, 2048>>(thread);
  check_aligned<Aligned<4096, 4096>>(thread);
  check_aligned<Aligned<8192, 16384>>(thread);
  check_aligned<Aligned<65536, 65536>>(thread);
  BOOST_TEST(heap.verify());
}

BOOST_AUTO_TEST_CASE(an_array_without_content_is_zero_behind_what_was_asked) {
  acre::Heap heap(precise());
  acre::Thread thread(heap);
  make_dirty(thread);
  std::mt19937_64 random(acre::test::random_seed());
  for (int i = 0; i < 3000; ++i) {
    const size_t count = random() % (i % 100 == 0 ? 100000 : 1500);
    auto* bytes = thread.make_uninit_array<char>(count);
    const size_t size = acre_object_size(heap, bytes);
    BOOST_TEST_REQUIRE(size >= count);
    BOOST_TEST_REQUIRE(all_zero(bytes, count, size));
    BOOST_TEST_REQUIRE(acre_object_kind(heap, bytes) == unsigned{ACRE_KIND_LEAF});
    memset(bytes, 0xcc, size);
    if (i % 700 == 0) thread.collect();
  }
  BOOST_TEST(heap.verify());
}

BOOST_AUTO_TEST_CASE(an_array_without_content_may_be_empty_and_not_too_large) {
  acre::Heap heap(precise());
  acre::Thread thread(heap);
  auto* none = thread.make_uninit_array<double>(0);
  auto* other = thread.make_uninit_array<double>(0);
  BOOST_TEST(none != nullptr);
  BOOST_TEST(none != other);
  BOOST_TEST(acre_object_base(heap, none) == none);
  for (const size_t count : {SIZE_MAX, SIZE_MAX / sizeof(double), SIZE_MAX / sizeof(double) + 1,
                             SIZE_MAX / 2 + 1, size_t{1} << 61, 300 * kMiB}) {
    BOOST_CHECK_THROW((void)thread.make_uninit_array<double>(count), acre::OutOfMemory);
    BOOST_TEST(thread.last_error() == ACRE_E_NOMEM);
  }
  BOOST_TEST(thread.make_uninit_array<double>(kMiB) != nullptr);
  BOOST_TEST(heap.verify());
}

// Types get their places in the order in which they are seen, so these tests are the last: after them
// there is no place left. Of 360 types 240 have kinds of their own, and so want a place.
BOOST_AUTO_TEST_CASE(types_beyond_those_whose_gap_is_remembered_are_made_too) {
  static_assert(acre::detail::kCachedTypes < 240);
  acre::Heap heap(precise());
  acre::Thread thread(heap);
  for (int round = 0; round < 50; ++round) {
    BOOST_TEST_REQUIRE(make_one_of_each<360>(thread) == 360u);
    if (round % 16 == 5) thread.collect();
  }
  BOOST_TEST(acre::detail::gap_number<Traced<357>> == 0u);
  BOOST_TEST(heap.verify());
  thread.collect();
  BOOST_TEST(heap.stats().live_objects == 0u);
}

template <unsigned... N>
unsigned make_until_limit(acre::Thread& thread, std::integer_sequence<unsigned, N...>) {
  unsigned refused = 0;
  (
      [&] {
        try {
          BOOST_TEST(is_one(thread.heap(), thread.make<Traced<3000 + N>>()));
        } catch (const acre::Error& error) {
          BOOST_TEST(error.status() == ACRE_E_LIMIT);
          BOOST_CHECK_THROW((void)thread.try_make<Traced<3000 + N>>(), acre::Error);
          ++refused;
        }
      }(),
      ...);
  return refused;
}

BOOST_AUTO_TEST_CASE(a_type_that_is_one_kind_too_many_is_an_error_each_time) {
  acre::Heap heap(precise());
  acre::Thread thread(heap);
  constexpr auto kTypes = std::make_integer_sequence<unsigned, 260>();
  // Two kinds are built in.
  BOOST_TEST(make_until_limit(thread, kTypes) == 260u - (ACRE_MAX_KINDS - 2));
  BOOST_TEST(make_until_limit(thread, kTypes) == 260u - (ACRE_MAX_KINDS - 2));
  BOOST_TEST(thread.make<Leaf<1>>()->number == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
