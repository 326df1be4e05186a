#include "runtime/span/span.h"

#include <algorithm>

#include "runtime/base/bits.h"

namespace acre::rt {
namespace {

// Granule numbers of a span's slots.
struct Grid {
  uint64_t first;   // granule of slot 0
  uint64_t stride;  // granules from slot to slot
  uint64_t end;     // one past the last granule that belongs to a slot

  Grid(const Space& space, const Span& span)
      : first(space.granule_of(span.start(space))),
        stride(span.object_bytes().raw >> kGranuleShift),
        end(first + (span.used_bytes().raw >> kGranuleShift)) {}
};

// Calls apply(word, mask) for each word in which slots of the run have their bit.
template <class Apply>
void for_each_slot_mask(const Grid& grid, uint32_t offset, uint32_t slots, Apply apply) {
  uint64_t bit = grid.first + (offset >> kGranuleShift);
  while (slots > 0) {
    const uint64_t word = bit >> 6;
    uint64_t mask = 0;
    while (slots > 0 && (bit >> 6) == word) {
      mask |= uint64_t{1} << (bit & 63);
      bit += grid.stride;
      --slots;
    }
    apply(word, mask);
  }
}

// In a gap that a cache has taken but not handed out. Gap::set writes the end twice, so a reader
// that saw the same end before and after the cursor has a pair that belongs together.
bool in_unused_gap(const Span& span, uintptr_t object) {
  const Gap* gap = span.gap.load(std::memory_order_acquire);
  if (gap == nullptr) return false;
  for (;;) {
    const uintptr_t end = __atomic_load_n(&gap->gap_end, __ATOMIC_ACQUIRE);
    const uintptr_t cursor = __atomic_load_n(&gap->cursor, __ATOMIC_ACQUIRE);
    if (__atomic_load_n(&gap->gap_end, __ATOMIC_RELAXED) == end) {
      return object >= cursor && object < end;
    }
  }
}

}  // namespace

ObjectRef find_object(const Space& space, Addr any) {
  if (!space.contains(any)) return {};
  const PageEntry entry = space.page_entry(space.page_of(any));
  if (!entry.in_span()) return {};
  Span* span = span_at(space, entry.start());
  const Addr start = space.address(entry.start());
  uint64_t offset = 0;
  if (entry.state() == PageState::kSmall) {
    const SizeClass& size_class = kClasses[entry.size_class()];
    const uint32_t element =
        element_at(entry.size_class(), static_cast<uint32_t>((any - start).raw));
    if (element >= size_class.elements) return {};
    offset = uint64_t{element} * size_class.bytes;
  }
  const Addr base = start + ByteCount(offset);
  if (!bits::test(space.alloc_words(), space.granule_of(base))) return {};
  if (in_unused_gap(*span, base.raw)) return {};
  return {base, span};
}

ObjectRef object_at(const Space& space, Addr start) {
  const ObjectRef object = find_object(space, start);
  return object && object.base == start ? object : ObjectRef{};
}

uint32_t count_allocated(const Space& space, const Span& span) {
  uint32_t count = 0;
  for_each_object(space, span, [&count](Addr) {
    ++count;
    return true;
  });
  return count;
}

SlotRun find_free_run(const Space& space, const Span& span, uint32_t from, uint32_t max_slots) {
  const Grid grid(space, span);
  const bits::PairedWords words = space.alloc_words();
  for (uint64_t slot = grid.first + (from >> kGranuleShift); slot < grid.end; slot += grid.stride) {
    if (bits::test(words, slot)) continue;
    const uint64_t limit = slot + uint64_t{max_slots} * grid.stride;
    const uint64_t end = bits::find_next_set(words, slot, std::min(limit, grid.end));
    return {static_cast<uint32_t>((slot - grid.first) << kGranuleShift),
            static_cast<uint32_t>((end - slot) / grid.stride)};
  }
  return {};
}

void set_alloc_bits(const Space& space, const Span& span, uint32_t offset, uint32_t slots) {
  for_each_slot_mask(Grid(space, span), offset, slots, [&space](uint64_t word, uint64_t mask) {
    space.alloc_words()[word].fetch_or(mask, std::memory_order_acquire);
  });
}

void clear_alloc_bits(const Space& space, const Span& span, uint32_t offset, uint32_t slots) {
  for_each_slot_mask(Grid(space, span), offset, slots, [&space](uint64_t word, uint64_t mask) {
    space.alloc_words()[word].fetch_and(~mask, std::memory_order_relaxed);
  });
}

void clear_all_bits(const Space& space, PageId first, PageCount pages) {
  const uint64_t from = first.raw * kGranulesPerPage / 64;
  const uint64_t end = (first + pages).raw * kGranulesPerPage / 64;
  for (uint64_t word = from; word < end; ++word) {
    // Reading first keeps the tables of fresh pages untouched, so unbacked.
    if (space.alloc_words()[word].load(std::memory_order_relaxed) != 0) {
      space.alloc_words()[word].store(0, std::memory_order_relaxed);
    }
    if (space.mark_words()[word].load(std::memory_order_relaxed) != 0) {
      space.mark_words()[word].store(0, std::memory_order_relaxed);
    }
  }
}

}  // namespace acre::rt
