// Owns the threads that help the collecting thread to mark: none until the first collection that
// wants some, then as many as were wanted at most, asleep between collections.
//
// They block all signals but those of faults, are attached to no heap, and hold no reference outside a
// collection. A child of fork has none of them: the crew is told, and begins anew. A system that gives no
// thread leaves the crew smaller, down to nobody.
//
// Threads: run is for one thread at a time, the collecting one; grow may be called meanwhile, by any
// that is about to collect. stop comes last.

#ifndef ACRE_GC_MARK_CREW_H_
#define ACRE_GC_MARK_CREW_H_

#include <pthread.h>

#include <atomic>

#include "gc/work/work_pool.h"
#include "runtime/base/lock.h"

namespace acre::gc {

class Crew {
 public:
  // Sees to it that there are `helpers` threads, if the system gives them. They call on_start(arg)
  // first. Not while the world is stopped: making a thread allocates, and a stopped thread may hold
  // malloc's lock.
  void grow(unsigned helpers, void (*on_start)(void*), void* arg);
  unsigned size() const { return size_.load(std::memory_order_relaxed); }

  // Calls job(i) for i = 0 on this thread and for 1 .. markers - 1 on others (markers <= size() + 1),
  // and returns when all have returned.
  template <class Job>
  void run(unsigned markers, Job job) {
    begin(
        markers, [](void* fn, unsigned i) { (*static_cast<Job*>(fn))(i); }, &job);
    job(0);
    wait_until_done();
  }

  // Ends the threads; grow() may begin anew.
  void stop();

  // In a child of fork, between jobs: nobody is here.
  void forget_threads_in_child();

 private:
  struct Start {
    Crew* crew;
    unsigned index;
    void (*on_start)(void*);
    void* arg;
  };

  static void* main(void* start);
  void work(unsigned index);
  void begin(unsigned markers, void (*job)(void*, unsigned), void* fn);
  void wait_until_done();

  rt::Lock grow_lock_{rt::LockRank::kLeaf};
  rt::Lock lock_{rt::LockRank::kLeaf};
  rt::Condition begin_;
  rt::Condition done_;
  uint64_t round_ = 0;
  unsigned markers_ = 0;
  unsigned running_ = 0;
  bool stopping_ = false;
  void (*job_)(void*, unsigned) = nullptr;
  void* fn_ = nullptr;
  std::atomic<unsigned> size_ = 0;
  pthread_t threads_[kMaxMarkers] = {};
  Start starts_[kMaxMarkers] = {};
};

}  // namespace acre::gc

#endif  // ACRE_GC_MARK_CREW_H_
