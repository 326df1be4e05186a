#include "gc/mark/crew.h"

#include "runtime/base/check.h"
#include "runtime/os/threads.h"

namespace acre::gc {
namespace {

// Marking recurses nowhere, but trace functions are the embedder's: acre.h promises them 256 KiB. The
// rest is for the process's thread-local variables, which glibc takes from the same mapping: a
// sanitizer's leave no 200 KiB of 256. Only what is touched takes memory.
constexpr rt::ByteCount kStackBytes{rt::kMiB};

}  // namespace

void Crew::grow(unsigned helpers, void (*on_start)(void*), void* arg) {
  if (size() >= helpers) return;
  rt::LockGuard guard(grow_lock_);
  for (unsigned i = size(); i < helpers && i + 1 < kMaxMarkers; ++i) {
    starts_[i] = {this, i + 1, on_start, arg};
    const rt::ThreadPlan plan{
        .name = "acre-mark", .main = &Crew::main, .arg = &starts_[i], .stack_bytes = kStackBytes};
    if (!rt::start_thread(plan, &threads_[i])) break;
    size_.store(i + 1, std::memory_order_relaxed);
  }
}

// One of them may just have been about to sleep, with the lock.
void Crew::forget_threads_in_child() {
  lock_.reset_in_child();
  begin_.reset_in_child();
  done_.reset_in_child();
  size_.store(0, std::memory_order_relaxed);
}

void* Crew::main(void* start) {
  const Start& mine = *static_cast<Start*>(start);
  mine.on_start(mine.arg);
  mine.crew->work(mine.index);
  return nullptr;
}

void Crew::work(unsigned index) {
  rt::LockGuard guard(lock_);
  uint64_t seen = 0;
  for (;;) {
    while (!stopping_ && (round_ == seen || index >= markers_)) begin_.wait(lock_);
    if (stopping_) return;
    seen = round_;
    lock_.unlock();
    job_(fn_, index);
    lock_.lock();
    if (--running_ == 0) done_.signal();
  }
}

void Crew::begin(unsigned markers, void (*job)(void*, unsigned), void* fn) {
  ACRE_CHECK(markers >= 1 && markers <= size() + 1, "a crew runs no more markers than it has");
  rt::LockGuard guard(lock_);
  markers_ = markers;
  running_ = markers - 1;
  job_ = job;
  fn_ = fn;
  ++round_;
  begin_.broadcast();
}

void Crew::wait_until_done() {
  rt::LockGuard guard(lock_);
  while (running_ != 0) done_.wait(lock_);
  // Until the next round nobody has a job: a thread that comes late must not take this one again.
  markers_ = 0;
}

void Crew::stop() {
  {
    rt::LockGuard guard(lock_);
    stopping_ = true;
    begin_.broadcast();
  }
  for (unsigned i = 0; i < size(); ++i) pthread_join(threads_[i], nullptr);
  size_ = 0;
  stopping_ = false;
}

}  // namespace acre::gc
