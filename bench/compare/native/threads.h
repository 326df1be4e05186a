// Threads that allocate, and the barrier between them. A thread that waits lets a collector run.
#pragma once

#include <pthread.h>

#include <new>
#include <vector>

#include "bench/compare/native/memory.h"
#include "bench/compare/native/program.h"

namespace acre::compare {

// Runs body(number) for the numbers below `count`, each on its own thread, and waits for all. `memory` is the
// caller's.
template <Memory M, class Body>
void run_on_threads(typename M::Mutator& memory, unsigned count, const Body& body) {
  struct Part {
    const Body* body;
    unsigned number;
    pthread_t id;
  };
  std::vector<Part> parts(count);
  for (unsigned t = 0; t < count; ++t) {
    parts[t] = {&body, t, {}};
    const auto run = [](void* argument) -> void* {
      const Part& part = *static_cast<const Part*>(argument);
      try {
        (*part.body)(part.number);
      } catch (const std::bad_alloc&) {
        out_of_memory();
      }
      return nullptr;
    };
    const int error = M::start_thread(&parts[t].id, run, &parts[t]);
    if (error != 0) system_failure("pthread_create", error);
  }
  const typename M::Waiting waiting(memory);
  for (const Part& part : parts) {
    const int error = M::join_thread(part.id);
    if (error != 0) system_failure("pthread_join", error);
  }
}

// Where `count` threads wait for each other.
class Barrier {
 public:
  explicit Barrier(unsigned count) {
    const int error = pthread_barrier_init(&barrier_, nullptr, count);
    if (error != 0) system_failure("pthread_barrier_init", error);
  }
  ~Barrier() { pthread_barrier_destroy(&barrier_); }
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  template <Memory M>
  void wait(typename M::Mutator& memory) {
    const typename M::Waiting waiting(memory);
    pthread_barrier_wait(&barrier_);
  }

 private:
  pthread_barrier_t barrier_;
};

}  // namespace acre::compare
