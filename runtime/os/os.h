// Owns the one door to the kernel: memory, clock, threads and their stacks. Above this folder nobody makes a
// system call for them and nobody asks which system it is: a system is a file (os_linux.cc) behind
// this header.
//
// Memory is in one of four states, after Go's mem.go. What a call does to its range:
//
//     None ──reserve──► Reserved ──commit──► Ready ──release──► Released ──touch──► Ready
//       ▲                  │   ▲               │                   │
//       │                  │   └───decommit────┼───────────────────┤
//       └──────unmap───────┴───────────────────┴───────────────────┘
//
//   None      not ours.
//   Reserved  ours, must not be touched (it faults). Costs address space (ulimit -v), no memory
//             and no charge, not even with vm.overcommit_memory=2.
//   Ready     may be read and written; zero until first written. Charged with overcommit_memory=2
//             from commit on; takes memory from the first touch of each page.
//   Released  as Ready to the program, but the content was given back: the next touch reads zero
//             and takes a page again. No call brings it back, so the books count it as Ready; the
//             caller knows.
//
// Go's Prepared (mapped but perhaps not backed, for systems where that is a step of its own) has no
// counterpart: on Linux it is Ready.
//
// Cost and limits
//   * Refusal is an answer: false or Addr{0}, nothing changed that matters (see each call), errno
//     kept.
//   * commit and advise_huge may split a VMA; a process has about 65,530 (vm.max_map_count), after
//     which they answer false. Neighbours in equal state merge, so commit upwards from one end and
//     downwards from the other, not here and there: then a heap is a handful of VMAs whatever its
//     size. release splits nothing.
//   * The charge of overcommit mode 2 comes with commit, for all of the range at once: commit in
//     steps there. release does not give it back; decommit and unmap do.
//   * release, decommit and unmap free pages: 0.03 ms for each MiB that was touched, a tenth of that
//     with huge pages. reserve, commit: microseconds. No call is made under the page-heap lock: in
//     debug builds those that are all the same are counted, with the longest.
//
// Books. Every byte and every VMA is counted here (books.h), from a list of pieces, maximal runs of
// addresses in equal state and advice:
//     reserved  == sum of the sizes of all pieces      vmas == number of pieces
//     committed == sum of those that are Ready
// (guards that the kernel makes by splitting are not pieces, but count as two VMAs each.)
// The last is the kernel's own number with two exceptions: Ready pieces that were touched apart and
// then grow together may stay one VMA each, and a piece at the end of our range may merge with a
// foreign neighbour of equal flags. There are at most OsBooks::kMaxPieces: what would need more is
// refused as if by the kernel.
//
// Threads: any, at once, also on one range as long as it is not being unmapped. A lock of rank kOs
// guards the books and is held across the calls that change them; release, resident and counters do
// not take it. Not for signal handlers.
//
// Faults for tests come in by a FaultPlan.

#ifndef ACRE_RUNTIME_OS_OS_H_
#define ACRE_RUNTIME_OS_OS_H_

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "runtime/base/lock.h"
#include "runtime/base/units.h"
#include "runtime/os/books.h"

namespace acre::rt {

enum class OsCall : uint8_t {
  kReserve,
  kCommit,
  kRelease,
  kDecommit,
  kAdvise,
  kPopulate,
  kCollapse,
  kUnmap,
  kQuery,
  kGuard
};
inline constexpr size_t kOsCalls = 10;
const char* name_of(OsCall call);

// How Ready pages go back: at once, or when the kernel is short of memory (MADV_FREE). Until then the
// latter keep their content and count as resident; they read zero, or as they were.
enum class ReleaseHow : uint8_t { kNow, kLazily };

// Which calls shall fail, and what the system shall look like. The test owns it and hands it to
// Os::init; a call that is to fail does not reach the kernel. Any thread.
class FaultPlan {
 public:
  constexpr FaultPlan() = default;

  // The nth call of that kind from now (1: the next) and how_many - 1 after it fail. Replaces what
  // was planned for that kind.
  void fail(OsCall call, uint64_t nth, uint64_t how_many = 1);
  void clear();  // no more failures; the counts stay

