// Ephemerons and weak tables: which entries are there after a collection, for each mode, and against a naive model.

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "test/gc/api/heap_fixture.h"

namespace acre::test {
namespace {

struct Tables : PreciseHeap {
  explicit Tables(const acre_options& options = precise_options()) : PreciseHeap(options) {}

  void** cell() { return static_cast<void**>(alloc(32, ACRE_KIND_CONSERVATIVE)); }
  void* ephemeron(void* key, void* value) {
    void* made = nullptr;
    BOOST_REQUIRE(acre_ephemeron_new(thread, key, value, &made) == ACRE_OK);
    return made;
  }
  void* table(int mode) {
    void* made = nullptr;
    BOOST_REQUIRE(acre_weak_table_new(thread, mode, &made) == ACRE_OK);
    return made;
  }
  void set(void* in, void* key, void* value) {
    BOOST_REQUIRE(acre_weak_table_set(thread, in, key, value) == ACRE_OK);
  }
  void* get(void* in, void* key) { return acre_weak_table_get(thread, in, key); }
  size_t count(void* in) { return acre_weak_table_count(thread, in); }
};

BOOST_AUTO_TEST_SUITE(ephemerons)

BOOST_FIXTURE_TEST_CASE(a_value_lives_while_its_key_does, Tables) {
  void* key = alloc(16);
  void* value = alloc(16);
  Handle held(thread, key);
  Handle made(thread, ephemeron(key, value));
  collect();
  BOOST_TEST(acre_ephemeron_key(thread, made.get()) == key);
  BOOST_TEST(acre_ephemeron_value(thread, made.get()) == value);
  BOOST_TEST(live() == 3u);
  held.set(nullptr);
  collect();
  BOOST_TEST(acre_ephemeron_key(thread, made.get()) == nullptr);
  BOOST_TEST(acre_ephemeron_value(thread, made.get()) == nullptr);
  BOOST_TEST(live() == 1u);
}

BOOST_FIXTURE_TEST_CASE(a_value_does_not_keep_its_own_key, Tables) {
  void** value = cell();
  void* key = alloc(16);
  value[0] = key;
  Handle made(thread, ephemeron(key, value));
  collect();
  BOOST_TEST(live() == 1u);
}

BOOST_FIXTURE_TEST_CASE(two_that_only_keep_each_other_go, Tables) {
  void* one = alloc(16);
  void* two = alloc(16);
  Handle first(thread, ephemeron(one, two));
  Handle second(thread, ephemeron(two, one));
  collect();
  BOOST_TEST(live() == 2u);
}

BOOST_FIXTURE_TEST_CASE(null_and_foreign_keys_never_die, Tables) {
  void* value = alloc(16);
  Handle none(thread, ephemeron(nullptr, value));
  Handle foreign(thread, ephemeron(&value, value));
  Handle number(thread, ephemeron(reinterpret_cast<void*>(uintptr_t{7}), value));
  collect();
  BOOST_TEST(acre_ephemeron_value(thread, foreign.get()) == value);
  BOOST_TEST(acre_ephemeron_value(thread, number.get()) == value);
  BOOST_TEST(acre_ephemeron_key(thread, none.get()) == nullptr);
  BOOST_TEST(acre_ephemeron_value(thread, none.get()) == value);
  BOOST_TEST(live() == 4u);
}

BOOST_FIXTURE_TEST_CASE(tagged_and_interior_keys_are_references, Tables) {
  auto* key = static_cast<char*>(alloc(64));
  Handle held(thread, key);
  Handle tagged(thread, ephemeron(key + 5, alloc(16)));
  Handle interior(thread, ephemeron(key + 40, alloc(16)));
  collect();
  BOOST_TEST(live() == 5u);
  BOOST_TEST(acre_ephemeron_key(thread, tagged.get()) == key + 5);
  held.set(nullptr);
  collect();
  BOOST_TEST(live() == 2u);
  BOOST_TEST(acre_ephemeron_key(thread, interior.get()) == nullptr);
}

// What an object with a finalizer refers to lives on, but entries by the dead object are gone before it runs.
BOOST_FIXTURE_TEST_CASE(a_key_with_a_finalizer_is_dead_all_the_same, Tables) {
  void** key = cell();
  void* inner_key = alloc(16);
  void* inner_value = alloc(16);
  Handle outer(thread, ephemeron(key, alloc(16)));
  key[0] = ephemeron(inner_key, inner_value);
  key[1] = inner_key;
  BOOST_REQUIRE(acre_finalizer_set(
                    thread, key, [](void*, void*) {}, nullptr) == ACRE_OK);
  collect();
  BOOST_TEST(acre_ephemeron_value(thread, outer.get()) == nullptr);
  BOOST_TEST(acre_ephemeron_value(thread, key[0]) == inner_value);
  BOOST_TEST(live() == 5u);
  BOOST_TEST(acre_run_finalizers(thread) == 1u);
  collect();
  BOOST_TEST(live() == 1u);
}

// The links are made, and looked at, in an order that is the worst for going over them again and again.
void chain_resolves(Tables& tables, size_t links, bool held, unsigned seed) {
  tables.collect();
  std::vector<void*> keys(links + 1);
  std::vector<Handle> handles;
  handles.reserve(links + 2);
  // One root for all keys until the links hold them.
  auto** all = static_cast<void**>(tables.alloc((links + 1) * 8, ACRE_KIND_CONSERVATIVE));
  Handle hold_all(tables.thread, all);
  for (size_t i = 0; i <= links; ++i) all[i] = keys[i] = tables.alloc(16);
  auto** made = static_cast<void**>(tables.alloc(links * 8, ACRE_KIND_CONSERVATIVE));
  Handle hold_made(tables.thread, made);
  std::vector<size_t> order(links);
  for (size_t i = 0; i < links; ++i) order[i] = i;
  std::shuffle(order.begin(), order.end(), std::mt19937(seed));
  for (size_t i : order) made[i] = tables.ephemeron(keys[i], keys[i + 1]);
  Handle first(tables.thread, held ? keys[0] : nullptr);
  const uint64_t others = tables.live() - 2 * links - 3;
  hold_all.set(nullptr);
  tables.collect();
  for (size_t i = 0; i < links; ++i) {
    BOOST_TEST_REQUIRE(acre_ephemeron_value(tables.thread, made[i]) ==
                       (held ? keys[i + 1] : nullptr));
  }
  BOOST_TEST(tables.live() == others + links + 1 + (held ? links + 1 : 0));
}

BOOST_FIXTURE_TEST_CASE(a_chain_in_any_order_resolves_in_one_collection, Tables) {
  chain_resolves(*this, 100'000, true, 1);
  chain_resolves(*this, 1000, false, 2);
}

// The same where nowhere are so many free pages in a row as the table of what waits needs, several times.
BOOST_AUTO_TEST_CASE(a_chain_resolves_without_room_too) {
  acre_options options = precise_options();
  options.reserve_bytes = 64 * kMiB;
  Tables tables(options);
  std::vector<Handle> filling;
  filling.reserve(5000);
  while (void* block = tables.alloc(16 * kKiB)) filling.emplace_back(tables.thread, block);
  BOOST_TEST_REQUIRE(filling.size() > 3000u);
  for (size_t i = 0; i < filling.size(); i += 8) filling[i].set(nullptr);
  tables.collect();
  BOOST_TEST(tables.alloc(64 * kKiB) == nullptr);
  for (unsigned seed = 3; seed < 6; ++seed) chain_resolves(tables, 300, true, seed);
}

// A long one in a heap that is full: by going over it again and again it would take minutes.
BOOST_AUTO_TEST_CASE(a_long_chain_resolves_in_a_full_heap) {
  acre_options options = precise_options();
  options.reserve_bytes = 64 * kMiB;
  Tables tables(options);
  auto** made = static_cast<void**>(tables.alloc(100'000 * 8, ACRE_KIND_CONSERVATIVE));
  Handle hold(tables.thread, made);
  Handle first(tables.thread, tables.alloc(16));
  acre_local key{nullptr, first.get()};
  acre_local_push(tables.thread, &key);
  for (int i = 99'999; i >= 0; --i) {
    void* next = tables.alloc(16);
    made[i] = tables.ephemeron(key.object, next);
    key.object = next;
  }
  (void)acre_local_pop(tables.thread, &key);
  std::vector<Handle> filling;
  filling.reserve(5000);
  while (void* block = tables.alloc(16 * kKiB)) filling.emplace_back(tables.thread, block);
  for (int i = 0; i < 3; ++i) {
    tables.collect();
    for (int link = 0; link < 100'000; ++link) {
      BOOST_TEST_REQUIRE(acre_ephemeron_value(tables.thread, made[link]) != nullptr);
    }
  }
}

// Each link's value is the next ephemeron: they are found one after the other.
BOOST_FIXTURE_TEST_CASE(a_chain_of_values_that_are_ephemerons, Tables) {
  constexpr size_t kLinks = 20'000;
  auto** keys = static_cast<void**>(alloc(kLinks * 8, ACRE_KIND_CONSERVATIVE));
  Handle hold(thread, keys);
  Handle first(thread, nullptr);
  for (size_t i = 0; i < kLinks; ++i) {
    keys[i] = alloc(16);
    first.set(ephemeron(keys[i], first.get()));
  }
  collect();
  BOOST_TEST(live() == 2 * kLinks + 1);
  hold.set(nullptr);
  collect();
  BOOST_TEST(live() == 1u);
}

BOOST_FIXTURE_TEST_CASE(misuse_of_tables_and_ephemerons, Tables) {
  void* out = this;
  BOOST_TEST(acre_weak_table_new(thread, 0, &out) == ACRE_E_INVALID);
  BOOST_TEST(out == nullptr);
  BOOST_TEST(acre_weak_table_new(thread, 4, &out) == ACRE_E_INVALID);
  BOOST_TEST(acre_weak_table_new(thread, ACRE_WEAK_KEYS, nullptr) == ACRE_E_INVALID);
  BOOST_TEST(acre_ephemeron_new(nullptr, this, this, &out) == ACRE_E_INVALID);
  Handle leaf(thread, alloc(64));
  Handle made(thread, table(ACRE_WEAK_KEYS));
  Handle other(thread, ephemeron(nullptr, nullptr));
  for (void* none :
       {static_cast<void*>(nullptr), leaf.get(), other.get(), static_cast<void*>(&out)}) {
    BOOST_TEST(acre_weak_table_set(thread, none, leaf.get(), nullptr) == ACRE_E_INVALID);
    BOOST_TEST(acre_weak_table_get(thread, none, leaf.get()) == nullptr);
    BOOST_TEST(last_error() == ACRE_E_INVALID);
    BOOST_TEST(acre_weak_table_count(thread, none) == 0u);
    BOOST_TEST(acre_weak_table_remove(thread, none, leaf.get()) == 0);
    BOOST_TEST(acre_weak_table_next(thread, none, 0, nullptr, nullptr) == 0u);
  }
  BOOST_TEST(acre_ephemeron_value(thread, leaf.get()) == nullptr);
  BOOST_TEST(last_error() == ACRE_E_INVALID);
  BOOST_TEST(acre_weak_table_set(thread, made.get(), nullptr, leaf.get()) == ACRE_E_INVALID);
  void* last = reinterpret_cast<void*>(UINTPTR_MAX);
  BOOST_TEST(acre_weak_table_set(thread, made.get(), last, leaf.get()) == ACRE_E_INVALID);
  BOOST_TEST(acre_weak_table_has(thread, made.get(), last) == 0);
  BOOST_TEST(acre_weak_table_has(thread, made.get(), nullptr) == 0);
  // They are Acre's own: not to be freed or resized.
  acre_free(thread, made.get());
  BOOST_TEST(last_error() == ACRE_E_INVALID);
  BOOST_TEST(holds(made.get()));
  BOOST_TEST(acre_realloc(thread, other.get(), 100) == nullptr);
}

BOOST_FIXTURE_TEST_CASE(modes, Tables) {
  for (const int mode : {ACRE_WEAK_KEYS, ACRE_WEAK_VALUES, ACRE_WEAK_BOTH}) {
    void* made = table(mode);
    Handle hold(thread, made);
    void* key_only = alloc(16);
    void* value_only = alloc(16);
    void* both_key = alloc(16);
    void* both_value = alloc(16);
    const Handle handles[] = {Handle(thread, key_only), Handle(thread, value_only),
                              Handle(thread, both_key), Handle(thread, both_value)};
    set(made, key_only, alloc(32));
    void* dying = alloc(16);
    set(made, dying, value_only);
    set(made, both_key, both_value);
    set(made, alloc(16), alloc(32));
    collect();
    const bool keys = mode == ACRE_WEAK_KEYS;
    const bool values = mode == ACRE_WEAK_VALUES;
    BOOST_TEST(acre_weak_table_has(thread, made, key_only) == (keys ? 1 : 0));
    BOOST_TEST(acre_weak_table_has(thread, made, dying) == (values ? 1 : 0));
    BOOST_TEST(get(made, both_key) == both_value);
    BOOST_TEST(count(made) == (mode == ACRE_WEAK_BOTH ? 1u : 2u));
    // A weak value lets its key go with the next collection.
    collect();
    BOOST_TEST(live() == 4 + 2 + (mode == ACRE_WEAK_BOTH ? 0u : 1u));
    hold.set(nullptr);
    for (const Handle& handle : handles) const_cast<Handle&>(handle).set(nullptr);
    collect();
    BOOST_TEST(live() == 0u);
  }
}

BOOST_FIXTURE_TEST_CASE(values_that_refer_to_their_keys_go_in_one_collection, Tables) {
  constexpr size_t kEntries = 1'000'000;
  Handle made(thread, table(ACRE_WEAK_KEYS));
  Handle kept(thread, nullptr);
  for (size_t i = 0; i < kEntries; ++i) {
    void** value = cell();
    acre_local hold{nullptr, value};
    acre_local_push(thread, &hold);
    void** key = cell();
    value[0] = key;
    if (acre_weak_table_set(thread, made.get(), key, value) != ACRE_OK) BOOST_FAIL("no room");
    (void)acre_local_pop(thread, &hold);
    if (i % 100 == 0) {
      key[1] = kept.get();
      kept.set(key);
    }
  }
  BOOST_TEST(count(made.get()) == kEntries);
  collect();
  BOOST_TEST(count(made.get()) == kEntries / 100);
  BOOST_TEST(live() == 2 + 2 * kEntries / 100);
  // Those that are left are found.
  for (auto** key = static_cast<void**>(kept.get()); key != nullptr;
       key = static_cast<void**>(key[1])) {
    auto** value = static_cast<void**>(get(made.get(), key));
    BOOST_TEST_REQUIRE(value != nullptr);
    BOOST_TEST_REQUIRE(value[0] == key);
  }
}

BOOST_FIXTURE_TEST_CASE(a_table_whose_entries_died_is_small_again, Tables) {
  Handle made(thread, table(ACRE_WEAK_KEYS));
  for (int i = 0; i < 100'000; ++i) set(made.get(), alloc(16), nullptr);
  collect();
  BOOST_TEST(count(made.get()) == 0u);
  const uint64_t large = stats().alloc;
  Handle key(thread, alloc(16));
  set(made.get(), key.get(), key.get());
  collect();
  BOOST_TEST(stats().alloc < large / 100);
  BOOST_TEST(get(made.get(), key.get()) == key.get());
  // The same by hand.
  auto** keys = static_cast<void**>(alloc(100'000 * 8, ACRE_KIND_CONSERVATIVE));
  Handle hold(thread, keys);
  for (int i = 0; i < 100'000; ++i) set(made.get(), keys[i] = alloc(16), nullptr);
  for (int i = 0; i < 100'000; ++i)
    BOOST_TEST_REQUIRE(acre_weak_table_remove(thread, made.get(), keys[i]) == 1);
  hold.set(nullptr);
  set(made.get(), made.get(), nullptr);
  collect();
  BOOST_TEST(stats().alloc < large / 100);
  BOOST_TEST(count(made.get()) == 2u);
}

// Random changes against a std::map, with keys of all sorts.
BOOST_FIXTURE_TEST_CASE(a_table_is_what_a_map_is, Tables) {
  std::mt19937 random(7);
  Handle made(thread, table(ACRE_WEAK_KEYS));
  std::map<void*, void*> model;
  auto** keys = static_cast<void**>(alloc(400 * 8, ACRE_KIND_CONSERVATIVE));
  Handle hold(thread, keys);
  for (int i = 0; i < 300; ++i) keys[i] = alloc(16 + 16 * (i % 4));
  for (uintptr_t i = 300; i < 400; ++i) keys[i] = reinterpret_cast<void*>(i % 2 == 0 ? i : i << 32);
  for (int step = 0; step < 50'000; ++step) {
    void* key = keys[random() % 400];
    switch (random() % 8) {
      case 0:
        BOOST_TEST_REQUIRE(acre_weak_table_remove(thread, made.get(), key) ==
                           static_cast<int>(model.erase(key)));
        break;
      case 1:
      case 2:
      case 3: {
        void* value = random() % 4 == 0 ? nullptr : keys[random() % 400];
        set(made.get(), key, value);
        model[key] = value;
        break;
      }
      default: {
        const auto found = model.find(key);
        BOOST_TEST_REQUIRE(get(made.get(), key) ==
                           (found == model.end() ? nullptr : found->second));
        BOOST_TEST_REQUIRE(acre_weak_table_has(thread, made.get(), key) ==
                           (found == model.end() ? 0 : 1));
      }
    }
    if (step % 2000 == 0) {
      // One key dies.
      const size_t victim = random() % 300;
      model.erase(keys[victim]);
      for (auto it = model.begin(); it != model.end(); ++it) {
        if (it->second == keys[victim]) it->second = nullptr;
      }
      for (auto& entry : model) set(made.get(), entry.first, entry.second);
      keys[victim] = alloc(48);
      collect();
    }
    BOOST_TEST_REQUIRE(count(made.get()) == model.size());
  }
  std::map<void*, void*> seen;
  void* key = nullptr;
  void* value = nullptr;
  for (size_t at = 0; (at = acre_weak_table_next(thread, made.get(), at, &key, &value)) != 0;) {
    BOOST_TEST(seen.emplace(key, value).second);
  }
  BOOST_TEST((seen == model));
}

// Words that the table's pairs give a meaning are keys as others.
BOOST_FIXTURE_TEST_CASE(any_word_is_a_key_that_never_dies, Tables) {
  for (const uintptr_t word : {UINTPTR_MAX, UINTPTR_MAX - 1, UINTPTR_MAX - 2, uintptr_t{1}}) {
    void* key = reinterpret_cast<void*>(word);
    void* value = alloc(16);
    Handle made(thread, ephemeron(key, value));
    collect();
    BOOST_TEST(acre_ephemeron_key(thread, made.get()) == key);
    BOOST_TEST(acre_ephemeron_value(thread, made.get()) == value);
    BOOST_TEST(live() == 2u);
  }
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
