// What the registry does when the process forks.

#include "runtime/os/word_wait.h"
#include "runtime/thread/registry.h"

namespace acre::rt {

void ThreadRegistry::stop_for_fork() {
  stop_lock_.lock();
  (void)stop(StopFor::kFork, kForEver);
}

void ThreadRegistry::wait_for_fork() {
  waiting_.fetch_add(1, std::memory_order_seq_cst);
  for (;;) {
    const uint32_t seen = starts_.load(std::memory_order_seq_cst);
    if (!forking()) break;
    wait_while(starts_, seen);
  }
  waiting_.fetch_sub(1, std::memory_order_relaxed);
}

// They are stopped, block, or are outside Acre, so what they left is whole: each is detached as it would do itself.
// Who waited for the start is not here.
void ThreadRegistry::forget_others_in_child() {
  waiting_.store(0, std::memory_order_relaxed);
  watchdog_.reset_in_child();
  const Thread* self = current();
  for (Thread* thread = threads_; thread != nullptr;) {
    Thread* next = thread->next;
    if (thread != self) {
      thread->cache.flush();
      stacks_->flush(thread->stacks);
      take_off_list(thread);
    }
    thread = next;
  }
}

}  // namespace acre::rt
