// Owns how much memory the heap keeps: what it takes now, measured against a goal and two limits, and
// giving free pages back to the kernel. How large goal and limits are is decided above (gc/cycle, by the
// arithmetic of gc/pace).
//
//   retained    pages that hold memory, or may: all that are mapped but the released ones
//             = in use + free and not released - what of stacks was never touched, as far as is known
//   accounted = retained + its part of the side tables + the heap's own records
//
// The goal bounds `retained`: what is free above it is given back. The limits bound `accounted`, which
// is what the system has to find. The soft one may be passed when there is nothing left to give back,
// and asks for a collection then; the hard one may not.
//
// Who gives back, and how much:
//   * the background thread, towards the goal, a little at a time; it leaves dense chunks alone for a
//     generation (PageAlloc);
//   * a thread that takes pages which hold no memory yet: while more is retained than the goal allows, as
//     many as it took or a megabyte, whichever is more; the same where it took pages above all that were
//     ever used, so that its request fits into no hole, while holes are more than a tenth of what is in
//     use; and all that is too much where a limit is passed;
//   * acre_release_memory: everything.
//
// Locks. Nothing is held that an allocation needs while the kernel works: a batch of runs is taken out
// under the page-heap lock, given back by the kernel, and put back under it. The release lock, held
// meanwhile, keeps two from doing so at once, and lets an allocation that found no pages wait for those
// that are on their way.

#ifndef ACRE_RUNTIME_HEAP_RETENTION_H_
#define ACRE_RUNTIME_HEAP_RETENTION_H_

#include <algorithm>
#include <atomic>

#include "runtime/arena/space.h"
#include "runtime/base/lock.h"
#include "runtime/page/page_alloc.h"
#include "runtime/span/span.h"

namespace acre::rt {

inline constexpr ByteCount kNoByteLimit{UINT64_MAX};

enum class ReleaseBy : uint8_t { kBackground, kAllocation, kRequest };
inline constexpr size_t kReleasers = 3;

class Retention {
 public:
  // Free pages with memory from which on a background thread is worth having.
  static constexpr ByteCount kWorthAThread{16 * kMiB};

  // `page_lock` guards `pages`, `grow_lock` the mapping of arenas. `fixed` is what the heap takes
  // outside the Space.
  void init(Space* space, PageAlloc* pages, Lock* page_lock, Lock* grow_lock, ByteCount fixed,
            ReleaseHow how);

  // Under the page-heap lock, after each change of `pages`.
  void publish();

  ByteCount retained() const {
    const ByteCount pages(retained_.load(std::memory_order_relaxed));
    return pages - std::min(pages, untouched());
  }
  ByteCount releasable() const { return ByteCount(releasable_.load(std::memory_order_relaxed)); }
  ByteCount accounted() const { return accounted_for(retained()); }
  // Of spans that are stacks: what holds no memory, by the estimate of whoever has them.
  void add_untouched(ByteCount bytes) {
    untouched_.fetch_add(bytes.raw, std::memory_order_relaxed);
  }
  void remove_untouched(ByteCount bytes) {
    untouched_.fetch_sub(bytes.raw, std::memory_order_relaxed);
  }
  ByteCount untouched() const { return ByteCount(untouched_.load(std::memory_order_relaxed)); }
  // All of it but the pages.
  ByteCount books() const { return books_beside(retained()); }
  // The side tables of pages that went back stay where a page of a table stands for others, too: how much
  // more they take than books_of says, as somebody has measured.
  void set_extra_books(ByteCount extra) {
    extra_books_.store(extra.raw, std::memory_order_relaxed);
  }
  ByteCount extra_books() const { return ByteCount(extra_books_.load(std::memory_order_relaxed)); }
  // The side tables of so much memory.
  static ByteCount books_of(ByteCount retained) {
    return ByteCount(retained.raw / kPageBytes * kBooksPerPage);
  }

  void set_goal(ByteCount goal) { goal_.store(goal.raw, std::memory_order_relaxed); }
  ByteCount goal() const { return ByteCount(goal_.load(std::memory_order_relaxed)); }
  // kNoByteLimit: none.
  void set_limits(ByteCount soft, ByteCount hard);
  ByteCount hard_limit() const { return ByteCount(hard_.load(std::memory_order_relaxed)); }
  // Whether so much more would stay within the hard limit, once all that is free is given back.
  bool may_hold(ByteCount more) const;

