// Owns marking: from words that may be references to mark bits, and on to what the objects refer
// to. struct acre_visitor, which trace functions and root scanners are given, is a marker.
//
// Structure. A reference goes through these stages:
//
//   visit(word) ─► mine? ─► stack ─► ring, prefetched ─► mark bit set? ─► scan its words ─► visit
//                   │ no      ▲                           (leaf: done)  └► grey buffer, if that is
//                   ▼         │                                            more: large, or a trace
//                 outbox ─► WorkPool ◄──────────────────────────────────── function's
//
// Last in, first out keeps the stack short for lists and trees. The ring is there because the bits
// and the object are cache misses: between prefetch and use some dozens of others are looked at.
// An object of up to 64 words whose kind says where its references are is scanned as soon as it is
// marked; it is never written down as grey.
//
// Several markers. The range is dealt out in stripes: each belongs to one marker, and only
// that one writes the mark bits of its objects. So setting a bit takes no locked operation (some 20
// cycles, as much as all the rest of marking an object that is in the cache), and what crosses to
// another marker is written once to a buffer. Grey objects are anyone's: a marker with nothing to do
// takes them from the others.
//
// The common path of one reference:
//   1. word - base < mapped, else it is no reference;
//   2. on the stack, in the ring, and later from it: is the mark bit at its granule set? Done;
//   3. has its granule an alloc bit, it is the start of an object (tag bits in the low four do not
//      matter), else it points into one, or into free room: find_object decides;
//   4. set the mark bit, count the bytes; leaf kinds are done.
//
// So a wrong word is never believed: every reference, exact or conservative, must find an alloc
// bit. That makes dangling references harmless, and verify can report them.
//
// Large objects of kinds without a trace function are scanned in pieces of 128 KiB (Go's oblets),
// so that one large array does not fill the buffers with its elements at once, and several markers
// share it.
//
// Checking. With a report function the same walk is a check: every exact reference from what the
// roots reach must lead to an object, else it is reported (acre_verify). And a visitor may do no more than tell
// which slots a trace function visits.
//
// Threads: a marker is used by one thread; several share the pool and the bitmaps.

#ifndef ACRE_GC_MARK_MARKER_H_
#define ACRE_GC_MARK_MARKER_H_

#include "acre/acre.h"
#include "gc/work/work_pool.h"
#include "runtime/heap/heap.h"

namespace acre::gc {

// Wants to know of each object that is marked. It must not call the marker.
class MarkWatcher {
 public:
  virtual void marked(uintptr_t object) = 0;

 protected:
  ~MarkWatcher() = default;
};

}  // namespace acre::gc

struct acre_visitor {
 public:
  // Alone.
  acre_visitor(acre::rt::Heap* heap, acre::gc::WorkPool* pool) : acre_visitor(heap, pool, 0, 1) {}
  // Marker `me` of `markers`, which the pool knows of (WorkPool::begin).
  acre_visitor(acre::rt::Heap* heap, acre::gc::WorkPool* pool, unsigned me, unsigned markers);
  acre_visitor(const acre_visitor&) = delete;
  acre_visitor& operator=(const acre_visitor&) = delete;

  // Check instead of only marking; see above. Alone.
  void report_dangling_to(acre_report_fn report, void* arg) {
    checking_ = true;
    report_ = report;
    report_arg_ = arg;
  }

  bool checking() const { return checking_; }

  // Tells `watcher` from now on; NULL: nobody. Alone.
  void watch(acre::gc::MarkWatcher* watcher) { watcher_ = watcher; }

  // Neither: tell where the visited words are. For trace functions that are run by somebody else.
  using RecordFn = void (*)(const void* slot, void* arg);
  void record_slots(RecordFn record, void* arg) {
    checking_ = true;
    record_ = record;
    report_arg_ = arg;
  }

  // For reports: what the words that are visited from now on are, where no object is around them. NULL: not known.
  void now_visiting(const char* roots) { roots_ = roots; }

