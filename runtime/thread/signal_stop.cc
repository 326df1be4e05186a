#include "runtime/thread/signal_stop.h"

#include "runtime/base/units.h"
#include "runtime/os/os.h"
#include "runtime/thread/fake_stack.h"
#include "runtime/thread/registry.h"

namespace acre::rt {

constinit thread_local ThreadSignals my_signals __attribute__((tls_model("initial-exec"))) = {};

namespace {

template <class Fn>
void for_each_uncooperative(Fn fn) {
  Thread* thread = my_signals.attachments.load(std::memory_order_relaxed);
  for (; thread != nullptr; thread = thread->next_attachment) {
    if (thread->uncooperative) fn(*thread);
  }
}

bool must_stop(const Thread& thread) {
  return thread.blocking_depth == 0 && thread.registry->stopping();
}

bool must_stop_anywhere() {
  bool must = false;
  for_each_uncooperative([&must](Thread& thread) { must |= must_stop(thread); });
  return must;
}

// Of the heaps whose stops the thread is not already stopped or blocking for.
template <class Fn>
void for_each_running(Fn fn) {
  for_each_uncooperative([&fn](Thread& thread) {
    if (thread.state.load(std::memory_order_relaxed) == ThreadState::kRunning) fn(thread);
  });
}

bool is_wanted() {
  bool wanted = false;
  for_each_running([&wanted](Thread& thread) { wanted |= thread.registry->catches(); });
  return wanted;
}

bool within(uintptr_t address, uintptr_t low, uintptr_t high) {
  return low <= address && address < high;
}

// The thread's own, a fiber's, or one of acre_stack_new, of any heap that it is attached to.
bool is_known_stack(const Thread& thread, uintptr_t sp) {
  if (within(sp, thread.stack_low.raw, thread.stack_high.raw)) return true;
  const Thread* at = my_signals.attachments.load(std::memory_order_relaxed);
  for (; at != nullptr; at = at->next_attachment) {
    const Stack* stack = at->registry->stacks()->find(Addr(sp));
    if (stack != nullptr && stack->contains(sp)) return true;
  }
  return within(sp, lowest_of_stack(thread.stack_low, thread.stack_high).raw, thread.stack_low.raw);
}

bool is_on_known_stack() {
  const auto here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
  const Thread* thread = my_signals.attachments.load(std::memory_order_relaxed);
  return thread != nullptr && is_known_stack(*thread, here);
}

bool must_wait_for_fork(const Thread& thread) {
  return thread.blocking_depth == 0 && thread.registry->forking();
}

bool is_cooperative_somewhere() {
  const Thread* at = my_signals.attachments.load(std::memory_order_relaxed);
  while (at != nullptr && at->uncooperative) at = at->next_attachment;
  return at != nullptr;
}

// As one that is outside Acre. A heap in which it is cooperative would wait for it, so for that it blocks as ever.
void wait_for_forks() {
  const uint32_t depth = my_signals.inside.load(std::memory_order_relaxed);
  for (bool waited = true; waited;) {
    waited = false;
    for_each_uncooperative([&](Thread& thread) {
      if (!must_wait_for_fork(thread)) return;
      waited = true;
      if (is_cooperative_somewhere()) return thread.registry->safepoint(&thread);
      my_signals.inside.store(0, std::memory_order_seq_cst);
      thread.registry->tell_stopper();
      thread.registry->wait_for_fork();
      my_signals.inside.store(depth, std::memory_order_seq_cst);
    });
  }
}

// A stop may begin in one heap while the thread waits for the end of another's.
void come_to_stops() {
  while (must_stop_anywhere()) {
    if (!is_on_known_stack()) return wait_for_forks();
    for_each_uncooperative([](Thread& thread) {
      if (must_stop(thread)) thread.registry->safepoint(&thread);
    });
  }
}

// What a scan reads, if the handler's frame and all above it begins at sp. False: that is not known.
bool describe(const Interrupted& at, uintptr_t sp, Caught* out) {
  const Thread* thread = nullptr;
  for_each_running([&thread](Thread& one) { thread = &one; });
  if (is_known_stack(*thread, sp)) {
    *out = {sp, 0, 0, current_fake_stack()};
    return true;
  }
  const uintptr_t from = align_down(at.stack_pointer, sizeof(void*));
  if (!is_known_stack(*thread, from) || !within(sp, at.alternate_low, at.alternate_high))
    return false;
  *out = {from, sp, align_down(at.alternate_high, sizeof(void*)), current_fake_stack()};
  return true;
}

template <class Fn>
void for_each_caught(Fn fn) {
  for_each_uncooperative([&fn](Thread& thread) {
    if (thread.caught) fn(thread);
  });
}

// A stopper that saw kCaught may be scanning while the thread is kRunning for a moment, finds the stop, and is
// kCaught again: nothing of it runs but this, and `caught` stays.
void wait_caught() {
  for_each_running([](Thread& thread) { thread.caught = true; });
  do {
    for_each_caught([](Thread& thread) {
      thread.state.store(ThreadState::kCaught, std::memory_order_seq_cst);
      thread.registry->tell_stopper();
    });
    for_each_caught([](Thread& thread) { thread.registry->wait_while_catching(); });
    for_each_caught([](Thread& thread) {
      thread.state.store(ThreadState::kRunning, std::memory_order_seq_cst);
    });
  } while (is_wanted());
  for_each_caught([](Thread& thread) { thread.caught = false; });
}

void tell_place(const Interrupted& at) {
  const uint32_t asked = my_signals.places_asked.load(std::memory_order_acquire);
  if (asked == my_signals.places_told.load(std::memory_order_relaxed)) return;
  my_signals.program_counter.store(at.program_counter, std::memory_order_relaxed);
  my_signals.in_system_call.store(at.in_system_call, std::memory_order_relaxed);
  my_signals.places_told.store(asked, std::memory_order_release);
}

}  // namespace

void InsideAcre::enter() {
  // Once more, in the order that thread_signals.h speaks of.
  const uint32_t depth = my_signals.inside.load(std::memory_order_relaxed);
  my_signals.inside.store(depth, std::memory_order_seq_cst);
  come_to_stops();
}

void InsideAcre::leave() {
  for (;;) {
    come_to_stops();
    my_signals.inside.store(0, std::memory_order_seq_cst);
    if (!must_stop_anywhere()) return;
    if (!is_on_known_stack()) break;
    my_signals.inside.store(1, std::memory_order_seq_cst);
  }
  // Who waits for threads that are inside sees that it is not.
  for_each_uncooperative([](Thread& thread) { thread.registry->tell_stopper(); });
}

bool stop_interrupted_thread(const Interrupted& at) {
  const bool asked = my_signals.asked.take();
  tell_place(at);
  if (my_signals.inside.load(std::memory_order_relaxed) != 0 || !is_wanted()) return asked;
  acre_rt_call_spilled(
      [](void* arg, uintptr_t sp) {
        if (describe(*static_cast<const Interrupted*>(arg), sp, &my_signals.caught)) wait_caught();
      },
      const_cast<Interrupted*>(&at));
  return asked;
}

}  // namespace acre::rt
