// Objects of explicit kinds: they live until they are freed, whatever refers to them; what is freed is given out
// again, and for any use after a collection.
#include <map>
#include <random>

#include "test/gc/api/heap_fixture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

acre_kind explicit_kind(acre_heap* heap) {
  const acre_kind_info info = {sizeof(info), "by hand", nullptr, nullptr, 0, ACRE_KIND_EXPLICIT};
  acre_kind kind = ACRE_KIND_NONE;
  BOOST_REQUIRE(acre_kind_register(heap, &info, &kind) == ACRE_OK);
  return kind;
}

struct Explicit : Heap {
  explicit Explicit(const acre_options& options = precise_options())
      : Heap(options), kind(explicit_kind(heap)) {}

  char* make(size_t bytes) { return static_cast<char*>(acre_alloc_uninit(thread, bytes, kind)); }

  acre_kind kind;
};

acre_options tortured() {
  acre_options options = plain_options();
  options.gc_every = 7;
  options.clobber_free = 1;
  options.verify = 1;
  options.reserve_bytes = 64 * kMiB;
  return options;
}

BOOST_AUTO_TEST_SUITE(explicit_kinds)

BOOST_AUTO_TEST_CASE(only_leaf_kinds_may_be_explicit) {
  PreciseHeap h;
  const uint8_t bits = 1;
  acre_kind kind = 77;
  acre_kind_info info = {sizeof(info), "x", nullptr, &bits, 1, ACRE_KIND_EXPLICIT};
  BOOST_TEST(acre_kind_register(h.heap, &info, &kind) == ACRE_E_INVALID);
  info = {sizeof(info), "x", [](void*, size_t, acre_visitor*) {}, nullptr, 0, ACRE_KIND_EXPLICIT};
  BOOST_TEST(acre_kind_register(h.heap, &info, &kind) == ACRE_E_INVALID);
  info = {sizeof(info), "x", nullptr, nullptr, 0, ACRE_KIND_EXPLICIT | (uint64_t{1} << 63)};
  BOOST_TEST(acre_kind_register(h.heap, &info, &kind) == ACRE_E_INVALID);
  BOOST_TEST(kind == 77u);
}

BOOST_AUTO_TEST_CASE(what_nothing_refers_to_lives_until_it_is_freed) {
  Explicit h;
  for (const size_t bytes : kSizes) {
    char* object = h.make(bytes);
    BOOST_TEST_REQUIRE(object != nullptr);
    memset(object, 0x5a, bytes);
    const size_t size = acre_object_size(h.heap, object);
    for (int i = 0; i < 3; ++i) h.collect();
    BOOST_TEST_REQUIRE(h.holds(object), "of " << bytes);
    for (size_t at = 0; at < bytes; ++at) BOOST_TEST_REQUIRE(object[at] == 0x5a);
    BOOST_TEST(acre_object_kind(h.heap, object) == h.kind);
    BOOST_TEST(h.live() == 1u);
    BOOST_TEST(h.stats().live_after_gc == size);
    acre_free(h.thread, object);
    BOOST_TEST(h.live() == 0u);
    BOOST_TEST(!h.holds(object));
    h.collect();
    BOOST_TEST(h.stats().live_after_gc == 0u);
  }
}

BOOST_AUTO_TEST_CASE(a_reference_to_one_does_not_count_it_twice) {
  StackHeap h;
  const acre_kind kind = explicit_kind(h.heap);
  void* small = acre_alloc(h.thread, 1000, kind);
  void* large = acre_alloc(h.thread, 100000, kind);
  void* words[2] = {static_cast<char*>(small) + 8, large};
  BOOST_REQUIRE(acre_root_add(h.heap, words, sizeof(words), 1) == ACRE_OK);
  h.collect();
  h.collect();
  const uint64_t bytes = acre_object_size(h.heap, small) + acre_object_size(h.heap, large);
  BOOST_TEST(h.stats().live_after_gc == bytes);
  BOOST_TEST(heap_is_whole(h.heap));
  BOOST_REQUIRE(acre_root_remove(h.heap, words) == ACRE_OK);
  acre_free(h.thread, small);
  acre_free(h.thread, large);
}

