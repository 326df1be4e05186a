// The write barrier: stores by acre_store and its like are not found by the search for stores that went around it,
// all others are, with their slot.

#include <array>
#include <atomic>
#include <random>
#include <thread>

#include "test/gc/api/heap_fixture.h"
#include "test/runtime/base/forked_child.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

acre_options checked_options(int check = 1) {
  acre_options options = precise_options();
  options.check_barriers = check;
  return options;
}

struct CheckedHeap : Heap {
  explicit CheckedHeap(const acre_options& options = checked_options()) : Heap(options) {}

  // What the check reports, a line each.
  std::vector<std::string> stray_stores() {
    std::vector<std::string> lines;
    const auto append = [](const char* line, void* to) {
      static_cast<std::vector<std::string>*>(to)->emplace_back(line);
    };
    size_t count = 77;
    BOOST_TEST(acre_check_barriers(heap, append, &lines, &count) == ACRE_OK);
    BOOST_TEST(count == lines.size());
    return lines;
  }

  // A rooted object that the shadow knows.
  void** known_object(size_t bytes, acre_kind kind) {
    auto** object = static_cast<void**>(alloc(bytes, kind));
    BOOST_REQUIRE(object != nullptr);
    roots.emplace_back(thread, object);
    collect();
    return object;
  }
  void* target() {
    void* object = alloc(32);
    roots.emplace_back(thread, object);
    return object;
  }

  std::vector<Handle> roots;
};

std::string hex(const void* address) {
  char text[32];
  std::snprintf(text, sizeof(text), "%#zx", reinterpret_cast<size_t>(address));
  return text;
}

// Names the object and the offset of the slot.
bool tells(const std::string& line, const void* object, size_t offset) {
  return line.find("in the object " + hex(object) + " ") != std::string::npos &&
         line.find(", at offset " + std::to_string(offset) + ",") != std::string::npos;
}

void trace_even_words(void* object, size_t size, acre_visitor* visitor) {
  auto** words = static_cast<void**>(object);
  for (size_t i = 0; i < size / sizeof(void*); i += 2) acre_visit(visitor, &words[i]);
}

// One slot twice, the rest conservatively, and one that is not in the object.
void trace_in_all_ways(void* object, size_t size, acre_visitor* visitor) {
  static void* elsewhere;
  auto** words = static_cast<void**>(object);
  acre_visit(visitor, &words[0]);
  acre_visit(visitor, &words[0]);
  acre_visit(visitor, &elsewhere);
  acre_visit_conservative(visitor, &words[2], size - 2 * sizeof(void*));
}

BOOST_AUTO_TEST_SUITE(barrier)

BOOST_FIXTURE_TEST_CASE(stores_by_the_barrier_are_not_found, CheckedHeap) {
  const uint8_t bits = 3;
  const acre_kind kinds[] = {ACRE_KIND_CONSERVATIVE, add_kind(&bits, 2),
                             add_kind(&trace_even_words)};
  std::mt19937_64 random(random_seed());
  std::vector<void**> objects;
  for (const size_t bytes : {size_t{64}, size_t{5000}, size_t{300000}}) {
    for (const acre_kind kind : kinds) objects.push_back(known_object(bytes, kind));
  }
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 500; ++i) {
      void** object = objects[random() % objects.size()];
      const size_t words = acre_object_size(heap, object) / sizeof(void*);
      void** slot = &object[random() % words];
      void* value = random() % 4 == 0 ? nullptr : objects[random() % objects.size()];
      if (random() % 2 == 0) {
        acre_store(thread, object, slot, value);
      } else {
        acre_store_any(slot, value);
      }
      void** other = &object[random() % (words - 3)];
      acre_store_range(thread, object, other, &object[random() % (words - 3)], 3);
    }
    if (round % 2 == 0) collect();
    BOOST_TEST(stray_stores().empty());
  }
  BOOST_TEST(acre_barrier_violations(heap) == 0u);
}

