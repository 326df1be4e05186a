// Owns what waits for its key while ephemerons are resolved: pairs found by the object that is their key, and a
// list of those whose keys were marked meanwhile. So each pair is looked at twice however long the chains are.
//
// A hash table, in pages of the heap that it takes for the time of a cycle and gives back. Where there are none, as
// the range or a hard limit is full, it lies among the books, whose memory goes back as well. If that fails, too,
// add() says so, and the caller goes about it slowly.

#ifndef ACRE_GC_WEAK_WAITING_KEYS_H_
#define ACRE_GC_WEAK_WAITING_KEYS_H_

#include "gc/mark/marker.h"
#include "gc/weak/weak_pairs.h"

namespace acre::gc {

// Addresses among the books that no table uses now, kept for the next one. All zero: none yet.
struct SpareRoom {
  void* start;
  rt::ByteCount size;
};

class WaitingKeys final : public MarkWatcher {
 public:
  // One at a time has the spare room.
  WaitingKeys(rt::Heap* heap, SpareRoom* spare) : heap_(heap), spare_(spare) {}
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
  void* take_room(rt::ByteCount size, rt::Span** span);
  void* take_spare_room(rt::ByteCount size);
  void give_back();

  rt::Heap* heap_;
  SpareRoom* spare_;
  // Where entries_ and then heads_ are: pages of the heap, or among the books.
  rt::Span* span_ = nullptr;
  rt::ByteCount book_size_;
  uint32_t* heads_ = nullptr;
  Entry* entries_ = nullptr;
  unsigned heads_log2_ = 0;
  uint32_t capacity_ = 0;
  uint32_t used_ = 0;
  uint32_t ready_ = 0;
};

}  // namespace acre::gc

#endif  // ACRE_GC_WEAK_WAITING_KEYS_H_
