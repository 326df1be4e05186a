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
using acre::rt::kArenaBytes;
using acre::rt::kGranuleShift;
using acre::rt::Kind;
using acre::rt::ObjectRef;
using acre::rt::PageEntry;
using acre::rt::PageId;
using acre::rt::PageState;
using acre::rt::Scan;
using acre::rt::Shape;
using acre::rt::Space;
using acre::rt::Span;
using acre::rt::Tracing;

namespace {

// Bytes; see visit_suspended_stack.
constexpr uint32_t kSmallNeighbour = 512;

// The sum of the digits of i to the base of n, so that objects at any power of two from each other
// are spread as well.
unsigned digit_sum(unsigned i, unsigned n) {
  unsigned sum = 0;
  for (; i != 0 && n > 1; i /= n) sum += i % n;
  return sum;
}

}  // namespace

acre_visitor::acre_visitor(acre::rt::Heap* heap, acre::gc::WorkPool* pool, unsigned me,
                           unsigned markers)
    : heap_(heap),
      pool_(pool),
      me_(static_cast<uint8_t>(me)),
      stripe_shift_(static_cast<uint8_t>(std::bit_width(heap->space.mapped().raw | kArenaBytes) -
                                         1 - kStripesOfHeapLog2)),
      alone_(markers == 1) {
  for (unsigned i = 0; i < kPattern; ++i) {
    owners_[i] = static_cast<uint8_t>(digit_sum(i, markers) % markers);
    if (owners_[i] != me) theirs_ |= uint64_t{1} << i;
  }
}

void acre_visitor::visit(uintptr_t word, const void* slot) {
  const Space& space = heap_->space;
  const uintptr_t offset = word - space.base().raw;
  if (offset >= space.mapped().raw) {
    if (__builtin_expect(record_ != nullptr, 0)) record_(slot, report_arg_);
    return;
  }
  if (checking_) return check(word, slot);
  const unsigned owner = owner_of(offset);
  if (owner == me_) {
    put(word);
  } else {
    send(word, owner);
  }
}

// One buffer of words is enough, however many a root or an object has: a full one is marked first. With
// none at all the object is marked here, and scanned when the cycle looks for marked ones.
void acre_visitor::put(uintptr_t word) {
  if (stack_ == nullptr && !grow_stack()) return mark_only(word);
  if (stack_->full()) mark_all_waiting();
  stack_->push(Grey{word});
}

void acre_visitor::mark_only(uintptr_t word) {
  const uintptr_t base = resolve(word);
  if (base == 0) return;
  const Space& space = heap_->space;
  if (!acre::rt::bits::set_unshared(space.mark_words(), space.granule_of(Addr(base)))) return;
  const Span& span = *find_object(space, Addr(base)).span;
  if (!span.explicitly_freed) marked_bytes_ += span.object_bytes().raw;
  if (watcher_ != nullptr) watcher_->marked(base);
  pool_->set_overflowed();
}

bool acre_visitor::grow_stack() {
  WorkBuffer* fresh = pool_->take_empty();
  if (fresh == nullptr) return false;
  if (stack_ != nullptr) {
    stack_->next_in_stack.store(full_, std::memory_order_relaxed);
    full_ = stack_;
  }
  stack_ = fresh;
  return true;
}

// The stack's buffer is empty: goes on with the one below. False: there is none.
bool acre_visitor::shrink_stack() {
  if (full_ == nullptr) return false;
  pool_->put_empty(stack_);
  stack_ = full_;
  full_ = stack_->next_in_stack.load(std::memory_order_relaxed);
  return true;
}

// The start of the object that a word points into, if that is this marker's to mark; else 0.
__attribute__((noinline)) uintptr_t acre_visitor::resolve(uintptr_t word) {
  const ObjectRef object = find_object(heap_->space, Addr(word));
  if (!object) return 0;
  // It may begin in another's stripe.
  const unsigned owner = owner_of(heap_->space.offset(object.base).raw);
  if (owner == me_) return object.base.raw;
  send(object.base.raw, owner);
  return 0;
}

// What visit does in a check: no hurry.
void acre_visitor::check(uintptr_t word, const void* slot) {
  if (record_ != nullptr) return record_(slot, report_arg_);
  const Space& space = heap_->space;
  const ObjectRef object = find_object(space, Addr(word));
  if (!object) {
    // On a stack of ours is as good as elsewhere.
    const bool on_stack = space.page_entry(space.page_of(Addr(word))).state() == PageState::kStack;
    if (exact_ && slot != nullptr && !on_stack) report_dangling(word, slot);
    return;
  }
  if (!acre::rt::bits::set_unshared(space.mark_words(), space.granule_of(object.base))) return;
  if (!push_grey(Grey{object.base.raw})) pool_->set_overflowed();
}

