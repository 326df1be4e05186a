// Owns the roots that are not on a stack: handles, registered ranges, root scanners.
//
// Structure. Handles live in blocks of 4 KiB, aligned so that a handle's address leads to its block
// and the block to this set (acre_handle_drop has nothing else to go by). Ranges and scanners are
// short linked lists of records. All three kinds of record come from the heap's books and are used
// again.
//
// Threads: one lock. A collection holds it while it scans, because threads that are not attached
// may call in at any time. A handle's value is read and written without it.

#ifndef ACRE_GC_ROOTS_ROOT_SET_H_
#define ACRE_GC_ROOTS_ROOT_SET_H_

#include "acre/acre.h"
#include "runtime/arena/space.h"
#include "runtime/base/lock.h"

struct acre_handle {
  void* object;
  acre_handle* next_free;  // itself while in use
};

namespace acre::gc {

struct HandleBlock;

struct RootRange {
  RootRange* next;
  uintptr_t start;
  size_t bytes;
  bool conservative;
};

struct RootScanner {
  RootScanner* next;
  acre_root_scanner_fn scan;
  void* arg;
};

class RootSet {
 public:
  void init(rt::Space* space);

  // NULL: no room.
  acre_handle* new_handle(void* object);
  // Finds its set by itself. A handle that is not in use (dropped twice) is reported on stderr.
  static void drop_handle(acre_handle* handle);

  acre_status add_range(void* start, size_t bytes, bool conservative);
  acre_status remove_range(void* start);
  acre_status add_scanner(acre_root_scanner_fn scan, void* arg);
  acre_status remove_scanner(acre_root_scanner_fn scan, void* arg);

  // Calls visit(void** slot) for each handle in use, range(const RootRange&), scanner(const
  // RootScanner&).
  template <class OnHandle, class OnRange, class OnScanner>
  void for_each(OnHandle on_handle, OnRange on_range, OnScanner on_scanner);

  // Around fork: nobody adds or removes. The values of handles may change.
  void lock_for_fork() { lock_.lock(); }
  void unlock_after_fork() { lock_.unlock(); }

  uint64_t handles() const { return handles_.load(std::memory_order_relaxed); }
  // Bytes that a scan of handles and ranges reads.
  uint64_t scannable_bytes();

 private:
  bool add_block();
  template <class Record>
  Record* take_record(Record** free_list);

  rt::Space* space_;
  rt::Lock lock_;
  HandleBlock* blocks_;
  acre_handle* free_handles_;
  std::atomic<uint64_t> handles_;
  RootRange* ranges_;
  RootRange* free_ranges_;
  RootScanner* scanners_;
  RootScanner* free_scanners_;
};

struct alignas(4096) HandleBlock {
  static constexpr size_t kHandles = (4096 - 2 * sizeof(void*)) / sizeof(acre_handle);

  RootSet* owner;
  HandleBlock* next;
  acre_handle handles[kHandles];
};
static_assert(sizeof(HandleBlock) == 4096);

template <class OnHandle, class OnRange, class OnScanner>
void RootSet::for_each(OnHandle on_handle, OnRange on_range, OnScanner on_scanner) {
  rt::LockGuard guard(lock_);
  for (HandleBlock* block = blocks_; block != nullptr; block = block->next) {
    for (acre_handle& handle : block->handles) {
      if (handle.next_free == &handle) on_handle(&handle.object);
    }
  }
  for (RootRange* range = ranges_; range != nullptr; range = range->next) on_range(*range);
  for (RootScanner* scanner = scanners_; scanner != nullptr; scanner = scanner->next) {
    on_scanner(*scanner);
  }
}

}  // namespace acre::gc

#endif  // ACRE_GC_ROOTS_ROOT_SET_H_
