#include "test/pins/steps.h"

#include <signal.h>
#include <ucontext.h>

#include <stdexcept>
#include <string_view>

namespace acre::test {

#if defined(__x86_64__)

extern "C" {
// Calls function(words[0..3]) with the trap flag set; the first trap is at the function's first
// instruction, the last one at acre_steps_end.
uintptr_t acre_steps_call(void* function, const uintptr_t* words);
extern char acre_steps_end[];
}
asm(R"(
  .text
  .globl acre_steps_call
  .hidden acre_steps_call
  .hidden acre_steps_end
  .globl acre_steps_end
  .type acre_steps_call, @function
acre_steps_call:
  subq $8, %rsp
  movq %rdi, %rax
  movq 24(%rsi), %rcx
  movq 16(%rsi), %rdx
  movq 0(%rsi), %rdi
  movq 8(%rsi), %rsi
  pushfq
  orq $0x100, (%rsp)
  popfq
  call *%rax
acre_steps_end:
  pushfq
  andq $~0x100, (%rsp)
  popfq
  addq $8, %rsp
  ret
  .size acre_steps_call, . - acre_steps_call
)");

namespace {

constexpr size_t kMaxSteps = 4096;  // far above any limit
constexpr greg_t kTrapFlag = 0x100;

// The handler's: it runs between two instructions of the thread that traces.
Step taken[kMaxSteps];
size_t taken_count;
bool too_many;
bool arrived;

void write_down(int, siginfo_t*, void* raw) {
  greg_t(&registers)[NGREG] = static_cast<ucontext_t*>(raw)->uc_mcontext.gregs;
  const auto at = static_cast<uintptr_t>(registers[REG_RIP]);
  arrived = at == reinterpret_cast<uintptr_t>(acre_steps_end);
  too_many = !arrived && taken_count == kMaxSteps;
  if (arrived || too_many) {
    registers[REG_EFL] &= ~kTrapFlag;
    return;
  }
  const auto stack = static_cast<uintptr_t>(registers[REG_RSP]);
  taken[taken_count++] = {at, stack, *reinterpret_cast<const uintptr_t*>(stack)};
}

bool is_locked(uintptr_t at) {
  // Sizes, repeats, segments; and LOCK.
  constexpr std::string_view kPrefixes = "\x66\x67\xf2\xf3\x26\x2e\x36\x3e\x64\x65\xf0";
  const auto* byte = reinterpret_cast<const unsigned char*>(at);
  for (; kPrefixes.find(static_cast<char>(*byte)) != std::string_view::npos; ++byte) {
    if (*byte == 0xf0) return true;
  }
  if ((*byte & 0xf0) == 0x40) ++byte;  // REX
  // XCHG locks by itself if one side is memory: mod is not 3.
  return (byte[0] == 0x86 || byte[0] == 0x87) && (byte[1] >> 6) != 3;
}

}  // namespace

Steps trace_words(void* function, const uintptr_t (&words)[4]) {
  taken_count = 0;
  too_many = arrived = false;
  struct sigaction handler = {};
  handler.sa_sigaction = &write_down;
  handler.sa_flags = SA_SIGINFO;
  struct sigaction old = {};
  if (sigaction(SIGTRAP, &handler, &old) != 0) throw std::runtime_error("sigaction(SIGTRAP) fails");
  const uintptr_t result = acre_steps_call(function, words);
  sigaction(SIGTRAP, &old, nullptr);
  if (too_many) throw std::runtime_error("more than 4096 instructions: not a fast path");
  if (!arrived || taken_count == 0) {
    throw std::runtime_error(
        "this machine does not trap with the trap flag set: instructions cannot be counted here");
  }
  return Steps({taken, taken + taken_count}, result);
}

#else

namespace {
bool is_locked(uintptr_t) { return false; }
}  // namespace

Steps trace_words(void*, const uintptr_t (&)[4]) {
  throw std::runtime_error("steps are counted on x86-64 only");
}

#endif

Steps Steps::between(const void* begin, const void* end) const {
  size_t i = 0;
  while (i < steps_.size() && steps_[i].at != reinterpret_cast<uintptr_t>(begin)) ++i;
  if (i == steps_.size()) throw std::runtime_error("the first marker was never entered");
  const uintptr_t back = steps_[i].stack + sizeof(uintptr_t);
  while (i < steps_.size() && steps_[i].stack != back) ++i;
  std::vector<Step> found;
  for (; i < steps_.size(); ++i) {
    if (steps_[i].at == reinterpret_cast<uintptr_t>(end)) return {std::move(found), result_};
    found.push_back(steps_[i]);
  }
  throw std::runtime_error("the second marker was never entered");
}

size_t Steps::calls() const {
  constexpr uintptr_t kLongestInstruction = 15;
  size_t calls = 0;
  for (size_t i = 1; i < steps_.size(); ++i) {
    const uintptr_t behind = steps_[i].top - steps_[i - 1].at;
    calls += steps_[i].stack == steps_[i - 1].stack - sizeof(uintptr_t) && behind > 0 &&
             behind <= kLongestInstruction && steps_[i].at != steps_[i].top;
  }
  return calls;
}

size_t Steps::locked() const {
  size_t locked = 0;
  for (const Step& step : steps_) locked += is_locked(step.at);
  return locked;
}

}  // namespace acre::test
