#include "runtime/arena/space.h"

#include <algorithm>

#include "runtime/base/check.h"

namespace acre::rt {
namespace {

constexpr ByteCount kGuardBytes{4 * kMiB};
constexpr uint64_t kTableAlign = 4 * kKiB;

// The small pages in place of a huge one take 130 microseconds to 800 (measured: 720 on a virtual
// machine).
constexpr uint64_t kQuickHugePageNs = 600'000;

// From this size on the books may be in huge pages as well: of each table's end and of the caches of
// threads more memory is taken than is used, which is then 1 % at most for a dozen threads.
constexpr ByteCount kHugeBooksFrom{kGiB};

// What is charged at a time with Os::strict. Larger means fewer mappings, smaller less that is charged
// and not used.
constexpr uint64_t kCommitStep = kChunkPages * kPageBytes;
static_assert(kCommitStep == 4 * kMiB);

// Room for what is found by pointer: 1/32 of the range, at least 64 MiB. Only address space; a
// thread's cache takes 0.6 MB of it, so the smallest heap has room for a hundred threads, the
// largest for 25,000.
constexpr ByteCount meta_bytes_for(ByteCount range) {
  const ByteCount part(range.raw / 32);
  return part < ByteCount(64 * kMiB) ? ByteCount(64 * kMiB) : part;
}

}  // namespace

// Offsets from the start of the reservation, which is aligned to an arena.
struct Space::Layout {
  uint64_t page_table, page_alloc, committed, spans, meta, bits, books_end, arenas, total;

