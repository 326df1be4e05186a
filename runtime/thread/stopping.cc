// How ThreadRegistry waits until all threads have stopped, and starts them again.

#include <algorithm>

#include "runtime/base/pause.h"
#include "runtime/os/os.h"
#include "runtime/os/signals.h"
#include "runtime/os/word_wait.h"
#include "runtime/thread/registry.h"
#include "runtime/thread/signal_stop.h"

namespace acre::rt {
namespace {

constexpr uint64_t kMs = 1'000'000;

// After so long a caught thread may be what others wait for. Longer: such a stop takes longer. Shorter: many
// threads on few processors are let go for nothing.
constexpr uint64_t kLetGoAfterNs = 20 * kMs;

// So often the signal is sent again to who did not stop: it may block the signal, or run on a stack on which it
// cannot be caught.
constexpr uint64_t kSendAgainNs = 10 * kMs;

// So long the watchdog waits for those it asked, and looks.
constexpr uint64_t kAnswerNs = 50 * kMs;
constexpr uint64_t kLookNs = kMs / 2;

// At most so many are named at once.
constexpr unsigned kMostNamed = 16;

constexpr uint64_t kNever = UINT64_MAX;

uint64_t sum_or_never(uint64_t a, uint64_t b) { return a > kNever - b ? kNever : a + b; }

}  // namespace

// One stop on its way, from the request on. With the registry's lock, but for the time it sleeps or reports.
class ThreadRegistry::Stopping {
 public:
  Stopping(ThreadRegistry* registry, StopFor purpose, uint64_t patience_ns)
      : registry_(*registry),
        deadline_(sum_or_never(registry->asked_ns_, patience_ns)),
        for_fork_(purpose == StopFor::kFork),
        has_uncooperative_(registry->uncooperative_ != 0),
        catches_(has_uncooperative_ && !for_fork_) {
    const uint64_t after = registry_.watchdog_.after_ns();
    report_after_ = after == 0 ? kNever : after;
  }

  // False: not all have stopped in time.
  bool wait() {
    if (catches_) catch_all();
    for (unsigned i = 0; i < registry_.spins_ && running().any; ++i) pause();
    if (!running().any) return true;
    registry_.stopper_sleeps_.store(true, std::memory_order_seq_cst);
    bool stopped = false;
    for (;;) {
      const uint32_t seen = registry_.changes_.load(std::memory_order_seq_cst);
      const uint64_t now = now_ns();
      const bool by_themselves = catches_ && steer(now);
      // After that: those whom it let go count as caught until they wake up.
      stopped = !by_themselves && !running().any;
      if (stopped || now >= deadline_) break;
      if (now - registry_.asked_ns_ >= report_after_) report();
      sleep(seen, now);
    }
    registry_.stopper_sleeps_.store(false, std::memory_order_seq_cst);
    return stopped;
  }

 private:
  struct Running {
    bool any = false;
    bool by_themselves = false;  // some of them can only come to a safepoint
  };
  enum class Phase : uint8_t { kCatching, kLetGo, kCatchingLast };

  bool is_running(const Thread& thread) const;
  Running running();
  bool steer(uint64_t now);
  void catch_all();
  void let_go();
  void send_signals();
  void sleep(uint32_t seen, uint64_t now);
  void report();
  unsigned ask_late_threads(LateThread (&late)[kMostNamed]);
  bool read_answers(LateThread* late, unsigned count);