  // Before Os::init: as if vm.overcommit_memory were 2; as if vm.max_map_count were `limit`.
  void pretend_strict_overcommit() { strict_overcommit_ = true; }
  void pretend_max_map_count(uint64_t limit) { max_map_count_.store(limit); }
  // As if the kernel were older than 6.13: guards take mappings.
  void pretend_no_guard_advice() { no_guard_advice_ = true; }

  bool strict_overcommit() const { return strict_overcommit_; }
  bool no_guard_advice() const { return no_guard_advice_; }
  uint64_t max_map_count() const { return max_map_count_.load(); }  // 0: as it is

  bool should_fail(OsCall call);  // counts the call
  uint64_t calls(OsCall call) const;

 private:
  struct Kind {
    std::atomic<uint64_t> calls{0};
    std::atomic<uint64_t> first{0};  // the numbers of the calls that fail: [first, end)
    std::atomic<uint64_t> end{0};
  };
  Kind kinds_[kOsCalls];
  bool strict_overcommit_ = false;
  bool no_guard_advice_ = false;
  std::atomic<uint64_t> max_map_count_{0};
};

class Os {
 public:
  struct Counters {
    ByteCount reserved;   // None excluded: Reserved and Ready
    ByteCount committed;  // Ready
    uint64_t vmas = 0;
    uint64_t calls[kOsCalls] = {};     // with those that failed
    uint64_t failures[kOsCalls] = {};  // refused by the kernel, the plan or the books
    uint64_t nanoseconds[kOsCalls] = {};
    // With the page-heap lock held. Counted in debug builds, else 0.
    uint64_t calls_under_lock = 0;
    uint64_t longest_under_lock_ns = 0;

    uint64_t all_calls() const { return sum(calls); }
    uint64_t all_failures() const { return sum(failures); }
    uint64_t all_nanoseconds() const { return sum(nanoseconds); }

   private:
    static uint64_t sum(const uint64_t (&values)[kOsCalls]) {
      uint64_t total = 0;
      for (uint64_t value : values) total += value;
      return total;
    }
  };

  // Zeroed memory will do for a constructed one.
  constexpr Os() = default;
  Os(const Os&) = delete;
  Os& operator=(const Os&) = delete;

  // To be called once, before all else. `plan` may be nullptr.
  void init(FaultPlan* plan);

  // The kernel's page: addresses and sizes of all calls below are multiples of it, sizes not 0.
  ByteCount page_size() const { return page_size_; }

  // None -> Reserved. `align` is a power of two, at least page_size(). Addr{0}: refused (ulimit -v,
  // the address space is too full).
  Addr reserve(ByteCount size, ByteCount align);

  // Reserved -> Ready; what is Ready already stays so with its content. All of the range must be
  // ours. False: no memory (charge, VMAs); a part of the range may be usable, but do not: the books
  // say Reserved. To be repeated at will.
  bool commit(Addr start, ByteCount size);

  // Ready -> Released: content lost, reads zero (but see ReleaseHow). False: as before (locked
  // memory, for one). A part of the range may be Reserved: nothing happens to it.
  bool release(Addr start, ByteCount size, ReleaseHow how = ReleaseHow::kNow);

  // Ready or Released -> Reserved, without advice: gives the charge back, too. False: a VMA too many;
  // the range is as before.
  bool decommit(Addr start, ByteCount size);

  // Asks for transparent huge pages here, or for none; stays until asked otherwise. Reserved or
  // Ready. False: the kernel has none, or no VMA left; the memory works as before.
  bool advise_huge(Addr start, ByteCount size, bool enable);

  // Ready pages that were never touched, or released, take their memory now, all at once: a third
  // less than what first touches cost one by one. False: not done (an old kernel, no memory); they
  // come at the first touch then.
  bool populate(Addr start, ByteCount size);

  // Ready pages become huge ones now, where they are not (MADV_COLLAPSE). Copies: milliseconds a huge
  // page. False: the kernel could not, or cannot.
  bool collapse(Addr start, ByteCount size);

