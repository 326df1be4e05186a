// os.h on Linux, its memory: private anonymous mappings.
//
// MAP_NORESERVE keeps modes 0 and 1 of vm.overcommit_memory from charging what commit makes
// writable; mode 2 ignores it and charges, which is what os.h says. EINTR comes from these calls
// only to a thread that is being killed, and is asked again. EAGAIN from madvise and mincore means
// that the kernel was short of something just then, but also that no VMA is left: it is asked again
// a few times.

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/base/check.h"
#include "runtime/os/errno_keeper.h"
#include "runtime/os/limits.h"
#include "runtime/os/os.h"

namespace acre::rt {
namespace {

// Makes a call that returns 0, or -1 and errno.
template <class SystemCall>
bool succeeds(SystemCall system_call) {
  constexpr int kTries = 4;
  for (int tries = 0; tries < kTries;) {
    if (system_call() == 0) return true;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return false;
    ++tries;
  }
  return false;
}

// Advice and holes can wait, so they leave the last pieces to commit.
constexpr size_t kLeftForOthers = 64;

void* pointer(Addr address) { return address.as<void>(); }

Addr map_reserved(ByteCount size) {
  void* start =
      mmap(nullptr, size.raw, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return start == MAP_FAILED ? Addr{} : Addr(start);
}

bool unmap_range(Addr start, ByteCount size) {
  return size.raw == 0 || succeeds([&] { return munmap(pointer(start), size.raw); });
}

}  // namespace

// One call in progress. Counts it, times it, asks the plan, and keeps errno.
class Os::Call {
 public:
  Call(const Os& os, OsCall kind) : os_(os), kind_(static_cast<size_t>(kind)), start_ns_(now_ns()) {
    os_.calls_[kind_].fetch_add(1, std::memory_order_relaxed);
    planned_to_fail_ = os_.plan_ != nullptr && os_.plan_->should_fail(kind);
  }
  ~Call() {
    const uint64_t ns = now_ns() - start_ns_;
    os_.nanoseconds_[kind_].fetch_add(ns, std::memory_order_relaxed);
    if (Lock::holds(LockRank::kPageHeap)) note_under_lock(ns);
  }
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  bool planned_to_fail() const { return planned_to_fail_; }
  bool refused() const {
    os_.failures_[kind_].fetch_add(1, std::memory_order_relaxed);
    return false;
  }

 private:
  void note_under_lock(uint64_t ns) const {
    os_.calls_under_lock_.fetch_add(1, std::memory_order_relaxed);
    uint64_t longest = os_.longest_under_lock_ns_.load(std::memory_order_relaxed);
    while (ns > longest && !os_.longest_under_lock_ns_.compare_exchange_weak(longest, ns)) {
    }
  }