BOOST_FIXTURE_TEST_CASE(a_store_around_the_barrier_is_found_with_its_slot, CheckedHeap) {
  const uint8_t bits = 6;  // words 1 and 2 of 3
  const acre_kind mapped = add_kind(&bits, 3);
  const acre_kind traced = add_kind(&trace_even_words);
  for (const size_t bytes : {size_t{96}, size_t{3000}, size_t{400000}}) {
    for (const acre_kind kind : {acre_kind{ACRE_KIND_CONSERVATIVE}, mapped, traced}) {
      void** object = known_object(bytes, kind);
      const size_t words = acre_object_size(heap, object) / sizeof(void*);
      for (const size_t word : {size_t{2}, size_t{8}, words / 6 * 6 - 2}) {
        object[word] = static_cast<char*>(target()) + word % 8;  // tagged, or into it
        const std::vector<std::string> lines = stray_stores();
        BOOST_TEST_REQUIRE(lines.size() == 1u);
        BOOST_TEST(tells(lines[0], object, word * sizeof(void*)), lines[0]);
        BOOST_TEST(
            lines[0].find("was 0x0, is " + hex(object[word]) + " (leaf)") != std::string::npos,
            lines[0]);
      }
      BOOST_TEST(stray_stores().empty());  // each is told once
    }
  }
  BOOST_TEST(acre_barrier_violations(heap) == 27u);
}

BOOST_FIXTURE_TEST_CASE(a_reference_that_is_overwritten_by_something_else_is_found, CheckedHeap) {
  void** object = known_object(64, ACRE_KIND_CONSERVATIVE);
  void* to = target();
  acre_store(thread, object, &object[3], to);
  acre_store(thread, object, &object[4], to);
  BOOST_TEST(stray_stores().empty());
  object[3] = nullptr;
  object[4] = reinterpret_cast<void*>(12345);
  object[5] = reinterpret_cast<void*>(12345);  // from no reference to none
  const std::vector<std::string> lines = stray_stores();
  BOOST_TEST_REQUIRE(lines.size() == 2u);
  BOOST_TEST(tells(lines[0], object, 24), lines[0]);
  BOOST_TEST(lines[0].find("was " + hex(to) + " (leaf), is 0x0") != std::string::npos, lines[0]);
  BOOST_TEST(tells(lines[1], object, 32), lines[1]);
}

BOOST_FIXTURE_TEST_CASE(so_it_is_in_objects_of_trace_functions, CheckedHeap) {
  void** object = known_object(64, add_kind(&trace_even_words));
  void* to = target();
  for (size_t i = 0; i < 6; ++i) acre_store(thread, object, &object[i], to);
  BOOST_TEST(stray_stores().empty());
  object[1] = nullptr;
  object[2] = nullptr;
  object[4] = reinterpret_cast<void*>(12345);
  const std::vector<std::string> lines = stray_stores();
  BOOST_TEST_REQUIRE(lines.size() == 2u);
  BOOST_TEST(tells(lines[0], object, 16), lines[0]);
  BOOST_TEST(tells(lines[1], object, 32), lines[1]);
}

BOOST_FIXTURE_TEST_CASE(trace_functions_say_what_is_a_slot, CheckedHeap) {
  void** object = known_object(64, add_kind(&trace_in_all_ways));
  void* to = target();
  for (size_t i = 0; i < 8; ++i) object[i] = to;
  const std::vector<std::string> lines = stray_stores();
  BOOST_TEST(lines.size() == 7u);  // not word 1; word 0 once
  for (const std::string& line : lines) BOOST_TEST(!tells(line, object, 8), line);
}

