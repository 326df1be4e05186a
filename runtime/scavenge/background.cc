#include "runtime/scavenge/background.h"

#include <sched.h>

#include <algorithm>

#include "runtime/base/check.h"
#include "runtime/base/raw_memory.h"
#include "runtime/os/os.h"

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

// How many forks are on their way: background threads begin nothing then.
std::atomic<unsigned> forks{0};

}  // namespace

// The hooks of fork, for all heaps of the process. The first of them that is called in a child, be it by a
// handler of the embedder's that runs before ours, forgets the parent's threads.
class Background::Hooks {
 public:
  static void add(Background* one) {
    renew();
    pthread_once(&once, [] { pthread_atfork(&before, &after, &renew); });
    const Guard guard;
    one->listed_ = true;
    one->previous_ = nullptr;
    one->next_ = list;
    if (list != nullptr) list->previous_ = one;
    list = one;
  }

  static void remove(Background* one) {
    renew();
    const Guard guard;
    if (!one->listed_) return;
    one->listed_ = false;
    if (one->previous_ != nullptr) one->previous_->next_ = one->next_;
    if (one->next_ != nullptr) one->next_->previous_ = one->previous_;
    if (list == one) list = one->next_;
  }

 private:
  struct Guard {
    Guard() { pthread_mutex_lock(&mutex); }
    ~Guard() { pthread_mutex_unlock(&mutex); }
  };

  static void before() {
    forks.fetch_add(1, std::memory_order_seq_cst);
    pthread_mutex_lock(&mutex);
    forking = true;
    for (Background* one = list; one != nullptr; one = one->next_) {
      // What it works at may fork.
      if (one->is_this_thread()) continue;
      while (one->working_.load(std::memory_order_seq_cst)) sched_yield();
    }
  }
  static void after() {
    forking = false;
    pthread_mutex_unlock(&mutex);
    forks.fetch_sub(1, std::memory_order_seq_cst);
  }
  // No background thread is here, nor another thread that forks.
  static void renew() {
    process.renew([] {
      for (Background* one = list; one != nullptr; one = one->next_) {
        one->listed_ = false;
        one->started_.store(false, std::memory_order_relaxed);
      }
      list = nullptr;
      forks.store(0, std::memory_order_relaxed);
      if (forking) {
        forking = false;
        pthread_mutex_unlock(&mutex);  // this thread has it, from before()
      } else {
        pthread_mutex_init(&mutex, nullptr);
      }
    });
  }

  static inline pthread_once_t once = PTHREAD_ONCE_INIT;
  // Held across fork, so not a Lock: its rank would forbid what an embedder's handler does in the child.
  static inline pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static inline bool forking = false;  // with the mutex
  static inline Background* list = nullptr;
  static inline constinit ProcessMark process{};
};

void Background::init(Space* space, BackgroundWork* work) {
  space_ = space;
  work_ = work;
  start_lock_.set_rank(LockRank::kBackground);
  sleep_lock_.set_rank(LockRank::kLeaf);
  tick_ns_.store(kTickNs, std::memory_order_relaxed);
}

void Background::start() {
  forget_after_fork();
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
  Hooks::add(this);
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
    Hooks::remove(this);
  }
}

void Background::wake() {
  forget_after_fork();
  LockGuard guard(sleep_lock_);
  woken_ = true;
  condition_.signal();
}

void Background::stop() {
  forget_after_fork();
  if (!started()) return;
  {
    LockGuard guard(sleep_lock_);
    stopping_ = true;
    condition_.signal();
  }
  pthread_join(thread_, nullptr);
  stopping_ = false;
  // In this order: a child in between is told by the hook.
  started_.store(false, std::memory_order_release);
  Hooks::remove(this);
}

// In a child of fork, where the hook said that the thread is not here.
void Background::forget_after_fork() {
  process_.renew([this] {
    start_lock_.reset_in_child();
    sleep_lock_.reset_in_child();
    condition_.reset_in_child();
    woken_ = false;
    stopping_ = false;
    working_.store(false, std::memory_order_relaxed);
    started_.store(false, std::memory_order_relaxed);
  });
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
    const uint64_t now = now_ns();
    begin_work();
    work_->tick(now);
    // Woken too early for work: later.
    busy = now_ns() < next_work_ns || work_once(&next_work_ns, &unreported);
    if (unreported && (!busy || now >= next_report_ns)) {
      work_->report();
      unreported = false;
      next_report_ns = now + kReportNs;
    }
    end_work();
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

// One of the two sees the other: the hook says that a fork is on its way and then looks whether this
// thread works; this thread says that it works and then looks for forks.
void Background::begin_work() {
  for (;;) {
    working_.store(true, std::memory_order_seq_cst);
    if (forks.load(std::memory_order_seq_cst) == 0) return;
    end_work();
    sched_yield();
  }
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
