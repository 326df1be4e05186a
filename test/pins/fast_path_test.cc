// The fast paths take no more instructions than these, no call and no lock:
//
//   acre_alloc_inline, Thread::make   10, up to the constructor
//   acre_alloc                        25, from its first instruction to its return
//   acre_safepoint                     3
//   acre_store, Member::operator=      4
//
// They are executed, not read: see steps.h for how, pinned.h for what is counted. The limits are for
// code that is optimised as for a user, by GCC (clang's differ a little, see below); in a build with our
// checks compiled in there is nothing to pin.
//
// For a constructor that the compiler sees, what make does after it counts, too. Heaps scan stacks
// here, which is the default. Where they do not, make also puts the new object on a list while it is
// constructed: up to seven instructions more.

#include <boost/test/unit_test.hpp>
#include <string>

#include "test/pins/pinned.h"
#include "test/pins/steps.h"
#include "test/pins/types.h"

namespace acre::test {
namespace {

#if defined(__OPTIMIZE__) && !defined(ACRE_DEBUG)
constexpr bool kOptimised = true;
#else
constexpr bool kOptimised = false;
#endif

#if defined(__clang__)
// It computes the address of the cursor twice, and keeps a frame in acre_alloc.
constexpr size_t kMoreOfInline = 2;
constexpr size_t kMoreOfAlloc = 3;
#else
constexpr size_t kMoreOfInline = 0;
constexpr size_t kMoreOfAlloc = 0;
#endif

constexpr size_t kMostOfInline = 10 + kMoreOfInline;
constexpr size_t kMostOfAlloc = 25 + kMoreOfAlloc;
constexpr size_t kMostOfSafepoint = 3;
constexpr size_t kMostOfStore = 4;

boost::test_tools::assertion_result pinned(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result result(kCanStep && kOptimised);
  result.message() << "limits are for optimised x86-64 code without our checks";
  return result;
}

// The heap's options do not come from the environment and no collection comes by itself.
Options quiet(int conservative_stacks) {
  Options options;
  options.reserve_bytes = size_t{1} << 30;
  options.gc_percent = -1;
  options.gc_every = 0;
  options.conservative_stacks = conservative_stacks;
  return options;
}

struct Fixture {
  explicit Fixture(int conservative_stacks = 1) : heap(quiet(conservative_stacks)), thread(heap) {}

  // Where the next object of this size comes from, with room for one; `make` makes them.
  template <class Make>
  acre_gap* gap_with_room(size_t bytes, acre_kind kind, Make make) {
    acre_gap* gap = acre_gap_of(thread.get(), kind, ACRE_INLINE_CLASS(bytes));
    for (int i = 0; i < 4096; ++i) {
      make();
      if (gap->limit - gap->cursor >= ACRE_INLINE_CLASS_BYTES(bytes)) return gap;
    }
    BOOST_FAIL("no room after 4096 objects");
    return nullptr;
  }

