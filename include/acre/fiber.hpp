// Fiber: a coroutine on a stack of the heap, and make_fiber.
#ifndef ACRE_FIBER_HPP_
#define ACRE_FIBER_HPP_

#include <acre/thread.hpp>

#include <cstddef>
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
// Example:
//   acre::Local<acre::Fiber> numbers(thread, acre::make_fiber(thread, [](acre::Fiber& self) {
//     for (long i = 1; i <= 3; ++i) self.yield(reinterpret_cast<void*>(i));
//   }));
//   long sum = 0;
//   while (void* number = numbers->resume(thread)) sum += reinterpret_cast<long>(number);
//   assert(sum == 1 + 2 + 3 && numbers->done());
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

template <class Fn>
acre_status new_fiber(Thread& thread, Fn& fn, size_t stack_bytes, Fiber** out) {
  acre_fiber* fiber = nullptr;
  const acre_status status = acre_fiber_new(thread.get(), stack_bytes, &run_fiber<Fn>, &fn, &fiber);
  if (status != ACRE_OK) return status;
  *out = reinterpret_cast<Fiber*>(fiber);
  return static_cast<acre_status>(acre_fiber_resume_turn(thread.get(), fiber, nullptr).status);
}

}  // namespace detail

// A fiber that calls fn(acre::Fiber&), which returns nothing or a void*. fn is moved to the fiber's stack; what it
// captures is scanned there (not with conservative_stacks=0: then it must not capture references, but take
// them as values of resume). Null, and the reason in *status, if there is no memory, or no mapping for a guard, or the
// move threw (ACRE_E_EXCEPTION).
template <class Fn>
Fiber* try_make_fiber(Thread& thread, Fn fn, size_t stack_bytes = 0,
                      acre_status* status = nullptr) {
  Fiber* fiber = nullptr;
  const acre_status made = detail::new_fiber(thread, fn, stack_bytes, &fiber);
  return detail::tell(status, made) ? fiber : nullptr;
}

// The same; throws OutOfMemory or Error.
//
// Example:
//   acre_status status;
//   assert(acre::try_make_fiber(thread, [](acre::Fiber&) {}, size_t{1} << 40, &status) == nullptr);
//   assert(status == ACRE_E_INVALID);  // larger than stacks may be
//   acre::Local<acre::Fiber> echo(thread, acre::make_fiber(thread, [](acre::Fiber& self) -> void* {
//     acre::Local<void> last(self.thread());
//     while (void* object = self.yield(last)) last = object;
//     return last;
//   }));
//   acre::Local<Node> node(thread, thread.make<Node>());
//   echo->resume(thread);
//   assert(echo->resume(thread, node) == node && echo->resume(thread) == node && echo->done());
template <class Fn>
Fiber* make_fiber(Thread& thread, Fn fn, size_t stack_bytes = 0) {
  Fiber* fiber = nullptr;
  const acre_status status = detail::new_fiber(thread, fn, stack_bytes, &fiber);
  check_memory(status);
  return fiber;
}

}  // namespace acre

#endif  // ACRE_FIBER_HPP_
