#include "gc/mark/marker.h"

#include <algorithm>

#include "runtime/base/bits.h"
#include "runtime/base/print.h"
#include "runtime/base/raw_memory.h"
#include "runtime/inspect/walk.h"

using acre::gc::Grey;
using acre::gc::WorkBuffer;
using acre::rt::Addr;
using acre::rt::ByteCount;
using acre::rt::Kind;
using acre::rt::ObjectRef;
using acre::rt::PageEntry;
using acre::rt::PageState;
using acre::rt::Space;
using acre::rt::Span;
using acre::rt::Tracing;

void acre_visitor::visit(uintptr_t word, const void* slot) {
  const Space& space = heap_->space;
  const uintptr_t offset = word - space.base().raw;
  if (offset >= space.mapped().raw) return;
  const uint64_t granule = offset >> acre::rt::kGranuleShift;
  __builtin_prefetch(&space.mark_words()[granule / 64], 1);
  __builtin_prefetch(&space.alloc_words()[granule / 64]);
  __builtin_prefetch(Addr(word).as<const void>());
  Waiting& place = ring_[ring_next_];
  ring_next_ = (ring_next_ + 1) % kRing;
  const Waiting oldest = place;
  // Whether it was promised to be a reference travels in `slot`: conservative words have none.
  place = {word, exact_ ? slot : nullptr};
  if (oldest.word != 0) mark(oldest);
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

void acre_visitor::mark(Waiting reference) {
  const Space& space = heap_->space;
  const Addr word(reference.word);
  const uint64_t granule = space.granule_of(word);
  Addr base(word.raw & ~(acre::rt::kGranuleBytes - 1));
  const PageEntry entry = space.page_entry(space.page_of(word));
  if (!entry.in_span() || !acre::rt::bits::test(space.alloc_words(), granule)) {
    const ObjectRef object = find_object(space, word);
    if (!object) {
      if (checking_ && reference.slot != nullptr) report_dangling(reference);
      return;
    }
    base = object.base;
  }
  if (!acre::rt::bits::set(space.mark_words(), space.granule_of(base))) return;
  ++marked_objects_;
  marked_bytes_ += entry.state() == PageState::kSmall ? acre::rt::kClasses[entry.size_class()].bytes
                                                      : span_at(space, entry.start())->size().raw;
  if (heap_->kinds.get(entry.kind()).tracing == Tracing::kLeaf) return;
  if (!push(Grey{base.raw})) pool_->set_overflowed();
}

void acre_visitor::empty_ring() {
  for (Waiting& place : ring_) {
    const Waiting reference = place;
    place.word = 0;
    if (reference.word != 0) mark(reference);
  }
}

bool acre_visitor::push(Grey grey) {
  if (buffer_ == nullptr || buffer_->full()) {
    WorkBuffer* fresh = pool_->take_empty();
    if (fresh == nullptr) return false;
    if (buffer_ != nullptr) pool_->put_full(buffer_);
    buffer_ = fresh;
  }
  buffer_->push(grey);
  return true;
}

bool acre_visitor::pop(Grey* grey) {
  if (buffer_ == nullptr || buffer_->empty()) {
    WorkBuffer* full = pool_->take_full();
    if (full == nullptr) return false;
    if (buffer_ != nullptr) pool_->put_empty(buffer_);
    buffer_ = full;
  }
  *grey = buffer_->pop();
  return true;
}

void acre_visitor::drain() {
  for (;;) {
    Grey grey;
    while (pop(&grey)) scan(grey);
    empty_ring();
    if (!pop(&grey)) break;
    scan(grey);
  }
  if (buffer_ != nullptr) {
    pool_->put_empty(buffer_);
    buffer_ = nullptr;
  }
}

void acre_visitor::scan(Grey grey) {
  const Space& space = heap_->space;
  const PageEntry entry = space.page_entry(space.page_of(Addr(grey.address)));
  const Kind& kind = heap_->kinds.get(entry.kind());
  if (entry.state() == PageState::kLarge) {
    scan_large(grey.address, *span_at(space, entry.start()), kind);
    return;
  }
  const uint64_t bytes = acre::rt::kClasses[entry.size_class()].bytes;
  if (kind.tracing == Tracing::kFunction) {
    kind.trace(Addr(grey.address).as<void>(), bytes, this);
  } else {
    scan_part(grey.address, bytes, 0, kind);
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

void acre_visitor::report_dangling(Waiting reference) {
  ++dangling_;
  if (report_ == nullptr) return;
  acre::rt::Line line;
  line << "a reference leads to no object: the word " << Addr(reference.word) << " at "
       << reference.slot;
  const ObjectRef holder = find_object(heap_->space, Addr(reference.slot));
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