BOOST_AUTO_TEST_CASE(what_was_freed_last_is_given_out_first) {
  Explicit h;
  char* first = h.make(40);
  char* second = h.make(48);
  acre_free_sized(h.thread, first, 40, h.kind);
  acre_free(h.thread, second);
  BOOST_TEST(h.live() == 0u);
  BOOST_TEST(static_cast<void*>(h.make(33)) == second);
  BOOST_TEST(static_cast<void*>(h.make(48)) == first);
  const acre_stats stats = h.stats();
  BOOST_TEST(stats.live_objects == 2u);
  BOOST_TEST(stats.mallocs == 4u);
  BOOST_TEST(stats.frees == 2u);
  check_identities(stats);
  acre_free(h.thread, first);
  acre_free(h.thread, second);
}

BOOST_AUTO_TEST_CASE(reused_objects_are_as_zero_as_new_ones) {
  Explicit h;
  for (const size_t bytes : {0, 1, 8, 16, 17, 24, 40, 56, 100, 500, 5000, 32768}) {
    char* object = h.make(bytes);
    const size_t size = acre_object_size(h.heap, object);
    memset(object, 0xff, size);
    acre_free_sized(h.thread, object, bytes, h.kind);
    object = h.make(bytes);
    BOOST_TEST(all_zero(object + bytes, size - bytes), "behind " << bytes);
    memset(object, 0xff, size);
    acre_free_sized(h.thread, object, bytes, h.kind);
    acre_thread_detach(h.thread);
    BOOST_REQUIRE(acre_thread_attach(h.heap, &h.thread) == ACRE_OK);
    for (int i = 0; i < 600; ++i) {
      object = static_cast<char*>(acre_alloc(h.thread, bytes, h.kind));
      BOOST_TEST_REQUIRE(all_zero(object, acre_object_size(h.heap, object)), "of " << bytes);
      memset(object, 0xff, size);
      if (i % 3 == 0) acre_free(h.thread, object);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_no_object_is_not_freed) {
  Explicit h;
  char* object = h.make(64);
  char* other = h.make(64);
  for (void* wrong : {static_cast<void*>(object + 8), static_cast<void*>(object + 64 * 10),
                      static_cast<void*>(&h)}) {
    BOOST_TEST(h.live() == 2u);
    acre_free(h.thread, wrong);
    BOOST_TEST(h.last_error() == ACRE_E_INVALID);
    BOOST_TEST(h.live() == 2u);
  }
  acre_free(h.thread, object);
  BOOST_TEST(h.live() == 1u);
  acre_free(h.thread, object);  // it lies in the list
  BOOST_TEST(h.last_error() == ACRE_E_INVALID);
  BOOST_TEST(h.live() == 1u);
  BOOST_TEST(acre_object_base(h.heap, object + 20) == nullptr);
  BOOST_TEST(acre_object_size(h.heap, object) == 0u);
  BOOST_TEST(acre_object_kind(h.heap, object) == ACRE_KIND_NONE);
  BOOST_TEST(acre_realloc(h.thread, object, 10) == nullptr);
  h.collect();
  acre_free(h.thread, object);  // it is free room
  BOOST_TEST(h.live() == 1u);
  BOOST_TEST(recount(h.heap).objects == 1u);
  acre_free(h.thread, other);
}

BOOST_AUTO_TEST_CASE(an_object_that_was_never_written_can_be_freed_again) {
  Explicit h;
  for (const size_t bytes : {1, 16, 24, 40, 64, 300}) {
    char* object = h.make(bytes);
    for (int i = 0; i < 3; ++i) {
      acre_free(h.thread, object);
      BOOST_TEST(h.live() == 0u);
      BOOST_TEST(static_cast<void*>(h.make(bytes)) == object);
      BOOST_TEST(h.live() == 1u, "of " << bytes);
      BOOST_TEST(h.holds(object));
    }
    acre_free(h.thread, object);
  }
}

BOOST_AUTO_TEST_CASE(after_a_collection_the_room_is_free_for_others) {
  Explicit h;
  std::vector<char*> objects;
  for (int i = 0; i < 100'000; ++i) objects.push_back(h.make(64));
  const uint64_t full = h.stats().heap_inuse;
  for (char* object : objects) acre_free_sized(h.thread, object, 64, h.kind);
  BOOST_TEST(h.stats().heap_inuse == full);
  BOOST_TEST(h.live() == 0u);
  h.collect();
  BOOST_TEST(h.stats().heap_inuse < full / 50);
  BOOST_TEST(heap_is_whole(h.heap));
}

BOOST_AUTO_TEST_CASE(reuse_brings_no_collections_and_growth_does) {
  acre_options options = precise_options();
  options.gc_percent = 100;
  Explicit h(options);
  for (int i = 0; i < 1'000'000; ++i) acre_free_sized(h.thread, h.make(128), 128, h.kind);
  BOOST_TEST(h.stats().num_gc == 0u);
  for (int i = 0; i < 200'000; ++i) h.make(128);
  const uint64_t collections = h.stats().num_gc;
  BOOST_TEST(collections >= 2u);  // 24 MiB that live: at 4, 8 and 16
  BOOST_TEST(collections <= 4u);
  BOOST_TEST(h.live() == 200'000u);
}

// Frees of one size and allocations of another: each collection makes the one room for the other.
BOOST_AUTO_TEST_CASE(a_heap_whose_sizes_change_stays_below_twice_what_lives) {
  acre_options options = precise_options();
  options.gc_percent = 100;
  Explicit h(options);
  std::vector<std::pair<char*, size_t>> objects;
  for (size_t bytes : {48, 1000, 16, 300, 80, 5000, 64}) {
    std::vector<std::pair<char*, size_t>> next;
    for (size_t made = 0; made < 16 * kMiB; made += bytes) {
      next.emplace_back(h.make(bytes), bytes);
      for (size_t freed = 0; freed < bytes && !objects.empty();) {
        const auto [object, size] = objects.back();
        objects.pop_back();
        acre_free_sized(h.thread, object, size, h.kind);
        freed += size;
      }
    }
    for (const auto& [object, size] : objects) acre_free(h.thread, object);
    objects = std::move(next);
    BOOST_TEST(h.stats().heap_inuse < 45 * kMiB);
  }
}

BOOST_AUTO_TEST_CASE(sized_reallocation_stays_in_its_size_class) {
  Explicit h;
  std::mt19937_64 random(random_seed());
  char* object = nullptr;
  size_t bytes = 0;
  for (int i = 0; i < 3000; ++i) {
    const size_t wanted = 1 + random() % (i % 10 == 0 ? 200'000 : 3000);
    auto* resized = static_cast<char*>(acre_realloc_sized(h.thread, object, bytes, wanted, h.kind));
    BOOST_TEST_REQUIRE(resized != nullptr);
    for (size_t at = 0; at < std::min(bytes, wanted); at += 7) {
      BOOST_TEST_REQUIRE(resized[at] == static_cast<char>(at * 31));
    }
    char* fresh = h.make(wanted);
    BOOST_TEST_REQUIRE(acre_object_size(h.heap, resized) == acre_object_size(h.heap, fresh));
    acre_free_sized(h.thread, fresh, wanted, h.kind);
    for (size_t at = 0; at < wanted; ++at) resized[at] = static_cast<char>(at * 31);
    object = resized;
    bytes = wanted;
    BOOST_TEST_REQUIRE(h.live() == 1u);
  }
  acre_free_sized(h.thread, object, bytes, h.kind);
}

BOOST_AUTO_TEST_CASE(where_a_size_is_not_trusted_it_is_checked) {
  acre_options options = precise_options();
  options.clobber_free = 1;
  Explicit h(options);
  char* object = h.make(100);
  memset(object, 1, 100);
  acre_free_sized(h.thread, object, 20, h.kind);  // a lie
  BOOST_TEST(static_cast<unsigned char>(object[50]) == 0xdb);
  acre_free_sized(h.thread, object, 100, h.kind);
  BOOST_TEST(h.last_error() == ACRE_E_INVALID);
  BOOST_TEST(h.live() == 0u);
}

// Its mark must go with the sweep although its alloc bit has gone before.
BOOST_AUTO_TEST_CASE(one_is_freed_between_a_collection_and_the_sweep) {
  acre_options options = precise_options();
  options.gc_every = 1;
  options.scavenger = 0;
  Explicit h(options);
  void* object = h.make(2048);  // the other one, in the same span, keeps it
  h.make(2048);
  BOOST_REQUIRE(acre_root_add(h.heap, &object, sizeof(object), 0) == ACRE_OK);
  for (int i = 0; i < 2; ++i)
    h.alloc(16);  // collects, and the second time sweeps its own span only
  BOOST_REQUIRE(acre_root_remove(h.heap, &object) == ACRE_OK);
  acre_free(h.thread, object);
  BOOST_REQUIRE(acre_thread_detach(h.thread) == ACRE_OK);
  BOOST_REQUIRE(acre_thread_attach(h.heap, &h.thread) == ACRE_OK);
  BOOST_TEST(heap_is_whole(h.heap));
}

BOOST_AUTO_TEST_CASE(nothing_waits_for_their_death) {
  Explicit h;
  char* object = h.make(100);
  char* large = h.make(100'000);
  for (char* each : {object, large}) {
    BOOST_TEST(acre_weak_new(h.thread, each) == nullptr);
    BOOST_TEST(h.last_error() == ACRE_E_INVALID);
    BOOST_TEST(acre_finalizer_set(
                   h.thread, each, [](void*, void*) {}, nullptr) == ACRE_E_INVALID);
    BOOST_TEST(acre_finalizer_set_unordered(
                   h.thread, each, [](void*, void*) {}, nullptr) == ACRE_E_INVALID);
    BOOST_TEST(acre_cleanup_add(
                   h.thread, each, [](void*) {}, nullptr, nullptr) == ACRE_E_INVALID);
  }
  acre_free(h.thread, object);
  acre_free(h.thread, large);
}

BOOST_AUTO_TEST_CASE(the_audit_asks_for_no_root) {
  Explicit h;
  void* volatile objects[] = {h.make(64), h.make(100'000)};
  scrub_stack();
  size_t unrooted = 77;
  std::vector<std::string> lines;
  const auto append = [](const char* line, void* to) {
    static_cast<std::vector<std::string>*>(to)->emplace_back(line);
  };
  BOOST_TEST(acre_audit_roots(h.heap, append, &lines, &unrooted) == ACRE_OK);
  BOOST_TEST(unrooted == 0u, (lines.empty() ? "" : lines[0]));
  for (void* object : objects) acre_free(h.thread, object);
}

BOOST_AUTO_TEST_CASE(a_weak_table_holds_them_until_they_are_freed) {
  Explicit h;
  for (const int mode : {ACRE_WEAK_KEYS, ACRE_WEAK_VALUES, ACRE_WEAK_BOTH}) {
    void* table = nullptr;
    BOOST_REQUIRE(acre_weak_table_new(h.thread, mode, &table) == ACRE_OK);
    const Handle keep(h.thread, table);
    char* key = h.make(64);
    char* value = h.make(70'000);
    BOOST_REQUIRE(acre_weak_table_set(h.thread, table, key, value) == ACRE_OK);
    h.collect();
    BOOST_TEST(acre_weak_table_get(h.thread, table, key) == value);
    acre_free_sized(h.thread, key, 64, h.kind);
    acre_free_sized(h.thread, value, 70'000, h.kind);
    h.collect();
    BOOST_TEST(acre_weak_table_count(h.thread, table) == 0u);
  }
}

BOOST_AUTO_TEST_CASE(freeing_by_size_works_for_every_kind) {
  Explicit h;
  for (const acre_kind kind : {acre_kind{ACRE_KIND_LEAF}, acre_kind{ACRE_KIND_CONSERVATIVE}}) {
    for (const size_t bytes : kSizes) {
      void* object = h.alloc(bytes, kind);
      acre_free_sized(h.thread, object, bytes, kind);
      BOOST_TEST(h.live() == 0u);
      BOOST_TEST(!h.holds(object));
    }
  }
  acre_free_sized(h.thread, nullptr, 16, h.kind);
}

// Random operations against a map of what should be there.
class Model {
 public:
  Model(Explicit& heap, uint64_t seed) : h_(heap), random_(seed) {}

  void step() {
    const unsigned dice = random_() % 100;
    if (dice < 45 || objects_.empty()) return make();
    if (dice < 85) return drop(pick());
    if (dice < 99) return resize(pick());
    h_.collect();
  }
  void check() {
    uint64_t bytes = 0;
    for (const auto& [object, entry] : objects_) {
      BOOST_TEST_REQUIRE(h_.holds(object));
      check_content(object, entry, entry.bytes);
      bytes += acre_object_size(h_.heap, object);
    }
    const acre_stats stats = h_.stats();
    check_identities(stats);
    BOOST_TEST_REQUIRE(stats.live_objects == objects_.size());
    BOOST_TEST_REQUIRE(stats.alloc == bytes);
    const Recount found = recount(h_.heap);
    BOOST_TEST_REQUIRE(found.objects == objects_.size());
    BOOST_TEST_REQUIRE(found.bytes_of_kind[h_.kind] == bytes);
  }
  void drop_all() {
    while (!objects_.empty()) drop(objects_.begin()->first);
  }

 private:
  struct Entry {
    size_t bytes;
    unsigned char fill;
    bool sized;  // its room is that of `bytes`
  };

  size_t size() { return random_() % (random_() % 50 == 0 ? 150'000 : 1 + random_() % 2000); }
  char* pick() {
    auto at = objects_.lower_bound(last_ + random_() % 5000);
    if (at == objects_.end()) at = objects_.begin();
    last_ = at->first;
    return last_;
  }
  void fill(char* object, size_t bytes, bool sized) {
    const auto byte = static_cast<unsigned char>(random_());
    memset(object, byte, bytes);
    BOOST_TEST_REQUIRE(objects_.emplace(object, Entry{bytes, byte, sized}).second);
  }
  void make() {
    const size_t bytes = size();
    const bool zeroed = random_() % 3 == 0;
    auto* object = zeroed ? static_cast<char*>(h_.alloc(bytes, h_.kind)) : h_.make(bytes);
    BOOST_TEST_REQUIRE(object != nullptr);
    if (zeroed) BOOST_TEST_REQUIRE(all_zero(object, acre_object_size(h_.heap, object)));
    fill(object, bytes, true);
  }
  static void check_content(const char* object, const Entry& entry, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 1 + i / 8) {
      BOOST_TEST_REQUIRE(static_cast<unsigned char>(object[i]) == entry.fill);
    }
  }
  void drop(char* object) {
    const Entry entry = objects_[object];
    check_content(object, entry, entry.bytes);
    objects_.erase(object);
    if (entry.sized && random_() % 2 == 0) {
      acre_free_sized(h_.thread, object, entry.bytes, h_.kind);
    } else {
      acre_free(h_.thread, object);
    }
  }
  void resize(char* object) {
    const Entry entry = objects_[object];
    objects_.erase(object);
    const size_t bytes = 1 + size();
    const bool sized = entry.sized && random_() % 2 == 0;
    auto* resized = static_cast<char*>(
        sized ? acre_realloc_sized(h_.thread, object, entry.bytes, bytes, h_.kind)
              : acre_realloc(h_.thread, object, bytes));
    BOOST_TEST_REQUIRE(resized != nullptr);
    check_content(resized, entry, std::min(bytes, entry.bytes));
    fill(resized, bytes, sized);
  }

  Explicit& h_;
  std::mt19937_64 random_;
  std::map<char*, Entry> objects_;
  char* last_ = nullptr;
};

void run_model(const acre_options& options, int steps, int check_every) {
  Explicit h(options);
  Model model(h, random_seed());
  for (int i = 0; i < steps; ++i) {
    model.step();
    if (i % check_every == 0) model.check();
  }
  BOOST_TEST(heap_is_whole(h.heap));
  model.check();
  model.drop_all();
  BOOST_TEST(h.live() == 0u);
  h.collect();
  BOOST_TEST(h.stats().live_after_gc == 0u);
  BOOST_TEST(recount(h.heap).objects == 0u);
}

BOOST_AUTO_TEST_CASE(random_operations_leave_what_a_map_says) {
  run_model(precise_options(), 40'000, 500);
}

BOOST_AUTO_TEST_CASE(and_so_they_do_when_collections_come_by_themselves) {
  acre_options options = plain_options();
  options.gc_percent = 10;
  run_model(options, 40'000, 1000);
}

BOOST_AUTO_TEST_CASE(and_under_torture) { run_model(tortured(), 3000, 100); }

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