__attribute__((noinline)) void acre_visitor::send(uintptr_t word, unsigned to) {
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
    visit(acre::rt::read_raw(at), Addr(at).as<const void>());
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

// Whether a word may be the end of an array before it: of a leaf, or one so large that it hardly is one of
// many neighbours which hold coroutines.
bool acre_visitor::may_end_at(uintptr_t word) const {
  const Space& space = heap_->space;
  if (word % acre::rt::kGranuleBytes != 0 || !space.contains(Addr(word - 1))) return false;
  const PageEntry entry = space.page_entry(space.page_of(Addr(word - 1)));
  if (!entry.in_span()) return false;
  if (entry.state() == PageState::kSmall &&
      acre::rt::kClasses[entry.size_class()].bytes > kSmallNeighbour) {
    return true;
  }
  return entry.state() == PageState::kLarge ||
         heap_->kinds.get(entry.kind()).tracing == Tracing::kLeaf;
}

void acre_visitor::visit_suspended_stack(uintptr_t start, uintptr_t end) {
  const bool was_exact = exact_;
  exact_ = false;
  for (uintptr_t at = acre::rt::align_up(start, sizeof(void*)); at + sizeof(void*) <= end;
       at += sizeof(void*)) {
    const uintptr_t word = acre::rt::read_raw(at);
    visit(word, nullptr);
    if (may_end_at(word)) visit(word - 1, nullptr);
  }
  exact_ = was_exact;
}

bool acre_visitor::push_grey(Grey grey) {
  if (grey_ == nullptr || grey_->full()) {
    WorkBuffer* fresh = pool_->take_empty();
    if (fresh == nullptr) return false;
    if (grey_ != nullptr) pool_->put_grey(grey_);
    grey_ = fresh;
  }
  grey_->push(grey);
  return true;
}

bool acre_visitor::pop_grey(Grey* grey) {
  if (grey_ == nullptr || grey_->empty()) {
    WorkBuffer* full = pool_->take_grey();
    if (full == nullptr) return false;
    if (grey_ != nullptr) pool_->put_empty(grey_);
    grey_ = full;
  }
  *grey = grey_->pop();
  return true;
}

// Takes in a buffer of references that others found. False: there is none.
bool acre_visitor::receive() {
  WorkBuffer* buffer = pool_->receive(me_);
  if (buffer == nullptr) return false;
  // The stack is empty: it becomes the stack.
  if (stack_ != nullptr) pool_->put_empty(stack_);
  stack_ = buffer;
  return true;
}

// Another marker has nothing to do: it gets what is its own, and half of the grey objects.
__attribute__((noinline)) void acre_visitor::share() {
  flush_outboxes();
  if (grey_ == nullptr || grey_->count < 2) return;
  WorkBuffer* half = pool_->take_empty();
  if (half == nullptr) return;
  half->count = grey_->count / 2;
  std::copy_n(grey_->items, half->count, half->items);
  std::copy(grey_->items + half->count, grey_->items + grey_->count, grey_->items);
  grey_->count -= half->count;
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
  for (WorkBuffer** buffer : {&grey_, &stack_}) {
    if (*buffer != nullptr) pool_->put_empty(*buffer);
    *buffer = nullptr;
  }
}

void acre_visitor::drain_mine() {
  for (;;) {
    mark_all_waiting();
    Grey grey;
    if (!pop_grey(&grey)) return;
    scan(grey.address);
    if (!alone_ && pool_->hungry()) share();
  }
}

void acre_visitor::mark_all_waiting() {
  if (!alone_) {
    mark_waiting<Mode::kShared>();
  } else if (watcher_ == nullptr) {
    mark_waiting<Mode::kAlone>();
  } else {
    mark_waiting<Mode::kWatched>();
  }
}

// Marks what waits on the stack, by way of the ring, and scans it, until both are empty. The ring's
// ends and the stack's top are locals: in memory each change would wait for the last one. What
// depends on data is done without a branch where it can be: a wrong guess costs as much as all the
// rest of marking an object. One long function: taken apart into inlined ones, with this state in a
// struct, GCC 12 needs 13.8 ns instead of 5.9 for a node of a tree.
template <acre_visitor::Mode kMode>
void acre_visitor::mark_waiting() {  // NOLINT(readability-function-size)
  constexpr bool kAlone = kMode != Mode::kShared;
  const Space& space = heap_->space;
  const uintptr_t base = space.base().raw;
  const uintptr_t mapped = space.mapped().raw;
  const acre::rt::bits::PairedWords allocs = space.alloc_words();
  const acre::rt::bits::PairedWords marks = space.mark_words();
  uintptr_t ring[kRing];
  unsigned head = 0;     // of the ring: the oldest
  unsigned waiting = 0;  // in the ring
  unsigned until_share = kShareEvery;
  uint32_t count = stack_ == nullptr ? 0 : stack_->count;
  const uint64_t theirs = theirs_;
  const unsigned stripe_shift = stripe_shift_;
  uint64_t last_page = ~uint64_t{0};
  Shape shape{};
  uintptr_t word = 0;
  bool chained = false;
  for (;;) {
    if (chained) {
      chained = false;
    } else if (count != 0) {
      word = stack_->items[--count].address;
      __builtin_prefetch(&marks[(word - base) >> kGranuleShift >> 6], 1);  // and the alloc bit's
      __builtin_prefetch(Addr(word).as<const void>());
      if (waiting < kRing) {
        ring[(head + waiting++) % kRing] = word;
        continue;
      }
      std::swap(word, ring[head++ % kRing]);
    } else if (shrink_stack()) {
      count = stack_->count;
      continue;
    } else if (waiting != 0) {
      word = ring[head++ % kRing];
      --waiting;
    } else {
      break;
    }
    if (!kAlone && --until_share == 0) {
      until_share = kShareEvery;
      if (pool_->hungry()) share();
    }

    uint64_t granule = (word - base) >> kGranuleShift;
    if (acre::rt::bits::test(marks, granule)) continue;
    if (__builtin_expect(!acre::rt::bits::test(allocs, granule), 0)) {
      word = resolve(word);
      if (word == 0) continue;
      granule = (word - base) >> kGranuleShift;
    }
    if (!acre::rt::bits::set_unshared(marks, granule)) continue;
    // Neighbours are alike: guessing so does without waiting for the tables.
    const uint64_t page = (word - base) >> acre::rt::kPageShift;
    if (waiting != 0 || page != last_page) {
      last_page = page;
      shape = heap_->kinds.shape(space.page_entry(PageId(page)));
    }
    const uintptr_t object = word & ~(acre::rt::kGranuleBytes - 1);
    marked_bytes_ += shape.bytes;
    if constexpr (kMode == Mode::kWatched) watcher_->marked(object);
    if (shape.scan != Scan::kMask) {
      mark_other(object, shape);
      continue;
    }
    if (WorkBuffer::kCapacity - count < 64 || stack_ == nullptr) {
      if (stack_ != nullptr) stack_->count = count;
      if (!grow_stack()) {
        pool_->set_overflowed();
        continue;
      }
      count = 0;
    }
    Grey* const items = stack_->items;
    uintptr_t last = 0;
    for (uint64_t words = shape.mask; words != 0; words &= words - 1) {
      const uintptr_t found =
          acre::rt::read_raw(object + 8 * static_cast<uint64_t>(std::countr_zero(words)));
      const uintptr_t offset = found - base;
      const bool inside = offset < mapped;
      if (!kAlone) {
        uint64_t foreign = theirs >> ((offset >> stripe_shift) % kPattern) & (inside ? 1 : 0);
        asm("" : "+r"(foreign));  // one branch, not one for each half
        if (foreign != 0) {
          send(found, owner_of(offset));
          continue;
        }
      }
      items[count].address = found;
      last = inside ? found : last;
      count += inside ? 1 : 0;
    }
    // The next of a list, with nothing else to do meanwhile: by no detour through memory.
    if (count == 1 && waiting == 0 && last != 0) {
      count = 0;
      word = last;
      chained = true;
    }
  }
  if (stack_ != nullptr) stack_->count = 0;
}

// A marked object that is not scanned by a mask.
void acre_visitor::mark_other(uintptr_t object, Shape shape) {
  if (shape.scan == Scan::kKept) return;
  if (shape.bytes == 0) marked_bytes_ += find_object(heap_->space, Addr(object)).span->size().raw;
  if (shape.scan == Scan::kOther && !push_grey(Grey{object})) pool_->set_overflowed();
}

// A grey object, whatever its kind, or the piece of a large one that begins here.
void acre_visitor::scan(uintptr_t address) {
  const Space& space = heap_->space;
  const PageEntry entry = space.page_entry(space.page_of(Addr(address)));
  const Kind& kind = heap_->kinds.get(entry.kind());
  if (kind.tracing == Tracing::kLeaf) return;
  if (entry.state() == PageState::kLarge) {
    scan_large(address, *span_at(space, entry.start()), kind);
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
    const bool postponed = rest < size && push_grey(Grey{start + rest});
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
  const uint64_t header = first_word < kind.header_words ? kind.header_words - first_word : 0;
  uint64_t bit = (first_word + header - kind.header_words) % kind.element_words;
  for (uintptr_t at = start + header * sizeof(void*); at < start + bytes; at += sizeof(void*)) {
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
        scan(base.raw);
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
    const Kind& kind = heap_->kinds.get(holder.span->kind);
    line << ", in the object " << holder.base << " of kind " << kind.name;
    if (kind.header_words != 0) {
      line << ", header " << acre::rt::Hex{acre::rt::read_raw(holder.base.raw)};
    }
  } else if (roots_ != nullptr) {
    line << ", " << roots_;
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
