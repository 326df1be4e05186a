// Owns sweeping: what was not marked becomes free. It is the heap's Collector.
//
// Sweeping a small span is a copy of words: the mark bits become the alloc bits, and the mark bits
// zero. Objects are not touched (but with clobber_free); their room is zeroed when a cache takes
// it. A span in which nothing lives goes back to the page heap.
//
// Objects of explicit kinds live whatever their marks say, and a sweep never writes their alloc bits: whoever
// gives a slot back may clear its bit at any time.
//
// When. Lazily, by threads that need room: in the class that they allocate from (Central), and
// anywhere in the heap before fresh pages are taken (reclaim). What is left is swept before the
// next cycle, or at once by acre_collect. A cursor over all (kind, class) lists, and the list of
// large objects, know what is left; both only move forward.
//
// Who. A span is swept by one thread: by its sweep_gen from gen - 2 to gen - 1, the winner sweeps
// and sets gen. That is who popped it from its set, or who wants to free an object in it
// (sweep_in_place).
//
// Invariant: between a span's sweep and the next mark phase its mark bits are zero. Marked implies
// alloc.

#ifndef ACRE_GC_SWEEP_SWEEPER_H_
#define ACRE_GC_SWEEP_SWEEPER_H_

#include <atomic>

#include "gc/weak/specials.h"
#include "runtime/heap/heap.h"

namespace acre::gc {

class Sweeper final : public rt::Collector {
 public:
  // `specials`: what is attached to objects; NULL where nothing is.
  void init(rt::Heap* heap, Specials* specials) {
    heap_ = heap;
    specials_ = specials;
  }

  // Marking has ended: all spans are unswept. World stopped, everything swept before, caches
  // flushed.
  void begin();

  // Sweeps one span. False: nothing is left to be taken (another thread may be at its last one).
  bool sweep_one(rt::PageCount* freed);

  // Sweeps all that is left. When it returns the background thread sweeps nothing either.
  void finish();

  // Sweeps some spans, for the background thread, between stops.
  void sweep_in_background(unsigned spans);

  bool done() const { return done_.load(std::memory_order_relaxed); }

  // Called by the heap.
  rt::SweptSpan sweep(rt::Span& span, bool keep_empty) override;
  void sweep_in_place(rt::Span& span) override;
  void reclaim(rt::PageCount wanted) override;
  void forget(rt::Addr object) override;

 private:
  bool sweep_one_large(rt::PageCount* freed);
  bool sweep_one_small(rt::PageCount* freed);
  bool begin_span(rt::Span& span);
  void end_span(rt::Span& span);
  uint32_t sweep_bits(rt::Span& span);
  void clobber_dead(const rt::Span& span, uint64_t word, uint64_t dead);

  rt::Heap* heap_;
  Specials* specials_;
  std::atomic<bool> done_{true};
  std::atomic<bool> background_sweeps_;
  std::atomic<uint32_t> cursor_;  // the next (kind, class) list to look into
};

}  // namespace acre::gc

#endif  // ACRE_GC_SWEEP_SWEEPER_H_