  Heap heap;
  Thread thread;
};

Steps between_markers(const Steps& steps) {
  return steps.between(reinterpret_cast<const void*>(&pin_begin),
                       reinterpret_cast<const void*>(&pin_end));
}

// What `made` does more than `reference`. An object's address is loaded in both (see pinned.h): that
// one counts.
void check_cost(const std::string& name, const Steps& made, const Steps& reference, size_t loads,
                size_t most) {
  const size_t count = made.count() - reference.count() + loads;
  BOOST_TEST_MESSAGE(name << ": " << count << " instructions");
  BOOST_TEST(count <= most, name << " takes " << count << " instructions, at most " << most);
  BOOST_TEST(count > 0u, name << " takes no instructions: nothing was measured");
  BOOST_TEST(made.calls() == reference.calls(), name << " calls");
  BOOST_TEST(made.locked() == 0u, name << " locks");
}

// One allocation by the compiled function came from the gap, without the library.
template <class Trace>
Steps traced_from(acre_gap* gap, size_t bytes, Trace trace_it) {
  const uintptr_t cursor = gap->cursor;
  const uintptr_t limit = gap->limit;
  Steps steps = trace_it();
  BOOST_TEST(steps.result() == cursor);
  BOOST_TEST(gap->cursor == cursor + ACRE_INLINE_CLASS_BYTES(bytes));
  BOOST_TEST(gap->limit == limit);
  return steps;
}

void* an_object[8];
void* place = an_object;

BOOST_AUTO_TEST_SUITE(fast_path, *boost::unit_test::precondition(&pinned))

BOOST_FIXTURE_TEST_CASE(inline_allocation_in_c_is_ten_instructions, Fixture) {
  struct {
    const char* name;
    size_t bytes;
    acre_kind kind;
    void* (*allocate)(acre_thread*);
  } const cases[] = {
      {"16 bytes, leaf", 16, ACRE_KIND_LEAF, &pin_alloc_16_leaf},
      {"64 bytes, leaf", 64, ACRE_KIND_LEAF, &pin_alloc_64_leaf},
      {"1024 bytes, leaf", 1024, ACRE_KIND_LEAF, &pin_alloc_1024_leaf},
      {"16 bytes, conservative", 16, ACRE_KIND_CONSERVATIVE, &pin_alloc_16_conservative},
      {"64 bytes, conservative", 64, ACRE_KIND_CONSERVATIVE, &pin_alloc_64_conservative},
      {"1024 bytes, conservative", 1024, ACRE_KIND_CONSERVATIVE, &pin_alloc_1024_conservative},
  };
  const Steps reference = between_markers(trace(&pin_object, &place));
  for (const auto& c : cases) {
    acre_gap* gap = gap_with_room(c.bytes, c.kind, [&] { c.allocate(thread.get()); });
    const Steps steps = traced_from(gap, c.bytes, [&] { return trace(c.allocate, thread.get()); });
    check_cost(std::string("acre_alloc_inline, ") + c.name, between_markers(steps), reference, 1,
               kMostOfInline);
  }
}

BOOST_FIXTURE_TEST_CASE(inline_allocation_of_any_kind_is_ten_instructions, Fixture) {
  struct {
    const char* name;
    size_t bytes;
    void* (*allocate)(acre_thread*, acre_kind);
  } const cases[] = {
      {"16 bytes", 16, &pin_alloc_16_any},
      {"64 bytes", 64, &pin_alloc_64_any},
      {"1024 bytes", 1024, &pin_alloc_1024_any},
  };
  const acre_kind kind = heap.kind<Node>().number();
  const Steps reference = between_markers(trace(&pin_object, &place));
  for (const auto& c : cases) {
    acre_gap* gap = gap_with_room(c.bytes, kind, [&] { c.allocate(thread.get(), kind); });
    const Steps steps =
        traced_from(gap, c.bytes, [&] { return trace(c.allocate, thread.get(), kind); });
    check_cost(std::string("acre_alloc_inline, variable kind, ") + c.name, between_markers(steps),
               reference, 1, kMostOfInline);
  }
}

BOOST_FIXTURE_TEST_CASE(allocation_by_the_library_is_twenty_five_instructions, Fixture) {
  for (const size_t bytes : {size_t{0}, size_t{64}, size_t{1000}}) {
    for (const acre_kind kind : {acre_kind{ACRE_KIND_LEAF}, acre_kind{ACRE_KIND_CONSERVATIVE},
                                 heap.kind<Node>().number()}) {
      acre_gap* gap = gap_with_room(bytes, kind, [&] { acre_alloc(thread.get(), bytes, kind); });
      const Steps steps =
          traced_from(gap, bytes, [&] { return trace(&acre_alloc, thread.get(), bytes, kind); });
      const std::string name =
          "acre_alloc, " + std::to_string(bytes) + " bytes, kind " + std::to_string(kind);
      check_cost(name, steps, Steps({}, 0), 0, kMostOfAlloc);
    }
  }
}

BOOST_FIXTURE_TEST_CASE(a_safepoint_is_three_instructions, Fixture) {
  const Steps reference = between_markers(trace(&pin_nothing));
  check_cost("acre_safepoint", between_markers(trace(&pin_safepoint, thread.get())), reference, 0,
             kMostOfSafepoint);
}

BOOST_FIXTURE_TEST_CASE(a_store_is_four_instructions, Fixture) {
  const Steps reference = between_markers(trace(&pin_nothing));
  void* slot = nullptr;
  void* value = &slot;
  const Steps steps = trace(&pin_store, thread.get(), place, &slot, value);
  BOOST_TEST(slot == value);
  check_cost("acre_store", between_markers(steps), reference, 0, kMostOfStore);

  Node node(nullptr, 0);
  const Steps assigned = trace(&assign, &node, &node);
  BOOST_TEST(node.next.get() == &node);
  check_cost("Member::operator=", between_markers(assigned), reference, 0, kMostOfStore);
}

// `make` against `build` of the same T, with the same arguments.
template <class T, class... Args>
void check_make(Fixture& f, const char* name, Args... args) {
  const auto make_one = [&] { make<T, Args...>(&f.thread, args...); };
  acre_gap* gap = f.gap_with_room(sizeof(T), f.heap.kind<T>().number(), make_one);
  const Steps made =
      traced_from(gap, sizeof(T), [&] { return trace(&make<T, Args...>, &f.thread, args...); });
  const Steps built = trace(&build<T, Args...>, &place, args...);
  check_cost(std::string("make, ") + name, between_markers(made), between_markers(built), 1,
             kMostOfInline);
}

void check_all_makes(Fixture& f) {
  check_make<Point>(f, "leaf");
  check_make<Point>(f, "leaf with values", 1L, 2L);
  check_make<Pair>(f, "laid out");
  check_make<Pair, Pair*, Pair*>(f, "laid out with values", nullptr, nullptr);
  check_make<Link, Link*>(f, "laid out, constructor", nullptr, 1L);
  check_make<Node, Node*>(f, "traced, constructor", nullptr, 1L);
  check_make<Cell>(f, "traced, defaults");
  check_make<DistantPoint>(f, "leaf, constructor called", 1L, 2L);
  check_make<DistantLink, DistantLink*>(f, "laid out, constructor called", nullptr, 1L);
  check_make<DistantNode, DistantNode*>(f, "traced, constructor called", nullptr, 1L);
}

BOOST_FIXTURE_TEST_CASE(make_is_ten_instructions, Fixture) { check_all_makes(*this); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
