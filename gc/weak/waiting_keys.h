// Owns what waits for its key while ephemerons are resolved: pairs found by the object that is their key, and a
// list of those whose keys were marked meanwhile. So each pair is looked at twice however long the chains are.
//
// A hash table, in pages of the heap that it takes for the time of a cycle and gives back. When there are none,
// add() says so, and the caller goes about it slowly.

#ifndef ACRE_GC_WEAK_WAITING_KEYS_H_
#define ACRE_GC_WEAK_WAITING_KEYS_H_

#include "gc/mark/marker.h"
#include "gc/weak/weak_pairs.h"

namespace acre::gc {

class WaitingKeys final : public MarkWatcher {
 public:
  explicit WaitingKeys(rt::Heap* heap) : heap_(heap) {}
  ~WaitingKeys();
  WaitingKeys(const WaitingKeys&) = delete;
  WaitingKeys& operator=(const WaitingKeys&) = delete;

  // `pair` waits for the object at `key`, which is not marked. False: no room.
  bool add(uintptr_t key, WeakPair* pair);

  // What waits for this object is ready.
  void marked(uintptr_t object) override;

  // A pair that has become ready, each once; NULL: none now.
  WeakPair* take_ready();

 private:
  // Entries are numbered from 1; 0 ends a list. A key is the number of its granule and 1, 0 of what does not wait
  // any more.
  struct Entry {
    WeakPair* pair;
    uint64_t key : 36;
    uint64_t next : 28;
  };
  static_assert(sizeof(Entry) == 16);

  uint32_t& head_of(uint64_t key) const;
  uint64_t key_of(uintptr_t object) const { return heap_->space.granule_of(rt::Addr(object)) + 1; }
  bool grow();

  rt::Heap* heap_;
  rt::Span* span_ = nullptr;  // heads_, then entries_
  uint32_t* heads_ = nullptr;
  Entry* entries_ = nullptr;
  unsigned heads_log2_ = 0;
  uint32_t capacity_ = 0;
  uint32_t used_ = 0;
  uint32_t ready_ = 0;
};

}  // namespace acre::gc

#endif  // ACRE_GC_WEAK_WAITING_KEYS_H_
