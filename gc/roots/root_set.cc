#include "gc/roots/root_set.h"

#include "runtime/base/print.h"

namespace acre::gc {
namespace {

// The link that points to the record for which `match` holds, or NULL.
template <class Record, class Match>
Record** find_link(Record** list, Match match) {
  for (Record** link = list; *link != nullptr; link = &(*link)->next) {
    if (match(**link)) return link;
  }
  return nullptr;
}

template <class Record>
void move_record(Record** link, Record** to) {
  Record* record = *link;
  *link = record->next;
  record->next = *to;
  *to = record;
}

}  // namespace

void RootSet::init(rt::Space* space) {
  space_ = space;
  lock_.set_rank(rt::LockRank::kRoots);
}

acre_handle* RootSet::new_handle(void* object) {
  rt::LockGuard guard(lock_);
  if (free_handles_ == nullptr && !add_block()) return nullptr;
  acre_handle* handle = free_handles_;
  free_handles_ = handle->next_free;
  __atomic_store_n(&handle->object, object, __ATOMIC_RELAXED);
  handle->next_free = handle;
  handles_.fetch_add(1, std::memory_order_relaxed);
  return handle;
}

bool RootSet::add_block() {
  auto* block = static_cast<HandleBlock*>(
      space_->meta_alloc(rt::ByteCount(sizeof(HandleBlock)), alignof(HandleBlock)));
  if (block == nullptr) return false;
  block->owner = this;
  block->next = blocks_;
  blocks_ = block;
  for (acre_handle& handle : block->handles) {
    handle.next_free = free_handles_;
    free_handles_ = &handle;
  }
  return true;
}

void RootSet::drop_handle(acre_handle* handle) {
  const rt::Addr start(rt::align_down(rt::Addr(handle).raw, alignof(HandleBlock)));
  RootSet& set = *start.as<HandleBlock>()->owner;
  rt::LockGuard guard(set.lock_);
  if (handle->next_free != handle) {
    rt::write_stderr(rt::Line() << "acre: acre_handle_drop(" << handle
                                << "): this handle was dropped before; nothing done");
    return;
  }
  __atomic_store_n(&handle->object, nullptr, __ATOMIC_RELAXED);
  handle->next_free = set.free_handles_;
  set.free_handles_ = handle;
  set.handles_.fetch_sub(1, std::memory_order_relaxed);
}

template <class Record>
Record* RootSet::take_record(Record** free_list) {
  if (Record* record = *free_list) {
    *free_list = record->next;
    return record;
  }
  return static_cast<Record*>(space_->meta_alloc(rt::ByteCount(sizeof(Record)), alignof(Record)));
}

acre_status RootSet::add_range(void* start, size_t bytes, bool conservative) {
  const uintptr_t first = rt::Addr(start).raw;
  if (first == 0 || bytes == 0 || first % sizeof(void*) != 0 || bytes % sizeof(void*) != 0 ||
      bytes > UINTPTR_MAX - first) {
    return ACRE_E_INVALID;
  }
  rt::LockGuard guard(lock_);
  const auto same = [first](const RootRange& range) { return range.start == first; };
  if (find_link(&ranges_, same) != nullptr) return ACRE_E_INVALID;
  RootRange* range = take_record(&free_ranges_);
  if (range == nullptr) return ACRE_E_NOMEM;
  *range = {ranges_, first, bytes, conservative};
  ranges_ = range;
  return ACRE_OK;
}

acre_status RootSet::remove_range(void* start) {
  const uintptr_t first = rt::Addr(start).raw;
  rt::LockGuard guard(lock_);
  RootRange** link =
      find_link(&ranges_, [first](const RootRange& range) { return range.start == first; });
  if (link == nullptr) return ACRE_E_INVALID;
  move_record(link, &free_ranges_);
  return ACRE_OK;
}

acre_status RootSet::add_scanner(acre_root_scanner_fn scan, void* arg) {
  if (scan == nullptr) return ACRE_E_INVALID;
  rt::LockGuard guard(lock_);
  const auto same = [&](const RootScanner& s) { return s.scan == scan && s.arg == arg; };
  if (find_link(&scanners_, same) != nullptr) return ACRE_E_INVALID;
  RootScanner* scanner = take_record(&free_scanners_);
  if (scanner == nullptr) return ACRE_E_NOMEM;
  *scanner = {scanners_, scan, arg};
  scanners_ = scanner;
  return ACRE_OK;
}

acre_status RootSet::remove_scanner(acre_root_scanner_fn scan, void* arg) {
  rt::LockGuard guard(lock_);
  RootScanner** link =
      find_link(&scanners_, [&](const RootScanner& s) { return s.scan == scan && s.arg == arg; });
  if (link == nullptr) return ACRE_E_INVALID;
  move_record(link, &free_scanners_);
  return ACRE_OK;
}

uint64_t RootSet::scannable_bytes() {
  rt::LockGuard guard(lock_);
  uint64_t bytes = handles() * sizeof(void*);
  for (RootRange* range = ranges_; range != nullptr; range = range->next) bytes += range->bytes;
  return bytes;
}

}  // namespace acre::gc
