// threads.h on Linux.

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runtime/os/errno_keeper.h"
#include "runtime/os/threads.h"

namespace acre::rt {

bool start_thread(const ThreadPlan& plan, pthread_t* out) {
  ErrnoKeeper errno_keeper;
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  sigset_t all;
  sigset_t old;
  sigfillset(&all);
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS}) sigdelset(&all, fault);
  bool good = false;
  if (plan.stack.raw == 0) {
    good = pthread_attr_setstacksize(&attributes, plan.stack_bytes.raw) == 0;
  } else {
    constexpr int kGuardInstall = 102;  // MADV_GUARD_INSTALL, Linux 6.13
    (void)madvise(plan.stack.as<void>(), static_cast<size_t>(sysconf(_SC_PAGESIZE)), kGuardInstall);
    good = pthread_attr_setstack(&attributes, plan.stack.as<void>(), plan.stack_bytes.raw) == 0;
  }
  pthread_sigmask(SIG_SETMASK, &all, &old);
  good = good && pthread_create(out, &attributes, plan.main, plan.arg) == 0;
  if (good) pthread_setname_np(*out, plan.name);
  pthread_sigmask(SIG_SETMASK, &old, nullptr);
  pthread_attr_destroy(&attributes);
  return good;
}

pid_t current_process() { return getpid(); }

}  // namespace acre::rt