  bool above_limit() const { return over(lower_limit()) > ByteCount(0); }
  // Whether so much more than is accounted would pass a limit.
  bool would_pass_limit(ByteCount more) const;
  // What is free goes back until both limits are kept, or nothing is free.
  void release_above_limit();

  // The soft limit was passed, and nothing was left to give back, since the last take_.
  bool over_limit() const { return over_limit_.load(std::memory_order_relaxed); }
  bool take_over_limit() { return over_limit_.exchange(false, std::memory_order_relaxed); }

  // After pages that end at `end` were taken, `fresh` of which held no memory: keeps to goal and limits.
  // False: the hard limit is passed, the pages must go back. No lock held.
  bool keep_within(PageCount fresh, PageId end = PageId(0));

  // A step of the background thread: at most about `at_most` of what is above the goal. 0: nothing is
  // left to do in this generation.
  ByteCount release_towards_goal(ByteCount at_most);
  ByteCount release_all();
  // Pages that are the caller's, and nobody's content, become free ones without memory; `untouched` of them was
  // known to have none.
  void release_taken(const PageRun& run, ByteCount untouched, ReleaseBy who);
  // Dense chunks that stay so, and those freed in the last generation, may be taken now.
  void begin_generation();

  // Now and then in the background: asks for huge pages (huge_pages=auto) if the heap is large, all of it
  // holds memory but for the end of its last arena, and none was given back since it grew to this size.
  void ask_for_huge_pages();
  enum class Collapse : uint8_t { kDone, kNothing, kRefused };
  // A step of the background thread, where the heap wants huge pages: makes the next dense chunk huge, from
  // the bottom to the top of what is mapped; begins anew when memory was mapped or given back.
  Collapse collapse_dense_chunk();

  ByteCount released_by(ReleaseBy who) const {
    return ByteCount(released_[static_cast<size_t>(who)].load(std::memory_order_relaxed));
  }

  // For those who must find no pages on their way: while it is held, none are.
  Lock& release_lock() { return release_lock_; }

 private:
  static constexpr uint64_t kBooksPerPage =
      sizeof(PageTableWord) + sizeof(SpanTableEntry) + 2 * kGranulesPerPage / 8;
  static constexpr size_t kBatch = 16;
  struct Batch {
    PageRun runs[kBatch];
    size_t count = 0;
    PageCount pages;
  };

  ByteCount accounted_for(ByteCount retained) const { return retained + books_beside(retained); }
  ByteCount books_beside(ByteCount retained) const {
    return books_of(retained) + extra_books() + space_->meta_used() + fixed_;
  }
  ByteCount over(ByteCount limit) const;
  ByteCount lower_limit() const;
  ByteCount over_goal() const;
  ByteCount holes_over_tenth() const;
  bool is_growth(PageId end);
  bool within_hard_limit();
  ByteCount ever_released() const;
  ReleaseRule rule_for(ReleaseBy who) const;
  ByteCount release(ByteCount at_most, ReleaseBy who, PageId* cursor);
  Batch take_batch(PageCount at_most, const ReleaseRule& rule, PageId* cursor);
  PageCount release_batch(const Batch& batch, ReleaseHow how, ByteCount untouched = ByteCount(0));
  void want_small_pages();
  void decommit_free_chunk(PageId page);

  Space* space_;
  PageAlloc* pages_;
  Lock* page_lock_;
  Lock* grow_lock_;
  ByteCount fixed_;
  ReleaseHow how_;
  Lock release_lock_;
  PageId background_cursor_;  // guarded by release_lock_, as the next
  PageId collapse_cursor_;
  ByteCount collapsed_at_;  // what was mapped when the cursor began
  ByteCount grown_to_;      // what was mapped, and ever released, when that was last looked at
  ByteCount released_before_;
  std::atomic<uint64_t> retained_;
  std::atomic<uint64_t> untouched_;
  std::atomic<uint64_t> releasable_;
  std::atomic<uint64_t> goal_;
  std::atomic<uint64_t> soft_;
  std::atomic<uint64_t> hard_;
  std::atomic<uint64_t> extra_books_;
  std::atomic<bool> over_limit_;
  std::atomic<uint64_t> top_;  // no page from here on was ever used
  std::atomic<uint64_t> released_[kReleasers];
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_HEAP_RETENTION_H_
