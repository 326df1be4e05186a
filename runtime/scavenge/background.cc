#include "runtime/scavenge/background.h"

#include <algorithm>

#include "runtime/base/check.h"
#include "runtime/base/raw_memory.h"
#include "runtime/os/os.h"
#include "runtime/os/threads.h"

namespace acre::rt {
namespace {

// It may collect, and trace functions are promised 256 KiB (acre.h). Sanitizers have large thread-local
// variables, which lie in the stack, too.
#if defined(ACRE_SANITIZED)
constexpr ByteCount kStackBytes{2 * kMiB};
#else
constexpr ByteCount kStackBytes{384 * kKiB};
#endif

constexpr ByteCount kMappedStackBytes{8 * kMiB};  // as a program's threads have; only addresses

// A system that gave no thread is asked again after so long.
constexpr uint64_t kRetryNs = 1'000'000'000;

// While it works, so often it reports.
constexpr uint64_t kReportNs = 1'000'000'000;

thread_local const Background* this_background = nullptr;

}  // namespace

void Background::init(Space* space, BackgroundWork* work) {
  space_ = space;
  work_ = work;
  start_lock_.set_rank(LockRank::kBackground);
  work_lock_.set_rank(LockRank::kBackgroundWork);
  sleep_lock_.set_rank(LockRank::kLeaf);
  tick_ns_.store(kTickNs, std::memory_order_relaxed);
}

void Background::start() {
  if (started()) return;
  LockGuard guard(start_lock_);
  if (started()) return;
  if (stack_ == nullptr) stack_ = space_->meta_alloc(kStackBytes, 4 * kKiB);
  if (stack_ == nullptr || now_ns() < retry_ns_) return;
  ThreadPlan plan{.name = "acre-background",
                  .main = &Background::main,
                  .arg = this,
                  .stack_bytes = kStackBytes,
                  .stack = Addr(stack_)};
  bool good = start_thread(plan, &thread_);
  if (!good) {
    // The program's thread-local variables, which lie in the stack, too, may leave no room there.
    plan.stack = Addr();
    plan.stack_bytes = kMappedStackBytes;
    good = start_thread(plan, &thread_);
  }
  if (good) {
    started_.store(true, std::memory_order_release);
  } else {
    retry_ns_ = now_ns() + kRetryNs;
  }
}

void Background::wake() {
  LockGuard guard(sleep_lock_);
  woken_ = true;
  condition_.signal();
}

void Background::stop() {
  if (!started()) return;
  {
    LockGuard guard(sleep_lock_);
    stopping_ = true;
    condition_.signal();
  }
  pthread_join(thread_, nullptr);
  stopping_ = false;
  started_.store(false, std::memory_order_release);
}

// It may have been about to sleep, or somebody to wake it.
void Background::forget_thread_in_child() {
  sleep_lock_.reset_in_child();
  condition_.reset_in_child();
  woken_ = false;
  stopping_ = false;
  started_.store(false, std::memory_order_relaxed);
}

bool Background::is_this_thread() const { return this_background == this; }

void* Background::main(void* self) {
  this_background = static_cast<Background*>(self);
  static_cast<Background*>(self)->run();
  return nullptr;
}

void Background::run() {
  uint64_t next_work_ns = 0;
  uint64_t next_report_ns = 0;
  bool busy = false;
  bool unreported = false;  // work was done
  uint64_t wake_ns = 0;
  while (sleep_until(wake_ns)) {
    LockGuard awake(work_lock_);
    const uint64_t now = now_ns();
    work_->tick(now);
    // Woken too early for work: later.
    busy = now_ns() < next_work_ns || work_once(&next_work_ns, &unreported);
    if (unreported && (!busy || now >= next_report_ns)) {
      work_->report();
      unreported = false;
      next_report_ns = now + kReportNs;
    }
    const uint64_t tick_ns = tick_ns_.load(std::memory_order_relaxed);
    wake_ns = tick_ns < UINT64_MAX - now ? now + tick_ns : UINT64_MAX;
    if (busy) wake_ns = std::min(wake_ns, next_work_ns);
  }
}

// Whether there is more; sets *done if there was any.
bool Background::work_once(uint64_t* next_ns, bool* done) {
  const uint64_t began = now_ns();
  const uint64_t cpu_began = thread_cpu_ns();
  uint64_t worked = 0;
  bool more = true;
  while (more && worked < WorkPacer::kWorkNs) {
    more = work_->step();
    *done |= more;
    worked = thread_cpu_ns() - cpu_began;
  }
  work_ns_.fetch_add(worked, std::memory_order_relaxed);
  *next_ns = pacer_.after_work(began, worked);
  return more;
}

// Until then, or woken. False: the thread is to end.
bool Background::sleep_until(uint64_t deadline_ns) {
  LockGuard guard(sleep_lock_);
  while (!stopping_ && !woken_ && condition_.wait_until(sleep_lock_, deadline_ns)) {
  }
  woken_ = false;
  return !stopping_;
}

}  // namespace acre::rt