  Layout(ByteCount range, TableSizes sizes) {
    const uint64_t pages = range.raw / kPageBytes;
    uint64_t at = 0;
    const auto take = [&at](uint64_t bytes) {
      const uint64_t start = at;
      at = align_up(at + bytes, kTableAlign);
      return start;
    };
    page_table = take(pages * sizeof(PageTableWord));
    page_alloc = take(sizes.page_alloc.raw);
    committed = take(align_up(pages / kChunkPages, 64) / 8);
    spans = take(sizes.spans.raw);
    meta = take(meta_bytes_for(range).raw);
    bits = take(2 * (range.raw / kGranuleBytes / 8));
    books_end = at;
    arenas = align_up(books_end + kGuardBytes.raw, kArenaBytes);
    total = arenas + range.raw + kGuardBytes.raw;
  }
};

acre_status Space::init(Os* os, ByteCount wanted, int huge_pages, TableSizesFor table_sizes) {
  ACRE_CHECK(is_power_of_two(wanted.raw) && wanted >= kMinReservation && wanted <= kMaxReservation,
             "the options layer rounds reserve_bytes");
  os_ = os;
  huge_pages_ = huge_pages;
  meta_lock_.set_rank(LockRank::kMeta);
  bool any_reserved = false;
  for (ByteCount rung = wanted; rung >= kMinReservation; rung = ByteCount(rung.raw / 2)) {
    if (try_rung(rung, table_sizes, &any_reserved)) return ACRE_OK;
  }
  return any_reserved ? ACRE_E_NOMEM : ACRE_E_ADDRESS_SPACE;
}

bool Space::try_rung(ByteCount rung, TableSizesFor table_sizes, bool* reserved) {
  const PageCount pages(rung.raw / kPageBytes);
  const Layout layout(rung, table_sizes(pages));
  const Addr start = os_->reserve(ByteCount(layout.total), ByteCount(kArenaBytes));
  if (start.raw == 0) return false;
  *reserved = true;
  const Addr first = os_->strict() ? start + ByteCount(layout.page_alloc) : start;
  const uint64_t first_bytes = os_->strict() ? layout.spans - layout.page_alloc : layout.books_end;
  if (!os_->commit(first, ByteCount(first_bytes))) {
    // A rung that cannot be given back is lost address space, no memory: nothing better can be
    // done.
    (void)os_->unmap(start, ByteCount(layout.total));
    return false;
  }
  // Books are touched a few bytes here and there: a huge page each would be most of a small heap.
  // Where the kernel knows no huge pages the advice fails, and is not needed.
  (void)os_->advise_huge(start, ByteCount(layout.books_end), false);

  reservation_ = start;
  reservation_bytes_ = ByteCount(layout.total);
  books_bytes_ = ByteCount(layout.books_end);
  base_ = start + ByteCount(layout.arenas);
  capacity_ = pages;
  mapped_.store(0, std::memory_order_relaxed);
  page_table_ = (start + ByteCount(layout.page_table)).as<PageTableWord>();
  bits_ = (start + ByteCount(layout.bits)).as<std::atomic<uint64_t>>();
  page_alloc_tables_ = (start + ByteCount(layout.page_alloc)).as<void>();
  committed_chunks_ = (start + ByteCount(layout.committed)).as<std::atomic<uint64_t>>();
  span_bytes_ = ByteCount(layout.meta - layout.spans);
  spans_ = (start + ByteCount(layout.spans)).as<void>();
  meta_ = start + ByteCount(layout.meta);
  meta_bytes_ = ByteCount(layout.bits - layout.meta);
  meta_used_.store(0, std::memory_order_relaxed);
  meta_released_.store(0, std::memory_order_relaxed);
  meta_committed_ = os_->strict() ? 0 : meta_bytes_.raw;
  return true;
}

bool Space::destroy() { return os_->unmap(reservation_, reservation_bytes_); }

bool Space::map_arenas(uint64_t arenas, bool dense, PageId* first) {
  if (arenas == 0 || arenas > arenas_left()) return false;
  const ByteCount old = mapped();
  const ByteCount size(arenas * kArenaBytes);
  const bool committed =
      os_->strict() ? commit_books_for(old, old + size) : os_->commit(base_ + old, size);
  if (!committed) return false;
  advise_arenas(old, old + size, dense);
  *first = PageId(old.raw >> kPageShift);
  mapped_.store((old + size).raw, std::memory_order_release);
  return true;
}

// Advice only: a kernel that refuses it leaves the heap as right as before. It is for all arenas alike,
// so that they stay one VMA; of pages that have memory already it changes nothing. With Os::strict a
// chunk is advised when it is committed: there, not to be split further, all are small unless asked.
void Space::advise_arenas(ByteCount from, ByteCount end, bool dense) {
  bool huge = huge_pages_ == ACRE_HUGE_PAGES_ALWAYS;
  if (huge_pages_ == ACRE_HUGE_PAGES_AUTO && !os_->strict()) {
    huge = from > ByteCount(0) && dense && huge_pages_are_quick(from);
  }
  huge_arenas_.store(huge, std::memory_order_relaxed);
  if (os_->strict()) return;
  (void)advise_all(huge);
  if (huge && end >= kHugeBooksFrom && !huge_books_) {
    huge_books_ = os_->advise_huge(reservation_, books_bytes_, true);
  }
}

// What is not mapped yet, too, and the guard behind: so that what will be merges with what is when it becomes
// writable, which takes no VMA, not even for a moment.
bool Space::advise_all(bool huge) {
  return os_->advise_huge(base_, reservation_ + reservation_bytes_ - base_, huge);
}

void Space::use_small_pages() {
  if (huge_pages_ != ACRE_HUGE_PAGES_AUTO || !wants_huge_pages()) return;
  huge_arenas_.store(false, std::memory_order_relaxed);
  (void)advise_all(false);
  if (huge_books_ && os_->advise_huge(reservation_, books_bytes_, false)) huge_books_ = false;
}

void Space::use_huge_pages() {
  if (huge_pages_ != ACRE_HUGE_PAGES_AUTO || wants_huge_pages() || os_->strict()) return;
  huge_arenas_.store(advise_all(true), std::memory_order_relaxed);
}

// The parts of the side tables that stand for these arenas: an arena's are whole pages of each.
bool Space::commit_books_for(ByteCount from, ByteCount end) {
  const auto commit = [this, from, end](const void* table, uint64_t bytes_per_page) {
    const uint64_t first = align_down((from.raw >> kPageShift) * bytes_per_page, kTableAlign);
    const uint64_t last = align_up((end.raw >> kPageShift) * bytes_per_page, kTableAlign);
    return os_->commit(Addr(table) + ByteCount(first), ByteCount(last - first));
  };
  return commit(page_table_, sizeof(PageTableWord)) && commit(bits_, 2 * kGranulesPerPage / 8) &&
         commit(spans_, span_bytes_.raw / capacity_.raw);
}

bool Space::commit_chunks(PageId first, PageCount pages) {
  const uint64_t last = (first.raw + pages.raw - 1) / kChunkPages;
  for (uint64_t chunk = first.raw / kChunkPages; chunk <= last; ++chunk) {
    if (!bits::test(committed_chunks_, chunk) && !commit_chunk(chunk)) return false;
  }
  return true;
}

// Two threads may be here for one chunk: the same is done twice.
bool Space::commit_chunk(uint64_t chunk) {
  const Addr start = base_ + ByteCount(chunk * kCommitStep);
  if (!os_->commit(start, ByteCount(kCommitStep))) return false;
  (void)os_->advise_huge(start, ByteCount(kCommitStep), wants_huge_pages());
  committed_chunks_[chunk / 64].fetch_or(uint64_t{1} << chunk % 64);
  return true;
}

bool Space::decommit_chunk(PageId first) {
  const uint64_t chunk = first.raw / kChunkPages;
  // A hole is two VMAs, and two of its own books' pieces.
  if (!bits::test(committed_chunks_, chunk) || !os_->has_vmas_left(2)) return false;
  if (!os_->decommit(base_ + ByteCount(chunk * kCommitStep), ByteCount(kCommitStep))) return false;
  committed_chunks_[chunk / 64].fetch_and(~(uint64_t{1} << chunk % 64));
  return true;
}

// Whether a huge page comes sooner than the small ones it stands for, by taking the first of the
// arena that begins at `from`, which is about to be used. Often it is the fifth of the price; but it
// is many times as dear where the kernel must compact memory for it, or where a hypervisor has taken
// free memory away and brings it back page by page. After a slow one some arenas do without asking.
bool Space::huge_pages_are_quick(ByteCount from) {
  if (arenas_to_skip_ > 0) {
    --arenas_to_skip_;
    return false;
  }
  if (!advise_all(true)) return false;
  const uint64_t start = now_ns();
  *static_cast<volatile char*>((base_ + from).as<void>()) = 0;
  if (now_ns() - start < kQuickHugePageNs) {
    slow_huge_pages_ = 0;
    return true;
  }
  arenas_to_skip_ = uint64_t{1} << std::min<uint64_t>(slow_huge_pages_++, 6);
  return false;
}

void* Space::meta_alloc(ByteCount size, uint64_t alignment) {
  LockGuard guard(meta_lock_);
  const uint64_t start = align_up(meta_used_.load(std::memory_order_relaxed), alignment);
  if (size > meta_bytes_ || start > meta_bytes_.raw - size.raw) return nullptr;
  if (start + size.raw > meta_committed_) {
    const uint64_t end = std::min(align_up(start + size.raw, kCommitStep), meta_bytes_.raw);
    if (!os_->commit(meta_ + ByteCount(meta_committed_), ByteCount(end - meta_committed_))) {
      return nullptr;
    }
    meta_committed_ = end;
  }
  meta_used_.store(start + size.raw, std::memory_order_relaxed);
  return (meta_ + ByteCount(start)).as<void>();
}

void Space::release_meta(void* start, ByteCount size) {
  (void)os_->release(Addr(start), size);
  meta_released_.fetch_add(size.raw, std::memory_order_relaxed);
}

void Space::release_books(PageId first, PageCount pages) {
  const auto release = [this, first, pages](const void* table, uint64_t bytes_per_page) {
    const uint64_t from = align_up(Addr(table).raw + first.raw * bytes_per_page, kTableAlign);
    const uint64_t end =
        align_down(Addr(table).raw + (first + pages).raw * bytes_per_page, kTableAlign);
    // Refused: they stay as they are, which is right as well.
    if (from < end) (void)os_->release(Addr(from), ByteCount(end - from));
  };
  release(page_table_, sizeof(PageTableWord));
  release(bits_, 2 * kGranulesPerPage / 8);
  release(spans_, span_bytes_.raw / capacity_.raw);
}

ByteCount Space::resident_books() const {
  // Table by table, as far as each is in use: mincore over 25 GiB of untouched books would take
  // long.
  const uint64_t mapped_pages = mapped().raw >> kPageShift;
  const auto part = [this](const void* start, uint64_t bytes) {
    return bytes == 0 ? ByteCount(0)
                      : os_->resident(Addr(start), ByteCount(align_up(bytes, kTableAlign)));
  };
  return part(page_table_, mapped_pages * sizeof(PageTableWord)) +
         part(bits_, mapped_pages * 2 * kGranulesPerPage / 8) +
         part(spans_, mapped_pages * (span_bytes_.raw / capacity_.raw)) +
         part(meta_.as<void>(), meta_used_.load(std::memory_order_relaxed));
}

ByteCount Space::resident_arenas() const {
  return mapped().raw == 0 ? ByteCount(0) : os_->resident(base_, mapped());
}

}  // namespace acre::rt
