#include "runtime/thread/spill.h"

// acre_blocking_begin is here and not in C++: it must see the registers as its caller left them,
// and a compiler's prologue may have moved them already. It stores them and the stack pointer in
// the thread, unless this is a nested region (the outer one's are right), and goes on in
// blocking_begin_spilled. Offsets: blocking_depth 24, stack_pointer 32, registers 40 (asserted in
// thread.h).

#if defined(__x86_64__)

asm(R"(
  .text
  .p2align 4
  .globl acre_rt_call_spilled
  .hidden acre_rt_call_spilled
  .type acre_rt_call_spilled, @function
acre_rt_call_spilled:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  pushq %rbx
  .cfi_offset %rbx, -24
  pushq %r12
  .cfi_offset %r12, -32
  pushq %r13
  .cfi_offset %r13, -40
  pushq %r14
  .cfi_offset %r14, -48
  pushq %r15
  .cfi_offset %r15, -56
  subq $8, %rsp
  movq %rdi, %rax
  movq %rsi, %rdi
  movq %rsp, %rsi
  callq *%rax
  addq $8, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  .cfi_def_cfa %rsp, 8
  retq
  .cfi_endproc
  .size acre_rt_call_spilled, .-acre_rt_call_spilled

  .p2align 4
  .globl acre_rt_call_on_stack
  .hidden acre_rt_call_on_stack
  .type acre_rt_call_on_stack, @function
acre_rt_call_on_stack:
  .cfi_startproc
  pushq %rbp
  .cfi_def_cfa_offset 16
  .cfi_offset %rbp, -16
  movq %rsp, %rbp
  .cfi_def_cfa_register %rbp
  movq %rdi, %rax
  movq %rsi, %rdi
  movq %rdx, %rsp
  callq *%rax
  movq %rbp, %rsp
  popq %rbp
  .cfi_def_cfa %rsp, 8
  retq
  .cfi_endproc
  .size acre_rt_call_on_stack, .-acre_rt_call_on_stack

  .p2align 4
  .globl acre_blocking_begin
  .type acre_blocking_begin, @function
acre_blocking_begin:
  .cfi_startproc
  cmpq $0, 24(%rdi)
  jne 1f
  movq %rsp, 32(%rdi)
  movq %rbx, 40(%rdi)
  movq %rbp, 48(%rdi)
  movq %r12, 56(%rdi)
  movq %r13, 64(%rdi)
  movq %r14, 72(%rdi)
  movq %r15, 80(%rdi)
1:
  jmp acre_rt_blocking_begin_spilled
  .cfi_endproc
  .size acre_blocking_begin, .-acre_blocking_begin
)");

#elif defined(__aarch64__)

asm(R"(
  .text
  .p2align 4
  .globl acre_rt_call_spilled
  .hidden acre_rt_call_spilled
  .type acre_rt_call_spilled, %function
acre_rt_call_spilled:
  .cfi_startproc
  stp x29, x30, [sp, #-96]!
  .cfi_def_cfa_offset 96
  .cfi_offset x29, -96
  .cfi_offset x30, -88
  mov x29, sp
  stp x19, x20, [sp, #16]
  stp x21, x22, [sp, #32]
  stp x23, x24, [sp, #48]
  stp x25, x26, [sp, #64]
  stp x27, x28, [sp, #80]
  mov x9, x0
  mov x0, x1
  mov x1, sp
  blr x9
  ldp x29, x30, [sp], #96
  ret
  .cfi_endproc
  .size acre_rt_call_spilled, .-acre_rt_call_spilled

  .p2align 4
  .globl acre_rt_call_on_stack
  .hidden acre_rt_call_on_stack
  .type acre_rt_call_on_stack, %function
acre_rt_call_on_stack:
  .cfi_startproc
  stp x29, x30, [sp, #-16]!
  .cfi_def_cfa_offset 16
  .cfi_offset x29, -16
  .cfi_offset x30, -8
  mov x29, sp
  .cfi_def_cfa_register x29
  mov x9, x0
  mov x0, x1
  mov sp, x2
  blr x9
  mov sp, x29
  ldp x29, x30, [sp], #16
  .cfi_def_cfa sp, 0
  ret
  .cfi_endproc
  .size acre_rt_call_on_stack, .-acre_rt_call_on_stack

  .p2align 4
  .globl acre_blocking_begin
  .type acre_blocking_begin, %function
acre_blocking_begin:
  .cfi_startproc
  ldr x9, [x0, #24]
  cbnz x9, 1f
  mov x9, sp
  str x9, [x0, #32]
  stp x19, x20, [x0, #40]
  stp x21, x22, [x0, #56]
  stp x23, x24, [x0, #72]
  stp x25, x26, [x0, #88]
  stp x27, x28, [x0, #104]
  stp x29, x30, [x0, #120]
1:
  b acre_rt_blocking_begin_spilled
  .cfi_endproc
  .size acre_blocking_begin, .-acre_blocking_begin
)");

#else
#error "write acre_rt_call_spilled and acre_blocking_begin for this processor"
#endif
