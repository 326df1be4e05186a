#include "runtime/fiber/switch.h"

#include <boost/context/detail/fcontext.hpp>

#include "runtime/fiber/fiber.h"
#include "runtime/thread/attachments.h"

namespace acre::rt {
namespace {

using boost::context::detail::jump_fcontext;
using boost::context::detail::make_fcontext;
using boost::context::detail::transfer_t;

}  // namespace
}  // namespace acre::rt

// Where a new stack begins: calls acre_rt_run_new_fiber.
extern "C" __attribute__((visibility("hidden"))) void acre_rt_begin(acre::rt::transfer_t);

#if defined(__x86_64__)

// The frame is Boost.Context's:
//
//   0 mxcsr   4 x87 control word   8 r12   16 r13   24 r14   32 r15   40 rbx   48 rbp   56 where to go on
//
// Loading the control words is slow, and hardly ever do they differ from those that are set: they are compared
// (without mxcsr's flags of what has happened, which no call preserves).
//
// make_fcontext's first frame leaves the stack pointer a word below what it was given: there lies the Start.
//
// It goes on by a jump, not by `ret`: a processor predicts where that goes by the calls that it saw, which were
// another stack's: wrong always. An indirect jump is predicted by where it went before.
asm(R"(
  .macro acre_leave_stack
  leaq -56(%rsp), %rsp
  stmxcsr (%rsp)
  fnstcw 4(%rsp)
  movl (%rsp), %r10d
  movzwl 4(%rsp), %r11d
  movq %r12, 8(%rsp)
  movq %r13, 16(%rsp)
  movq %r14, 24(%rsp)
  movq %r15, 32(%rsp)
  movq %rbx, 40(%rsp)
  movq %rbp, 48(%rsp)
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  xorl (%rsp), %r10d
  xorw 4(%rsp), %r11w
  andl $0xffc0, %r10d
  orl %r11d, %r10d
  jnz 1f
2:
  movq 8(%rsp), %r12
  movq 16(%rsp), %r13
  movq 24(%rsp), %r14
  movq 32(%rsp), %r15
  movq 40(%rsp), %rbx
  movq 48(%rsp), %rbp
  .endm

  .macro acre_load_control_words
1:
  ldmxcsr (%rsp)
  fldcw 4(%rsp)
  jmp 2b
  .endm

  .text
  .p2align 4
  .globl acre_rt_switch, acre_rt_switch_turn
  .hidden acre_rt_switch, acre_rt_switch_turn
  .type acre_rt_switch, @function
  .type acre_rt_switch_turn, @function
acre_rt_switch:
acre_rt_switch_turn:
  acre_leave_stack
  movq 56(%rsp), %rcx
  leaq 64(%rsp), %rsp
  movq %rdx, %rax
  xorl %edx, %edx
  jmpq *%rcx
  acre_load_control_words
  .size acre_rt_switch, .-acre_rt_switch

  .p2align 4
  .globl acre_rt_switch_then
  .hidden acre_rt_switch_then
  .type acre_rt_switch_then, @function
acre_rt_switch_then:
  acre_leave_stack
  leaq 56(%rsp), %rsp
  movq %rdx, %rdi
  movq %rcx, %rsi
  jmpq *%r8
  acre_load_control_words
  .size acre_rt_switch_then, .-acre_rt_switch_then

  .p2align 4
  .globl acre_rt_begin
  .hidden acre_rt_begin
  .type acre_rt_begin, @function
acre_rt_begin:
  leaq 8(%rsp), %rdi
  jmp acre_rt_run_new_fiber
  .size acre_rt_begin, .-acre_rt_begin
)");

#else

namespace acre::rt {
namespace {

// The floating-point control word, which Boost.Context does not switch here.
#if defined(__aarch64__)
uint64_t control_word() {
  uint64_t word = 0;
  asm volatile("mrs %0, fpcr" : "=r"(word));
  return word;
}
void set_control_word(uint64_t word) {
  if (word != control_word()) asm volatile("msr fpcr, %0" ::"r"(word));
}
#else
uint64_t control_word() { return 0; }
void set_control_word(uint64_t) {}
#endif

// What the one that is left hands over, in its frame.
struct Handed {
  void** save;
  void* value;
  acre_fiber* fiber;
  acre_fiber_turn (*then)(void*, acre_fiber*);
};

acre_fiber_turn arrive(transfer_t from) {
  const Handed handed = *static_cast<const Handed*>(from.data);
  *handed.save = from.fctx;
  if (handed.then != nullptr) return handed.then(handed.value, handed.fiber);
  return {handed.value, ACRE_OK, 0};
}

}  // namespace
}  // namespace acre::rt

extern "C" {

acre_fiber_turn acre_rt_switch_then(void** save, void* to, void* value, acre_fiber* fiber,
                                    acre_fiber_turn (*then)(void*, acre_fiber*)) {
  acre::rt::Handed handed{save, value, fiber, then};
  const uint64_t control = acre::rt::control_word();
  const acre::rt::transfer_t from = acre::rt::jump_fcontext(to, &handed);
  acre::rt::set_control_word(control);
  return acre::rt::arrive(from);
}

acre_fiber_turn acre_rt_switch_turn(void** save, void* to, void* value) {
  return acre_rt_switch_then(save, to, value, nullptr, nullptr);
}

void* acre_rt_switch(void** save, void* to, void* value) {
  return acre_rt_switch_turn(save, to, value).value;
}

void acre_rt_begin(acre::rt::transfer_t from) {
  acre::rt::arrive(from);
  const acre::rt::Fiber* fiber = acre::rt::current_os_thread().fiber;
  const acre::rt::Start* start = &start_of(*acre::rt::stack_of(*fiber));
  acre::rt::set_control_word(start->control_word);
  acre_rt_run_new_fiber(start);
}

}  // extern "C"

#endif

namespace acre::rt {

void* new_context(const Stack& stack) {
  Start* start = &start_of(stack);
#if !defined(__x86_64__)  // where it is in the frame
  start->control_word = control_word();
#endif
  return make_fcontext(start, (Addr(start) - stack.low).raw, &acre_rt_begin);
}

}  // namespace acre::rt
