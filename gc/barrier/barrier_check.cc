#include "gc/barrier/barrier_check.h"

#include <cstring>

#include "gc/mark/marker.h"
#include "runtime/base/check.h"
#include "runtime/base/print.h"
#include "runtime/base/raw_memory.h"
#include "runtime/inspect/walk.h"
#include "runtime/span/span.h"

// What inline code without a thread at hand reads; see acre.h.
uint64_t acre_store_phases = 0;

namespace acre::gc {

using rt::Addr;
using rt::ByteCount;
using rt::Kind;
using rt::Line;
using rt::ObjectRef;
using rt::Space;
using rt::Span;
using rt::Tracing;

namespace {

// The checked heaps of the process. Found without a lock, because a fork, which waits for the thread that looks,
// holds those that guard the list of heaps. Who is attached to the heap of a slot finds it, and that it does not go.
struct Entry {
  std::atomic<BarrierCheck*> check;
  std::atomic<uintptr_t> base;
  std::atomic<uintptr_t> end;
};
constexpr unsigned kMaxChecked = 256;
constinit Entry entries[kMaxChecked] = {};

ByteCount bits_bytes(ByteCount range) { return ByteCount(range.raw / rt::kGranuleBytes / 8); }

}  // namespace

// The state of one look.
struct BarrierCheck::Look {
  BarrierCheck* check;
  acre_visitor* visitor;
  acre_report_fn report;
  void* arg;
  uint64_t found = 0;
  // The object that is being traced.
  Addr object{};
  ByteCount size{};
  const Kind* kind = nullptr;
};

acre_status BarrierCheck::init(rt::Heap* heap) {
  heap_ = heap;
  if (heap->options.check_barriers == 0) return ACRE_OK;
  for (rt::Lock& lock : locks_) lock.set_rank(rt::LockRank::kLeaf);
  for (entry_ = 0; entry_ < kMaxChecked; ++entry_) {
    BarrierCheck* nobody = nullptr;
    if (entries[entry_].check.compare_exchange_strong(nobody, this)) break;
  }
  if (entry_ == kMaxChecked) return ACRE_E_LIMIT;
  if (!reserve_shadow()) {
    entries[entry_].check.store(nullptr);
    return ACRE_E_ADDRESS_SPACE;
  }
  const Space& space = heap->space;
  entries[entry_].end.store((space.base() + space.reserved()).raw, std::memory_order_relaxed);
  entries[entry_].base.store(space.base().raw, std::memory_order_release);
  heap->store_phase.store(1, std::memory_order_relaxed);
  __atomic_fetch_add(&acre_store_phases, 1, __ATOMIC_RELAXED);
  return ACRE_OK;
}

bool BarrierCheck::reserve_shadow() {
  const ByteCount range = heap_->space.reserved();
  bits_ = heap_->os.reserve(bits_bytes(range), heap_->os.page_size());
  if (bits_.raw == 0) return false;
  words_ = heap_->os.reserve(range, ByteCount(rt::kArenaBytes));
  if (words_.raw != 0) return true;
  (void)heap_->os.unmap(bits_, bits_bytes(range));
  bits_ = Addr(uint64_t{0});
  return false;
}

bool BarrierCheck::destroy() {
  if (!active()) return true;
  Entry& entry = entries[entry_];
  entry.base.store(0, std::memory_order_relaxed);
  entry.end.store(0, std::memory_order_relaxed);
  entry.check.store(nullptr, std::memory_order_release);
  __atomic_fetch_sub(&acre_store_phases, 1, __ATOMIC_RELAXED);
  const ByteCount range = heap_->space.reserved();
  const bool words = heap_->os.unmap(words_, range);
  const bool bits = heap_->os.unmap(bits_, bits_bytes(range));
  bits_ = Addr(uint64_t{0});
  return words && bits;
}

BarrierCheck* BarrierCheck::of(const void* slot) {
  for (Entry& entry : entries) {
    const uintptr_t base = entry.base.load(std::memory_order_acquire);
    if (base == 0 || Addr(slot).raw < base) continue;
    if (Addr(slot).raw < entry.end.load(std::memory_order_relaxed)) {
      return entry.check.load(std::memory_order_relaxed);
    }
  }
  return nullptr;
}

uintptr_t* BarrierCheck::word_at(Addr address) const {
  return (words_ + heap_->space.offset(address)).as<uintptr_t>();
}

void BarrierCheck::store(void** slot, void* value) {
  rt::LockGuard guard(lock_of(slot));
  __atomic_store_n(slot, value, __ATOMIC_RELEASE);
  if (heap_->space.offset(Addr(slot)) >= backed_) return;
  // Whatever lies there: the shadow of what is in none is not looked at. (A slot may be unaligned in a test only.)
  const Addr word(rt::align_down(Addr(slot).raw, sizeof(void*)));
  *word_at(word) = rt::read_raw(word.raw);
}

void BarrierCheck::forget(Addr object) {
  if (heap_->space.offset(object) >= backed_) return;
  const uint64_t granule = heap_->space.granule_of(object);
  bits()[granule / 64].fetch_and(~(uint64_t{1} << granule % 64), std::memory_order_relaxed);
}

// Refused: what lies behind is not checked, and asked for again next time.
bool BarrierCheck::back_shadow() {
  const ByteCount mapped = heap_->space.mapped();
  if (backed_ >= mapped) return true;
  const auto back = [&](Addr start, ByteCount old, ByteCount all) {
    return heap_->os.commit(start + old, all - old);
  };
  if (!back(bits_, bits_bytes(backed_), bits_bytes(mapped)) || !back(words_, backed_, mapped)) {
    return false;
  }
  backed_ = mapped;
  return true;
}

uint64_t BarrierCheck::look(WorkPool* pool, acre_report_fn report, void* arg) {
  (void)back_shadow();
  acre_visitor visitor(heap_, pool);
  Look look{this, &visitor, report, arg};
  visitor.record_slots(
      [](const void* slot, void* to) {
        auto& in = *static_cast<Look*>(to);
        const ByteCount offset = Addr(slot) - in.object;
        if (offset.raw > in.size.raw - sizeof(void*) || offset.raw % sizeof(void*) != 0) return;
        in.check->compare_word(in, in.object, *in.kind, Addr(slot));
      },
      &look);
  for_each_span(heap_->space, [&](const Span& span) {
    const Kind& kind = heap_->kinds.get(span.kind);
    if (kind.internal || kind.tracing == Tracing::kLeaf) return true;
    return for_each_object(heap_->space, span, [&](Addr object) {
      look_at(look, object, span);
      return true;
    });
  });
  violations_.fetch_add(look.found, std::memory_order_relaxed);
  return look.found;
}

void BarrierCheck::look_at(Look& look, Addr object, const Span& span) {
  const ByteCount size = span.object_bytes();
  if (heap_->space.offset(object) + size > backed_) return;
  const uint64_t granule = heap_->space.granule_of(object);
  if (!rt::bits::test(heap_->space.mark_words(), granule)) return forget(object);
  std::atomic<uint64_t>& bits = this->bits()[granule / 64];
  const uint64_t bit = uint64_t{1} << granule % 64;
  const Kind& kind = heap_->kinds.get(span.kind);
  const bool known = (bits.load(std::memory_order_relaxed) & bit) != 0;
  const bool same = known && memcmp(word_at(object), object.as<void>(), size.raw) == 0;
  if (known && !same) compare(look, object, size, kind);
  if (!same) memcpy(word_at(object), object.as<void>(), size.raw);
  if (!known) bits.fetch_or(bit, std::memory_order_relaxed);
}

void BarrierCheck::compare(Look& look, Addr object, ByteCount size, const Kind& kind) {
  if (kind.tracing == Tracing::kFunction) {
    look.object = object;
    look.size = size;
    look.kind = &kind;
    kind.trace(object.as<void>(), size.raw, look.visitor);
    return;
  }
  for (uint64_t word = 0; word < size.raw / sizeof(void*); ++word) {
    if (kind.refers(word)) {
      compare_word(look, object, kind, object + ByteCount(word * sizeof(void*)));
    }
  }
}

void BarrierCheck::compare_word(Look& look, Addr object, const Kind& kind, Addr slot) {
  const uintptr_t old = *word_at(slot);
  const uintptr_t now = rt::read_raw(slot.raw);
  if (now == old) return;
  *word_at(slot) = now;  // a trace function may visit it twice
  const Space& space = heap_->space;
  if (!find_object(space, Addr(now)) && !find_object(space, Addr(old))) return;
  ++look.found;
  if (look.report != nullptr) describe(look, object, kind, slot, old);
}

void BarrierCheck::describe(Look& look, Addr object, const Kind& kind, Addr slot, uintptr_t old) {
  const auto value = [this](Line& line, uintptr_t word) {
    line << rt::Hex{word};
    const ObjectRef to = find_object(heap_->space, Addr(word));
    if (to) line << " (" << heap_->kinds.get(to.span->kind).name << ")";
  };
  Line line;
  line << "a store went around the write barrier: in the object " << object << " of kind "
       << kind.name;
  if (kind.header_words != 0) line << ", header " << rt::Hex{rt::read_raw(object.raw)};
  line << ", at offset " << (slot - object).raw << ", was ";
  value(line, old);
  line << ", is ";
  value(line, rt::read_raw(slot.raw));
  look.report(line.c_str(), look.arg);
}

}  // namespace acre::gc
