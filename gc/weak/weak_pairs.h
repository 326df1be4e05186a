// Owns what an ephemeron and the array of a weak table are: an object of pairs whose words the collector judges when
// all else is marked. The kinds of these objects are made here, when first wanted.
//
//   | next | mode, size, cleared | key, value | key, value | ...
//
// An ephemeron is the one with a single pair. A weak table (gc/api/weak_table.cc) is a small object of its own
// kind that refers to the array which it has at the time.

#ifndef ACRE_GC_WEAK_WEAK_PAIRS_H_
#define ACRE_GC_WEAK_WEAK_PAIRS_H_

#include "acre/acre.h"
#include "gc/work/work_pool.h"
#include "runtime/heap/heap.h"

namespace acre::gc {

struct WeakPair {
  // The key of an empty pair is 0, and kGone when it was removed. That of an ephemeron is kNull where it is one of
  // these words (WeakPairs::small_key tells which).
  static constexpr uintptr_t kGone = UINTPTR_MAX;
  static constexpr uintptr_t kNull = UINTPTR_MAX - 1;

  uintptr_t key;
  uintptr_t value;

  bool in_use() const { return key != 0 && key != kGone; }
};

// All zero is valid: one empty pair.
struct WeakPairs : Postponed {
  uint8_t mode;       // ACRE_WEAK_KEYS, ...
  uint8_t size_log2;  // pairs
  bool doubtful;      // this cycle found a pair that may have to go
  int8_t small_key;   // an ephemeron's key where the pair has kNull: NULL, -1 or -2 as a word
  uint32_t cleared;   // pairs that collections removed

  static constexpr unsigned kMaxSizeLog2 = 31;
  static size_t bytes(unsigned size_log2) {
    return sizeof(WeakPairs) + (sizeof(WeakPair) << size_log2);
  }
  uint64_t size() const { return uint64_t{1} << size_log2; }
  WeakPair* pairs() { return reinterpret_cast<WeakPair*>(this + 1); }
  WeakPair* begin() { return pairs(); }
  WeakPair* end() { return pairs() + size(); }

  void clear(WeakPair& pair) {
    pair = {WeakPair::kGone, 0};
    ++cleared;
  }
};
static_assert(sizeof(WeakPairs) == 16 && sizeof(WeakPair) == 16);

struct WeakTable {
  WeakPairs* pairs;
  uint64_t used;     // pairs that ever were in use, in this array
  uint64_t removed;  // of them, by acre_weak_table_remove
  uint64_t mode;

  uint64_t count() const { return used - removed - pairs->cleared; }
};

class WeakKinds {
 public:
  void init(rt::Heap* heap);

  // The numbers of the kinds, registered if they are not yet.
  acre_status pairs(acre_kind* out);
  acre_status tables(acre_kind* out);

  // NULL if it is no such object.
  WeakPairs* pairs_at(const void* object) const {
    return is_of(object, pairs_) ? static_cast<WeakPairs*>(const_cast<void*>(object)) : nullptr;
  }
  WeakTable* table_at(const void* object) const {
    return is_of(object, tables_) ? static_cast<WeakTable*>(const_cast<void*>(object)) : nullptr;
  }

  // Around fork.
  void lock_for_fork() { lock_.lock(); }
  void unlock_after_fork() { lock_.unlock(); }

 private:
  acre_status make(std::atomic<acre_kind>* kind, const acre_kind_info& info, acre_kind* out);
  bool is_of(const void* object, const std::atomic<acre_kind>& kind) const;

  rt::Heap* heap_;
  rt::Lock lock_;
  std::atomic<acre_kind> pairs_;
  std::atomic<acre_kind> tables_;
};

}  // namespace acre::gc

#endif  // ACRE_GC_WEAK_WEAK_PAIRS_H_
