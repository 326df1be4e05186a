// The machine's instructions: 32 bits, the operation in the low 8, an operand n in the upper 24.
//
// The frame of a procedure on the value stack, from below (fp is the place of the first argument):
//
//   fp-3 where the caller goes on   fp-2 the caller's fp   fp-1 the closure   fp.. arguments, variables, temporaries
#ifndef ACRE_EXAMPLES_SCHEME_COMPILER_OPCODE_H_
#define ACRE_EXAMPLES_SCHEME_COMPILER_OPCODE_H_

#include <cstdint>

namespace scheme {

enum class Op : uint8_t {
  kConstant,  // push constant n
  kInteger,   // push the fixnum n, signed
  kLocal,     // push word n of the frame
  kLocalBox,  // push what is in the box there
  kFree,      // push free variable n of the closure
  kFreeBox,   // push what is in the box there
  kGlobal,    // push the value of the symbol that constant n is
  kSetLocal,  // pop into word n of the frame; so on
  kSetLocalBox,
  kSetFreeBox,
  kSetGlobal,
  kDefine,
  kBox,  // word n of the frame becomes a box that holds it
  kPop,
  kSlide,  // drop n words below the top
  kFrame,  // push room for where to return to
  kCall,   // with n arguments
  kTailCall,
  kReturn,
  kJump,             // to instruction n
  kJumpIfFalse,      // pops
  kJumpIfTrueOrPop,  // pops if it does not jump
  kClosure,  // of constant n, a Code; then a count, and for each free variable: index << 1 | is local
  kPatch,  // free variable of a closure: word n of the frame; then index, then word of the frame that is put there
  // What primitives are compiled to where nobody redefined them. From kAdd to kGreaterEqual: two numbers.
  kAdd,
  kSubtract,
  kMultiply,
  kEqual,
  kLess,
  kGreater,
  kLessEqual,
  kGreaterEqual,
  kCons,
  kEq,
  kCar,  // from here on one operand
  kCdr,
  kIsNull,
  kIsPair,
  kNot,
  kIsZero
};

constexpr int operands_of(Op op) { return op >= Op::kCar ? 1 : 2; }
constexpr uint32_t instruction(Op op, uint32_t operand = 0) {
  return operand << 8 | static_cast<uint32_t>(op);
}
inline constexpr uint32_t kLargestOperand = (1u << 24) - 1;

// What the machine does itself when such a primitive is called.
enum Special : int32_t {
  kOrdinary,
  kOnMainStack,  // an ordinary one that wants more stack than a fiber has
  kApply,
  kApplyValues,
  kCallCc,
  kThrow,
  kUncaught,
  kExit
};

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_COMPILER_OPCODE_H_
