// faults.h on Linux.

#include "runtime/os/faults.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>

namespace acre::rt {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS};

std::atomic<void (*)(Addr)> explainer{nullptr};
struct sigaction before[NSIG];
std::atomic<bool> installed{false};
pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

// As if this handler were not there.
void go_on(int signal, siginfo_t* info, void* context) {
  const struct sigaction& old = before[signal];
  if ((old.sa_flags & SA_SIGINFO) != 0) {
    if (old.sa_sigaction != nullptr) return old.sa_sigaction(signal, info, context);
  } else if (old.sa_handler != SIG_DFL && old.sa_handler != SIG_IGN) {
    return old.sa_handler(signal);
  } else if (old.sa_handler == SIG_IGN && info->si_code <= 0) {
    return;  // somebody sent it
  }
  struct sigaction action {};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
  // A fault comes again as soon as this returns; what was sent does not.
  if (info->si_code <= 0) raise(signal);
}

void handle(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  if (info->si_code > 0) explainer.load(std::memory_order_acquire)(Addr(info->si_addr));
  errno = saved_errno;
  go_on(signal, info, context);
}

}  // namespace

bool install_fault_explainer(void (*explain)(Addr address)) {
  if (installed.load(std::memory_order_acquire)) return true;
  pthread_mutex_lock(&mutex);
  bool good = true;
  if (!installed.load(std::memory_order_relaxed)) {
    explainer.store(explain, std::memory_order_release);
    struct sigaction action {};
    action.sa_sigaction = &handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    for (const int signal : kSignals) {
      // What was there first, so that the handler never finds nothing.
      good = good && sigaction(signal, nullptr, &before[signal]) == 0 &&
             sigaction(signal, &action, nullptr) == 0;
    }
    installed.store(good, std::memory_order_release);
  }
  pthread_mutex_unlock(&mutex);
  return good;
}

void reset_faults_in_child() { mutex = PTHREAD_MUTEX_INITIALIZER; }

bool give_signal_stack(void* memory) {
  stack_t now{};
  if (sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return false;
  stack_t ours{};
  ours.ss_sp = memory;
  ours.ss_size = kSignalStack.raw;
  return sigaltstack(&ours, nullptr) == 0;
}

void take_signal_stack(void* memory) {
  stack_t now{};
  if (sigaltstack(nullptr, &now) != 0 || now.ss_sp != memory) return;
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  sigaltstack(&none, nullptr);
}

}  // namespace acre::rt
