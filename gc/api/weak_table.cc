// The public calls on weak tables: a hash table with open addressing in an object of pairs, which collections
// empty of what is dead (gc/weak). It is replaced by another when three quarters of its pairs were ever in use,
// or a quarter of them were and are not any more.

#include "gc/cycle/cycle.h"
#include "gc/weak/weak_pairs.h"

namespace {

using acre::gc::WeakPair;
using acre::gc::WeakPairs;
using acre::gc::WeakTable;
using acre::rt::Addr;
using acre::rt::InsideAcre;

constexpr unsigned kFirstLog2 = 3;

WeakTable* table_at(acre_thread* thread, void* table) {
  if (thread == nullptr) return nullptr;
  WeakTable* found = thread->heap->cycle.weak().kinds.table_at(table);
  if (found == nullptr) thread->last_error = ACRE_E_INVALID;
  return found;
}

// Fibonacci hashing; objects are 16 bytes apart, immediates differ in low bits.
uint64_t first_place(const WeakPairs& pairs, uintptr_t key) {
  const uint64_t hash = (key >> 4 | key << 60) * 0x9E3779B97F4A7C15;
  return hash >> (64 - pairs.size_log2);
}

// The pair with this key, else the one where the search ended, which is empty: there is always one.
WeakPair* look_up(WeakPairs& pairs, uintptr_t key) {
  const uint64_t mask = pairs.size() - 1;
  for (uint64_t place = first_place(pairs, key);; ++place) {
    WeakPair& pair = pairs.pairs()[place & mask];
    if (pair.key == key || pair.key == 0) return &pair;
  }
}

WeakPair* find(WeakTable* table, const void* key) {
  const uintptr_t word = Addr(key).raw;
  if (table == nullptr || word == 0 || word == WeakPair::kGone) return nullptr;
  WeakPair* pair = look_up(*table->pairs, word);
  return pair->key == word ? pair : nullptr;
}

// Empty, for `mode`. NULL: no memory, as acre_last_error says.
WeakPairs* make_pairs(acre_thread* thread, uint64_t mode, unsigned size_log2) {
  acre_kind kind = ACRE_KIND_NONE;
  if (const acre_status status = thread->heap->cycle.weak().kinds.pairs(&kind)) {
    thread->last_error = status;
    return nullptr;
  }
  if (size_log2 > WeakPairs::kMaxSizeLog2) {
    thread->last_error = ACRE_E_LIMIT;
    return nullptr;
  }
  auto* pairs = static_cast<WeakPairs*>(acre_alloc(thread, WeakPairs::bytes(size_log2), kind));
  if (pairs == nullptr) return nullptr;
  pairs->mode = static_cast<uint8_t>(mode);
  pairs->size_log2 = static_cast<uint8_t>(size_log2);
  return pairs;
}

void store(acre_thread* thread, void* object, uintptr_t* slot, uintptr_t word) {
  acre_store(thread, object, reinterpret_cast<void**>(slot), Addr(word).as<void>());
}

// Room for one more: half of the new pairs at most are in use. The table, the key and the value are kept by the
// caller.
bool make_room(acre_thread* thread, WeakTable* table) {
  unsigned size_log2 = kFirstLog2;
  while (uint64_t{1} << size_log2 < 2 * (table->count() + 1)) ++size_log2;
  WeakPairs* fresh = make_pairs(thread, table->mode, size_log2);
  if (fresh == nullptr) return false;
  uint64_t used = 0;
  for (const WeakPair& pair : *table->pairs) {
    if (!pair.in_use()) continue;
    WeakPair* to = look_up(*fresh, pair.key);
    store(thread, fresh, &to->value, pair.value);
    store(thread, fresh, &to->key, pair.key);
    ++used;
  }
  acre_store(thread, table, reinterpret_cast<void**>(&table->pairs), fresh);
  table->used = used;
  table->removed = 0;
  return true;
}

// More than a quarter of a table that is not small.
bool is_mostly_gone(const WeakTable& table) {
  const uint64_t gone = table.removed + table.pairs->cleared;
  return table.pairs->size_log2 >= 7 && gone * 4 > table.pairs->size();
}

// Keeps objects alive while the scope lasts.
class Keep {
 public:
  Keep(acre_thread* thread, void* a, void* b, void* c)
      : thread_(thread), locals_{{nullptr, a}, {nullptr, b}, {nullptr, c}} {
    for (acre_local& local : locals_) acre_local_push(thread_, &local);
  }
  ~Keep() {
    for (int i = 2; i >= 0; --i) (void)acre_local_pop(thread_, &locals_[i]);
  }
  Keep(const Keep&) = delete;
  Keep& operator=(const Keep&) = delete;

