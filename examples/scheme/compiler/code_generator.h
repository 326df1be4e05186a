// From Nodes to Code.
#ifndef ACRE_EXAMPLES_SCHEME_COMPILER_CODE_GENERATOR_H_
#define ACRE_EXAMPLES_SCHEME_COMPILER_CODE_GENERATOR_H_

#include <vector>

#include "examples/scheme/compiler/opcode.h"
#include "examples/scheme/compiler/syntax.h"

namespace scheme {

class CodeGenerator {
 public:
  explicit CodeGenerator(Store& store, Lambda* lambda) : store_(store), lambda_(lambda) {}

  // A Code, kept by Store::kept.
  Value generate();

 private:
  // Leaves the value of the node on the stack, or in a tail position returns it.
  void emit(Node* node, bool tail);
  void constant(Node* node);
  void local(Variable* variable, const Position& where);
  void assign(Node* node);
  void conditional(Node* node, bool tail);
  void disjunction(Node* node, bool tail);
  void call(Node* node, bool tail);
  bool inlined(Node* node);
  void closure(Lambda* lambda);
  void let(Node* node, bool tail);
  void letrec(Node* node, bool tail);
  void letrec_of_lambdas(Node* node);
  void letrec_in_general(Node* node);
  void leave(size_t variables, bool tail);

  size_t put(Op op, uint64_t operand = 0);
  void word(uint64_t word) { code_.push_back(static_cast<uint32_t>(word)); }
  void jump_here(size_t from);
  void place(const Position& where);
  uint64_t constant_number(Value value);
  void pushed(int count);
  void name(Variable* variable);
  uint64_t free_index(const Variable* variable) const;
  Value finish();

  Store& store_;
  Lambda* lambda_;
  std::vector<uint32_t> code_;
  std::vector<Value> constants_;
  std::vector<uint32_t> positions_;
  uint32_t file_ = 0;
  int depth_ = 0;  // words of the frame in use
  int deepest_ = 0;
};

// The inlined operation that stands for this primitive; kConstant: none.
Op inlined_operation(std::string_view primitive);

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_COMPILER_CODE_GENERATOR_H_
