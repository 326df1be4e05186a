// Owns single steps: which instructions a call executes, one by one, as the processor does them.
//
//   const Steps steps = trace(&twice, 21L);  // calls twice(21)
//   steps.count();                           // from its first instruction to its return
//
// The processor traps after each instruction while the trap flag is set in its flags register. The
// handler of that signal (SIGTRAP) writes down where the program stands and nothing else. A process
// sets the flag itself: unlike ptrace or the performance counters that needs no permission, so it
// works in containers that refuse those. Where nothing traps all the same (an emulator), trace()
// throws: no test passes for want of steps.
//
// One thread traces at a time. What is traced must not block or take SIGTRAP.

#ifndef ACRE_TEST_PINS_STEPS_H_
#define ACRE_TEST_PINS_STEPS_H_

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

namespace acre::test {

#if defined(__x86_64__)
inline constexpr bool kCanStep = true;
#else
inline constexpr bool kCanStep = false;
#endif

// Where the program stood before an instruction.
struct Step {
  uintptr_t at;     // of the instruction
  uintptr_t stack;  // the stack pointer
  uintptr_t top;    // the word there: after a call, where it returns to
};

class Steps {
 public:
  Steps(std::vector<Step> steps, uintptr_t result) : steps_(std::move(steps)), result_(result) {}

  // What the function returned.
  uintptr_t result() const { return result_; }

  // The instructions executed, with the return.
  size_t count() const { return steps_.size(); }
  // Only those after the first return of `begin` and before `end` is entered. Throws if there are
  // none, or it never is.
  Steps between(const void* begin, const void* end) const;

  // Of them, calls: instructions that push the address behind them and go elsewhere.
  size_t calls() const;
  // Of them, locked: with the prefix, or an exchange with memory.
  size_t locked() const;

 private:
  std::vector<Step> steps_;
  uintptr_t result_;
};

// Calls `function` with up to four words. Throws std::runtime_error if it cannot be stepped through.
Steps trace_words(void* function, const uintptr_t (&words)[4]);

template <class R, class... Parameters, class... Args>
Steps trace(R (*function)(Parameters...), Args... args) {
  static_assert(sizeof...(Parameters) == sizeof...(Args) && sizeof...(Args) <= 4);
  static_assert(((std::is_pointer_v<Args> || std::is_integral_v<Args>)&&...));
  return trace_words(reinterpret_cast<void*>(function), {(uintptr_t)args...});
}

}  // namespace acre::test

#endif  // ACRE_TEST_PINS_STEPS_H_
