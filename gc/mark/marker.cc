#include "gc/mark/marker.h"

#include <algorithm>
#include <bit>

#include "runtime/base/bits.h"
#include "runtime/base/print.h"
#include "runtime/base/raw_memory.h"
#include "runtime/inspect/walk.h"

using acre::gc::Grey;
using acre::gc::WorkBuffer;
using acre::rt::Addr;
using acre::rt::Kind;
using acre::rt::ObjectRef;
using acre::rt::PageEntry;
using acre::rt::PageState;
using acre::rt::Scan;
using acre::rt::Shape;
using acre::rt::Space;
using acre::rt::Span;
using acre::rt::Tracing;

acre_visitor::acre_visitor(acre::rt::Heap* heap, acre::gc::WorkPool* pool, unsigned me,
                           unsigned markers)
    : heap_(heap), pool_(pool), me_(static_cast<uint8_t>(me)), alone_(markers == 1) {
  for (unsigned i = 0; i < kStripes; ++i) owners_[i] = static_cast<uint8_t>(i % markers);
}

inline void acre_visitor::visit(uintptr_t word, const void* slot) {
  const Space& space = heap_->space;
  const uintptr_t offset = word - space.base().raw;
  if (offset >= space.mapped().raw) return;
  if (checking_) {
    mark_inside(word, exact_ ? slot : nullptr);
  } else if (alone_ || mine(offset)) {
    take_in(word, offset);
  } else {
    send(word, offset);
  }
}

// Into the ring, and what has been longest in it on to its mark bit.
inline void acre_visitor::take_in(uintptr_t word, uintptr_t offset) {
  const Space& space = heap_->space;
  const uint64_t granule = offset >> acre::rt::kGranuleShift;
  __builtin_prefetch(&space.mark_words()[granule / 64], 1);  // and the alloc bit's
  __builtin_prefetch(Addr(word).as<const void>());
  const uintptr_t oldest = ring_[ring_tail_ % kRing];
  ring_[ring_tail_++ % kRing] = word;
  if (ring_tail_ - ring_head_ > kRing) {
    ++ring_head_;
    mark(oldest);
  }
}

inline void acre_visitor::mark(uintptr_t word) {
  const Space& space = heap_->space;
  const uint64_t granule = space.granule_of(Addr(word));
  if (acre::rt::bits::test(space.mark_words(), granule)) return;
  if (acre::rt::bits::test(space.alloc_words(), granule)) {
    mark_object(Addr(word & ~(acre::rt::kGranuleBytes - 1)));
  } else {
    mark_inside(word, nullptr);
  }
}

// A word that points into an object, or nowhere.
__attribute__((noinline)) void acre_visitor::mark_inside(uintptr_t word, const void* slot) {
  const ObjectRef object = find_object(heap_->space, Addr(word));
  if (!object) {
    if (checking_ && slot != nullptr) report_dangling(word, slot);
    return;
  }
  // The object may begin in another's stripe.
  const uintptr_t offset = heap_->space.offset(object.base).raw;
  if (alone_ || mine(offset)) {
    mark_object(object.base);
  } else {
    send(object.base.raw, offset);
  }
}

// The start of an object in a stripe of this marker.
inline void acre_visitor::mark_object(Addr base) {
  const Space& space = heap_->space;
  if (!acre::rt::bits::set_unshared(space.mark_words(), space.granule_of(base))) return;
  const PageEntry entry = space.page_entry(space.page_of(base));
  const Shape& shape = heap_->kinds.shape(entry);
  marked_bytes_ += shape.bytes != 0 ? shape.bytes : span_at(space, entry.start())->size().raw;
  if (shape.scan == Scan::kNone) return;
  if (!push(Grey{base.raw})) pool_->set_overflowed();
}

void acre_visitor::send(uintptr_t word, uintptr_t offset) {
  const unsigned to = owners_[(offset >> kStripeShift) % kStripes];
  WorkBuffer*& outbox = outboxes_[to];
  if (outbox == nullptr) {
    outbox = pool_->take_empty();
    if (outbox == nullptr) return pool_->set_overflowed();
  }
  outbox->push(Grey{word});
  if (outbox->full()) {
    pool_->send(to, outbox);
    outbox = nullptr;
  }
}

