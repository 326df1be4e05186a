// The facts of acre/jit.h are those of the structures, and code that goes by nothing else allocates, polls and
// stores as the library does.

#include <acre/jit.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "runtime/thread/thread.h"
#include "test/gc/api/heap_fixture.h"

namespace acre::test {
namespace {

acre_jit_facts read_facts() {
  acre_jit_facts facts;
  memset(&facts, 0xee, sizeof(facts));
  facts.struct_size = sizeof(facts);
  BOOST_REQUIRE(acre_jit_facts_read(&facts) == ACRE_OK);
  return facts;
}

// What generated code does, by offsets only. Counts how often it called the library.
class Machine {
 public:
  Machine(acre_thread* thread, const acre_jit_facts& facts) : thread_(thread), facts_(facts) {}

  void* alloc(size_t bytes, acre_kind kind) {
    const uint32_t gap = acre_jit_gap(&facts_, bytes, kind);
    const uint64_t object = word(gap + facts_.gap_cursor);
    const uint64_t next = object + acre_jit_object_bytes(&facts_, bytes);
    if (next > word(gap + facts_.gap_limit)) {
      ++slow;
      return facts_.alloc(thread_, bytes, kind);
    }
    memcpy(at(gap + facts_.gap_cursor), &next, sizeof(next));
    return reinterpret_cast<void*>(object);
  }
  void poll() {
    if (half(facts_.stop_requested) == 0) return;
    ++slow;
    facts_.safepoint_slow(thread_);
  }
  void store(void* object, void** slot, void* value) {
    if (half(facts_.phase) == 0) {
      __atomic_store_n(slot, value, __ATOMIC_RELEASE);
    } else {
      ++slow;
      facts_.store_slow(thread_, object, slot, value);
    }
  }
  void push(acre_local* local, void* object) {
    auto* bytes = reinterpret_cast<char*>(local);
    memcpy(bytes + facts_.local_previous, at(facts_.locals), sizeof(void*));
    memcpy(bytes + facts_.local_object, &object, sizeof(void*));
    memcpy(at(facts_.locals), &local, sizeof(void*));
  }
  void pop(const acre_local* local) {
    const auto* bytes = reinterpret_cast<const char*>(local);
    memcpy(at(facts_.locals), bytes + facts_.local_previous, sizeof(void*));
  }

  int slow = 0;

 private:
  char* at(uint32_t offset) const { return reinterpret_cast<char*>(thread_) + offset; }
  uint64_t word(uint32_t offset) const {
    return __atomic_load_n(reinterpret_cast<uint64_t*>(at(offset)), __ATOMIC_RELAXED);
  }
  uint32_t half(uint32_t offset) const {
    return __atomic_load_n(reinterpret_cast<uint32_t*>(at(offset)), __ATOMIC_RELAXED);
  }

