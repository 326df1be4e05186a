// Owns the heap's range of addresses: one reservation, cut into the books and the arenas, and the
// flat side tables that answer every question about an address by arithmetic.
//
//   reservation (PROT_NONE, not charged)
//   +------------------------------------+-------+---------------------------------+-------+
//   | books, read-write from the start   | guard | arenas: mapped  ->  not yet     | guard |
//   | page table | page allocator's      |       | read-write      |  PROT_NONE    |       |
//   | tables | spans | meta | bits       |       | ^base           ^base+mapped    |       |
//   +------------------------------------+-------+---------------------------------+-------+
//
// That is four kernel mappings whatever the heap's size: the books are one, the mapped
// arenas merge into one, and what separates them stays PROT_NONE, so that an object's overflow at
// either end of the arenas faults before it reaches the books.
//
// Structure. All tables are indexed from `base()`: page table by page, mark and alloc bits by
// granule of 16 bytes, spans by the page that they start at. Only address space is taken for them;
// the kernel backs what is touched. `meta` is a bump region for what has no place by address:
// thread caches, central lists, handles, grey buffers. Its users keep free lists of their own.
//
// Where the system charges what is made writable (vm.overcommit_memory=2, Os::strict), less is writable:
// of the books the page allocator's tables, and of the others what stands for mapped arenas or was
// handed out; of the arenas the chunks of 4 MiB that have been asked for (commit_pages), until they go
// back (decommit_chunk). A heap is a dozen mappings then, and two more for each hole.
//
// The common path:
//  1. init() walks the ladder: 512 GiB, 256, ... down to 64 MiB, until the kernel grants both the
//     reservation and write access to the books;
//  2. map_arenas() makes the next arenas read-write, always at the end of the mapped part;
//  3. contains(p) is one subtraction and one compare with the mapped bytes.
//
// Threads. init, map_arenas, use_small_pages: one at a time (the page heap's lock for growth). meta_alloc
// takes a lock of its own. commit_pages and decommit_chunk: any thread, for pages that are its own.
// Everything else is constant after init or atomic.
//
// Not here: which pages are free (runtime/page), what a span is (runtime/span). Go before 1.11 had
// one contiguous range too; Go's later sparse arena map is not needed for it.

#ifndef ACRE_RUNTIME_ARENA_SPACE_H_
#define ACRE_RUNTIME_ARENA_SPACE_H_

#include <atomic>

#include "acre/acre.h"
#include "runtime/arena/page_table.h"
#include "runtime/base/bits.h"
#include "runtime/base/lock.h"
#include "runtime/base/units.h"
#include "runtime/os/os.h"

namespace acre::rt {

inline constexpr ByteCount kMinReservation{kArenaBytes};
inline constexpr ByteCount kMaxReservation{uint64_t{512} * kGiB};

// Bytes of the tables that layers above keep in the books, for a range of that many pages.
struct TableSizes {
  ByteCount page_alloc;
  ByteCount spans;
};
using TableSizesFor = TableSizes (*)(PageCount capacity);

class Space {
 public:
  // `wanted` is a power of two within the bounds above; `huge_pages` one of ACRE_HUGE_PAGES_*. On
  // failure nothing is held. ACRE_E_ADDRESS_SPACE: no rung of the ladder was granted; ACRE_E_NOMEM:
  // address space was, write access to the books was not.
  acre_status init(Os* os, ByteCount wanted, int huge_pages, TableSizesFor table_sizes);

  // Unmaps everything, the books too: nothing may be touched afterwards, which is why the Os
  // counters must not live in here. False: the kernel refused and all is as before.
  bool destroy();

  Addr base() const { return base_; }
  PageCount capacity() const { return capacity_; }
  ByteCount reserved() const { return bytes_of(capacity_); }
  ByteCount mapped() const { return ByteCount(mapped_.load(std::memory_order_relaxed)); }
  Os& os() const { return *os_; }

  bool contains(Addr p) const { return (p.raw - base_.raw) < mapped().raw; }
  ByteCount offset(Addr p) const { return p - base_; }
  Addr address(PageId page) const { return base_ + ByteCount(page.raw << kPageShift); }
  PageId page_of(Addr p) const { return PageId((p.raw - base_.raw) >> kPageShift); }
  uint64_t granule_of(Addr p) const { return (p.raw - base_.raw) >> kGranuleShift; }

