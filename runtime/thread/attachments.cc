#include "runtime/thread/attachments.h"

#include "runtime/thread/fake_stack.h"
#include "runtime/thread/registry.h"

namespace acre::rt {

constinit thread_local OsThread this_os_thread __attribute__((tls_model("initial-exec"))) = {};

namespace {

void count_uncooperative(uint32_t change) {
  const uint32_t count = my_signals.uncooperative.load(std::memory_order_relaxed) + change;
  my_signals.uncooperative.store(count, std::memory_order_relaxed);
  this_os_thread.signalled = count != 0;
}

template <class Fn>
void for_each_but_of(const ThreadRegistry* one, Fn fn) {
  Thread* thread = my_signals.attachments.load(std::memory_order_relaxed);
  for (; thread != nullptr; thread = thread->next_attachment) {
    if (thread->registry != one) fn(thread);
  }
}

}  // namespace

acre_fiber* fiber_at(const Thread& thread, uintptr_t sp) {
  OsThread* os_thread = thread.os_thread;
  const bool on_own = thread.stack_low.raw <= sp && sp < thread.stack_high.raw;
  if (os_thread->fiber != nullptr && on_own) os_thread->lose_fibers(os_thread);
  return os_thread->fiber;
}

// A watchdog's signal may come at any time and walk the list.
void add_attachment(Thread* thread) {
  ThreadSignals& mine = my_signals;
  thread->next_attachment = mine.attachments.load(std::memory_order_relaxed);
  mine.attachments.store(thread, std::memory_order_release);
  if (thread->uncooperative) count_uncooperative(1);
}

void remove_attachment(Thread* thread) {
  ThreadSignals& mine = my_signals;
  Thread* at = mine.attachments.load(std::memory_order_relaxed);
  if (at == thread) mine.attachments.store(thread->next_attachment, std::memory_order_relaxed);
  for (; at != nullptr; at = at->next_attachment) {
    if (at->next_attachment == thread) at->next_attachment = thread->next_attachment;
  }
  if (thread->uncooperative) count_uncooperative(-1U);
}

void here_from_now(Thread* thread, uintptr_t sp) {
  thread->stack_pointer = sp;
  thread->fake_stack = current_fake_stack();
  for (uintptr_t& word : thread->registers) word = 0;
}

void begin_blocking_but_in(const ThreadRegistry* one, uintptr_t sp) {
  for_each_but_of(one, [sp](Thread* thread) {
    if (thread->blocking_depth == 0) here_from_now(thread, sp);
    thread->registry->blocking_begin(thread);
  });
}

void end_blocking_but_in(const ThreadRegistry* one) {
  for_each_but_of(one, [](Thread* thread) { thread->registry->blocking_end(thread); });
}

// Deeper: the embedder's own region, of which acre_blocking_begin has said all.
void still_blocking_here(uintptr_t sp) {
  for_each_but_of(nullptr, [sp](Thread* thread) {
    if (thread->blocking_depth == 1) here_from_now(thread, sp);
  });
}

}  // namespace acre::rt
