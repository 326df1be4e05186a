// signals.h on Linux.

#include "runtime/os/signals.h"

#include <signal.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>

#include "runtime/base/lock.h"
#include "runtime/os/errno_keeper.h"

namespace acre::rt {
namespace {

constexpr int kSignals = 65;  // numbers below it

// Whom Acre's handler has come before. Mostly one; another whenever somebody took its place and it came back.
constexpr int kMostBefore = 8;

struct Handled {
  std::atomic<int> count{0};  // of `before`; 0: never handled
  struct sigaction before[kMostBefore];
};

constinit Handled handled[kSignals] = {};
constinit Lock install_lock{LockRank::kLeaf};
constinit std::atomic<InterruptedFn> function{nullptr};

// The signal that the calling thread is handling in call_previous, and which of `before` it calls. That may call Acre's
// handler, as who comes later shall: then it is the turn of the one before. Such a call has the same context, and a frame
// below; after a jump out of a handler the next signal may have the same context, but then the same frame.
struct Calling {
  const void* context;
  uintptr_t frame;
  int index;
};
constinit thread_local Calling calling __attribute__((tls_model("initial-exec"))) = {};

// What we send carries this address.
constinit char ours = 0;

#if defined(__x86_64__)

constexpr uintptr_t kRedZone = 128;

Interrupted where(const ucontext_t& context) {
  const greg_t* registers = context.uc_mcontext.gregs;
  const auto pc = static_cast<uintptr_t>(registers[REG_RIP]);
  // A call that is begun again has its own address, one that fails the one behind it.
  const auto is_syscall = [](uintptr_t at) {
    const auto* code = reinterpret_cast<const unsigned char*>(at);
    return code[0] == 0x0f && code[1] == 0x05;
  };
  return {.program_counter = pc,
          .stack_pointer = static_cast<uintptr_t>(registers[REG_RSP]) - kRedZone,
          .alternate_low = 0,
          .alternate_high = 0,
          .in_system_call = is_syscall(pc) || is_syscall(pc - 2)};
}

#elif defined(__aarch64__)

Interrupted where(const ucontext_t& context) {
  const uintptr_t pc = context.uc_mcontext.pc;
  const auto is_svc = [](uintptr_t at) {
    return *reinterpret_cast<const uint32_t*>(at) == 0xd4000001;
  };
  return {.program_counter = pc,
          .stack_pointer = context.uc_mcontext.sp,
          .alternate_low = 0,
          .alternate_high = 0,
          .in_system_call = is_svc(pc) || is_svc(pc - 4)};
}

#else
#error "say where the registers of an interrupted thread are on this processor"
#endif

bool is_ignored_by_default(int number) {
  return number == SIGURG || number == SIGCHLD || number == SIGWINCH || number == SIGCONT;
}

// As if we had never been there; does not return if that ends the process.
void do_default(int number) {
  if (is_ignored_by_default(number)) return;
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  sigaction(number, &standard, nullptr);
  raise(number);
  unblock_signal(number);
}

void call(const struct sigaction& before, int number, siginfo_t* info, void* context) {
  const bool with_info = (before.sa_flags & SA_SIGINFO) != 0;
  if (!with_info && before.sa_handler == SIG_IGN) return;
  if (!with_info && before.sa_handler == SIG_DFL) {
    do_default(number);
    return;
  }
  // The mask that it would have had; the interrupted code's comes back by itself.
  sigset_t mask;
  sigorset(&mask, &static_cast<ucontext_t*>(context)->uc_sigmask, &before.sa_mask);
  if ((before.sa_flags & SA_NODEFER) == 0) sigaddset(&mask, number);
  pthread_sigmask(SIG_SETMASK, &mask, nullptr);
  if (with_info) {
    before.sa_sigaction(number, info, context);
  } else {
    before.sa_handler(number);
  }
}

void call_previous(int number, siginfo_t* info, void* context, uintptr_t frame) {
  const Handled& slot = handled[number];
  const Calling outer = calling;
  const bool nested = outer.context == context && frame < outer.frame;
  const int index = nested ? outer.index - 1 : slot.count.load(std::memory_order_acquire) - 1;
  if (index < 0) return;
  calling = {context, frame, index};
  call(slot.before[index], number, info, context);
  calling = outer;
}

void handler(int number, siginfo_t* info, void* raw_context) {
  const ErrnoKeeper errno_keeper;
  const auto& context = *static_cast<ucontext_t*>(raw_context);
  Interrupted at = where(context);
  if ((context.uc_stack.ss_flags & SS_DISABLE) == 0) {
    at.alternate_low = reinterpret_cast<uintptr_t>(context.uc_stack.ss_sp);
    at.alternate_high = at.alternate_low + context.uc_stack.ss_size;
  }
  const bool asked = function.load(std::memory_order_acquire)(at);
  const bool marked =
      info->si_code == SI_QUEUE && info->si_pid == getpid() && info->si_value.sival_ptr == &ours;
  // What the kernel makes of a signal that it had no room for.
  const bool unknown = info->si_code == SI_USER && info->si_pid == 0;
  if (marked || (unknown && asked)) return;
  const auto frame = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  call_previous(number, info, raw_context, frame);
}

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == &handler;
}

bool is_same(const struct sigaction& a, const struct sigaction& b) {
  return a.sa_flags == b.sa_flags && a.sa_handler == b.sa_handler &&
         memcmp(&a.sa_mask, &b.sa_mask, sizeof(a.sa_mask)) == 0;
}

void leave_faults(sigset_t* set) {
  for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) {
    sigdelset(set, fault);
  }
}

