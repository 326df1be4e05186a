// Machine: calling and returning.
#include <algorithm>
#include <cstring>

#include "examples/scheme/machine/machine.h"

namespace scheme {

// Callee and arguments are the last words of the stack.
void Machine::call(uint64_t count, bool tail) {
  store_.thread()
      .safepoint();  // acre: safepoint: a loop that allocates nothing lets others collect
  const Value callee = *(sp_ - count - 1);
  if (callee.is(Type::kClosure)) return call_closure(count, tail);
  if (callee.is(Type::kPrimitive)) return call_primitive(count, tail);
  if (callee.is(Type::kContinuation)) return throw_to(callee, count, tail, false);
  if (callee.is(Type::kParameter)) return call_parameter(count, tail);
  fail(store_, "not a procedure:", {callee});
}

void Machine::call_closure(uint64_t count, bool tail) {
  const Value closure = *(sp_ - count - 1);
  const auto* code = Value(tuple(closure)->at(0)).as<Code>();
  if (count != code->parameters) {
    if (count < code->parameters || code->has_rest == 0) arity_error(closure, count);
  }
  make_room(code->depth);
  if (code->has_rest != 0) {
    take(kNil);
    for (uint64_t i = code->parameters; i < count; ++i) {
      Pair* pair =
          store_.thread().make<Pair>(sp_[-2], sp_[-1]);  // acre: root: both are on the stack
      --sp_;
      sp_[-1] = Value::of(pair);
    }
    count = code->parameters + uint64_t{1};
  }
  if (tail) {
    std::memmove(static_cast<void*>(fp_ - 1), sp_ - count - 1, (count + 1) * sizeof(Value));
    sp_ = fp_ + count;
  } else {
    Value* frame = sp_ - count;
    frame[-3] = Value::fixnum(static_cast<int64_t>(pc_));
    frame[-2] = Value::fixnum(fp_ - current_->words.get());
    fp_ = frame;
  }
  enter(closure);
  pc_ = 0;
}

void Machine::enter(Value closure) {
  const auto* code = Value(tuple(closure)->at(0)).as<Code>();
  code_ = code->instructions.get();
  constants_ = code->constants.get();
}

void Machine::call_primitive(uint64_t count, bool tail) {
  const auto& primitive = *Value(*(sp_ - count - 1)).as<Primitive>();
  if (static_cast<int64_t>(count) < primitive.least ||
      (primitive.most >= 0 && static_cast<int64_t>(count) > primitive.most)) {
    arity_error(*(sp_ - count - 1), count);
  }
  if (primitive.special > kOnMainStack) return call_special(primitive, count, tail);
  Value result;
  if (primitive.special == kOnMainStack) {
    on_main_stack(primitive, count);
    result = request_.result;
  } else {
    result = primitive.function(*this, sp_ - count, static_cast<int>(count));
  }
  sp_ -= count + 1;
  if (tail) return return_value(result);
  sp_ -= 2;
  take(result);
}

void Machine::call_special(const Primitive& primitive, uint64_t count, bool tail) {
  Value* arguments = sp_ - count;
  switch (primitive.special) {
    case kApply: {
      // The list becomes arguments, and all move down over `apply` itself.
      const Value last = sp_[-1];
      std::memmove(static_cast<void*>(arguments - 1), arguments, (count - 1) * sizeof(Value));
      sp_ -= 2;
      const auto before = sp_ - current_->words.get();
      spread(last);
      const auto now = sp_ - current_->words.get();
      return call(count - 2 + static_cast<uint64_t>(now - before), tail);
    }
    case kApplyValues: {
      const Value values = sp_[-1];
      arguments[-1] = arguments[0];
      sp_ = arguments;
      if (!values.is(Type::kValues)) {
        take(values);
        return call(1, tail);
      }
      take(values);  // it is needed until its items are on the stack
      const uint64_t length = tuple(values)->length();
      make_room(length + 4);
      --sp_;
      for (uint64_t i = 0; i < length; ++i) take(tuple(values)->at(i));
      return call(length, tail);
    }
    case kCallCc: return call_with_continuation(count, tail);
    case kThrow: {
      const Value continuation = arguments[0];  // stays on the stack
      const auto before = arguments + 1 - current_->words.get();
      spread(pop());
      const auto now = sp_ - current_->words.get();
      return throw_to(continuation, static_cast<uint64_t>(now - before), tail, true);
    }
    case kUncaught: return uncaught(arguments[0]);
    default: {
      const Value code = count == 0 ? kTrue : arguments[0];
      exit_code_ = code.is_fixnum() ? static_cast<int>(code.as_fixnum()) : code == kFalse ? 1 : 0;
      outcome_ = Outcome::kExited;
      return give_way();
    }
  }
}

// Pushes the items of a list.
void Machine::spread(Value list) {
  uint64_t length = 0;
  Value rest = list;
  for (; rest.is_pair() && length < kMostWords; rest = cdr(rest)) ++length;
  if (rest != kNil) fail(store_, "apply: not a list:", {list});
  take(list);  // a root, until its items are on the stack
  make_room(length + 4);
  --sp_;
  for (rest = list; rest.is_pair(); rest = cdr(rest)) take(car(rest));
}

void Machine::call_parameter(uint64_t count, bool tail) {
  if (count != 0) arity_error(sp_[-1 - static_cast<int64_t>(count)], count);
  const Value value = tuple(sp_[-1])->at(0);
  --sp_;
  if (tail) return return_value(value);
  sp_ -= 2;
  take(value);
}

// Takes the frame off; its caller's registers are set again.
void Machine::leave_frame() {
  Value* frame = fp_;
  pc_ = static_cast<uint64_t>(frame[-3].as_fixnum());
  fp_ = current_->words.get() + frame[-2].as_fixnum();
  sp_ = frame - 3;
  enter(fp_[-1]);
}

void Machine::return_value(Value value) {
  if (fp_[-3] == kNil) return finish(value);  // the coroutine's first frame
  leave_frame();
  take(value);
}

void Machine::make_room(uint64_t words) {
  Coroutine* coroutine = current_;
  const auto used = static_cast<uint64_t>(sp_ - coroutine->words.get());
  if (used + words <= coroutine->capacity) return;
  if (used + words > most_words_) {
    most_words_ = kMostWords + kReserveWords;
    fail(store_, "recursion too deep: the stack of values is full");
  }
  const uint64_t capacity = std::min(std::max(coroutine->capacity * 2, used + words), most_words_);
  auto* bigger = store_.thread().make_uninit_array<Value>(capacity);
  std::memcpy(static_cast<void*>(bigger), coroutine->words.get(), used * sizeof(Value));
  const auto frame = fp_ - coroutine->words.get();
  coroutine->words = bigger;
  coroutine->capacity = capacity;
  sp_ = coroutine->words.get() + used;
  fp_ = coroutine->words.get() + frame;
}

void Machine::arity_error(Value procedure, uint64_t count) {
  fail(store_,
       "wrong number of arguments:", {procedure, Value::fixnum(static_cast<int64_t>(count))});
}

}  // namespace scheme
