// Stacks of a heap for Boost's coroutines: boost::context::fiber, boost::coroutines2, Boost.Fiber.
//
//   acre::FiberStack stacks(heap);
//   boost::fibers::fiber fiber(std::allocator_arg, stacks, [] { ... });
//
// What runs on such a stack may use the heap (conservative_stacks) as any attached thread may: the stack is
// scanned, all of it, for as long as it is allocated. Its lowest page is a guard.
//
// Boost.Fiber. Fibers that move between threads ask for the acre_thread after each suspension
// (acre_thread_current). Boost's own dispatcher runs on a stack of Boost's and sleeps there when no fiber is
// ready, which a collection would wait for: take the scheduler by way of Idling,
//
//   boost::fibers::use_scheduling_algorithm<acre::Idling<boost::fibers::algo::shared_work>>(thread, true);
//
// A scheduler frees the stacks of fibers that ended when it comes to it, at the latest when its thread ends: end the
// threads that run fibers before the heap (the program's first thread ends with the program).
#ifndef ACRE_FIBER_STACK_HPP_
#define ACRE_FIBER_STACK_HPP_

#include <acre/acre.hpp>

#include <boost/context/stack_context.hpp>
#include <boost/context/stack_traits.hpp>

#include <chrono>
#include <utility>

namespace acre {

// A model of Boost.Context's StackAllocator. Copies are equal. The heap outlives its stacks. Any thread.
class FiberStack {
 public:
  using traits_type = boost::context::stack_traits;

  // `bytes`: as for acre_fiber_new; 0: 64 KiB.
  explicit FiberStack(acre_heap* heap, size_t bytes = 0) : heap_(heap), bytes_(bytes) {}

  // Throws OutOfMemory (a std::bad_alloc), or Error for a heap without conservative_stacks.
  boost::context::stack_context allocate() {
    acre_stack stack{};
    const acre_status status = acre_stack_new(heap_, bytes_, &stack);
    if (status == ACRE_E_LIMIT) throw OutOfMemory(status);
    check(status);
    boost::context::stack_context context;
    context.sp = stack.high;
    context.size =
        static_cast<size_t>(static_cast<char*>(stack.high) - static_cast<char*>(stack.low));
    return context;
  }
  void deallocate(boost::context::stack_context& context) noexcept {
    const acre_stack stack{static_cast<char*>(context.sp) - context.size, context.sp};
    (void)acre_stack_free(heap_, &stack);
  }

 private:
  acre_heap* heap_;
  size_t bytes_;
};

// A scheduling algorithm of Boost.Fiber whose thread lets collections go on while it sleeps.
template <class Algorithm>
class Idling : public Algorithm {
 public:
  template <class... Args>
  explicit Idling(acre_thread* thread, Args&&... args)
      : Algorithm(std::forward<Args>(args)...), thread_(thread) {}

  void suspend_until(const std::chrono::steady_clock::time_point& time) noexcept override {
    acre_idle_begin(thread_);
    Algorithm::suspend_until(time);
    acre_blocking_end(thread_);
  }

 private:
  acre_thread* thread_;
};

}  // namespace acre

#endif  // ACRE_FIBER_STACK_HPP_