 private:
  acre_thread* thread_;
  acre_local locals_[3];
};

}  // namespace

extern "C" {

acre_status acre_weak_table_new(acre_thread* thread, int mode, void** out) {
  if (out == nullptr) return ACRE_E_INVALID;
  *out = nullptr;
  if (thread == nullptr || mode < ACRE_WEAK_KEYS || mode > ACRE_WEAK_BOTH) return ACRE_E_INVALID;
  const InsideAcre inside;
  acre_kind kind = ACRE_KIND_NONE;
  if (const acre_status status = thread->heap->cycle.weak().kinds.tables(&kind)) return status;
  WeakPairs* pairs = make_pairs(thread, static_cast<uint64_t>(mode), kFirstLog2);
  if (pairs == nullptr) return thread->last_error;
  const Keep keep(thread, pairs, nullptr, nullptr);
  auto* table = static_cast<WeakTable*>(acre_alloc(thread, sizeof(WeakTable), kind));
  if (table == nullptr) return thread->last_error;
  acre_store(thread, table, reinterpret_cast<void**>(&table->pairs), pairs);
  table->mode = static_cast<uint64_t>(mode);
  *out = table;
  return ACRE_OK;
}

acre_status acre_weak_table_set(acre_thread* thread, void* object, void* key, void* value) {
  const uintptr_t word = Addr(key).raw;
  WeakTable* table = table_at(thread, object);
  if (table == nullptr || word == 0 || word == WeakPair::kGone) return ACRE_E_INVALID;
  const InsideAcre inside;
  WeakPair* pair = look_up(*table->pairs, word);
  if (pair->key != word) {
    const bool full = (table->used + 1) * 4 > table->pairs->size() * 3;
    if (full || is_mostly_gone(*table)) {
      const Keep keep(thread, object, key, value);
      if (!make_room(thread, table) && full) return thread->last_error;
      pair = look_up(*table->pairs, word);
    }
    ++table->used;
    store(thread, table->pairs, &pair->key, word);
  }
  store(thread, table->pairs, &pair->value, Addr(value).raw);
  return ACRE_OK;
}

void* acre_weak_table_get(acre_thread* thread, void* table, const void* key) {
  const WeakPair* pair = find(table_at(thread, table), key);
  return pair == nullptr ? nullptr : Addr(pair->value).as<void>();
}

int acre_weak_table_has(acre_thread* thread, void* table, const void* key) {
  return find(table_at(thread, table), key) != nullptr ? 1 : 0;
}

int acre_weak_table_remove(acre_thread* thread, void* object, const void* key) {
  const InsideAcre inside;  // no collection takes the entry away meanwhile
  WeakTable* table = table_at(thread, object);
  WeakPair* pair = find(table, key);
  if (pair == nullptr) return 0;
  store(thread, table->pairs, &pair->value, 0);
  store(thread, table->pairs, &pair->key, WeakPair::kGone);
  ++table->removed;
  return 1;
}

size_t acre_weak_table_count(acre_thread* thread, void* table) {
  const WeakTable* found = table_at(thread, table);
  return found == nullptr ? 0 : found->count();
}

size_t acre_weak_table_next(acre_thread* thread, void* object, size_t position, void** key,
                            void** value) {
  const InsideAcre inside;  // as above
  WeakTable* table = table_at(thread, object);
  if (table == nullptr) return 0;
  for (; position < table->pairs->size(); ++position) {
    const WeakPair& pair = table->pairs->pairs()[position];
    if (!pair.in_use()) continue;
    if (key != nullptr) *key = Addr(pair.key).as<void>();
    if (value != nullptr) *value = Addr(pair.value).as<void>();
    return position + 1;
  }
  return 0;
}

}  // extern "C"
