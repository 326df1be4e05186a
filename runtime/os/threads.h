// Owns what threads of Acre's own have in common: how they are started. And how data of the whole process
// notices that it is in a child of fork that nobody told.

#ifndef ACRE_RUNTIME_OS_THREADS_H_
#define ACRE_RUNTIME_OS_THREADS_H_

#include <pthread.h>
#include <sys/types.h>

#include <atomic>

#include "runtime/base/pause.h"
#include "runtime/base/units.h"

namespace acre::rt {

struct ThreadPlan {
  const char* name;  // at most 15 characters
  void* (*main)(void*);
  void* arg;
  ByteCount stack_bytes;
  // Where: the thread's for as long as it runs, and no mapping of its own; its lowest page becomes a
  // guard if the kernel can do that without a mapping. Addr{0}: libc maps one, with a guard.
  Addr stack = Addr();
};

// The thread blocks all signals but those of faults, which are for whoever handles them: one may happen
// in an embedder's function that it calls. False: the system gives none. Allocates: not while the world
// is stopped, since a stopped thread may hold malloc's lock.
bool start_thread(const ThreadPlan& plan, pthread_t* out);

// The number of the calling process.
pid_t current_process();

// Whose process some data is. A zeroed one belongs to nobody.
class ProcessMark {
 public:
  // In a new process calls forget() once, whoever comes first; others wait until it is done. Without a
  // lock, since locks are among what is to be forgotten.
  template <class Fn>
  void renew(Fn forget) {
    const pid_t process = current_process();
    for (;;) {
      pid_t seen = process_.load(std::memory_order_acquire);
      if (seen == process) return;
      if (seen == -process) {
        pause();
      } else if (process_.compare_exchange_strong(seen, -process)) {
        break;
      }
    }
    forget();
    process_.store(process, std::memory_order_release);
  }

 private:
  std::atomic<pid_t> process_{0};  // negative: that process is just now forgetting another's
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_OS_THREADS_H_
