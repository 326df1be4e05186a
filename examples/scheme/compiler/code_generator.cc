#include "examples/scheme/compiler/code_generator.h"

#include <algorithm>
#include <utility>

namespace scheme {

Op inlined_operation(std::string_view primitive) {
  static constexpr std::pair<std::string_view, Op> kInlined[] = {
      {"+", Op::kAdd},        {"-", Op::kSubtract},      {"*", Op::kMultiply},
      {"=", Op::kEqual},      {"<", Op::kLess},          {">", Op::kGreater},
      {"<=", Op::kLessEqual}, {">=", Op::kGreaterEqual}, {"cons", Op::kCons},
      {"eq?", Op::kEq},       {"car", Op::kCar},         {"cdr", Op::kCdr},
      {"null?", Op::kIsNull}, {"pair?", Op::kIsPair},    {"not", Op::kNot},
      {"zero?", Op::kIsZero}};
  for (const auto& [name, op] : kInlined) {
    if (name == primitive) return op;
  }
  return Op::kConstant;
}

Value CodeGenerator::generate() {
  for (Variable* parameter : lambda_->parameters) name(parameter);
  for (Variable* parameter : lambda_->parameters) {
    parameter->boxed = parameter->assigned && parameter->captured;
    if (parameter->boxed) put(Op::kBox, parameter->place);
  }
  emit(lambda_->body, true);
  return finish();
}

void CodeGenerator::emit(Node* node, bool tail) {
  switch (node->kind) {
    case NodeKind::kConstant: constant(node); break;
    case NodeKind::kLocal: local(node->variable, node->where); break;
    case NodeKind::kGlobal:
      place(node->where);
      put(Op::kGlobal, constant_number(node->value));
      pushed(1);
      break;
    case NodeKind::kSetLocal:
    case NodeKind::kSetGlobal:
    case NodeKind::kDefine: assign(node); break;
    case NodeKind::kIf: return conditional(node, tail);
    case NodeKind::kLambda: closure(node->lambda); break;
    case NodeKind::kSequence:
      for (size_t i = 0; i + 1 < node->parts.size(); ++i) {
        emit(node->parts[i], false);
        put(Op::kPop);
        pushed(-1);
      }
      return emit(node->parts.back(), tail);
    case NodeKind::kCall: return call(node, tail);
    case NodeKind::kOr: return disjunction(node, tail);
    case NodeKind::kLet: return let(node, tail);
    case NodeKind::kLetrec: return letrec(node, tail);
  }
  if (tail) put(Op::kReturn);
}

void CodeGenerator::constant(Node* node) {
  const Value value = node->value;
  if (value.is_fixnum() && value.as_fixnum() >= 0 && value.as_fixnum() < (1 << 23)) {
    put(Op::kInteger, static_cast<uint64_t>(value.as_fixnum()));
  } else {
    put(Op::kConstant, constant_number(value));
  }
  pushed(1);
}

void CodeGenerator::local(Variable* variable, const Position& where) {
  if (variable->owner == lambda_) {
    if (variable->boxed) place(where);
    put(variable->boxed ? Op::kLocalBox : Op::kLocal, variable->place);
  } else {
    if (variable->boxed) place(where);
    put(variable->boxed ? Op::kFreeBox : Op::kFree, free_index(variable));
  }
  pushed(1);
}

uint64_t CodeGenerator::free_index(const Variable* variable) const {
  const auto& free = lambda_->free;
  return static_cast<uint64_t>(std::find(free.begin(), free.end(), variable) - free.begin());
}

void CodeGenerator::assign(Node* node) {
  emit(node->parts[0], false);
  place(node->where);
  if (node->kind == NodeKind::kDefine) {
    put(Op::kDefine, constant_number(node->value));
  } else if (node->kind == NodeKind::kSetGlobal) {
    put(Op::kSetGlobal, constant_number(node->value));
  } else if (node->variable->owner != lambda_) {
    put(Op::kSetFreeBox, free_index(node->variable));
  } else {
    put(node->variable->boxed ? Op::kSetLocalBox : Op::kSetLocal, node->variable->place);
  }
  put(Op::kConstant, constant_number(kUnspecified));
}

void CodeGenerator::conditional(Node* node, bool tail) {
  emit(node->parts[0], false);
  const size_t to_else = put(Op::kJumpIfFalse);
  pushed(-1);
  emit(node->parts[1], tail);
  size_t to_end = 0;
  if (!tail) {
    to_end = put(Op::kJump);
    pushed(-1);
  } else {
    pushed(-1);
  }
  jump_here(to_else);
  emit(node->parts[2], tail);
  if (!tail) jump_here(to_end);
}

void CodeGenerator::disjunction(Node* node, bool tail) {
  std::vector<size_t> to_end;
  for (size_t i = 0; i + 1 < node->parts.size(); ++i) {
    emit(node->parts[i], false);
    to_end.push_back(put(Op::kJumpIfTrueOrPop));
    pushed(-1);
  }
  emit(node->parts.back(), tail);
  for (const size_t from : to_end) jump_here(from);
  if (tail) put(Op::kReturn);
}

void CodeGenerator::call(Node* node, bool tail) {
  const auto count = node->parts.size() - 1;
  if (inlined(node)) {
    if (tail) put(Op::kReturn);
    return;
  }
  if (!tail) {
    put(Op::kFrame);
    pushed(2);
  }
  for (Node* part : node->parts) emit(part, false);
  place(node->where);
  put(tail ? Op::kTailCall : Op::kCall, count);
  pushed(-static_cast<int>(count) - (tail ? 0 : 2));
}

bool CodeGenerator::inlined(Node* node) {
  if (node->parts[0]->kind != NodeKind::kGlobal) return false;
  const Value value = node->parts[0]->value.as<Symbol>()->value;
  if (!value.is(Type::kPrimitive)) return false;
  const Op op = inlined_operation(value.as<Primitive>()->name);
  if (op == Op::kConstant || operands_of(op) != static_cast<int>(node->parts.size()) - 1)
    return false;
  for (size_t i = 1; i < node->parts.size(); ++i) emit(node->parts[i], false);
  place(node->where);
  put(op);
  pushed(1 - operands_of(op));
  return true;
}

void CodeGenerator::closure(Lambda* lambda) {
  const Value code = CodeGenerator(store_, lambda).generate();
  put(Op::kClosure, constant_number(code));
  word(lambda->free.size());
  for (const Variable* variable : lambda->free) {
    const bool is_local = variable->owner == lambda_;
    word((is_local ? variable->place : free_index(variable)) << 1 | (is_local ? 1 : 0));
  }
  pushed(1);
}

void CodeGenerator::leave(size_t variables, bool tail) {
  if (!tail && variables > 0) put(Op::kSlide, variables);
  pushed(-static_cast<int>(variables));
}

void CodeGenerator::let(Node* node, bool tail) {
  for (size_t i = 0; i < node->variables.size(); ++i) emit(node->parts[i], false);
  const int first = depth_ - static_cast<int>(node->variables.size());
  for (size_t i = 0; i < node->variables.size(); ++i) {
    Variable* variable = node->variables[i];
    variable->place = static_cast<uint32_t>(first) + static_cast<uint32_t>(i);
    variable->boxed = variable->assigned && variable->captured;
    if (variable->boxed) put(Op::kBox, variable->place);
  }
  emit(node->parts.back(), tail);
  leave(node->variables.size(), tail);
}

void CodeGenerator::letrec(Node* node, bool tail) {
  bool only_lambdas = true;
  for (size_t i = 0; i < node->variables.size(); ++i) {
    only_lambdas &= node->parts[i]->kind == NodeKind::kLambda && !node->variables[i]->assigned;
  }
  if (only_lambdas) {
    letrec_of_lambdas(node);
  } else {
    letrec_in_general(node);
  }
  emit(node->parts.back(), tail);
  leave(node->variables.size(), tail);
}

// Closures are made first and then told of each other: no boxes.
void CodeGenerator::letrec_of_lambdas(Node* node) {
  for (size_t i = 0; i < node->variables.size(); ++i) {
    node->variables[i]->boxed = false;
    node->variables[i]->place = static_cast<uint32_t>(depth_) + static_cast<uint32_t>(i);
  }
  for (size_t i = 0; i < node->variables.size(); ++i) {
    put(Op::kConstant, constant_number(kUnassigned));
    pushed(1);
  }
  for (size_t i = 0; i < node->variables.size(); ++i) {
    closure(node->parts[i]->lambda);
    put(Op::kSetLocal, node->variables[i]->place);
    pushed(-1);
  }
  for (size_t i = 0; i < node->variables.size(); ++i) {
    const auto& free = node->parts[i]->lambda->free;
    for (size_t k = 0; k < free.size(); ++k) {
      if (std::find(node->variables.begin(), node->variables.end(), free[k]) ==
          node->variables.end())
        continue;
      put(Op::kPatch, node->variables[i]->place);
      word(k);
      word(free[k]->place);
    }
  }
}

void CodeGenerator::letrec_in_general(Node* node) {
  for (Variable* variable : node->variables) {
    put(Op::kConstant, constant_number(kUnassigned));
    pushed(1);
    variable->place = static_cast<uint32_t>(depth_) - 1;
    variable->boxed = variable->captured;
    if (variable->boxed) put(Op::kBox, variable->place);
  }
  for (size_t i = 0; i < node->variables.size(); ++i) {
    emit(node->parts[i], false);
    put(node->variables[i]->boxed ? Op::kSetLocalBox : Op::kSetLocal, node->variables[i]->place);
    pushed(-1);
  }
}

size_t CodeGenerator::put(Op op, uint64_t operand) {
  if (operand > kLargestOperand) fail(store_, "a procedure that is too large");
  code_.push_back(instruction(op, static_cast<uint32_t>(operand)));
  return code_.size() - 1;
}

void CodeGenerator::jump_here(size_t from) {
  code_[from] =
      instruction(static_cast<Op>(code_[from] & 0xff), static_cast<uint32_t>(code_.size()));
}

void CodeGenerator::place(const Position& where) {
  if (where.line == 0) return;
  file_ = where.file;
  positions_.push_back(static_cast<uint32_t>(code_.size()));
  positions_.push_back(where.line << 12 | std::min(where.column, 4095u));
}

uint64_t CodeGenerator::constant_number(Value value) {
  const auto found = std::find(constants_.begin(), constants_.end(), value);
  if (found != constants_.end()) return static_cast<uint64_t>(found - constants_.begin());
  constants_.push_back(value);  // it is in Store::kept, or a symbol
  return constants_.size() - 1;
}

void CodeGenerator::pushed(int count) {
  depth_ += count;
  deepest_ = std::max(deepest_, depth_);
}

void CodeGenerator::name(Variable* variable) {
  variable->place = static_cast<uint32_t>(depth_);
  pushed(1);
}

Value CodeGenerator::finish() {
  const Keep keep(store_, [&] {
    auto* made = store_.thread().make<Code>();
    made->header = Value::header(Type::kCode, 0);
    return Value::of(made);
  }());
  auto* made = keep.get().as<Code>();
  made->name = lambda_->name;
  made->has_rest = lambda_->has_rest ? 1 : 0;
  made->parameters = static_cast<uint32_t>(lambda_->parameters.size()) - made->has_rest;
  made->depth = static_cast<uint32_t>(deepest_) + 4;
  made->file = file_;
  auto* instructions =
      store_.thread().make_uninit_array<uint32_t>(code_.size() + positions_.size());
  std::copy(code_.begin(), code_.end(), instructions);
  std::copy(positions_.begin(), positions_.end(), instructions + code_.size());
  made->instructions = instructions;
  made->instruction_count = static_cast<uint32_t>(code_.size());
  made->position_count = static_cast<uint32_t>(positions_.size() / 2);
  if (!constants_.empty()) {
    auto* constants = store_.thread().make_array<Slot>(constants_.size());
    for (size_t i = 0; i < constants_.size(); ++i) constants[i] = constants_[i];
    made->constants = constants;
  }
  store_.kept.push_back(keep);
  return keep;
}

}  // namespace scheme