  ThreadRegistry& registry_;
  uint64_t deadline_;
  bool for_fork_;
  bool has_uncooperative_;
  bool catches_;  // them, by a signal
  Phase phase_ = Phase::kCatching;
  uint64_t send_again_ = 0;
  uint64_t report_after_;
};

// For a fork it is enough that nobody is inside Acre (registry.h): the state is read first, and who enters after
// `inside` was 0 finds the stop.
bool ThreadRegistry::Stopping::is_running(const Thread& thread) const {
  if (thread.state.load(std::memory_order_seq_cst) != ThreadState::kRunning) return false;
  return !for_fork_ || !thread.uncooperative ||
         thread.signals->inside.load(std::memory_order_seq_cst) != 0;
}

ThreadRegistry::Stopping::Running ThreadRegistry::Stopping::running() {
  Running left;
  registry_.for_each([&](const Thread& thread) {
    if (!is_running(thread)) return;
    left.any = true;
    left.by_themselves |=
        !thread.uncooperative || thread.signals->inside.load(std::memory_order_seq_cst) != 0;
  });
  return left;
}

// Once nobody runs who could wait for a lock of a caught thread, those that are caught stay so: who then
// enters Acre stops at once, before it waits for anything. True: until then threads are let go.
bool ThreadRegistry::Stopping::steer(uint64_t now) {
  if (phase_ == Phase::kCatching && now - registry_.asked_ns_ >= kLetGoAfterNs &&
      running().by_themselves) {
    let_go();
  }
  if (phase_ == Phase::kLetGo) {
    if (running().by_themselves) return true;
    phase_ = Phase::kCatchingLast;
    catch_all();
  } else if (now >= send_again_) {
    send_signals();
  }
  return false;
}

void ThreadRegistry::Stopping::catch_all() {
  registry_.catching_.fetch_add(1, std::memory_order_seq_cst);
  send_signals();
}

void ThreadRegistry::Stopping::let_go() {
  if (phase_ == Phase::kLetGo) return;
  phase_ = Phase::kLetGo;
  registry_.stop_stats_.count_let_go();
  registry_.catching_.fetch_add(1, std::memory_order_seq_cst);
  wake_waiters(registry_.catching_);
}

void ThreadRegistry::Stopping::send_signals() {
  const int number = registry_.heap_->options.stop_signal;
  uint64_t sent = 0;
  registry_.for_each([&sent, number](Thread& thread) {
    if (!thread.uncooperative ||
        thread.state.load(std::memory_order_seq_cst) != ThreadState::kRunning) {
      return;
    }
    send_signal(thread.id, number, &thread.signals->asked);
    ++sent;
  });
  registry_.stop_stats_.count_signals(sent);
  send_again_ = now_ns() + kSendAgainNs;
}

void ThreadRegistry::Stopping::sleep(uint32_t seen, uint64_t now) {
  uint64_t until = std::min(deadline_, sum_or_never(registry_.asked_ns_, report_after_));
  if (has_uncooperative_) {
    until = std::min(until, now + kSendAgainNs);
    // Who leaves Acre does not say so.
    if (phase_ == Phase::kLetGo) until = std::min(until, now + kLookNs);
  }
  registry_.lock_.unlock();
  const uint64_t timeout = until == kNever ? kNoTimeout : until - std::min(until, now);
  wait_while(registry_.changes_, seen, timeout);
  registry_.lock_.lock();
}

// No thread is held by a signal meanwhile: it may hold malloc's lock or the loader's, which finding a
// symbol, or the embedder's function, needs.
void ThreadRegistry::Stopping::report() {
  LateThread late[kMostNamed];
  const unsigned count = ask_late_threads(late);
  if (catches_) let_go();
  const uint64_t give_up = now_ns() + kAnswerNs;
  bool complete = read_answers(late, count);
  while (!complete && now_ns() < give_up) {
    registry_.lock_.unlock();
    static constexpr std::atomic<uint32_t> kNothing{0};
    wait_while(kNothing, 0, kLookNs);
    registry_.lock_.lock();
    complete = read_answers(late, count);
  }
  registry_.lock_.unlock();
  const uint64_t waited = now_ns() - registry_.asked_ns_;
  {
    // A fork from in there would wait for this stop.
    const InsideStop inside;
    for (unsigned i = 0; i < count; ++i) {
      registry_.watchdog_.tell(registry_.owner_, late[i], waited);
    }
  }
  registry_.lock_.lock();
  registry_.stop_stats_.count_reports(count);
  report_after_ = sum_or_never(report_after_, report_after_);
}

unsigned ThreadRegistry::Stopping::ask_late_threads(LateThread (&late)[kMostNamed]) {
  unsigned count = 0;
  registry_.for_each([&](Thread& thread) {
    if (count == kMostNamed || !is_running(thread)) return;
    LateThread& one = late[count++];
    one = {};
    one.thread = &thread;
    thread_name(thread.id, one.name);
    one.number = thread.signals->number.load(std::memory_order_relaxed);
    one.uncooperative = thread.uncooperative;
    one.inside_acre = thread.signals->inside.load(std::memory_order_relaxed) != 0;
    // Two heaps' watchdogs may ask at once; the answer is for both.
    one.asked = thread.signals->places_asked.fetch_add(1, std::memory_order_acq_rel) + 1;
    send_signal(thread.id, registry_.heap_->options.stop_signal, &thread.signals->asked);
  });
  return count;
}

// True: no answer is to be waited for; who stopped or left in between gives none.
bool ThreadRegistry::Stopping::read_answers(LateThread* late, unsigned count) {
  unsigned missing = 0;
  registry_.for_each([&](const Thread& thread) {
    for (unsigned i = 0; i < count; ++i) {
      LateThread& one = late[i];
      if (one.thread != &thread) continue;
      const uint32_t told = thread.signals->places_told.load(std::memory_order_acquire);
      if (static_cast<int32_t>(told - one.asked) >= 0) {
        one.program_counter = thread.signals->program_counter.load(std::memory_order_relaxed);
        one.in_system_call = thread.signals->in_system_call.load(std::memory_order_relaxed);
      } else if (is_running(thread)) {
        ++missing;
      }
    }
  });
  return missing == 0;
}

acre_status ThreadRegistry::set_watchdog(uint64_t ms, acre_stop_watchdog_fn fn, void* arg) {
  if (ms != 0 && !handle_signal(heap_->options.stop_signal, &stop_interrupted_thread)) {
    return ACRE_E_INVALID;
  }
  watchdog_.set(ms, fn, arg);
  return ACRE_OK;
}

// With the stop lock. False: not all have stopped. To be followed by start() either way.
bool ThreadRegistry::stop(StopFor purpose, uint64_t patience_ns) {
  asked_ns_ = now_ns();
  lock_.lock();
  forking_.store(purpose == StopFor::kFork, std::memory_order_seq_cst);
  stopping_.store(true, std::memory_order_seq_cst);
  for_each([](Thread& thread) {
    __atomic_store_n(&thread.inline_fields.stop_requested, 1, __ATOMIC_RELEASE);
  });
  if (!Stopping(this, purpose, patience_ns).wait()) {
    stop_stats_.count_given_up();
    return false;
  }
  stopped_ns_ = now_ns();
  stop_stats_.stopped(stopped_ns_ - asked_ns_);
  stopper_.store(pthread_self(), std::memory_order_relaxed);
  stopped_.store(true, std::memory_order_release);
  return true;
}

void ThreadRegistry::start(Thread* self) {
  if (stopped_.load(std::memory_order_relaxed)) stop_stats_.started(now_ns() - stopped_ns_);
  stopped_.store(false, std::memory_order_release);
  for_each([](Thread& thread) {
    __atomic_store_n(&thread.inline_fields.stop_requested, 0, __ATOMIC_RELAXED);
  });
  forking_.store(false, std::memory_order_seq_cst);
  stopping_.store(false, std::memory_order_seq_cst);
  if (catches()) {
    catching_.fetch_add(1, std::memory_order_seq_cst);
    wake_waiters(catching_);
  }
  starts_.fetch_add(1, std::memory_order_seq_cst);
  if (waiting_.load(std::memory_order_seq_cst) != 0) wake_waiters(starts_);
  lock_.unlock();
  stop_lock_.unlock();
  if (self != nullptr) blocking_end(self);
}

}  // namespace acre::rt