BOOST_FIXTURE_TEST_CASE(words_that_are_no_slots_and_new_objects_are_not_looked_at, CheckedHeap) {
  const uint8_t bits = 1;
  const acre_kind_info info = {sizeof(info), "headed", nullptr, &bits, 2, ACRE_KIND_HAS_HEADER};
  acre_kind headed = ACRE_KIND_NONE;
  BOOST_REQUIRE(acre_kind_register(heap, &info, &headed) == ACRE_OK);
  void** object = known_object(64, headed);
  void** leaf = known_object(64, ACRE_KIND_LEAF);
  void* to = target();
  object[0] = to;
  object[2] = to;
  leaf[0] = to;
  // A constructor's.
  auto** fresh = static_cast<void**>(alloc(64, headed));
  const Handle root(thread, fresh);
  fresh[1] = to;
  BOOST_TEST(stray_stores().empty());
  fresh[1] = nullptr;  // it is known now
  object[1] = to;
  const std::vector<std::string> lines = stray_stores();
  BOOST_TEST_REQUIRE(lines.size() == 2u);
  BOOST_TEST(lines[0].find("of kind headed, header " + hex(to)) != std::string::npos, lines[0]);
}

BOOST_FIXTURE_TEST_CASE(what_is_freed_or_reallocated_is_not_found, CheckedHeap) {
  void* to = target();
  for (const size_t bytes : {size_t{64}, size_t{100000}}) {
    // Its memory is soon another object's, which its maker writes.
    for (int i = 0; i < 200; ++i) {
      auto** object = static_cast<void**>(alloc(bytes, ACRE_KIND_CONSERVATIVE));
      Handle root(thread, object);
      if (i % 8 == 0) BOOST_TEST(stray_stores().empty());
      root.set(nullptr);
      acre_free(thread, object);
      auto** next = static_cast<void**>(alloc(bytes, ACRE_KIND_CONSERVATIVE));
      root.set(next);
      next[i % 8] = to;
      if (i % 8 == 7) BOOST_TEST(stray_stores().empty());
    }
    // In place and by a copy.
    for (const size_t less : {bytes - 32, bytes / 4, bytes * 3}) {
      void** object = known_object(bytes, ACRE_KIND_CONSERVATIVE);
      for (size_t i = 0; i < bytes / sizeof(void*); ++i) acre_store(thread, object, &object[i], to);
      BOOST_TEST(stray_stores().empty());
      auto** moved = static_cast<void**>(acre_realloc(thread, object, less));
      roots.emplace_back(thread, moved);
      BOOST_TEST(stray_stores().empty());
    }
  }
}

BOOST_FIXTURE_TEST_CASE(objects_that_died_are_not_looked_at, CheckedHeap) {
  void** object = known_object(64, ACRE_KIND_CONSERVATIVE);
  roots.clear();
  object[0] = object;
  BOOST_TEST(stray_stores().empty());
  collect();
  BOOST_TEST(acre_barrier_violations(heap) == 0u);
}

BOOST_AUTO_TEST_CASE(collections_print_what_they_find) {
  for (const int check : {1, 2}) {
    const ChildEnd end = in_forked_child([check] {
      acre_heap* heap = nullptr;
      acre_thread* thread = nullptr;
      const acre_options options = checked_options(check);
      if (acre_heap_create(&options, &heap) != ACRE_OK) return 1;
      acre_thread_attach(heap, &thread);
      auto** object = static_cast<void**>(acre_alloc(thread, 32, ACRE_KIND_CONSERVATIVE));
      acre_handle_new(thread, object);
      acre_collect(thread);
      object[2] = object;
      acre_collect(thread);
      acre_collect(thread);
      return acre_barrier_violations(heap) == 1 ? 0 : 2;
    });
    const std::string line =
        "acre: check_barriers: a store went around the write barrier: in the object";
    BOOST_TEST(end.stderr_text.find(line) == 0u, end.stderr_text);
    BOOST_TEST(end.stderr_text.find(line, 1) == std::string::npos);
    if (check == 1) {
      BOOST_TEST(end.exited_with(0), end.stderr_text);
    } else {
      BOOST_TEST(end.aborted(), end.stderr_text);
    }
  }
}

