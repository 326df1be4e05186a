// Owns what is known of one attached thread: struct acre_thread itself.
//
// A thread is in one of four states, and a stop waits for those in the first only:
//
//   running ──safepoint, world stopping──► stopped ──world starts──► running
//      ├─────signal, world stopping──────► caught ───world starts────┤
//      └─────blocking_begin──► blocking ──blocking_end (waits for the start)──┘
//
// Stopped: it waits inside Acre; its registers are on its stack above `stack_pointer`. Blocking: it
// runs foreign code; what it was when blocking_begin was called is in stack_pointer and registers.
// In both, [stack_pointer, stack_high) and `registers` are what a scan must read. The thread that
// stops the world counts as blocking meanwhile, so that no case differs. Caught: it waits in a signal handler;
// a scan reads [scan_from(), stack_high) and what signals->caught says.
//
// The layout of the first fields is known to assembly (spill.cc) and, the very first, to inline
// code in acre.h.

#ifndef ACRE_RUNTIME_THREAD_THREAD_H_
#define ACRE_RUNTIME_THREAD_THREAD_H_

#include <pthread.h>

#include <atomic>
#include <cstddef>

#include "acre/acre.h"
#include "runtime/heap/thread_cache.h"
#include "runtime/stack/stack_cache.h"
#include "runtime/thread/thread_signals.h"

namespace acre::rt {

class ThreadRegistry;

enum class ThreadState : uint32_t { kRunning = 0, kStopped = 1, kBlocking = 2, kCaught = 3 };

// Of a thread in a region on a stack without references.
inline constexpr uintptr_t kNoStackPointer = 0;

// What is one for all attachments of an operating-system thread, whatever the heap. Lives in its thread-local
// storage; others read it while the thread is stopped or blocks.
struct OsThread {
  // What a switch has to care for, mostly nothing: looked at as one word.
  uint32_t regions;  // that no switch crosses: blocking ones, nested ones not counted, and handlers
  bool unready = true;  // for fibers: see prepare in runtime/fiber
  bool annotates;       // a sanitizer wants to know of switches
  bool signalled;       // it is uncooperative in some heap
  bool unused;

  const acre_fiber* latest;        // that was resumed on it; an address, and no more
  acre_fiber* fiber;               // that runs on it (runtime/fiber); NULL: it is on its own stack
  void* exceptions;                // the C++ runtime's record of those in flight; never NULL
  uint64_t no_exceptions[2];       // that record where there is no such runtime
  void (*lose_fibers)(OsThread*);  // called if one runs when the thread ends
  bool on_roomy_stack;             // Acre's work is, whatever fiber runs (call_on_roomy_stack)

  uint64_t cares() const {
    uint64_t word = 0;
    __builtin_memcpy(&word, &regions, sizeof(word));
    return word;
  }
};

// Callee-saved general registers: 6 on x86-64, 12 on AArch64.
inline constexpr size_t kSavedRegisters = 12;

}  // namespace acre::rt

struct acre_thread {
  acre_thread_inline inline_fields;
  uint64_t blocking_depth;
  uintptr_t stack_pointer;
  uintptr_t registers[acre::rt::kSavedRegisters];

  std::atomic<acre::rt::ThreadState> state;
  acre_status last_error;
  uint32_t attach_depth;
  bool in_callback;  // of the OOM handler: do not call it again
  bool uncooperative;
  bool unblocked;       // the signal, which the thread blocked before it was attached
  uint8_t stop_signal;  // of an uncooperative one
  // A collection that an allocation would have made, but leaves to the next poll (collect_at_polls).
  enum class AtPoll : uint8_t { kNothing, kIfDue, kForced } at_poll;
  // In kCaught, and when it has just left that and has not looked yet whether a new stop takes it for stopped.
  bool caught;
  acre_heap* heap;
  acre::rt::ThreadRegistry* registry;
  acre_thread* next;  // in the registry's list, or its list of free records
  acre_thread* previous;
  pthread_t id;
  acre::rt::Addr stack_low;
  acre::rt::Addr stack_high;
  void* fake_stack;                  // AddressSanitizer's, as of when the thread stopped or blocked
  acre_thread* next_attachment;      // of the same operating-system thread, to other heaps
  acre::rt::ThreadSignals* signals;  // of that thread
  acre::rt::OsThread* os_thread;     // the same
  void* signal_stack;                // that it was given, or NULL; the record keeps it
  acre::rt::StackCache stacks;

  uintptr_t scan_from() const { return caught ? signals->caught.stack_pointer : stack_pointer; }

  // The last: large, and backed as far as it is used.
  alignas(64) acre::rt::ThreadCache cache;
};

namespace acre::rt {

using Thread = ::acre_thread;

static_assert(offsetof(OsThread, latest) == sizeof(uint64_t));
static_assert(offsetof(Thread, inline_fields) == 0);
static_assert(offsetof(Thread, blocking_depth) == 24);
static_assert(offsetof(Thread, stack_pointer) == 32);
static_assert(offsetof(Thread, registers) == 40);
static_assert(offsetof(Thread, cache) + ThreadCache::kGapsOffset == ACRE_GAPS_OFFSET);

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_THREAD_THREAD_H_
