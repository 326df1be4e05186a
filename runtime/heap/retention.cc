#include "runtime/heap/retention.h"

#include <algorithm>

#include "runtime/base/check.h"

namespace acre::rt {
namespace {

constexpr PageId kTop{UINT64_MAX};

// The kernel's huge page, where it has them: 2 MiB.
constexpr PageCount kHugePage{2 * kMiB / kPageBytes};

constexpr unsigned kChunksPerLook = 1024;

// A heap that is left as it is gets huge pages from this size on: below it most of what a collector and a
// program touch is in the processor's own tables.
constexpr ByteCount kHugeFrom{256 * kMiB};

// Holes do not matter below it.
constexpr ByteCount kSmallHeap{16 * kMiB};

// What an allocation gives back beyond what it took, so that it does not come back for every page.
constexpr ByteCount kReleaseStep{kMiB};

}  // namespace

void Retention::init(Space* space, PageAlloc* pages, Lock* page_lock, Lock* grow_lock,
                     ByteCount fixed, ReleaseHow how) {
  space_ = space;
  pages_ = pages;
  page_lock_ = page_lock;
  grow_lock_ = grow_lock;
  fixed_ = fixed;
  how_ = how;
  release_lock_.set_rank(LockRank::kRelease);
  background_cursor_ = kTop;
  set_goal(kNoByteLimit);
  set_limits(kNoByteLimit, kNoByteLimit);
}

void Retention::publish() {
  const PageCount retained = pages_->grown_pages() - pages_->scavenged_pages();
  const PageCount releasable = pages_->free_pages() - pages_->scavenged_pages();
  retained_.store(bytes_of(retained).raw, std::memory_order_relaxed);
  releasable_.store(bytes_of(releasable).raw, std::memory_order_relaxed);
}

void Retention::set_limits(ByteCount soft, ByteCount hard) {
  soft_.store(soft.raw, std::memory_order_relaxed);
  hard_.store(hard.raw, std::memory_order_relaxed);
}

bool Retention::may_hold(ByteCount more) const {
  const ByteCount hard = hard_limit();
  if (hard == kNoByteLimit) return true;
  const ByteCount now = retained();
  const ByteCount least = accounted_for(now - std::min(now, releasable()));
  return least <= hard && more + books_of(more) <= hard - least;
}

// How much of what is retained is too much, by a limit on what is accounted.
ByteCount Retention::over(ByteCount limit) const {
  const ByteCount now = accounted();
  return now > limit ? now - limit : ByteCount(0);
}

ByteCount Retention::over_goal() const {
  const ByteCount now = retained();
  return now - std::min(now, goal());
}

// Free pages with memory, above a tenth of all others.
ByteCount Retention::holes_over_tenth() const {
  const ByteCount now = retained();
  if (now <= kSmallHeap) return ByteCount(0);
  const ByteCount holes = std::min(now, releasable());
  const ByteCount allowed((now - holes).raw / 10);
  return holes - std::min(holes, allowed);
}

bool Retention::is_growth(PageId end) {
  uint64_t top = top_.load(std::memory_order_relaxed);
  while (end.raw > top) {
    if (top_.compare_exchange_weak(top, end.raw, std::memory_order_relaxed)) return true;
  }
  return false;
}

bool Retention::keep_within(PageCount fresh, PageId end) {
  if (fresh == PageCount(0)) return true;
  const ByteCount holes = is_growth(end) ? holes_over_tenth() : ByteCount(0);
  const ByteCount too_much = std::max(over_goal(), holes);
  const ByteCount wanted =
      std::max(over(lower_limit()), std::min(too_much, std::max(bytes_of(fresh), kReleaseStep)));
  if (wanted == ByteCount(0)) return true;
  // What is above a limit waits for pages that are on their way, too.
  if (releasable() > ByteCount(0) || over(lower_limit()) > ByteCount(0)) {
    PageId cursor = kTop;
    release(wanted, ReleaseBy::kAllocation, &cursor);
  }
  if (over(ByteCount(soft_.load(std::memory_order_relaxed))) > ByteCount(0)) {
    over_limit_.store(true, std::memory_order_relaxed);
  }
  return within_hard_limit();
}

// Others take, free and release meanwhile: what was freed after this thread looked can still go back, and
// what is on its way has to arrive before there is a reason to refuse.
bool Retention::within_hard_limit() {
  while (over(hard_limit()) > ByteCount(0)) {
    {
      LockGuard none_on_their_way(release_lock_);
      if (over(hard_limit()) == ByteCount(0)) return true;
      if (releasable() == ByteCount(0)) return false;
    }
    PageId cursor = kTop;
    const ByteCount done = release(over(hard_limit()), ReleaseBy::kAllocation, &cursor);
    // Free pages that the kernel does not take (locked memory).
    if (done == ByteCount(0) && releasable() > ByteCount(0))
      return over(hard_limit()) == ByteCount(0);
  }
  return true;
}

bool Retention::would_pass_limit(ByteCount more) const {
  const ByteCount limit = lower_limit();
  return limit != kNoByteLimit && accounted() + more > limit;
}

ByteCount Retention::lower_limit() const {
  return std::min(ByteCount(soft_.load(std::memory_order_relaxed)), hard_limit());
}

void Retention::release_above_limit() {
  PageId cursor = kTop;
  release(over(lower_limit()), ReleaseBy::kAllocation, &cursor);
  (void)take_over_limit();
}

ByteCount Retention::release_towards_goal(ByteCount at_most) {
  const ByteCount too_much = over_goal();
  if (too_much == ByteCount(0) || releasable() == ByteCount(0)) return ByteCount(0);
  PageId cursor = kTop;
  {
    LockGuard guard(release_lock_);
    cursor = background_cursor_;
  }
  const bool from_top = cursor == kTop;
  const ByteCount wanted = std::min(at_most, too_much);
  ByteCount done = release(wanted, ReleaseBy::kBackground, &cursor);
  if (done == ByteCount(0) && !from_top) {
    // At the bottom: there may be new ones above where this walk began.
    cursor = kTop;
    done = release(wanted, ReleaseBy::kBackground, &cursor);
  }
  LockGuard guard(release_lock_);
  background_cursor_ = done == ByteCount(0) ? kTop : cursor;
  return done;
}

ByteCount Retention::release_all() {
  PageId cursor = kTop;
  return release(kNoByteLimit, ReleaseBy::kRequest, &cursor);
}

void Retention::begin_generation() {
  LockGuard guard(*page_lock_);
  pages_->begin_generation();
}

ByteCount Retention::ever_released() const {
  ByteCount sum;
  for (size_t i = 0; i < kReleasers; ++i) sum += released_by(static_cast<ReleaseBy>(i));
  return sum;
}

void Retention::ask_for_huge_pages() {
  LockGuard releasing(release_lock_);
  const ByteCount mapped = space_->mapped();
  if (mapped != grown_to_) {
    grown_to_ = mapped;
    released_before_ = ever_released();
    return;
  }
  if (space_->wants_huge_pages() || mapped < kHugeFrom || ever_released() != released_before_ ||
      retained() + ByteCount(kArenaBytes) < mapped) {
    return;
  }
  LockGuard growing(*grow_lock_);
  space_->use_huge_pages();
}

Retention::Collapse Retention::collapse_dense_chunk() {
  if (!space_->wants_huge_pages()) return Collapse::kNothing;
  // Nothing in the chunk may be given back meanwhile.
  LockGuard releasing(release_lock_);
  if (collapsed_at_ != space_->mapped()) {
    collapsed_at_ = space_->mapped();
    collapse_cursor_ = PageId(0);
  }
  PageRun chunk;
  {
    LockGuard guard(*page_lock_);
    chunk = pages_->find_dense_chunk(collapse_cursor_, kChunksPerLook, &collapse_cursor_);
    if (!chunk.ok()) {
      return collapse_cursor_ < pages_->highest() ? Collapse::kDone : Collapse::kNothing;
    }
  }
  if (!space_->wants_huge_pages()) return Collapse::kNothing;
  const bool done = space_->os().collapse(space_->address(chunk.page), bytes_of(chunk.pages));
  return done ? Collapse::kDone : Collapse::kRefused;
}

// Only the background thread has time to be choosy: an allocation that passes a limit needs the memory.
ReleaseRule Retention::rule_for(ReleaseBy who) const {
  ReleaseRule rule;
  const uint64_t kernel_page = space_->os().page_size().raw / kPageBytes;
  if (kernel_page > 1) rule.granularity = PageCount(kernel_page);
  if (who != ReleaseBy::kRequest) rule.huge_page = kHugePage;
  rule.skip_dense = who == ReleaseBy::kBackground;
  // What the kernel only might take.
  rule.scavenged_too = who == ReleaseBy::kRequest && how_ == ReleaseHow::kLazily;
  return rule;
}

ByteCount Retention::release(ByteCount at_most, ReleaseBy who, PageId* cursor) {
  const ReleaseRule rule = rule_for(who);
  const PageCount wanted = pages_for(std::min(at_most, space_->reserved()));
  const ReleaseHow how = who == ReleaseBy::kRequest ? ReleaseHow::kNow : how_;
  PageCount released;
  PageCount tried;
  LockGuard releasing(release_lock_);
  while (tried < wanted) {
    const Batch batch = take_batch(wanted - tried, rule, cursor);
    if (batch.count == 0) break;
    want_small_pages();
    tried += batch.pages;
    released += release_batch(batch, how);
  }
  released_[static_cast<size_t>(who)].fetch_add(bytes_of(released).raw, std::memory_order_relaxed);
  return bytes_of(released);
}

// With the release lock.
void Retention::want_small_pages() {
  if (!space_->wants_huge_pages()) return;
  LockGuard growing(*grow_lock_);
  space_->use_small_pages();
  collapsed_at_ = ByteCount(0);
}

void Retention::release_taken(const PageRun& run, ByteCount untouched, ReleaseBy who) {
  Batch batch;
  batch.runs[batch.count++] = run;
  LockGuard releasing(release_lock_);
  want_small_pages();
  const ByteCount released = bytes_of(release_batch(batch, ReleaseHow::kNow, untouched));
  const ByteCount held = released - std::min(released, untouched);
  released_[static_cast<size_t>(who)].fetch_add(held.raw, std::memory_order_relaxed);
}

Retention::Batch Retention::take_batch(PageCount at_most, const ReleaseRule& rule, PageId* cursor) {
  Batch batch;
  LockGuard guard(*page_lock_);
  while (batch.count < kBatch && batch.pages < at_most) {
    const PageCount most = std::max(at_most - batch.pages, rule.granularity);
    const PageRun run = pages_->take_for_release(*cursor, most, rule);
    if (!run.ok()) break;
    batch.runs[batch.count++] = run;
    batch.pages += run.pages;
    *cursor = run.page;
  }
  publish();
  return batch;
}

// A kernel that refuses (locked memory) leaves the pages free, just not released.
PageCount Retention::release_batch(const Batch& batch, ReleaseHow how, ByteCount untouched) {
  bool done[kBatch] = {};
  PageCount released;
  for (size_t i = 0; i < batch.count; ++i) {
    const PageRun& run = batch.runs[i];
    done[i] = space_->os().release(space_->address(run.page), bytes_of(run.pages), how);
    space_->release_books(run.page, run.pages);
    if (done[i]) released += run.pages - run.scavenged;
  }
  {
    LockGuard guard(*page_lock_);
    for (size_t i = 0; i < batch.count; ++i) {
      pages_->give_back(batch.runs[i].page, batch.runs[i].pages, done[i]);
    }
    remove_untouched(untouched);
    publish();
  }
  if (space_->os().strict()) {
    for (size_t i = 0; i < batch.count; ++i) decommit_free_chunk(batch.runs[i].page);
  }
  return released;
}

// Where all of the page's chunk is free its charge can go back, too.
void Retention::decommit_free_chunk(PageId page) {
  PageRun chunk;
  {
    LockGuard guard(*page_lock_);
    chunk = pages_->take_free_chunk(page);
  }
  if (!chunk.ok()) return;
  (void)space_->decommit_chunk(chunk.page);
  LockGuard guard(*page_lock_);
  pages_->give_back(chunk.page, chunk.pages, true);
  publish();
}

}  // namespace acre::rt