  // Ready pages without content become a guard: touching it is a fault. By MADV_GUARD_INSTALL (Linux 6.13)
  // if the kernel has that, else by a protection that splits the mapping: two VMAs more, and only while
  // there are some left. False: refused, and the range is as before.
  bool guard(Addr start, ByteCount size);
  // What guard() made is Ready again, without content. False: refused (a VMA too many), it is a guard still.
  bool unguard(Addr start, ByteCount size);

  // Any -> None. False: a VMA too many; the range is as before.
  bool unmap(Addr start, ByteCount size);

  // Bytes of the range in memory, 0 if it is not all mapped. Takes less than a millisecond a GiB,
  // touched or not: pass what is in use.
  ByteCount resident(Addr start, ByteCount size) const;

  // Each number is right at some moment, not all at the same one, unless the caller keeps others
  // away.
  Counters counters() const;

  // vm.overcommit_memory is 2: what is Ready is charged, whether touched or not.
  bool strict() const { return strict_; }

  // Whether the process can have so many VMAs more and stay well below vm.max_map_count. What can do
  // without asks this first. Counts the process's VMAs anew if the last count is old (which takes 0.1
  // ms, and 50 ms near the limit): not under locks that matter.
  bool has_vmas_left(uint64_t more);
  uint64_t process_vmas() const {
    return process_vmas_.load(std::memory_order_relaxed);
  }  // 0: never
  uint64_t max_vmas() const { return max_vmas_; }

  // Keeps the books still while the process is copied: from before fork until after it, on both sides.
  void lock_for_fork() { lock_.lock(); }
  void unlock_after_fork() { lock_.unlock(); }

  // The books' invariants, and the sums against the counters. Ends the process if one does not
  // hold.
  void check() const;

 private:
  class Call;  // one call in progress: counts, times, keeps errno

  void check_range(Addr start, ByteCount size) const;
  Addr map_aligned(ByteCount size, ByteCount align) const;
  bool advise_pages(OsCall kind, Addr start, ByteCount size, int advice);
  bool protect_guard(const Call& call, Addr start, ByteCount size);
  void publish();  // the books' sums, after a change

  mutable Lock lock_{LockRank::kOs};
  FaultPlan* plan_ = nullptr;
  ByteCount page_size_;
  bool strict_ = false;
  uint64_t max_vmas_ = 0;
  std::atomic<uint64_t> process_vmas_{0};
  std::atomic<uint64_t> count_vmas_after_ns_{0};
  std::atomic<bool> guards_by_protection_{false};
  std::atomic<uint64_t> guard_vmas_{0};  // of guards by protection; the pieces do not tell

  std::atomic<uint64_t> reserved_{0};
  std::atomic<uint64_t> committed_{0};
  std::atomic<uint64_t> vmas_{0};
  mutable std::atomic<uint64_t> calls_[kOsCalls] = {};
  mutable std::atomic<uint64_t> failures_[kOsCalls] = {};
  mutable std::atomic<uint64_t> nanoseconds_[kOsCalls] = {};
  mutable std::atomic<uint64_t> calls_under_lock_{0};
  mutable std::atomic<uint64_t> longest_under_lock_ns_{0};

  OsBooks books_;
};

// CLOCK_MONOTONIC.
uint64_t now_ns();
// Processor time that the calling thread has used, and all threads of the process.
uint64_t thread_cpu_ns();
uint64_t process_cpu_ns();

// Processors that the calling thread may run on, at least 1.
unsigned processors();

// The bounds of the calling thread's stack: [*low, *high). False if the system does not tell. Of
// the main thread *low is what ulimit -s lets it grow to. May allocate (libc reads
// /proc/self/maps): not for signal handlers.
bool current_stack(Addr* low, Addr* high);

// The lowest address above `low` from which on all is mapped up to `high`: of a stack that grows, how far it
// has grown. Both are multiples of the kernel's page.
Addr lowest_mapped(Addr low, Addr high);

// The same of a thread's stack, but below `low` if it is the process's first one: that grows
// deeper than current_stack said when ulimit -s was raised since.
Addr lowest_of_stack(Addr low, Addr high);

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_OS_OS_H_
