// Owns the span: a run of pages that holds objects of one size class and one kind, or one large
// object.
//
// Structure. Spans are the entries of a flat table, 64 bytes for each page of the range; the span
// that starts at page p is entry p, so a span needs no allocation, its address is its identity, and
// a lock-free list may read a span that is long gone. The bits of its objects are in the Space's
// flat bitmaps, at the granule where an object starts:
//
//   alloc bit   the granule starts an object (in use, or dead and not yet swept), or a slot of a gap
//               that a thread cache has taken
//   mark bit    the object was reached in the mark phase; all clear between a sweep and the next mark
//
// The life of a span, by who owns it:
//   page heap ─► cache ─► central (partial or full) ─► sweeper ─► central, cache or page heap
// One owner at a time: it is in exactly one central set, or cached in one slot, or in the hands of
// the thread that sweeps or frees it. sweep_gen says how far it is in the current cycle, as in Go:
//   gen - 2  marked in the last cycle, to be swept      gen - 1  being swept      gen  swept
// where gen is the collector's sweep generation, which grows by 2 when marking ends.
//
// Gaps. A cache takes a run of free slots between set alloc bits, sets their bits, and bumps a
// cursor through it. [cursor, gap_end) is not allocated although its bits are set: `gap` points to
// where the cursor is, so that every reader can tell; a flush clears those bits.
//
// Explicit kinds (ACRE_KIND_EXPLICIT). No sweep clears the alloc bit of such an object. One that was freed may
// lie in a thread's free list (heap/free_list.h), its bit still set: its second word says so.
//
// Threads. Bits change by atomic operations. Fields without atomic are written by the owner only,
// before the page table says that the span exists or while it owns it.

#ifndef ACRE_RUNTIME_SPAN_SPAN_H_
#define ACRE_RUNTIME_SPAN_SPAN_H_

#include <atomic>
#include <cstdint>

#include "runtime/arena/space.h"
#include "runtime/base/units.h"
#include "runtime/span/size_class.h"

namespace acre::rt {

// Where a cache bumps: [cursor, limit) is free and zero, [limit, gap_end) is free. All 0: no gap.
// Written by its thread only; others read cursor and gap_end. The first words of an acre_gap.
struct Gap {
  uintptr_t cursor;
  uintptr_t limit;
  uintptr_t gap_end;

  // Another gap, with nothing ready yet. In between, the gap looks empty to readers.
  void set(uintptr_t start, uintptr_t end) {
    __atomic_store_n(&gap_end, uintptr_t{0}, __ATOMIC_RELEASE);
    __atomic_store_n(&cursor, start, __ATOMIC_RELEASE);
    limit = start;
    __atomic_store_n(&gap_end, end, __ATOMIC_RELEASE);
  }
};

struct Span {
  std::atomic<Span*> next_in_stack;
  Span* previous;               // of large spans, under the lock of their list
  std::atomic<const Gap*> gap;  // the gap that a cache bumps in, NULL when not cached
  std::atomic<uint32_t> sweep_gen;
  std::atomic<uint32_t> freed;  // slots freed by acre_free since the span was last cached
  uint32_t start_page;
  uint32_t page_count;
  uint8_t size_class;
  uint8_t kind;
  bool known_zero;  // fresh pages from the kernel, never handed out
  bool in_use;
  uint8_t shard;          // of small spans: of their central list
  bool unswept_large;     // of large spans: in the list of unswept ones
  bool explicitly_freed;  // of an explicit kind: its objects live until they are freed
  std::atomic<bool>
      has_specials;      // records that are attached to an object of it (gc/weak) there were once
  uint32_t search_from;  // byte offset: no free slot that was not freed since lies below
  void* stack;           // of a span that is a stack: whose (runtime/stack)

  Addr start(const Space& space) const { return space.address(PageId(start_page)); }
  PageId first_page() const { return PageId(start_page); }
  PageCount pages() const { return PageCount(page_count); }
  ByteCount size() const { return bytes_of(pages()); }
  bool is_large() const { return size_class == kLargeClass; }
  // Bytes of one object.
  ByteCount object_bytes() const {
    return is_large() ? size() : ByteCount(kClasses[size_class].bytes);
  }
  // Bytes from the start to the end of the last object.
  ByteCount used_bytes() const {
    return is_large() ? size() : ByteCount(kClasses[size_class].used_bytes());
  }
  uint32_t elements() const { return is_large() ? 1 : kClasses[size_class].elements; }
};

// The table that Space keeps for the spans.
struct alignas(64) SpanTableEntry {
  Span span;
};
static_assert(sizeof(SpanTableEntry) == 64);

constexpr ByteCount span_table_bytes(PageCount capacity) {
  return ByteCount(capacity.raw * sizeof(SpanTableEntry));
}

// The span that starts, or may start, at this page.
inline Span* span_at(const Space& space, PageId start) {
  return &static_cast<SpanTableEntry*>(space.span_table())[start.raw].span;
}

// The object that an address points to or into.
struct ObjectRef {
  Addr base;
  Span* span = nullptr;

  explicit operator bool() const { return span != nullptr; }
};

// The second word of a slot of an explicit kind that lies in a free list. An object has it there by a chance of
// 1 in 2^64, for it is another one for each address and is gone when the slot leaves its list.
constexpr uintptr_t listed_word(uintptr_t slot) { return slot ^ 0xd1b54a32d192ed03; }

// Any address at all. Empty: in no object (also: free slot, one in a free list, unused tail of a cache's gap,
// span's tail).
ObjectRef find_object(const Space& space, Addr any);

// Only the exact start of an object.
ObjectRef object_at(const Space& space, Addr start);

// Number of set alloc bits, without what a cache's gap has not handed out.
uint32_t count_allocated(const Space& space, const Span& span);

// Visits each allocated object of a span in order of address until fn returns false.
template <class Fn>
bool for_each_object(const Space& space, const Span& span, Fn fn);

// Finds the first run of free slots at or after byte offset `from`; `max_slots` bounds its length.
struct SlotRun {
  uint32_t offset = 0;  // bytes from the span's start
  uint32_t slots = 0;
};
SlotRun find_free_run(const Space& space, const Span& span, uint32_t from, uint32_t max_slots);

// Sets the alloc bits of a run, or clears them. Setting is an acquire: it sees what those who cleared
// the bits with a release (acre_free) wrote before.
void set_alloc_bits(const Space& space, const Span& span, uint32_t offset, uint32_t slots);
void clear_alloc_bits(const Space& space, const Span& span, uint32_t offset, uint32_t slots);

// Clears alloc and mark bits of all the span's pages: a span begins with none.
void clear_all_bits(const Space& space, PageId first, PageCount pages);

// What clobber_free leaves in freed objects.
inline constexpr unsigned char kClobberByte = 0xdb;
inline void clobber(Addr start, ByteCount size) {
  __builtin_memset(start.as<void>(), kClobberByte, size.raw);
}

template <class Fn>
bool for_each_object(const Space& space, const Span& span, Fn fn) {
  const Addr start = span.start(space);
  const uint64_t step = span.object_bytes().raw;
  const uint64_t end = span.used_bytes().raw;
  for (uint64_t offset = 0; offset < end; offset += step) {
    const ObjectRef object = object_at(space, start + ByteCount(offset));
    if (object && !fn(object.base)) return false;
  }
  return true;
}

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_SPAN_SPAN_H_
