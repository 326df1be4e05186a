// Fiber: a coroutine on a stack of the heap, and make_fiber.
#ifndef ACRE_FIBER_HPP_
#define ACRE_FIBER_HPP_

#include <acre/thread.hpp>

#include <exception>
#include <memory>
#include <type_traits>
#include <utility>

#if defined(__GLIBCXX__)
#include <cxxabi.h>  // the exception by which threads end
#endif

namespace acre {

class Fiber;

namespace detail {

template <class Fn>
void* run_fiber(acre_fiber* fiber, void* fn);

}  // namespace detail

// A coroutine on a stack of the heap: an object, to be referred to by Fiber* (in Members, Roots, Locals, on a
// scanned stack). Made by make_fiber; see acre_fiber in acre.h.
//
//   acre::Fiber* numbers = acre::make_fiber(thread, [](acre::Fiber& self) {
//     for (long i = 1; i <= 3; ++i) self.yield(reinterpret_cast<void*>(i));
//   });
//   while (void* n = numbers->resume(thread)) ...   // 1, 2, 3
//
// What is on the stack of a fiber that is collected is forgotten: its destructors do not run. Its word
// (acre_fiber_set_data) is this class's own, and it is to be resumed by this class only, not by acre_fiber_resume.
class Fiber {
 public:
  Fiber() = delete;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  // Runs it until it yields or is done; returns what it yields, or what its function returns. An exception
  // that leaves its function arrives here. Throws Error(ACRE_E_STATE) if it is done or runs already.
  void* resume(Thread& thread, void* value = nullptr) {
    auto* fields = reinterpret_cast<acre_thread_inline*>(thread.get());
    void* object = fields->object;
    fields->object = &thread;
    const acre_fiber_turn turn = acre_fiber_resume_turn(thread.get(), get(), value);
    fields->object = object;
    if (__builtin_expect((static_cast<uint32_t>(turn.status) | turn.done) != 0, 0)) end(turn);
    return turn.value;
  }
  // In the fiber: gives control back to who resumed it, and returns the value of the next resume.
  void* yield(void* value = nullptr) {
    const acre_fiber_turn turn = acre_fiber_yield_turn(get(), value);
    check(static_cast<acre_status>(turn.status));
    return turn.value;
  }
  // In the fiber: the thread that runs it, another one perhaps after each yield.
  Thread& thread() {
    auto* fields = reinterpret_cast<acre_thread_inline*>(acre_fiber_thread(get()));
    return *static_cast<Thread*>(fields->object);
  }

  bool done() const { return acre_fiber_done(get()) != 0; }
  void set_name(const char* name) { acre_fiber_set_name(get(), name); }

  acre_fiber* get() { return reinterpret_cast<acre_fiber*>(this); }
  const acre_fiber* get() const { return reinterpret_cast<const acre_fiber*>(this); }

 private:
  // Not the common case: it was refused, or is done.
  void end(const acre_fiber_turn& turn) {
    check(static_cast<acre_status>(turn.status));
    const std::unique_ptr<std::exception_ptr> error(
        static_cast<std::exception_ptr*>(acre_fiber_data(get())));
    if (error == nullptr) return;
    acre_fiber_set_data(get(), nullptr);
    std::rethrow_exception(*error);
  }
};

namespace detail {

template <class Fn>
__attribute__((no_sanitize("undefined")))  // the exception by which threads end has no object
void* run_fiber(acre_fiber* raw, void* given) {
  // To the fiber's own stack, before the one that made it goes on.
  Fn fn(std::move(*static_cast<Fn*>(given)));
  (void)acre_fiber_yield(raw, nullptr);
  auto& fiber = *reinterpret_cast<Fiber*>(raw);
  try {
    if constexpr (std::is_void_v<std::invoke_result_t<Fn&, Fiber&>>) {
      fn(fiber);
    } else {
      return fn(fiber);
    }
#if defined(__GLIBCXX__)
  } catch (abi::__forced_unwind&) {
    throw;  // the thread ends
#endif
  } catch (...) {
    acre_fiber_set_data(raw, new std::exception_ptr(std::current_exception()));
  }
  return nullptr;
}

}  // namespace detail

// A fiber that calls fn(acre::Fiber&), which returns nothing or a void*. fn is moved to the fiber's stack; what it
// captures is scanned there (not with conservative_stacks=0: then it must not capture references, but take
// them as values of resume). Throws what acre_fiber_new reports.
template <class Fn>
Fiber* make_fiber(Thread& thread, Fn fn, size_t stack_bytes = 0) {
  acre_fiber* fiber = nullptr;
  const acre_status status =
      acre_fiber_new(thread.get(), stack_bytes, &detail::run_fiber<Fn>, &fn, &fiber);
  if (status == ACRE_E_LIMIT) throw OutOfMemory(status);
  check(status);
  check(static_cast<acre_status>(acre_fiber_resume_turn(thread.get(), fiber, nullptr).status));
  return reinterpret_cast<Fiber*>(fiber);
}

}  // namespace acre

#endif  // ACRE_FIBER_HPP_