BOOST_AUTO_TEST_CASE(without_the_option_there_is_no_phase) {
  BOOST_TEST(acre_store_phases == 0u);
  {
    PreciseHeap plain;
    BOOST_TEST(acre_store_phases == 0u);
    size_t count = 77;
    BOOST_TEST(acre_check_barriers(plain.heap, nullptr, nullptr, &count) == ACRE_E_STATE);
    BOOST_TEST(count == 0u);
    BOOST_TEST(acre_check_barriers(nullptr, nullptr, nullptr, nullptr) == ACRE_E_INVALID);
    // A checked heap beside it: slots of the one and of no heap are written all the same.
    CheckedHeap checked;
    BOOST_TEST(acre_store_phases == 1u);
    auto** object = static_cast<void**>(plain.alloc(64, ACRE_KIND_CONSERVATIVE));
    void* local = nullptr;
    acre_store_any(&object[1], object);
    acre_store_any(&local, object);
    BOOST_TEST(object[1] == object);
    BOOST_TEST(local == object);
    acre_store(plain.thread, object, &object[2], object);
    BOOST_TEST(object[2] == object);
    BOOST_TEST(checked.stray_stores().empty());
    BOOST_TEST(acre_barrier_violations(plain.heap) == 0u);
  }
  BOOST_TEST(acre_store_phases == 0u);
  for (const int wrong : {-1, 3}) {
    const acre_options options = checked_options(wrong);
    acre_heap* heap = nullptr;
    BOOST_TEST(acre_heap_create(&options, &heap) == ACRE_E_INVALID);
  }
}

BOOST_AUTO_TEST_CASE(no_more_than_256_heaps_are_checked) {
  acre_options options = checked_options();
  options.reserve_bytes = 64 * kMiB;
  std::vector<acre_heap*> heaps(256);
  for (acre_heap*& heap : heaps) BOOST_REQUIRE(acre_heap_create(&options, &heap) == ACRE_OK);
  acre_heap* one_more = nullptr;
  BOOST_TEST(acre_heap_create(&options, &one_more) == ACRE_E_LIMIT);
  BOOST_TEST(acre_heap_destroy(heaps[100]) == ACRE_OK);
  BOOST_TEST(acre_heap_create(&options, &heaps[100]) == ACRE_OK);
  for (acre_heap* heap : heaps) BOOST_TEST(acre_heap_destroy(heap) == ACRE_OK);
  BOOST_TEST(acre_store_phases == 0u);
}

BOOST_AUTO_TEST_CASE(threads_that_store_to_the_same_slots_give_no_alarm) {
  acre_options options = checked_options();
  options.gc_every = 500;
  CheckedHeap shared(options);
  void** object = shared.known_object(256, ACRE_KIND_CONSERVATIVE);
  std::atomic<int> running{3};
  std::vector<std::thread> threads;
  threads.reserve(3);
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      acre_thread* self = nullptr;
      acre_thread_attach(shared.heap, &self);
      std::mt19937_64 random(static_cast<uint64_t>(i));
      for (int n = 0; n < 20000; ++n) {
        void* fresh = acre_alloc(self, 32, ACRE_KIND_LEAF);
        void** slot = &object[random() % 4];
        if (n % 2 == 0) {
          acre_store(self, object, slot, fresh);
        } else {
          acre_store_any(slot, nullptr);
        }
      }
      acre_thread_detach(self);
      --running;
    });
  }
  size_t found = 0;
  while (running != 0) {
    found += shared.stray_stores().size();
    acre_blocking_begin(shared.thread);
    std::this_thread::yield();
    acre_blocking_end(shared.thread);
  }
  acre_blocking_begin(shared.thread);
  for (std::thread& thread : threads) thread.join();
  acre_blocking_end(shared.thread);
  BOOST_TEST(found == 0u);
  BOOST_TEST(acre_barrier_violations(shared.heap) == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
