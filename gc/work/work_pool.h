// Owns the work that waits between markers: buffers of addresses on lock-free stacks, and the word
// that says when there is no more.
//
//   grey      objects that are marked and to be scanned: any marker may take them
//   inbox[m]  references that were found by another marker and are marker m's to mark
//   empty     buffers without work
//
// A marker keeps buffers of its own and touches the stacks only when one runs full or empty, or when
// another marker has nothing to do. Buffers come from the heap's books and stay there for the next
// cycle, until trim() gives the memory of those without work back and writes down where they are. When the books have no room left, take_empty returns NULL, and the marker drops what it
// found: overflowed() makes the cycle mark the roots again and walk the heap for marked objects. So
// marking needs no memory to be right, only to be fast.
//
// The end. `state_` holds two numbers that change together,
//
//     | idle markers : 32 | buffers with work that are on a stack : 32 |
//
// and all is done when, at one moment, all markers are idle and no buffer is on a stack: an idle
// marker has nothing of its own, and it stops being idle before it takes a buffer.

#ifndef ACRE_GC_WORK_WORK_POOL_H_
#define ACRE_GC_WORK_WORK_POOL_H_

#include <atomic>

#include "runtime/arena/space.h"
#include "runtime/base/lock.h"
#include "runtime/base/lock_free_stack.h"

namespace acre::gc {

// More than that many markers have never been seen to be faster: each pair of them exchanges buffers.
inline constexpr unsigned kMaxMarkers = 16;

// The beginning of an object that is looked at when all else is marked (gc/weak). NULL: it is on no list.
struct Postponed {
  Postponed* next;
};

// An address: of an object to be scanned from its start, of a piece inside a large one, or a
// reference to be marked.
struct Grey {
  uintptr_t address;
};

struct WorkBuffer {
  static constexpr uint32_t kCapacity = 510;  // 4 KiB a buffer

  std::atomic<WorkBuffer*> next_in_stack;
  uint32_t count;
  Grey items[kCapacity];

  bool empty() const { return count == 0; }
  bool full() const { return count == kCapacity; }
  void push(Grey grey) { items[count++] = grey; }
  Grey pop() { return items[--count]; }
};
static_assert(sizeof(WorkBuffer) == 4096, "the kernel's page, so that one can be given back");

class WorkPool {
 public:
  // `max_buffers` bounds the memory; tests make it small to see an overflow. Two buffers are taken at
  // once: with none at all, each walk for dropped objects would get only one level further.
  void init(rt::Space* space, uint64_t max_buffers = UINT64_MAX);

  // So many markers are about to begin; no work waits.
  void begin(unsigned markers);

  // An empty buffer, or NULL.
  WorkBuffer* take_empty();
  void put_empty(WorkBuffer* buffer) {
    buffer->count = 0;
    empty_.push(buffer);
  }

  // A buffer with grey objects, or NULL: there is none now.
  WorkBuffer* take_grey() { return taken(grey_.pop()); }
  void put_grey(WorkBuffer* buffer) { put(grey_, buffer); }

  // The same for references that are marker `to`'s to mark.
  WorkBuffer* receive(unsigned me) { return taken(inboxes_[me].pop()); }
  void send(unsigned to, WorkBuffer* buffer) { put(inboxes_[to], buffer); }

  // Some marker has nothing to do, and would take what others can give.
  bool hungry() const { return state_.load(std::memory_order_relaxed) >= kOneIdle; }

  // For a marker that has nothing left: waits until there may be something for it (true), or until
  // all is done, for every marker (false).
  bool wait_for_work(unsigned me);

  void set_overflowed() { overflowed_.store(true, std::memory_order_relaxed); }
  bool reset_overflowed() { return overflowed_.exchange(false, std::memory_order_relaxed); }

  // An object that is looked at when all else is marked; one that is on a list stays where it is.
  void postpone(Postponed* object);
  // All of those, as a list that ends with end_of_postponed().
  Postponed* take_postponed() {
    Postponed* first = postponed_.exchange(nullptr, std::memory_order_acquire);
    return first == nullptr ? end_of_postponed() : first;
  }
  bool has_postponed() const { return postponed_.load(std::memory_order_relaxed) != nullptr; }
  static Postponed* end_of_postponed() { return &end_; }

  // Gives back the memory of up to `most` buffers without work; some are kept. No marker works, nor begins
  // to. Returns how many.
  unsigned trim(unsigned most);

  // Of buffers that hold memory.
  rt::ByteCount bytes() const {
    return rt::ByteCount(buffers_.load(std::memory_order_relaxed) * sizeof(WorkBuffer));
  }

 private:
  using Stack = rt::LockFreeStack<WorkBuffer>;
  static constexpr uint64_t kOneIdle = uint64_t{1} << 32;
  static constexpr uint64_t kKept = 16;  // by trim

  WorkBuffer* make_buffer();
  WorkBuffer* take_trimmed();
  void put_trimmed(WorkBuffer* buffer);
  bool something_for(unsigned me) const { return !inboxes_[me].empty() || !grey_.empty(); }
  void sleep(unsigned me);
  void wake_sleepers();
  void put(Stack& stack, WorkBuffer* buffer) {
    state_.fetch_add(1);
    stack.push(buffer);
    if (sleepers_.load(std::memory_order_relaxed) != 0) wake_sleepers();
  }
  WorkBuffer* taken(WorkBuffer* buffer) {
    if (buffer != nullptr) state_.fetch_sub(1);
    return buffer;
  }

  static Postponed end_;

  rt::Space* space_;
  uint64_t max_buffers_;
  std::atomic<uint64_t> buffers_;
  rt::Lock trim_lock_{rt::LockRank::kLeaf};
  WorkBuffer* trimmed_;  // a list of buffers full of the addresses of others; with trim_lock_
  std::atomic<bool> overflowed_;
  std::atomic<Postponed*> postponed_;
  uint64_t markers_;
  alignas(64) std::atomic<uint64_t> state_;
  alignas(64) std::atomic<uint32_t> sleepers_;
  rt::Lock sleep_lock_{rt::LockRank::kLeaf};
  rt::Condition changed_;
  Stack empty_;
  Stack grey_;
  Stack inboxes_[kMaxMarkers];
};

}  // namespace acre::gc

#endif  // ACRE_GC_WORK_WORK_POOL_H_