  // `slot` is where the word was read, for reports.
  void visit(uintptr_t word, const void* slot);
  // Words that may be numbers as well.
  void visit_words(uintptr_t start, size_t bytes);
  void visit_exact_words(uintptr_t start, size_t bytes);
  // As visit_words, for stacks: a word at the very start of an object may be one past the end of
  // the object before it, so both live.
  void visit_stack(uintptr_t start, uintptr_t end);
  // The same for what lives only as long as something refers to it. There the object before lives only if it
  // cannot hold on to another such stack: each one has pointers to where objects of its own begin, so
  // neighbours would keep each other alive in chains.
  void visit_suspended_stack(uintptr_t start, uintptr_t end);

  // What a trace function does whose object is looked at when all else is marked.
  void postpone(acre::gc::Postponed* object) { pool_->postpone(object); }

  // Visits what an object refers to, which need not be marked. Alone.
  void visit_fields(uintptr_t object) { scan(object); }

  // Marks all that is reachable from what was visited. Afterwards nothing waits, with any marker:
  // all of them must be in here.
  void drain();

  // After the pool overflowed there are objects that are marked but were not scanned: scans all
  // marked ones. Alone.
  void rescan_marked();

  uint64_t marked_bytes() const { return marked_bytes_; }
  uint64_t dangling() const { return dangling_; }

 private:
  // References between prefetch and use: fewer do not cover the miss, more push each other out of
  // the first-level cache. A power of two.
  static constexpr unsigned kRing = 64;
  static constexpr uint64_t kPieceBytes = 128 * acre::rt::kKiB;

  // The mapped range is cut into so many stripes, or 512. More: the load is spread more evenly; fewer:
  // less references cross, and a list, which only one marker at a time can follow, is handed over
  // less often. Objects of a stripe share no word of mark bits with those of another.
  static constexpr unsigned kStripesOfHeapLog2 = 10;
  static constexpr unsigned kPattern = 64;  // stripes are dealt out in a pattern that repeats

  // References marked between two looks at whether another marker is idle.
  static constexpr unsigned kShareEvery = 128;

  unsigned owner_of(uintptr_t offset) const {
    return owners_[(offset >> stripe_shift_) % kPattern];
  }
  void put(uintptr_t word);
  uintptr_t resolve(uintptr_t word);
  void check(uintptr_t word, const void* slot);
  void send(uintptr_t word, unsigned to);
  bool push_grey(acre::gc::Grey grey);  // false: no room
  bool pop_grey(acre::gc::Grey* grey);
  bool grow_stack();
  bool shrink_stack();
  bool receive();
  void share();
  void flush_outboxes();
  void mark_only(uintptr_t word);
  void mark_all_waiting();
  enum class Mode : uint8_t { kShared, kAlone, kWatched };
  template <Mode kMode>
  void mark_waiting();
  void mark_other(uintptr_t object, acre::rt::Shape shape);
  void drain_mine();
  void scan(uintptr_t address);
  void scan_large(uintptr_t address, acre::rt::Span& span, const acre::rt::Kind& kind);
  void scan_part(uintptr_t start, size_t bytes, uint64_t first_word, const acre::rt::Kind& kind);
  void visit_bitmap(uintptr_t start, size_t bytes, uint64_t first_word, const acre::rt::Kind& kind);
  void report_dangling(uintptr_t word, const void* slot);
  bool may_end_at(uintptr_t word) const;

  acre::rt::Heap* heap_;
  acre::gc::WorkPool* pool_;
  acre::gc::WorkBuffer* grey_ = nullptr;
  // The stack: the buffer in use, the full ones below it linked by next_in_stack.
  acre::gc::WorkBuffer* stack_ = nullptr;
  acre::gc::WorkBuffer* full_ = nullptr;
  uint64_t marked_bytes_ = 0;
  uint8_t me_;
  uint8_t stripe_shift_;
  bool alone_;
  bool checking_ = false;
  acre::gc::MarkWatcher* watcher_ = nullptr;
  bool exact_ = true;  // what is being visited is promised to be references
  uint64_t dangling_ = 0;
  const char* roots_ = nullptr;
  acre_report_fn report_ = nullptr;
  RecordFn record_ = nullptr;
  void* report_arg_ = nullptr;
  uint64_t theirs_ = 0;  // bit i: owners_[i] is another one
  uint8_t owners_[kPattern];
  acre::gc::WorkBuffer* outboxes_[acre::gc::kMaxMarkers] = {};
};

namespace acre::gc {

using Marker = ::acre_visitor;

}  // namespace acre::gc

#endif  // ACRE_GC_MARK_MARKER_H_
