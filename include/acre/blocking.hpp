// Blocking: what a thread does that may take long, and touches no object.
#ifndef ACRE_BLOCKING_HPP_
#define ACRE_BLOCKING_HPP_

#include <acre/thread.hpp>

namespace acre {

// A blocking region for a scope: collections do not wait for this thread meanwhile, and it leaves the heap alone.
//
// Example:
//   std::FILE* file = std::fopen("/dev/null", "r");
//   int first = 0;
//   {
//     const acre::Blocking blocking(thread);
//     first = std::fgetc(file);
//   }
//   std::fclose(file);
//   assert(first == EOF);
class Blocking {
 public:
  explicit Blocking(Thread& thread) : thread_(thread.get()) { acre_blocking_begin(thread_); }
  ~Blocking() { acre_blocking_end(thread_); }
  Blocking(const Blocking&) = delete;
  Blocking& operator=(const Blocking&) = delete;

 private:
  acre_thread* thread_;
};

}  // namespace acre

#endif  // ACRE_BLOCKING_HPP_
