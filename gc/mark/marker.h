// Owns marking: from words that may be references to mark bits, and on to what the objects refer
// to. struct acre_visitor, which trace functions and root scanners are given, is a marker.
//
// Structure. A reference goes through three stages:
//
//   visit(word) ──► ring of 16, prefetched ──► mark bit set? ──► work buffer ──► scan(object)
//                                              (leaf: done)         │ full, empty
//                                                                   ▼
//                                                                WorkPool
//
// The ring is there because the mark bit, the page table entry and the object are three cache
// misses: between prefetch and use 16 other references are looked at. Depth first from the work
// buffer keeps the number of grey objects small for lists and trees.
//
// The common path of one reference:
//   1. word - base < mapped, else it is no reference;
//   2. ring: later, its page table entry says which span; if its granule has an alloc bit, it is the
//      start of an object (tag bits in the low four do not matter), else it points into one, or into
//      free room: find_object decides;
//   3. set the mark bit; if it was set, done;
//   4. count the bytes; leaf kinds are done; others wait in the work buffer to be scanned.
//
// So a wrong word is never believed: every reference, exact or conservative, must find an alloc
// bit. That costs a load beside the mark bit's and makes dangling references harmless, and verify
// can report them.
//
// Large objects of kinds without a trace function are scanned in pieces of 128 KiB (Go's oblets),
// so that one large array does not fill the buffers with its elements at once.
//
// Checking. With a report function the same walk is a check: every exact reference from what the
// roots reach must lead to an object, else it is reported (acre_verify).
//
// Threads: a marker is used by one thread; several can share the pool and the bitmaps.

#ifndef ACRE_GC_MARK_MARKER_H_
#define ACRE_GC_MARK_MARKER_H_

#include "acre/acre.h"
#include "gc/work/work_pool.h"
#include "runtime/heap/heap.h"

struct acre_visitor {
 public:
  acre_visitor(acre::rt::Heap* heap, acre::gc::WorkPool* pool) : heap_(heap), pool_(pool) {}
  acre_visitor(const acre_visitor&) = delete;
  acre_visitor& operator=(const acre_visitor&) = delete;

  // Check instead of only marking; see above.
  void report_dangling_to(acre_report_fn report, void* arg) {
    checking_ = true;
    report_ = report;
    report_arg_ = arg;
  }

  // `slot` is where the word was read, for reports.
  void visit(uintptr_t word, const void* slot);
  // Words that may be numbers as well.
  void visit_words(uintptr_t start, size_t bytes);
  void visit_exact_words(uintptr_t start, size_t bytes);
  // As visit_words, for stacks: a word at the very start of an object may be one past the end of
  // the object before it, so both live.
  void visit_stack(uintptr_t start, uintptr_t end);

  // Marks all that is reachable from what was visited. Afterwards nothing waits.
  void drain();

  // Objects that are marked but were not scanned, after the pool overflowed: scans all marked ones.
  void rescan_marked();

  uint64_t marked_bytes() const { return marked_bytes_; }
  uint64_t marked_objects() const { return marked_objects_; }
  uint64_t dangling() const { return dangling_; }

 private:
  static constexpr unsigned kRing = 16;  // a power of two
  static constexpr uint64_t kPieceBytes = 128 * acre::rt::kKiB;

  struct Waiting {
    uintptr_t word;
    const void* slot;
  };

  void mark(Waiting reference);
  void empty_ring();
  bool push(acre::gc::Grey grey);  // false: no room
  bool pop(acre::gc::Grey* grey);
  void scan(acre::gc::Grey grey);
  void scan_large(uintptr_t address, acre::rt::Span& span, const acre::rt::Kind& kind);
  void scan_part(uintptr_t start, size_t bytes, uint64_t first_word, const acre::rt::Kind& kind);
  void visit_bitmap(uintptr_t start, size_t bytes, uint64_t first_word, const acre::rt::Kind& kind);
  void report_dangling(Waiting reference);

  acre::rt::Heap* heap_;
  acre::gc::WorkPool* pool_;
  acre::gc::WorkBuffer* buffer_ = nullptr;
  uint64_t marked_bytes_ = 0;
  uint64_t marked_objects_ = 0;
  uint64_t dangling_ = 0;
  bool checking_ = false;
  bool exact_ = true;  // what is being visited is promised to be references
  acre_report_fn report_ = nullptr;
  void* report_arg_ = nullptr;
  unsigned ring_next_ = 0;
  Waiting ring_[kRing] = {};
};

namespace acre::gc {

using Marker = ::acre_visitor;

}  // namespace acre::gc

#endif  // ACRE_GC_MARK_MARKER_H_