  acre_thread* thread_;
  acre_jit_facts facts_;
};

BOOST_AUTO_TEST_SUITE(jit)

BOOST_AUTO_TEST_CASE(the_facts_are_those_of_the_structures) {
  const acre_jit_facts facts = read_facts();
  BOOST_TEST(facts.struct_size == sizeof(facts));
  BOOST_TEST(facts.version == uint32_t{ACRE_JIT_VERSION});
  BOOST_TEST(facts.inline_bytes == size_t{ACRE_INLINE_BYTES});
  // Against the thread itself, and not the struct in acre.h.
  alignas(64) static acre_thread thread{};
  const auto offset_of = [&](const void* field) {
    return static_cast<size_t>(static_cast<const char*>(field) -
                               reinterpret_cast<const char*>(&thread));
  };
  BOOST_TEST(facts.stop_requested == offset_of(&thread.inline_fields.stop_requested));
  BOOST_TEST(sizeof(thread.inline_fields.stop_requested) == 4u);
  BOOST_TEST(facts.phase == offset_of(&thread.inline_fields.phase));
  BOOST_TEST(sizeof(thread.inline_fields.phase) == 4u);
  BOOST_TEST(facts.locals == offset_of(&thread.inline_fields.locals));
  BOOST_TEST(facts.gaps == offset_of(&thread.cache) + rt::ThreadCache::kGapsOffset);
  BOOST_TEST(facts.gap_cursor == offsetof(rt::Gap, cursor));
  BOOST_TEST(facts.gap_limit == offsetof(rt::Gap, limit));
  BOOST_TEST(facts.gaps_per_kind == rt::kSizeClasses);
  BOOST_TEST(sizeof(thread.cache) ==
             rt::ThreadCache::kGapsOffset +
                 size_t{ACRE_MAX_KINDS} * facts.gaps_per_kind * facts.gap_bytes +
                 size_t{ACRE_MAX_KINDS + 1} * sizeof(void*));
  for (size_t bytes = 0; bytes <= facts.inline_bytes; ++bytes) {
    BOOST_TEST(acre_jit_object_bytes(&facts, bytes) == rt::kClasses[rt::class_for(bytes)].bytes);
    BOOST_TEST(acre_jit_object_bytes(&facts, bytes) == ACRE_INLINE_CLASS_BYTES(bytes));
    for (const acre_kind kind : {acre_kind{0}, acre_kind{3}, acre_kind{ACRE_MAX_KINDS - 1}}) {
      BOOST_TEST(acre_jit_gap(&facts, bytes, kind) ==
                 offset_of(acre_gap_of(&thread, kind, ACRE_INLINE_CLASS(bytes))));
    }
  }
}

BOOST_AUTO_TEST_CASE(older_callers_get_as_much_as_they_know) {
  acre_jit_facts facts;
  memset(&facts, 0xee, sizeof(facts));
  facts.struct_size = offsetof(acre_jit_facts, gaps);
  BOOST_TEST(acre_jit_facts_read(&facts) == ACRE_OK);
  BOOST_TEST(facts.struct_size == offsetof(acre_jit_facts, gaps));
  BOOST_TEST(facts.locals == offsetof(acre_thread_inline, locals));
  BOOST_TEST(facts.gaps == 0xeeeeeeeeu);
  facts.struct_size = 8;
  BOOST_TEST(acre_jit_facts_read(&facts) == ACRE_E_INVALID);
  BOOST_TEST(acre_jit_facts_read(nullptr) == ACRE_E_INVALID);
}

BOOST_FIXTURE_TEST_CASE(what_goes_by_the_facts_allocates_as_the_library, PreciseHeap) {
  const acre_jit_facts facts = read_facts();
  Machine machine(thread, facts);
  const uint8_t bits = 1;
  const acre_kind node = add_kind(&bits, 2);
  uint64_t made = 0;
  for (const size_t bytes : {0, 1, 16, 17, 100, 256, 257, 500, 769, 1024}) {
    for (const acre_kind kind : {acre_kind{ACRE_KIND_LEAF}, node}) {
      machine.slow = 0;
      std::vector<void*> objects;
      for (int i = 0; i < 1000; ++i, ++made) {
        objects.push_back(machine.alloc(bytes, kind));
        BOOST_TEST_REQUIRE(acre_object_base(heap, objects.back()) == objects.back());
        BOOST_TEST_REQUIRE(acre_object_kind(heap, objects.back()) == kind);
        const size_t size = acre_object_size(heap, objects.back());
        BOOST_TEST_REQUIRE(size == acre_jit_object_bytes(&facts, bytes));
        BOOST_TEST_REQUIRE(all_zero(objects.back(), size));
        memset(objects.back(), 0xff, size);
      }
      BOOST_TEST(machine.slow > 0);
      BOOST_TEST(machine.slow <= 1 + 1000 * 1024 / 8192);
      std::sort(objects.begin(), objects.end());
      BOOST_TEST((std::unique(objects.begin(), objects.end()) == objects.end()));
    }
  }
  BOOST_TEST(live() == made);
  BOOST_TEST(heap_is_whole(heap) == true);
  collect();
  BOOST_TEST(live() == 0u);
}

BOOST_FIXTURE_TEST_CASE(locals_by_the_facts_are_roots, PreciseHeap) {
  Machine machine(thread, read_facts());
  acre_local outer = {nullptr, nullptr};
  acre_local inner = {nullptr, nullptr};
  machine.push(&outer, machine.alloc(32, ACRE_KIND_LEAF));
  machine.push(&inner, machine.alloc(48, ACRE_KIND_LEAF));
  (void)machine.alloc(64, ACRE_KIND_LEAF);
  collect();
  BOOST_TEST(live() == 2u);
  machine.pop(&inner);
  collect();
  BOOST_TEST(live() == 1u);
  BOOST_TEST(acre_local_pop(thread, &outer) == ACRE_OK);
}

BOOST_AUTO_TEST_CASE(stores_by_the_facts_honour_the_phase) {
  for (const int check : {0, 1}) {
    acre_options options = precise_options();
    options.check_barriers = check;
    Heap heap(options);
    const acre_jit_facts facts = read_facts();
    Machine machine(heap.thread, facts);
    auto** object = static_cast<void**>(machine.alloc(32, ACRE_KIND_CONSERVATIVE));
    const Handle root(heap.thread, object);
    heap.collect();
    machine.slow = 0;
    machine.store(object, &object[1], object);
    BOOST_TEST(object[1] == object);
    BOOST_TEST(machine.slow == check);
    BOOST_TEST(*facts.store_phases == static_cast<uint64_t>(check));
    facts.store_any_slow(&object[2], object);
    BOOST_TEST(object[2] == object);
    heap.collect();
    BOOST_TEST(acre_barrier_violations(heap.heap) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(polls_by_the_facts_let_others_collect) {
  for (const int manner : {ACRE_THREAD_COOPERATIVE, ACRE_THREAD_UNCOOPERATIVE}) {
    StackHeap heap;
    std::atomic<bool> ready{false};
    std::atomic<bool> done{false};
    std::atomic<int> slow{0};
    std::thread other([&] {
      acre_thread* self = nullptr;
      if (acre_thread_attach_as(heap.heap, manner, &self) != ACRE_OK) return;
      Machine machine(self, read_facts());
      ready = true;
      while (!done) {
        machine.poll();
      }
      slow = machine.slow;
      // On an uncooperative thread each allocation is the library's.
      for (int i = 0; i < 100; ++i) (void)machine.alloc(64, ACRE_KIND_LEAF);
      slow = manner == ACRE_THREAD_COOPERATIVE ? slow.load() : machine.slow;
      acre_thread_detach(self);
    });
    while (!ready) std::this_thread::yield();
    for (int i = 0; i < 3; ++i) heap.collect();
    done = true;
    acre_blocking_begin(heap.thread);
    other.join();
    acre_blocking_end(heap.thread);
    BOOST_TEST(slow > (manner == ACRE_THREAD_COOPERATIVE ? 0 : 99));
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
