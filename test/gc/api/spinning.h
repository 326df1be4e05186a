// Owns loops that never poll, each of which holds an address in one place only: a register, a vector
// register, the stack, the red zone below it. For the tests of threads that are stopped by a signal.
//
// spin_with_only_<place>(end, disguised) takes the address with all bits flipped, so that no other copy of it
// is recognised, spins until *end is not 0, and returns it disguised again.

#ifndef ACRE_TEST_GC_API_SPINNING_H_
#define ACRE_TEST_GC_API_SPINNING_H_

#include <acre/acre.h>

#include <cstdint>

#if defined(__x86_64__)

#define ACRE_TEST_CAN_SPIN 1

// What calls before have left in registers that nobody keeps.
#define ACRE_TEST_CLEAR                                                              \
  " xorl %eax, %eax\n xorl %ecx, %ecx\n xorl %edx, %edx\n xorl %r8d, %r8d\n"         \
  " xorl %r9d, %r9d\n xorl %r10d, %r10d\n xorl %r11d, %r11d\n"                       \
  " pxor %xmm0, %xmm0\n pxor %xmm1, %xmm1\n pxor %xmm2, %xmm2\n pxor %xmm3, %xmm3\n" \
  " pxor %xmm4, %xmm4\n pxor %xmm5, %xmm5\n pxor %xmm6, %xmm6\n pxor %xmm7, %xmm7\n"

#define ACRE_TEST_SPINNER(place, enter, leave)                                                     \
  asm(".text\n.globl spin_with_only_" #place "\nspin_with_only_" #place                            \
      ":\n" ACRE_TEST_CLEAR enter "\n1: cmpl $0, (%rdi)\n je 1b\n" leave "\n notq %rax\n retq\n"); \
  extern "C" uintptr_t spin_with_only_##place(const volatile int*, uintptr_t);

#define ACRE_TEST_SPINNER_REGISTER(reg)                                                        \
  ACRE_TEST_SPINNER(reg,                                                                       \
                    " pushq %" #reg "\n movq %rsi, %" #reg "\n xorl %esi, %esi\n notq %" #reg, \
                    " movq %" #reg ", %rax\n popq %" #reg)

ACRE_TEST_SPINNER_REGISTER(rbx)
ACRE_TEST_SPINNER_REGISTER(rbp)
ACRE_TEST_SPINNER_REGISTER(rcx)
ACRE_TEST_SPINNER_REGISTER(rdx)
ACRE_TEST_SPINNER_REGISTER(r8)
ACRE_TEST_SPINNER_REGISTER(r9)
ACRE_TEST_SPINNER_REGISTER(r10)
ACRE_TEST_SPINNER_REGISTER(r11)
ACRE_TEST_SPINNER_REGISTER(r12)
ACRE_TEST_SPINNER_REGISTER(r13)
ACRE_TEST_SPINNER_REGISTER(r14)
ACRE_TEST_SPINNER_REGISTER(r15)
ACRE_TEST_SPINNER(rsi, " notq %rsi", " movq %rsi, %rax")
ACRE_TEST_SPINNER(rax, " movq %rsi, %rax\n xorl %esi, %esi\n notq %rax", "")
ACRE_TEST_SPINNER(xmm5, " notq %rsi\n movq %rsi, %xmm5\n xorl %esi, %esi",
                  " movq %xmm5, %rax\n pxor %xmm5, %xmm5")
// The second word of a vector register.
ACRE_TEST_SPINNER(xmm11_high,
                  " notq %rsi\n movq %rsi, %xmm11\n pslldq $8, %xmm11\n xorl %esi, %esi",
                  " psrldq $8, %xmm11\n movq %xmm11, %rax")
// In the third word, which SSE does not know: for processors that have AVX.
ACRE_TEST_SPINNER(ymm3_high,
                  " notq %rsi\n movq %rsi, %xmm4\n vinsertf128 $1, %xmm4, %ymm3, %ymm3\n"
                  " pxor %xmm4, %xmm4\n pxor %xmm3, %xmm3\n xorl %esi, %esi",
                  " vextractf128 $1, %ymm3, %xmm4\n movq %xmm4, %rax\n vzeroupper")
ACRE_TEST_SPINNER(stack, " notq %rsi\n pushq %rsi\n xorl %esi, %esi", " popq %rax")
ACRE_TEST_SPINNER(red_zone_top, " notq %rsi\n movq %rsi, -8(%rsp)\n xorl %esi, %esi",
                  " movq -8(%rsp), %rax")
ACRE_TEST_SPINNER(red_zone_end, " notq %rsi\n movq %rsi, -128(%rsp)\n xorl %esi, %esi",
                  " movq -128(%rsp), %rax")
// The control: it holds nothing that a scan knows.
ACRE_TEST_SPINNER(disguise, "", " movq %rsi, %rax\n notq %rax")

// block_with_only_r12(thread, disguised, work): enters a blocking region while r12 alone holds the address, which is
// then in it no more, calls work() and leaves the region. Returns it disguised.
asm(R"(
  .text
  .globl block_with_only_r12
block_with_only_r12:
  pushq %r12
  pushq %rdi
  pushq %rdx
  movq %rsi, %r12
  xorl %esi, %esi
  notq %r12
  callq acre_blocking_begin
  notq %r12
  callq *(%rsp)
  movq 8(%rsp), %rdi
  callq acre_blocking_end
  movq %r12, %rax
  popq %rdx
  popq %rdi
  popq %r12
  retq
)");
extern "C" uintptr_t block_with_only_r12(acre_thread*, uintptr_t, void (*)());

namespace acre::test {

using Spin = uintptr_t (*)(const volatile int*, uintptr_t);

struct SpinPlace {
  const char* name;
  Spin spin;
};

inline constexpr SpinPlace kSpinPlaces[] = {
    {"rax", &spin_with_only_rax},
    {"rbx", &spin_with_only_rbx},
    {"rcx", &spin_with_only_rcx},
    {"rdx", &spin_with_only_rdx},
    {"rsi", &spin_with_only_rsi},
    {"rbp", &spin_with_only_rbp},
    {"r8", &spin_with_only_r8},
    {"r9", &spin_with_only_r9},
    {"r10", &spin_with_only_r10},
    {"r11", &spin_with_only_r11},
    {"r12", &spin_with_only_r12},
    {"r13", &spin_with_only_r13},
    {"r14", &spin_with_only_r14},
    {"r15", &spin_with_only_r15},
    {"xmm5", &spin_with_only_xmm5},
    {"xmm11, second word", &spin_with_only_xmm11_high},
    {"the stack", &spin_with_only_stack},
    {"the red zone's first word", &spin_with_only_red_zone_top},
    {"the red zone's last word", &spin_with_only_red_zone_end},
    {"ymm3, third word", &spin_with_only_ymm3_high},  // the last
};

inline bool can_run(const SpinPlace& place) {
  return place.spin != &spin_with_only_ymm3_high || __builtin_cpu_supports("avx") != 0;
}

}  // namespace acre::test

#else
#define ACRE_TEST_CAN_SPIN 0
#endif

#endif  // ACRE_TEST_GC_API_SPINNING_H_