bool change_mask(int how, int number) {
  const ErrnoKeeper errno_keeper;
  sigset_t set;
  sigset_t old;
  sigemptyset(&set);
  sigaddset(&set, number);
  return pthread_sigmask(how, &set, &old) == 0 && sigismember(&old, number) == 1;
}

}  // namespace

bool can_handle_signal(int number) {
  if (number <= 0 || number >= kSignals) return false;
  // The numbers between these two are libc's own.
  if (number >= 32 && number < SIGRTMIN) return false;
  for (const int not_that : {SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGCONT, SIGSEGV, SIGBUS,
                             SIGFPE, SIGILL, SIGTRAP, SIGSYS, SIGABRT}) {
    if (number == not_that) return false;
  }
  return true;
}

bool handle_signal(int number, InterruptedFn fn) {
  if (!can_handle_signal(number)) return false;
  Handled& slot = handled[number];
  const ErrnoKeeper errno_keeper;
  struct sigaction now = {};
  if (sigaction(number, nullptr, &now) != 0) return false;
  if (is_ours(now)) return true;
  const LockGuard guard(install_lock);
  if (sigaction(number, nullptr, &now) != 0) return false;
  if (is_ours(now)) return true;
  function.store(fn, std::memory_order_release);
  // Known before the first signal can come. The last one again: it took our place and gave it back.
  const int count = slot.count.load(std::memory_order_relaxed);
  if (count == 0 || !is_same(slot.before[count - 1], now)) {
    if (count == kMostBefore) return false;
    slot.before[count] = now;
    slot.count.store(count + 1, std::memory_order_release);
  }
  struct sigaction mine = {};
  mine.sa_sigaction = &handler;
  mine.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigfillset(&mine.sa_mask);
  leave_faults(&mine.sa_mask);
  return sigaction(number, &mine, nullptr) == 0;
}

void reset_signals_in_child() { install_lock.reset_in_child(); }

void send_signal(pthread_t thread, int number, SignalsAsked* asked) {
  const ErrnoKeeper errno_keeper;
  sigval value;
  value.sival_ptr = &ours;
  asked->begin();
  // Where the first is forbidden (seccomp) the second is taken for ours and a foreign one.
  if (pthread_sigqueue(thread, number, value) != 0) (void)pthread_kill(thread, number);
  asked->end();
}

bool unblock_signal(int number) { return change_mask(SIG_UNBLOCK, number); }

void block_signal(int number) { (void)change_mask(SIG_BLOCK, number); }

}  // namespace acre::rt