  // Maps `arenas` more arenas. False: the range is full or the kernel refuses (the heap is as
  // before). `*first` is the first page of the new part, all zero. `dense`: nearly all of what is
  // mapped holds memory, so that huge pages would too.
  bool map_arenas(uint64_t arenas, bool dense, PageId* first);
  uint64_t arenas_left() const { return (reserved().raw - mapped().raw) >> kArenaShift; }

  // Before pages are touched that may never have been, or were given back since. Nothing to do but
  // with Os::strict. False: the kernel refuses.
  bool commit_pages(PageId first, PageCount pages) {
    return !os_->strict() || commit_chunks(first, pages);
  }
  // Gives all of a chunk back, its charge too. The caller owns its pages. Only with Os::strict. False:
  // nothing to give back, or refused; the pages are as before.
  bool decommit_chunk(PageId first);

  // From now on the kernel shall make no huge pages of what is mapped (huge_pages=auto): it would fill
  // released pages with memory again.
  void use_small_pages();
  // The reverse: huge pages where the kernel makes them, until arenas are mapped or memory is given back.
  void use_huge_pages();
  bool wants_huge_pages() const { return huge_arenas_.load(std::memory_order_relaxed); }

  PageEntry page_entry(PageId page) const {
    return PageEntry{page_table_[page.raw].load(std::memory_order_acquire)};
  }
  void set_page_entry(PageId page, PageEntry entry) {
    page_table_[page.raw].store(entry.raw, std::memory_order_release);
  }

  // Bit g of an array of 64-bit words stands for granule g. Alloc and mark words alternate: a
  // marker wants both.
  bits::PairedWords alloc_words() const { return {bits_}; }
  bits::PairedWords mark_words() const { return {bits_ + 1}; }
  void* page_alloc_tables() const { return page_alloc_tables_; }
  void* span_table() const { return spans_; }

  // Zeroed memory for the books; NULL when the region or the kernel has no more. Alignment at most
  // 4 KiB.
  void* meta_alloc(ByteCount size, uint64_t alignment);
  // What was handed out and not given back.
  ByteCount meta_used() const {
    return ByteCount(meta_used_.load(std::memory_order_relaxed) -
                     meta_released_.load(std::memory_order_relaxed));
  }
  // Part of what was handed out goes back to the kernel; it reads zero when it is used again, which its
  // owner announces.
  void release_meta(void* start, ByteCount size);
  void reuse_meta(ByteCount size) { meta_released_.fetch_sub(size.raw, std::memory_order_relaxed); }

  // Around fork: nobody is handed records.
  void lock_for_fork() { meta_lock_.lock(); }
  void unlock_after_fork() { meta_lock_.unlock(); }

  // Gives back the parts of the side tables that stand for these pages only. They are free, in no
  // cache, and nobody else's meanwhile, so what the tables say of them is zero, or is written before
  // it is read.
  void release_books(PageId first, PageCount pages);

  // Bytes of books that are in memory, and of arenas, as the kernel says.
  ByteCount resident_books() const;
  ByteCount resident_arenas() const;

 private:
  struct Layout;
  bool huge_pages_are_quick(ByteCount from);
  void advise_arenas(ByteCount from, ByteCount end, bool dense);
  bool advise_all(bool huge);
  bool commit_books_for(ByteCount from, ByteCount end);
  bool commit_chunks(PageId first, PageCount pages);
  bool commit_chunk(uint64_t chunk);
  bool try_rung(ByteCount rung, TableSizesFor table_sizes, bool* reserved);

  Os* os_;
  Addr reservation_;
  ByteCount reservation_bytes_;
  ByteCount books_bytes_;
  Addr base_;
  PageCount capacity_;
  std::atomic<uint64_t> mapped_;
  PageTableWord* page_table_;
  std::atomic<uint64_t>* bits_;
  void* page_alloc_tables_;
  std::atomic<uint64_t>* committed_chunks_;  // a bit each, with Os::strict
  void* spans_;
  ByteCount span_bytes_;
  Addr meta_;
  ByteCount meta_bytes_;
  std::atomic<uint64_t> meta_used_;
  std::atomic<uint64_t> meta_released_;
  uint64_t meta_committed_;
  Lock meta_lock_;
  int huge_pages_;
  std::atomic<bool> huge_arenas_;  // the advice of all arenas
  bool huge_books_;
  uint64_t arenas_to_skip_;   // before the next try for huge pages
  uint64_t slow_huge_pages_;  // tries in a row that were slow
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_ARENA_SPACE_H_