  ErrnoKeeper errno_keeper_;
  const Os& os_;
  size_t kind_;
  uint64_t start_ns_;
  bool planned_to_fail_;
};

void Os::init(FaultPlan* plan) {
  lock_.set_rank(LockRank::kOs);
  plan_ = plan;
  page_size_ = ByteCount(static_cast<uint64_t>(sysconf(_SC_PAGESIZE)));
  strict_ = (plan != nullptr && plan->strict_overcommit()) || strict_overcommit();
  guards_by_protection_.store(plan != nullptr && plan->no_guard_advice(),
                              std::memory_order_relaxed);
  max_vmas_ =
      plan != nullptr && plan->max_map_count() != 0 ? plan->max_map_count() : max_map_count();
}

Addr Os::reserve(ByteCount size, ByteCount align) {
  check_range(Addr{}, size);
  ACRE_CHECK(is_power_of_two(align.raw) && align >= page_size_,
             "an alignment is a power of two, no less than a page");
  LockGuard guard(lock_);
  Call call(*this, OsCall::kReserve);
  if (call.planned_to_fail() || !books_.has_room_to_add()) {
    call.refused();
    return Addr{};
  }
  const Addr start = map_aligned(size, align);
  if (start == Addr{}) {
    call.refused();
    return Addr{};
  }
  books_.add(start, start + size);
  publish();
  return start;
}

// The exact size first: under ulimit -v there may be room for that only, and the kernel often puts
// large mappings on good boundaries. Else more, and what is over at both ends goes back.
Addr Os::map_aligned(ByteCount size, ByteCount align) const {
  const Addr exact = map_reserved(size);
  if (exact == Addr{} || exact.raw % align.raw == 0) return exact;
  if (!unmap_range(exact, size)) return Addr{};

  const ByteCount slack = align - page_size_;
  if (size + slack < size) return Addr{};
  const Addr mapped = map_reserved(size + slack);
  if (mapped == Addr{}) return Addr{};
  const Addr start(align_up(mapped.raw, align.raw));
  const ByteCount before = start - mapped;
  // Refused only where the mapping has merged with a foreign one and must be split, with no VMA
  // left.
  if (!unmap_range(mapped, before)) {
    unmap_range(mapped, size + slack);
    return Addr{};
  }
  if (!unmap_range(start + size, slack - before)) {
    unmap_range(start, size + slack - before);
    return Addr{};
  }
  return start;
}

bool Os::commit(Addr start, ByteCount size) {
  check_range(start, size);
  LockGuard guard(lock_);
  Call call(*this, OsCall::kCommit);
  ACRE_CHECK(books_.covers(start, start + size), "what is committed was reserved");
  if (call.planned_to_fail() || !books_.has_room_to_change(start, start + size)) {
    return call.refused();
  }
  if (!succeeds([&] { return mprotect(pointer(start), size.raw, PROT_READ | PROT_WRITE); })) {
    return call.refused();
  }
  books_.set_ready(start, start + size);
  publish();
  return true;
}

bool Os::release(Addr start, ByteCount size, ReleaseHow how) {
  const int advice = how == ReleaseHow::kLazily ? MADV_FREE : MADV_DONTNEED;
  return advise_pages(OsCall::kRelease, start, size, advice);
}

bool Os::decommit(Addr start, ByteCount size) {
  check_range(start, size);
  LockGuard guard(lock_);
  Call call(*this, OsCall::kDecommit);
  ACRE_CHECK(books_.covers(start, start + size), "what is decommitted was reserved");
  if (call.planned_to_fail() || !books_.has_room_to_change(start, start + size, kLeftForOthers)) {
    return call.refused();
  }
  constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  if (mmap(pointer(start), size.raw, PROT_NONE, kFlags, -1, 0) == MAP_FAILED) {
    return call.refused();
  }
  books_.set_reserved(start, start + size);
  publish();
  return true;
}

bool Os::advise_huge(Addr start, ByteCount size, bool enable) {
  check_range(start, size);
  uint64_t cuts = 0;
  {
    LockGuard guard(lock_);
    cuts = books_.cuts(start, start + size);
  }
  const bool would_split = cuts != 0 && !has_vmas_left(cuts);
  LockGuard guard(lock_);
  Call call(*this, OsCall::kAdvise);
  ACRE_CHECK(books_.covers(start, start + size), "what is advised was reserved");
  if (call.planned_to_fail() || would_split ||
      !books_.has_room_to_change(start, start + size, kLeftForOthers)) {
    return call.refused();
  }
  const int advice = enable ? MADV_HUGEPAGE : MADV_NOHUGEPAGE;
  if (!succeeds([&] { return madvise(pointer(start), size.raw, advice); })) return call.refused();
  books_.set_huge(start, start + size, enable ? OsBooks::Huge::kEnabled : OsBooks::Huge::kDisabled);
  publish();
  return true;
}

// Advice that changes pages and no mapping: the books need not know.
bool Os::advise_pages(OsCall kind, Addr start, ByteCount size, int advice) {
  check_range(start, size);
  Call call(*this, kind);
  if (call.planned_to_fail()) return call.refused();
  return succeeds([&] { return madvise(pointer(start), size.raw, advice); }) || call.refused();
}

bool Os::populate(Addr start, ByteCount size) {
  constexpr int kPopulateWrite = 23;  // MADV_POPULATE_WRITE, Linux 5.14
  return advise_pages(OsCall::kPopulate, start, size, kPopulateWrite);
}

bool Os::collapse(Addr start, ByteCount size) {
  constexpr int kCollapse = 25;  // MADV_COLLAPSE, Linux 6.1
  return advise_pages(OsCall::kCollapse, start, size, kCollapse);
}

bool Os::guard(Addr start, ByteCount size) {
  constexpr int kGuardInstall = 102;  // MADV_GUARD_INSTALL
  check_range(start, size);
  const bool by_protection = guards_by_protection_.load(std::memory_order_relaxed);
  const bool too_many = by_protection && !has_vmas_left(2);
  Call call(*this, OsCall::kGuard);
  if (call.planned_to_fail() || too_many) return call.refused();
  if (by_protection) return protect_guard(call, start, size);
  if (succeeds([&] { return madvise(pointer(start), size.raw, kGuardInstall); })) return true;
  if (errno != EINVAL) return call.refused();
  // An older kernel.
  guards_by_protection_.store(true, std::memory_order_relaxed);
  return protect_guard(call, start, size);
}

bool Os::protect_guard(const Call& call, Addr start, ByteCount size) {
  if (!succeeds([&] { return mprotect(pointer(start), size.raw, PROT_NONE); }))
    return call.refused();
  guard_vmas_.fetch_add(2, std::memory_order_relaxed);
  process_vmas_.fetch_add(2, std::memory_order_relaxed);
  return true;
}

bool Os::unguard(Addr start, ByteCount size) {
  constexpr int kGuardRemove = 103;  // MADV_GUARD_REMOVE
  check_range(start, size);
  Call call(*this, OsCall::kGuard);
  if (call.planned_to_fail()) return call.refused();
  if (!guards_by_protection_.load(std::memory_order_relaxed)) {
    return succeeds([&] { return madvise(pointer(start), size.raw, kGuardRemove); }) ||
           call.refused();
  }
  if (!succeeds([&] { return mprotect(pointer(start), size.raw, PROT_READ | PROT_WRITE); })) {
    return call.refused();
  }
  guard_vmas_.fetch_sub(2, std::memory_order_relaxed);
  // Counting them anew may be seconds away.
  process_vmas_.fetch_sub(2, std::memory_order_relaxed);
  return true;
}

bool Os::unmap(Addr start, ByteCount size) {
  check_range(start, size);
  LockGuard guard(lock_);
  Call call(*this, OsCall::kUnmap);
  ACRE_CHECK(books_.covers(start, start + size), "what is unmapped was reserved");
  if (call.planned_to_fail() || !books_.has_room_to_change(start, start + size)) {
    return call.refused();
  }
  if (!unmap_range(start, size)) return call.refused();
  books_.remove(start, start + size);
  publish();
  return true;
}

bool Os::has_vmas_left(uint64_t more) {
  // For others, and for what this process maps before the next count.
  const uint64_t margin = max_vmas_ / 16;
  const uint64_t start = now_ns();
  if (start >= count_vmas_after_ns_.load(std::memory_order_relaxed)) {
    process_vmas_.store(count_vmas(), std::memory_order_relaxed);
    // Counting takes a thousandth of the time at most.
    const uint64_t end = now_ns();
    count_vmas_after_ns_.store(end + 1000 * (end - start), std::memory_order_relaxed);
  }
  return process_vmas() + more + margin <= max_vmas_;
}

ByteCount Os::resident(Addr start, ByteCount size) const {
  check_range(start, size);
  Call call(*this, OsCall::kQuery);
  if (call.planned_to_fail()) {
    call.refused();
    return ByteCount{};
  }
  unsigned char pages[512];  // one for each page; on the stack of a fiber, perhaps
  uint64_t in_memory = 0;
  const Addr end = start + size;
  const ByteCount most = page_size_ * sizeof(pages);
  while (start < end) {
    const ByteCount slice = std::min(most, end - start);
    if (!succeeds([&] { return mincore(pointer(start), slice.raw, pages); })) {
      call.refused();
      return ByteCount{};
    }
    for (size_t i = 0; i < slice.raw / page_size_.raw; ++i) in_memory += pages[i] & 1;
    start = start + slice;
  }
  return page_size_ * in_memory;
}

Os::Counters Os::counters() const {
  Counters result;
  result.reserved = ByteCount(reserved_.load(std::memory_order_relaxed));
  result.committed = ByteCount(committed_.load(std::memory_order_relaxed));
  result.vmas = vmas_.load(std::memory_order_relaxed) + guard_vmas_.load(std::memory_order_relaxed);
  for (size_t i = 0; i < kOsCalls; ++i) {
    result.calls[i] = calls_[i].load(std::memory_order_relaxed);
    result.failures[i] = failures_[i].load(std::memory_order_relaxed);
    result.nanoseconds[i] = nanoseconds_[i].load(std::memory_order_relaxed);
  }
  result.calls_under_lock = calls_under_lock_.load(std::memory_order_relaxed);
  result.longest_under_lock_ns = longest_under_lock_ns_.load(std::memory_order_relaxed);
  return result;
}

void Os::publish() {
  reserved_.store(books_.reserved().raw, std::memory_order_relaxed);
  committed_.store(books_.committed().raw, std::memory_order_relaxed);
  vmas_.store(books_.pieces(), std::memory_order_relaxed);
}

void Os::check() const {
  LockGuard guard(lock_);
  books_.check();
  ACRE_CHECK(books_.reserved().raw == reserved_.load(),
             "the counter of reserved bytes is the books'");
  ACRE_CHECK(books_.committed().raw == committed_.load(),
             "the counter of committed bytes is the books'");
  ACRE_CHECK(books_.pieces() == vmas_.load(), "the counter of VMAs is the books'");
}

void Os::check_range(Addr start, ByteCount size) const {
  ACRE_CHECK(page_size_.raw != 0, "Os::init was called");
  const uint64_t rest = page_size_.raw - 1;
  ACRE_CHECK(((start.raw | size.raw) & rest) == 0 && size.raw != 0,
             "a range is whole pages, at least one");
  ACRE_CHECK(start + size > start, "a range does not wrap around");
}

}  // namespace acre::rt
