#include "gc/cycle/fork.h"

#include <pthread.h>

#include "runtime/base/lock.h"
#include "runtime/os/code_place.h"
#include "runtime/os/faults.h"
#include "runtime/os/signals.h"
#include "runtime/os/threads.h"
#include "runtime/thread/attachments.h"

namespace acre::gc {
namespace {

constinit rt::Lock list_lock(rt::LockRank::kHeaps);
acre_heap* heaps = nullptr;  // with list_lock

// Whose process the list is.
constinit rt::ProcessMark list_process;

// A fork that began before the handlers were there may have copied the lock while another thread held it, to
// make the first heap: nothing of the list is this process's then.
void lock_list() {
  list_process.renew([] {
    list_lock.reset_in_child();
    heaps = nullptr;
  });
  list_lock.lock();
}

template <class Fn>
void for_each_heap(Fn fn) {
  for (acre_heap* heap = heaps; heap != nullptr; heap = heap->next) fn(*heap);
}

// By rank.
void lock_for_fork(acre_heap& heap) {
  heap.threads.lock_list_for_fork();
  heap.cycle.background().lock_start_for_fork();
  heap.roots.lock_for_fork();
  heap.cycle.weak().lock_for_fork();
  heap.stacks.lock_for_fork();
  heap.core.lock_for_fork();
  heap.cycle.lock_for_fork();
}

void unlock_after_fork(acre_heap& heap) {
  heap.cycle.unlock_after_fork();
  heap.core.unlock_after_fork();
  heap.stacks.unlock_after_fork();
  heap.cycle.weak().unlock_after_fork();
  heap.roots.unlock_after_fork();
  heap.cycle.background().unlock_start_after_fork();
  heap.threads.unlock_list_after_fork();
}

void before_fork(void*, uintptr_t sp) {
  rt::begin_blocking_but_in(nullptr, sp);
  rt::Lock::suspend_ranks_for_fork();
  lock_list();
  for_each_heap([](acre_heap& heap) {
    heap.cycle.background().lock_work_for_fork();
    heap.threads.stop_for_fork();
  });
  for_each_heap(lock_for_fork);
}

// The frames of before_fork have gone: what a scan reads is here now, before any is possible.
void go_on(uintptr_t sp) {
  rt::still_blocking_here(sp);
  for_each_heap([](acre_heap& heap) {
    heap.threads.start_after_fork();
    heap.cycle.background().unlock_work_after_fork();
  });
  list_lock.unlock();
  rt::Lock::resume_ranks_after_fork();
  rt::end_blocking_but_in(nullptr);
}

void after_fork(void*, uintptr_t sp) {
  for_each_heap(unlock_after_fork);
  go_on(sp);
}

void after_fork_in_child(void*, uintptr_t sp) {
  list_process.renew([] {});
  rt::reset_signals_in_child();
  rt::reset_faults_in_child();
  rt::my_signals.number.store(rt::current_thread_number(), std::memory_order_relaxed);
  for_each_heap([](acre_heap& heap) {
    unlock_after_fork(heap);
    heap.cycle.forget_threads_in_child();
    heap.cycle.fibers().lose_others_in_child(heap.threads.current());
    heap.threads.forget_others_in_child();
  });
  go_on(sp);
}

// A fork from within a stop is none for us, on both sides.
template <void (*kStep)(void*, uintptr_t)>
void unless_inside_stop() {
  const rt::InsideAcre inside;
  if (!rt::ThreadRegistry::inside_any_stop()) acre_rt_call_spilled(kStep, nullptr);
}

pthread_once_t handlers_once = PTHREAD_ONCE_INIT;
bool handlers_registered = false;  // with handlers_once

void register_handlers() {
  handlers_registered =
      pthread_atfork(&unless_inside_stop<before_fork>, &unless_inside_stop<after_fork>,
                     &unless_inside_stop<after_fork_in_child>) == 0;
}

}  // namespace

bool handle_forks() {
  return pthread_once(&handlers_once, &register_handlers) == 0 && handlers_registered;
}

void list_heap(acre_heap* heap) {
  rt::while_blocking_everywhere([heap] {
    lock_list();
    heap->previous = nullptr;
    heap->next = heaps;
    if (heaps != nullptr) heaps->previous = heap;
    heaps = heap;
    list_lock.unlock();
  });
}

void unlist_heap(acre_heap* heap) {
  rt::while_blocking_everywhere([heap] {
    lock_list();
    if (heap->previous != nullptr) heap->previous->next = heap->next;
    if (heap->next != nullptr) heap->next->previous = heap->previous;
    if (heaps == heap) heaps = heap->next;
    list_lock.unlock();
  });
}

}  // namespace acre::gc