void acre_visitor::visit_words(uintptr_t start, size_t bytes) {
  const uintptr_t end = (start + bytes) & ~(sizeof(void*) - 1);
  const bool was_exact = exact_;
  exact_ = false;
  for (uintptr_t at = acre::rt::align_up(start, sizeof(void*)); at < end; at += sizeof(void*)) {
    visit(acre::rt::read_raw(at), nullptr);
  }
  exact_ = was_exact;
}

void acre_visitor::visit_exact_words(uintptr_t start, size_t bytes) {
  for (uintptr_t at = start; at < start + bytes; at += sizeof(void*)) {
    visit(acre::rt::read_raw(at), Addr(at).as<const void>());
  }
}

void acre_visitor::visit_stack(uintptr_t start, uintptr_t end) {
  const bool was_exact = exact_;
  exact_ = false;
  for (uintptr_t at = acre::rt::align_up(start, sizeof(void*)); at + sizeof(void*) <= end;
       at += sizeof(void*)) {
    const uintptr_t word = acre::rt::read_raw(at);
    visit(word, nullptr);
    if (word % acre::rt::kGranuleBytes == 0) visit(word - 1, nullptr);
  }
  exact_ = was_exact;
}

inline bool acre_visitor::push(Grey grey) {
  if (buffer_ == nullptr || buffer_->full()) {
    WorkBuffer* fresh = pool_->take_empty();
    if (fresh == nullptr) return false;
    if (buffer_ != nullptr) pool_->put_grey(buffer_);
    buffer_ = fresh;
  }
  buffer_->push(grey);
  return true;
}

inline bool acre_visitor::pop(Grey* grey) {
  if (buffer_ == nullptr || buffer_->empty()) {
    WorkBuffer* full = pool_->take_grey();
    if (full == nullptr) return false;
    if (buffer_ != nullptr) pool_->put_empty(buffer_);
    buffer_ = full;
  }
  *grey = buffer_->pop();
  return true;
}

// Takes in a buffer of references that others found. False: there is none.
bool acre_visitor::receive() {
  WorkBuffer* buffer = pool_->receive(me_);
  if (buffer == nullptr) return false;
  const uintptr_t base = heap_->space.base().raw;
  for (uint32_t i = 0; i < buffer->count; ++i) {
    const uintptr_t word = buffer->items[i].address;
    take_in(word, word - base);
  }
  pool_->put_empty(buffer);
  return true;
}

// Another marker has nothing to do: it gets what is its own, and the older half of the grey
// objects, which are nearer to the roots and lead to more.
void acre_visitor::share() {
  flush_outboxes();
  if (buffer_ == nullptr || buffer_->count < 2) return;
  WorkBuffer* half = pool_->take_empty();
  if (half == nullptr) return;
  half->count = buffer_->count / 2;
  std::copy_n(buffer_->items, half->count, half->items);
  std::copy(buffer_->items + half->count, buffer_->items + buffer_->count, buffer_->items);
  buffer_->count -= half->count;
  pool_->put_grey(half);
}

void acre_visitor::flush_outboxes() {
  for (unsigned to = 0; to < acre::gc::kMaxMarkers; ++to) {
    if (outboxes_[to] == nullptr) continue;
    pool_->send(to, outboxes_[to]);
    outboxes_[to] = nullptr;
  }
}

void acre_visitor::drain() {
  for (;;) {
    drain_mine();
    flush_outboxes();
    if (receive()) continue;
    if (alone_ || !pool_->wait_for_work(me_)) break;
  }
  if (buffer_ != nullptr) {
    pool_->put_empty(buffer_);
    buffer_ = nullptr;
  }
}

void acre_visitor::drain_mine() {
  for (;;) {
    Grey grey;
    while (pop(&grey)) {
      scan(grey);
      if (alone_ || --until_share_ != 0) continue;
      until_share_ = kShareEvery;
      if (pool_->hungry()) share();
    }
    if (ring_head_ == ring_tail_) return;
    mark(ring_[ring_head_++ % kRing]);
  }
}

