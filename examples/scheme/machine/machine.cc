// Machine: the instructions.
#include "examples/scheme/machine/machine.h"

#include "examples/scheme/value/arithmetic.h"

namespace scheme {

void Machine::step_through() {
  while (outcome_ == Outcome::kRunning && current_ != nullptr) step(code_[pc_++]);
}

void Machine::step(uint32_t word) {
  const uint32_t n = word >> 8;
  const auto op = static_cast<Op>(word & 0xff);
  switch (op) {
    case Op::kConstant: return take(constant(n));
    case Op::kInteger: return take(Value::fixnum(n));
    case Op::kLocal: return take(fp_[n]);
    case Op::kLocalBox: return check_assigned(tuple(fp_[n])->at(0));
    case Op::kFree: return take(tuple(fp_[-1])->at(1 + n));
    case Op::kFreeBox: return check_assigned(tuple(tuple(fp_[-1])->at(1 + n))->at(0));
    case Op::kGlobal: return load_global(constant(n));
    case Op::kSetLocal: fp_[n] = pop(); return;
    case Op::kSetLocalBox: tuple(fp_[n])->at(0) = pop(); return;
    case Op::kSetFreeBox: tuple(tuple(fp_[-1])->at(1 + n))->at(0) = pop(); return;
    case Op::kSetGlobal: return set_global(constant(n));
    case Op::kDefine: constant(n).as<Symbol>()->value = pop(); return;
    case Op::kBox: fp_[n] = store_.tuple_of(Type::kBox, 1, fp_[n]); return;
    case Op::kPop: --sp_; return;
    case Op::kSlide:
      sp_[-1 - static_cast<int64_t>(n)] = sp_[-1];
      sp_ -= n;
      return;
    case Op::kFrame:
      sp_[0] = sp_[1] = Value::fixnum(0);
      sp_ += 2;
      return;
    case Op::kCall: return call(n, false);
    case Op::kTailCall: return call(n, true);
    case Op::kReturn: return return_value(pop());
    case Op::kJump: pc_ = n; return;
    case Op::kJumpIfFalse:
      if (pop() == kFalse) pc_ = n;
      return;
    case Op::kJumpIfTrueOrPop:
      if (truthy(sp_[-1])) {
        pc_ = n;
      } else {
        --sp_;
      }
      return;
    case Op::kClosure: return make_closure(constant(n));
    case Op::kPatch: return patch(fp_[n]);
    case Op::kCons: {
      Pair* pair = store_.thread().make<Pair>(
          sp_[-2], sp_[-1]);  // acre: root: both are on the stack, a root
      *(--sp_ - 1) = Value::of(pair);
      return;
    }
    case Op::kEq:
      --sp_;
      sp_[-1] = Value::boolean(sp_[-1] == sp_[0]);
      return;
    default: break;
  }
  if (op >= Op::kCar) return unary(op);
  return op <= Op::kMultiply ? arithmetic(op) : comparison(op);
}

void Machine::arithmetic(Op op) {
  const Value a = sp_[-2];
  const Value b = sp_[-1];
  int64_t result = 0;
  bool fits = a.is_fixnum() && b.is_fixnum();
  if (fits) {
    switch (op) {
      case Op::kAdd: result = a.as_fixnum() + b.as_fixnum(); break;
      case Op::kSubtract: result = a.as_fixnum() - b.as_fixnum(); break;
      default: fits = !__builtin_mul_overflow(a.as_fixnum(), b.as_fixnum(), &result); break;
    }
    fits = fits && result >= kFixnumMin && result <= kFixnumMax;
  }
  const Value value = fits                  ? Value::fixnum(result)
                      : op == Op::kAdd      ? add(store_, a, b)
                      : op == Op::kSubtract ? subtract(store_, a, b)
                                            : multiply(store_, a, b);
  *(--sp_ - 1) = value;
}

void Machine::comparison(Op op) {
  const Value a = sp_[-2];
  const Value b = sp_[-1];
  bool answer = false;
  if (a.is_fixnum() && b.is_fixnum()) {
    const int64_t x = a.as_fixnum();
    const int64_t y = b.as_fixnum();
    answer = op == Op::kEqual       ? x == y
             : op == Op::kLess      ? x < y
             : op == Op::kGreater   ? x > y
             : op == Op::kLessEqual ? x <= y
                                    : x >= y;
  } else {
    const double x = to_double(store_, a);
    const double y = to_double(store_, b);
    answer = op == Op::kEqual       ? x == y
             : op == Op::kLess      ? x < y
             : op == Op::kGreater   ? x > y
             : op == Op::kLessEqual ? x <= y
                                    : x >= y;
  }
  *(--sp_ - 1) = Value::boolean(answer);
}

void Machine::unary(Op op) {
  const Value value = sp_[-1];
  switch (op) {
    case Op::kCar:
    case Op::kCdr:
      if (!value.is_pair())
        fail(store_, op == Op::kCar ? "car: not a pair:" : "cdr: not a pair:", {value});
      sp_[-1] = op == Op::kCar ? car(value) : cdr(value);
      return;
    case Op::kIsNull: sp_[-1] = Value::boolean(value == kNil); return;
    case Op::kIsPair: sp_[-1] = Value::boolean(value.is_pair()); return;
    case Op::kNot: sp_[-1] = Value::boolean(value == kFalse); return;
    default: sp_[-1] = Value::boolean(to_double(store_, value) == 0); return;
  }
}

void Machine::check_assigned(Value value) {
  if (value == kUnassigned) fail(store_, "variable used before its definition");
  take(value);
}

void Machine::load_global(Value symbol) {
  const Value value = symbol.as<Symbol>()->value;
  if (value == Value()) fail(store_, "unbound variable:", {symbol});
  take(value);
}

void Machine::set_global(Value symbol) {
  if (Value(symbol.as<Symbol>()->value) == Value()) fail(store_, "unbound variable:", {symbol});
  symbol.as<Symbol>()->value = pop();
}

void Machine::make_closure(Value code) {
  const uint32_t count = code_[pc_];
  const Value closure = store_.tuple_of(Type::kClosure, 1 + count, kFalse);
  Tuple* object = tuple(closure);
  object->at(0) = code;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t from = code_[pc_ + 1 + i];
    object->at(1 + i) =
        (from & 1) != 0 ? fp_[from >> 1] : Value(tuple(fp_[-1])->at(1 + (from >> 1)));
  }
  pc_ += 1 + count;
  take(closure);
}

void Machine::patch(Value closure) {
  tuple(closure)->at(1 + code_[pc_]) = fp_[code_[pc_ + 1]];
  pc_ += 2;
}

}  // namespace scheme
