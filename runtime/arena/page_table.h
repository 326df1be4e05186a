// Owns the page table: 8 bytes for each page of the range, enough to go from any address to the
// start, the size class and the kind of the span that it lies in with one load and without the span
// itself.
//
//   63        56 55        48 47    46      39 38      32 31                             0
//   |  unused   |   state    | 0  |   kind   |size class|  page number of the span's start |
//
// Kind and size class together are the shape of its objects: an index of 15 bits.
// Zero is a page in no span. An entry is written when its span is made and when it is freed, by the
// one thread that owns the span then; anyone may read at any time, so entries are atomic. What a
// reader finds may be old by the time it acts: only a stopped world, or owning the object, makes it
// firm.

#ifndef ACRE_RUNTIME_ARENA_PAGE_TABLE_H_
#define ACRE_RUNTIME_ARENA_PAGE_TABLE_H_

#include <atomic>
#include <cstdint>

#include "runtime/base/units.h"

namespace acre::rt {

enum class PageState : uint8_t {
  kFree = 0,   // in no span
  kSmall = 1,  // a span of a size class
  kLarge = 2,  // a span with one large object
  kStack = 3,  // a span that is a stack: no object, never an alloc bit
};

struct PageEntry {
  uint64_t raw = 0;

  static constexpr PageEntry make(PageState state, uint8_t kind, uint8_t size_class, PageId start) {
    return PageEntry{(static_cast<uint64_t>(state) << 48) | (uint64_t{kind} << 39) |
                     (uint64_t{size_class} << 32) | (start.raw & 0xffffffffu)};
  }

  constexpr PageState state() const { return static_cast<PageState>((raw >> 48) & 0xff); }
  constexpr uint8_t kind() const { return static_cast<uint8_t>(raw >> 39); }
  constexpr uint8_t size_class() const { return static_cast<uint8_t>((raw >> 32) & 0x7f); }
  constexpr uint32_t shape() const { return static_cast<uint32_t>((raw >> 32) & 0x7fff); }
  static constexpr uint32_t shape_of(uint32_t kind, uint32_t size_class) {
    return kind << 7 | size_class;
  }
  constexpr PageId start() const { return PageId(raw & 0xffffffffu); }
  constexpr bool in_span() const { return state() != PageState::kFree; }
};

using PageTableWord = std::atomic<uint64_t>;

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_ARENA_PAGE_TABLE_H_
