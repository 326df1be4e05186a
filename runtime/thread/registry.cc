#include "runtime/thread/registry.h"

#include "runtime/base/check.h"
#include "runtime/base/pause.h"
#include "runtime/os/faults.h"
#include "runtime/os/os.h"
#include "runtime/os/signals.h"
#include "runtime/os/word_wait.h"
#include "runtime/thread/attachments.h"
#include "runtime/thread/fake_stack.h"
#include "runtime/thread/signal_stop.h"

namespace acre::rt {
namespace {

// Looks at what another thread shall change before sleeping on it: some 50 microseconds, about what
// falling asleep and being woken takes.
constexpr unsigned kSpins = 1000;

thread_local const ThreadRegistry* works_inside_stops_of = nullptr;

// Stops that the calling thread is the maker of, and in which it calls something.
thread_local unsigned inside_stops = 0;

// As the calling thread had it before its first attachment of that manner.
void give_signal_back(const Thread* thread) {
  if (!thread->unblocked) return;
  Thread* other = my_signals.attachments.load(std::memory_order_relaxed);
  while (other != nullptr && other->stop_signal != thread->stop_signal) {
    other = other->next_attachment;
  }
  if (other != nullptr) {
    other->unblocked = true;
  } else {
    block_signal(thread->stop_signal);
  }
}

}  // namespace

acre_status ThreadRegistry::init(Heap* heap, acre_heap* owner, StackPool* stacks) {
  heap_ = heap;
  owner_ = owner;
  stacks_ = stacks;
  spins_ = processors() > 1 ? kSpins : 0;
  stop_lock_.set_rank(LockRank::kCollector);
  lock_.set_rank(LockRank::kThreads);
  list_lock_.set_rank(LockRank::kThreadList);
  watchdog_.init(0);
  (void)set_watchdog(static_cast<uint64_t>(heap->options.stop_watchdog_ms), nullptr, nullptr);
  return pthread_key_create(&key_, &ThreadRegistry::exit_hook) == 0 ? ACRE_OK : ACRE_E_LIMIT;
}

void ThreadRegistry::destroy() {
  ACRE_CHECK(threads_ == nullptr, "a heap is destroyed without threads");
  pthread_key_delete(key_);
}

acre_status ThreadRegistry::attach(Thread** out) {
  const Thread* thread = current();
  return attach_as(thread != nullptr && thread->uncooperative, out);
}

acre_status ThreadRegistry::attach_as(bool uncooperative, Thread** out) {
  if (Thread* thread = current()) {
    if (thread->uncooperative != uncooperative) return ACRE_E_STATE;
    ++thread->attach_depth;
    *out = thread;
    return ACRE_OK;
  }
  if (!uncooperative) return attach_new(false, out);
  if (heap_->options.conservative_stacks == 0) return ACRE_E_STATE;
  const int number = heap_->options.stop_signal;
  if (!handle_signal(number, &stop_interrupted_thread)) return ACRE_E_INVALID;
  const acre_status status = attach_new(true, out);
  if (status == ACRE_OK) {
    (*out)->stop_signal = static_cast<uint8_t>(number);
    (*out)->unblocked = unblock_signal(number);
  }
  return status;
}

acre_status ThreadRegistry::attach_new(bool uncooperative, Thread** out) {
  Addr low;
  Addr high;
  if (!current_stack(&low, &high)) return ACRE_E_NOMEM;
  Thread* thread = take_record();
  if (thread == nullptr) return ACRE_E_NOMEM;
  thread->heap = owner_;
  thread->registry = this;
  thread->attach_depth = 1;
  thread->id = pthread_self();
  thread->stack_low = low;
  thread->stack_high = high;
  thread->os_thread = &current_os_thread();
  // Until fibers ask for the real one.
  if (thread->os_thread->exceptions == nullptr) {
    thread->os_thread->exceptions = thread->os_thread->no_exceptions;
  }
  thread->uncooperative = uncooperative;
  thread->signals = &my_signals;
  my_signals.number.store(current_thread_number(), std::memory_order_relaxed);
  thread->cache.init(heap_, attached_so_far_.fetch_add(1, std::memory_order_relaxed),
                     uncooperative ? Inline::kNever : Inline::kAllowed);
  thread->state.store(ThreadState::kRunning, std::memory_order_relaxed);
  lock_between_stops();
  __atomic_store_n(&thread->inline_fields.phase, heap_->store_phase.load(std::memory_order_relaxed),
                   __ATOMIC_RELAXED);
  if (pthread_setspecific(key_, thread) != 0) {
    thread->next = free_records_;
    free_records_ = thread;
    lock_.unlock();
    return ACRE_E_NOMEM;
  }
  {
    LockGuard list_guard(list_lock_);
    thread->previous = nullptr;
    thread->next = threads_;
    if (threads_ != nullptr) threads_->previous = thread;
    threads_ = thread;
    ++count_;
    if (uncooperative) ++uncooperative_;
  }
  lock_.unlock();
  add_attachment(thread);
  *out = thread;
  return ACRE_OK;
}

// Takes the lock at a moment when the world runs. It is held through a stop, so it is waited for as
// blocking in the other heaps: a thread that forks stops them all.
void ThreadRegistry::lock_between_stops() {
  for (;;) {
    if (lock_.try_lock()) {
      if (!stopping_.load(std::memory_order_relaxed)) return;
      lock_.unlock();
    }
    acre_rt_call_spilled(
        [](void* arg, uintptr_t sp) {
          auto* registry = static_cast<ThreadRegistry*>(arg);
          const BlockingElsewhere others(registry, sp);
          registry->wait_until_started();
        },
        this);
  }
}

Thread* ThreadRegistry::take_record() {
  lock_between_stops();
  Thread* thread = free_records_;
  if (thread != nullptr) free_records_ = thread->next;
  lock_.unlock();
  if (thread != nullptr) {
    // All but the cache, which its last user flushed, and what the record keeps.
    void* signal_stack = thread->signal_stack;
    memset(static_cast<void*>(thread), 0, offsetof(Thread, cache));
    thread->signal_stack = signal_stack;
    return thread;
  }
  return static_cast<Thread*>(heap_->space.meta_alloc(ByteCount(sizeof(Thread)),
                                                      alignof(Thread) < 64 ? 64 : alignof(Thread)));
}

acre_status ThreadRegistry::detach(Thread* thread) {
  if (thread == nullptr) return ACRE_E_INVALID;
  if (current() != thread || thread->blocking_depth != 0 || inside_stop()) return ACRE_E_STATE;
  // The allocation that asked the OOM handler still needs the thread.
  if (thread->in_callback && thread->attach_depth == 1) return ACRE_E_STATE;
  if (fiber_here(*thread) != nullptr && thread->attach_depth == 1) return ACRE_E_STATE;
  if (--thread->attach_depth > 0) return ACRE_OK;
  detach_now(thread);
  return ACRE_OK;
}

void ThreadRegistry::detach_now(Thread* thread) {
  if (thread->blocking_depth != 0) {
    thread->blocking_depth = 1;
    blocking_end(thread);
  }
  if (thread->os_thread->fiber != nullptr) thread->os_thread->lose_fibers(thread->os_thread);
  if (thread->signal_stack != nullptr) {
    take_signal_stack(thread->signal_stack);
    thread->os_thread->unready = true;
  }
  thread->cache.flush();
  stacks_->flush(thread->stacks);
  pthread_setspecific(key_, nullptr);
  remove_attachment(thread);
  give_signal_back(thread);
  leave_list(thread);
}

void ThreadRegistry::leave_list(Thread* thread) {
  LockGuard guard(lock_);
  take_off_list(thread);
  tell_stopper();
}

// Who leaves does so with the lock, the last of its steps.
void ThreadRegistry::wait_for_detached() {
  lock_between_stops();
  lock_.unlock();
}

// With lock_, after its cache was flushed.
void ThreadRegistry::take_off_list(Thread* thread) {
  {
    LockGuard list_guard(list_lock_);
    // Under this lock: a reader of the counters finds them here or there, not twice or nowhere.
    thread->cache.retire_counters();
    if (thread->previous != nullptr) thread->previous->next = thread->next;
    if (thread->next != nullptr) thread->next->previous = thread->previous;
    if (threads_ == thread) threads_ = thread->next;
    --count_;
    if (thread->uncooperative) --uncooperative_;
  }
  thread->next = free_records_;
  free_records_ = thread;
}

void ThreadRegistry::exit_hook(void* thread) {
  const InsideAcre inside;
  auto* exiting = static_cast<Thread*>(thread);
  exiting->registry->detach_now(exiting);
}

unsigned ThreadRegistry::attached() {
  unsigned count = 0;
  with_list_locked([&] { count = count_; });
  return count;
}

unsigned ThreadRegistry::others_attached() { return attached() - (current() != nullptr ? 1 : 0); }

void ThreadRegistry::safepoint(Thread* thread) {
  if (!stopping_.load(std::memory_order_seq_cst)) return;
  acre_rt_call_spilled(
      [](void* arg, uintptr_t sp) {
        auto* stopping = static_cast<Thread*>(arg);
        here_from_now(stopping, sp);
        const BlockingElsewhere others(stopping->registry, sp);
        stopping->state.store(ThreadState::kStopped, std::memory_order_seq_cst);
        stopping->registry->tell_stopper();
        stopping->registry->spin_until_started();
        stopping->registry->wait_for_start(stopping, ThreadState::kStopped);
      },
      thread);
}

// The stopper says that it sleeps, then looks at the states; a thread changes its state, then looks
// whether the stopper sleeps: one of them sees the other. The lock is not waited for: when the stopper is
// awake it may keep it for all of the stop, and this thread may still be running in another heap that shall
// stop, too.
void ThreadRegistry::tell_stopper() {
  if (!stopper_sleeps_.load(std::memory_order_seq_cst)) return;
  changes_.fetch_add(1, std::memory_order_seq_cst);
  wake_waiters(changes_);
}

void ThreadRegistry::wait_while_catching() const {
  for (;;) {
    const uint32_t seen = catching_.load(std::memory_order_seq_cst);
    if (seen % 2 == 0) return;
    wait_while(catching_, seen);
  }
}

// A short stop is over before a thread would be asleep.
void ThreadRegistry::spin_until_started() const {
  for (unsigned i = 0; i < spins_ && stopping_.load(std::memory_order_relaxed); ++i) pause();
}

void ThreadRegistry::wait_until_started() {
  waiting_.fetch_add(1, std::memory_order_seq_cst);
  for (;;) {
    const uint32_t seen = starts_.load(std::memory_order_seq_cst);
    if (!stopping()) break;
    wait_while(starts_, seen);
  }
  waiting_.fetch_sub(1, std::memory_order_relaxed);
}

// Without a lock: 64 threads that wake up at once would wait for it one behind the other, and the next stop
// behind them.
void ThreadRegistry::wait_for_start(Thread* thread, ThreadState meanwhile) {
  for (;;) {
    wait_until_started();
    thread->state.store(ThreadState::kRunning, std::memory_order_seq_cst);
    if (!stopping()) return;
    thread->state.store(meanwhile, std::memory_order_seq_cst);
    tell_stopper();
  }
}

void ThreadRegistry::blocking_begin(Thread* thread) {
  if (thread->blocking_depth++ > 0) return;
  ++thread->os_thread->regions;
  thread->fake_stack = current_fake_stack();
  thread->state.store(ThreadState::kBlocking, std::memory_order_seq_cst);
  tell_stopper();
}

void ThreadRegistry::idle_begin(Thread* thread) {
  if (thread->blocking_depth == 0) here_from_now(thread, kNoStackPointer);
  blocking_begin(thread);
}

void ThreadRegistry::blocking_end(Thread* thread) {
  if (thread->blocking_depth == 0) {
    thread->last_error = ACRE_E_STATE;
    return;
  }
  if (--thread->blocking_depth > 0) return;
  --thread->os_thread->regions;
  thread->state.store(ThreadState::kRunning, std::memory_order_seq_cst);
  if (!stopping_.load(std::memory_order_seq_cst)) return;
  // What a scan reads is as blocking_begin left it; for the other heaps it is from here on.
  thread->state.store(ThreadState::kBlocking, std::memory_order_seq_cst);
  tell_stopper();
  acre_rt_call_spilled(
      [](void* arg, uintptr_t sp) {
        auto* waiting = static_cast<Thread*>(arg);
        const BlockingElsewhere others(waiting->registry, sp);
        waiting->registry->wait_for_start(waiting, ThreadState::kBlocking);
      },
      thread);
}

void ThreadRegistry::work_inside_stops() { works_inside_stops_of = this; }

ThreadRegistry::InsideStop::InsideStop() { ++inside_stops; }
ThreadRegistry::InsideStop::~InsideStop() { --inside_stops; }

bool ThreadRegistry::inside_any_stop() {
  return works_inside_stops_of != nullptr || inside_stops != 0;
}

bool ThreadRegistry::inside_stop() const {
  if (works_inside_stops_of == this) return true;
  return stopped_.load(std::memory_order_acquire) &&
         pthread_equal(stopper_.load(std::memory_order_relaxed), pthread_self()) != 0;
}

bool ThreadRegistry::run_stopped(Thread* self, uintptr_t sp, uint64_t patience_ns,
                                 void (*fn)(void*), void* arg) {
  if (inside_stop()) return false;
  const BlockingElsewhere others(this, sp);
  // Who does not insist does not wait for another's stop either.
  if (patience_ns != kForEver && !stop_lock_.try_lock()) return false;
  if (self != nullptr) {
    if (self->blocking_depth == 0) here_from_now(self, sp);
    blocking_begin(self);
  }
  if (patience_ns == kForEver) stop_lock_.lock();
  const bool stopped = stop(StopFor::kScan, patience_ns);
  if (stopped) {
    const InsideStop inside;
    fn(arg);
  }
  start(self);
  return stopped;
}

}  // namespace acre::rt

extern "C" {

// Where acre_blocking_begin (spill.cc) goes on. A stop that began meanwhile writes its own registers over those that
// the region is to be scanned with.
__attribute__((visibility("hidden"))) void acre_rt_blocking_begin_spilled(acre_thread* thread) {
  using acre::rt::my_signals;
  if (__builtin_expect(my_signals.uncooperative.load(std::memory_order_relaxed) == 0, 1)) {
    const acre::rt::InsideAcre inside;
    thread->registry->blocking_begin(thread);
    return;
  }
  const uintptr_t stack_pointer = thread->stack_pointer;
  uintptr_t registers[acre::rt::kSavedRegisters];
  memcpy(registers, thread->registers, sizeof(registers));
  const acre::rt::InsideAcre inside;
  thread->stack_pointer = stack_pointer;
  memcpy(thread->registers, registers, sizeof(registers));
  thread->registry->blocking_begin(thread);
}

}  // extern "C"
