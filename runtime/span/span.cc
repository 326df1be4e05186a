#include "runtime/span/span.h"

#include <algorithm>
#include <bit>

#include "runtime/base/bits.h"
#include "runtime/base/raw_memory.h"

namespace acre::rt {
namespace {

// Calls apply(word, mask) for each word in which slots of the run have their bit.
template <class Apply>
void for_each_slot_mask(const Span& span, uint32_t offset, uint32_t slots, Apply apply) {
  const uint64_t first_word = span.first_page().raw * kWordsPerPage;
  if (span.is_large()) {
    if (slots != 0) apply(first_word, 1);
    return;
  }
  const uint64_t* masks = slot_masks(span.size_class);
  const uint32_t begin = offset >> kGranuleShift;
  const auto end =
      static_cast<uint32_t>(begin + (slots * span.object_bytes().raw >> kGranuleShift));
  for (uint32_t word = begin / 64; word * 64 < end; ++word) {
    uint64_t mask = masks[word];
    if (word == begin / 64) mask &= ~uint64_t{0} << (begin % 64);
    if (end - word * 64 < 64) mask &= ~(~uint64_t{0} << (end % 64));
    if (mask != 0) apply(first_word + word, mask);
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
  if (span->explicitly_freed && !span->is_large() &&
      read_raw(base.raw + sizeof(uintptr_t)) == listed_word(base.raw)) {
    return {};
  }
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
  const bits::PairedWords words = space.alloc_words();
  const uint64_t first = span.first_page().raw * kWordsPerPage;
  if (span.is_large()) return {0, from == 0 && !bits::test(words, first * 64) ? 1u : 0u};
  const SizeClass& shape = kClasses[span.size_class];
  const uint64_t* masks = slot_masks(span.size_class);
  const uint32_t end = shape.used_bytes() >> kGranuleShift;
  uint64_t below = ~(~uint64_t{0} << ((from >> kGranuleShift) % 64));
  for (uint32_t word = (from >> kGranuleShift) / 64; word * 64 < end; ++word) {
    const uint64_t free = masks[word] & ~bits::load(words[first + word]) & ~below;
    below = 0;
    if (free == 0) continue;
    const uint32_t slot = word * 64 + static_cast<uint32_t>(std::countr_zero(free));
    const uint32_t stride = shape.bytes >> kGranuleShift;
    const uint64_t limit = std::min(slot + uint64_t{max_slots} * stride, uint64_t{end});
    const uint64_t next = bits::find_next_set(words, first * 64 + slot, first * 64 + limit);
    return {slot << kGranuleShift,
            element_at(span.size_class,
                       static_cast<uint32_t>((next - first * 64 - slot) << kGranuleShift))};
  }
  return {};
}

void set_alloc_bits(const Space& space, const Span& span, uint32_t offset, uint32_t slots) {
  for_each_slot_mask(span, offset, slots, [&space](uint64_t word, uint64_t mask) {
    space.alloc_words()[word].fetch_or(mask, std::memory_order_acquire);
  });
}

void clear_alloc_bits(const Space& space, const Span& span, uint32_t offset, uint32_t slots) {
  for_each_slot_mask(span, offset, slots, [&space](uint64_t word, uint64_t mask) {
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
