// os.h on Linux, the rest: clocks, processors, threads and their stacks.

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>

#include "runtime/base/check.h"
#include "runtime/os/errno_keeper.h"
#include "runtime/os/os.h"

// Where the main thread's stack began, from the dynamic loader (not in every libc).
extern "C" void* __libc_stack_end __attribute__((weak));

namespace acre::rt {
namespace {

uint64_t clock_ns(clockid_t clock) {
  timespec time;
  clock_gettime(clock, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

// 0: not known.
uint64_t end_of_first_stack() {
  if (&__libc_stack_end == nullptr) return 0;
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  return align_down(Addr(__libc_stack_end).raw, page) + page;
}

}  // namespace

uint64_t now_ns() { return clock_ns(CLOCK_MONOTONIC); }

uint64_t thread_cpu_ns() { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }

uint64_t process_cpu_ns() { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }

unsigned processors() {
  cpu_set_t set;
  // A machine with more processors than the set has room for refuses.
  const long count = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set)
                                                                  : sysconf(_SC_NPROCESSORS_ONLN);
  return count > 0 ? static_cast<unsigned>(count) : 1;
}

bool current_stack(Addr* low, Addr* high) {
  ErrnoKeeper errno_keeper;
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) == 0) {
    void* start = nullptr;
    size_t size = 0;
    const bool known = pthread_attr_getstack(&attributes, &start, &size) == 0;
    pthread_attr_destroy(&attributes);
    if (!known) return false;
    *low = Addr(start);
    *high = Addr(start) + ByteCount(size);
    return true;
  }
  // Of the main thread libc asks /proc, which a chroot may lack.
  const uint64_t top = end_of_first_stack();
  if (gettid() != getpid() || top == 0) return false;
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  rlimit limit;
  constexpr uint64_t kUsual = 8 * kMiB;
  const bool bounded = getrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur < top;
  *low = Addr(top - (bounded ? align_down(limit.rlim_cur, page) : kUsual));
  *high = Addr(top);
  return true;
}

Addr lowest_mapped(Addr low, Addr high) {
  ErrnoKeeper errno_keeper;
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  constexpr size_t kPages = 16;
  unsigned char pages[kPages];
  const Addr floor(align_up(low.raw, page));
  Addr at(align_down(high.raw, page));
  uint64_t step = kPages * page;
  while (at > floor) {
    const ByteCount size(std::min(step, (at - floor).raw));
    if (mincore((at - size).as<void>(), size.raw, pages) == 0) {
      at = at - size;
    } else if (step == page) {
      break;
    } else {
      step = page;
    }
  }
  return at;
}

// Nothing else is right below the first stack: the kernel keeps a gap.
Addr lowest_of_stack(Addr low, Addr high) {
  return lowest_mapped(high.raw == end_of_first_stack() ? Addr() : low, high);
}

}  // namespace acre::rt
