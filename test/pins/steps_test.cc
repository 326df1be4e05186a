// Steps are counted right, and calls and locks among them are seen: on code whose every instruction is
// known, because it is written here.

#include "test/pins/steps.h"

#include <boost/test/unit_test.hpp>
#include <stdexcept>

namespace acre::test {
namespace {

boost::test_tools::assertion_result can_step(boost::unit_test::test_unit_id) {
  boost::test_tools::assertion_result result(kCanStep);
  result.message() << "steps are counted on x86-64 only";
  return result;
}

#if defined(__x86_64__)

extern "C" {
long steps_five(long value);
long steps_four_by_a_jump(long value);
long steps_calls_twice(long value);
long steps_locks_twice(long* word);
long steps_locks_nothing(long* word);
long steps_sums(long first, long second, long third, long fourth);
void steps_without_end();
}
asm(R"(
  .text
steps_five:  # 5: the jump is not taken
  leaq 1(%rdi), %rax
  testq %rax, %rax
  je steps_five
  nop
  ret
steps_four_by_a_jump:  # 4: the jump is taken
  xorl %eax, %eax
  je 1f
  nop
  nop
1:
  nop
  ret
steps_calls_twice:  # 16: its own 6 and 5 of each call
  pushq %rdi
  call steps_five
  leaq steps_five(%rip), %rax
  call *%rax
  popq %rdi
  ret
steps_locks_twice:  # 5
  movl $1, %eax
  lock xaddq %rax, (%rdi)
  xchgq %rax, (%rdi)
  nop
  ret
steps_locks_nothing:  # 5: an exchange of registers, the prefix's number, a prefix that is another
  xchgq %rax, %rcx
  movl $0xf0f0f0f0, %eax
  movw %ax, (%rdi)
  xchgq %r8, %r9
  ret
steps_sums:
  leaq (%rdi,%rsi,2), %rax
  leaq (%rax,%rdx,4), %rax
  leaq (%rax,%rcx,8), %rax
  ret
steps_without_end:
  movl $100000, %eax
1:
  decl %eax
  jne 1b
  ret
)");

#endif

const void* at(long (*function)(long)) { return reinterpret_cast<const void*>(function); }

BOOST_AUTO_TEST_SUITE(steps, *boost::unit_test::precondition(&can_step))

#if defined(__x86_64__)

BOOST_AUTO_TEST_CASE(each_instruction_is_one_step_and_no_other) {
  const Steps five = trace(&steps_five, 41L);
  BOOST_TEST(five.count() == 5u);
  BOOST_TEST(five.result() == 42u);
  BOOST_TEST(five.calls() == 0u);
  BOOST_TEST(five.locked() == 0u);
  BOOST_TEST(trace(&steps_four_by_a_jump, 0L).count() == 4u);
}

BOOST_AUTO_TEST_CASE(words_arrive_in_their_order) {
  BOOST_TEST(trace(&steps_sums, 1L, 10L, 100L, 1000L).result() == 1u + 20u + 400u + 8000u);
}

BOOST_AUTO_TEST_CASE(calls_are_seen_and_what_they_execute) {
  const Steps steps = trace(&steps_calls_twice, 1L);
  BOOST_TEST(steps.count() == 16u);
  BOOST_TEST(steps.calls() == 2u);
}

BOOST_AUTO_TEST_CASE(locks_are_seen) {
  long word = 5;
  const Steps steps = trace(&steps_locks_twice, &word);
  BOOST_TEST(steps.count() == 5u);
  BOOST_TEST(steps.locked() == 2u);
  BOOST_TEST(word == 5);
  BOOST_TEST(steps.result() == 6u);
  const Steps none = trace(&steps_locks_nothing, &word);
  BOOST_TEST(none.count() == 5u);
  BOOST_TEST(none.locked() == 0u);
}

BOOST_AUTO_TEST_CASE(between_two_functions_only_what_lies_there_counts) {
  // After steps_five has returned the first time: leaq, call.
  const Steps steps = trace(&steps_calls_twice, 1L).between(at(&steps_five), at(&steps_five));
  BOOST_TEST(steps.count() == 2u);
  BOOST_TEST(steps.calls() == 0u);  // the last one leads out
  BOOST_CHECK_THROW((void)trace(&steps_five, 1L).between(at(&steps_calls_twice), at(&steps_five)),
                    std::runtime_error);
  BOOST_CHECK_THROW(
      (void)trace(&steps_calls_twice, 1L).between(at(&steps_five), at(&steps_calls_twice)),
      std::runtime_error);
}

BOOST_AUTO_TEST_CASE(a_loop_is_not_a_fast_path) {
  BOOST_CHECK_THROW((void)trace(&steps_without_end), std::runtime_error);
  BOOST_TEST(trace(&steps_five, 1L).count() == 5u);  // and the next one is fine
}

#endif

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