inline void acre_visitor::scan(Grey grey) {
  const Space& space = heap_->space;
  const PageEntry entry = space.page_entry(space.page_of(Addr(grey.address)));
  const Shape& shape = heap_->kinds.shape(entry);
  // A check must know which words are promised to be references: their kind says so.
  if (shape.scan != Scan::kMask || checking_) return scan_other(grey.address, entry);
  for (uint64_t words = shape.mask; words != 0; words &= words - 1) {
    const uintptr_t at = grey.address + 8 * static_cast<unsigned>(std::countr_zero(words));
    visit(acre::rt::read_raw(at), Addr(at).as<const void>());
  }
}

void acre_visitor::scan_other(uintptr_t address, PageEntry entry) {
  const Kind& kind = heap_->kinds.get(entry.kind());
  if (entry.state() == PageState::kLarge) {
    scan_large(address, *span_at(heap_->space, entry.start()), kind);
    return;
  }
  const uint64_t bytes = acre::rt::kClasses[entry.size_class()].bytes;
  if (kind.tracing == Tracing::kFunction) {
    kind.trace(Addr(address).as<void>(), bytes, this);
  } else {
    scan_part(address, bytes, 0, kind);
  }
}

void acre_visitor::scan_large(uintptr_t address, Span& span, const Kind& kind) {
  const uintptr_t start = span.start(heap_->space).raw;
  const uint64_t size = span.size().raw;
  if (kind.tracing == Tracing::kFunction) {
    kind.trace(Addr(start).as<void>(), size, this);
    return;
  }
  for (uint64_t offset = address - start; offset < size;) {
    const uint64_t piece = std::min(kPieceBytes, size - offset);
    const uint64_t rest = offset + piece;
    // The rest first, so that what this piece refers to comes off before it. Without room for it,
    // on we go: all that this piece finds is then dropped until the rescan.
    const bool postponed = rest < size && push(Grey{start + rest});
    scan_part(start + offset, piece, offset / sizeof(void*), kind);
    if (postponed) return;
    offset = rest;
  }
}

void acre_visitor::scan_part(uintptr_t start, size_t bytes, uint64_t first_word, const Kind& kind) {
  if (kind.tracing == Tracing::kConservative) {
    visit_words(start, bytes);
  } else {
    visit_bitmap(start, bytes, first_word, kind);
  }
}

void acre_visitor::visit_bitmap(uintptr_t start, size_t bytes, uint64_t first_word,
                                const Kind& kind) {
  uint64_t bit = first_word % kind.element_words;
  for (uintptr_t at = start; at < start + bytes; at += sizeof(void*)) {
    if (acre::rt::bits::test(kind.bitmap, bit)) {
      visit(acre::rt::read_raw(at), Addr(at).as<const void>());
    }
    if (++bit == kind.element_words) bit = 0;
  }
}

void acre_visitor::rescan_marked() {
  const Space& space = heap_->space;
  for_each_span(space, [this, &space](Span& span) {
    if (heap_->kinds.get(span.kind).tracing == Tracing::kLeaf) return true;
    return for_each_object(space, span, [this, &space](Addr base) {
      if (acre::rt::bits::test(space.mark_words(), space.granule_of(base))) {
        scan(Grey{base.raw});
        drain();
      }
      return true;
    });
  });
}

void acre_visitor::report_dangling(uintptr_t word, const void* slot) {
  ++dangling_;
  if (report_ == nullptr) return;
  acre::rt::Line line;
  line << "a reference leads to no object: the word " << Addr(word) << " at " << slot;
  const ObjectRef holder = find_object(heap_->space, Addr(slot));
  if (holder) {
    line << ", in the object " << holder.base << " of kind "
         << heap_->kinds.get(holder.span->kind).name;
  }
  report_(line.c_str(), report_arg_);
}

extern "C" {

void acre_visit(acre_visitor* visitor, void** slot) {
  visitor->visit(acre::rt::Addr(__atomic_load_n(slot, __ATOMIC_RELAXED)).raw, slot);
}

void acre_visit_conservative(acre_visitor* visitor, void* start, size_t bytes) {
  visitor->visit_words(acre::rt::Addr(start).raw, bytes);
}

}  // extern "C"
