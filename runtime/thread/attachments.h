// Owns what a thread knows of itself in all heaps: the list of its attachments, and that it counts as
// blocking in them.
//
// A thread that waits in one heap would keep the others that it is attached to from stopping; two such
// threads could wait for each other's heaps. So whatever waits for a stop to end does so while it counts as
// blocking elsewhere (BlockingElsewhere), and what waits for something of the whole process, blocking
// everywhere.

#ifndef ACRE_RUNTIME_THREAD_ATTACHMENTS_H_
#define ACRE_RUNTIME_THREAD_ATTACHMENTS_H_

#include "runtime/thread/spill.h"
#include "runtime/thread/thread.h"

namespace acre::rt {

// (The model: for what a switch of fibers costs.)
extern constinit thread_local OsThread this_os_thread __attribute__((tls_model("initial-exec")));
inline OsThread& current_os_thread() { return this_os_thread; }

// Its fibers are lost if the thread, whose stack pointer is `sp`, has left them by other ways than a switch: it ended
// by pthread_exit, or jumped. Returns the one that runs on it. By the thread, or the world is stopped.
acre_fiber* fiber_at(const Thread& thread, uintptr_t sp);
inline acre_fiber* fiber_here(const Thread& thread) {
  if (thread.os_thread->on_roomy_stack) return thread.os_thread->fiber;
  return fiber_at(thread, reinterpret_cast<uintptr_t>(__builtin_frame_address(0)));
}

void add_attachment(Thread* thread);
void remove_attachment(Thread* thread);

// All registers are on the stack above sp; what an earlier blocking region left is no root any
// more.
void here_from_now(Thread* thread, uintptr_t sp);

// The calling thread blocks in all heaps (but those of `one`, which may be NULL) until the second is called:
// below a call of acre_rt_call_spilled that gave `sp`. In between, still_blocking_here says where the stack
// is now, if that call returned. Leaving a heap's region may wait for that heap, and then blocks in the
// others again.
void begin_blocking_but_in(const ThreadRegistry* one, uintptr_t sp);
void end_blocking_but_in(const ThreadRegistry* one);
void still_blocking_here(uintptr_t sp);

// For its scope the calling thread blocks in all heaps but one.
class BlockingElsewhere {
 public:
  BlockingElsewhere(const ThreadRegistry* one, uintptr_t sp) : one_(one) {
    begin_blocking_but_in(one, sp);
  }
  ~BlockingElsewhere() { end_blocking_but_in(one_); }
  BlockingElsewhere(const BlockingElsewhere&) = delete;
  BlockingElsewhere& operator=(const BlockingElsewhere&) = delete;

 private:
  const ThreadRegistry* one_;
};

// Calls fn() while the calling thread counts as blocking in every heap.
template <class Fn>
void while_blocking_everywhere(Fn fn) {
  acre_rt_call_spilled(
      [](void* arg, uintptr_t sp) {
        const BlockingElsewhere everywhere(nullptr, sp);
        (*static_cast<Fn*>(arg))();
      },
      &fn);
}

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_THREAD_ATTACHMENTS_H_
