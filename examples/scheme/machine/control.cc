// Machine: coroutines, continuations, errors.
#include <cstring>

#include "examples/scheme/compiler/compiler.h"
#include "examples/scheme/machine/machine.h"

namespace scheme {

namespace {

constexpr uint64_t kFirstWords = 64;
// acre: fiber: What its stack must hold is the machine's loop and one primitive, and an exception on its way.
constexpr size_t kFiberStack = 32 << 10;

}  // namespace

Machine::Machine() : ports_(store_) {
  store_.scan_more = [this](acre::Visitor& visitor) { scan(visitor); };
  install_forms(store_);
}

// acre: root: what the machine refers to from outside the heap
void Machine::scan(acre::Visitor& visitor) {
  const auto visit = [&](Value value) {
    void* reference = reinterpret_cast<void*>(value.bits());
    if (value.is_reference()) visitor(reference);
  };
  for (const Value value : {winds, handlers, transfer_, request_.result}) visit(value);
  for (Coroutine* coroutine : {current_, next_}) {
    if (coroutine != nullptr) visitor(coroutine);
  }
  if (current_ == nullptr) return;
  Coroutine::visit_words(visitor, current_->words.get(),
                         static_cast<uint64_t>(sp_ - current_->words.get()));
}

// It will call the procedure, with the argument if that is a value.
Coroutine* Machine::new_coroutine(Value procedure, Value argument, Value returns_to) {
  const KeptScope scope(store_);
  store_.kept.insert(store_.kept.end(), {procedure, argument, returns_to});
  acre::Thread& thread = store_.thread();
  // acre: root: until the caller has put it somewhere
  const acre::Local<Coroutine> made(thread, thread.make<Coroutine>());
  made->header = Value::header(Type::kCoroutine, 0);
  made->returns_to = returns_to;
  made->words = thread.make_uninit_array<Value>(kFirstWords);
  made->capacity = kFirstWords;
  Value* words = made->words.get();
  words[0] = kNil;  // nobody to return to
  words[1] = Value::fixnum(0);
  words[2] = procedure;
  words[3] = argument;
  made->used = argument == Value() ? 3 : 4;
  made->frame = 3;
  // acre: fiber: with conservative_stacks=0 nothing that the fiber's function captures is seen: the machine only
  made->fiber = acre::make_fiber(
      thread, [this](acre::Fiber& self) { on_fiber(self); }, kFiberStack);
  return made;
}

void Machine::on_fiber(acre::Fiber& self) {
  restore(current_);
  fiber_ = &self;
  const auto count = static_cast<uint64_t>(sp_ - fp_);
  has_transfer_ = false;
  run([this, count] { call(count, true); });
}

void Machine::save() {
  current_->used = static_cast<uint64_t>(sp_ - current_->words.get());
  current_->frame = static_cast<uint64_t>(fp_ - current_->words.get());
  current_->next = pc_;
}

void Machine::restore(Coroutine* coroutine) {
  current_ = coroutine;
  sp_ = coroutine->words.get() + coroutine->used;
  fp_ = coroutine->words.get() + coroutine->frame;
  pc_ = coroutine->next;
  if (fp_[-1].is(Type::kClosure)) enter(fp_[-1]);
}

// Control goes back to the machine. It returns when this coroutine is to go on.
void Machine::give_way() {
  acre::Fiber* self = fiber_;
  Coroutine* coroutine = current_;
  save();
  self->yield();  // acre: fiber: its stack is not scanned: what it refers to is in the coroutine
  fiber_ = self;
  restore(coroutine);
  if (has_transfer_) take(transfer_);
  has_transfer_ = false;
}

Value Machine::execute(Value procedure) {
  outcome_ = Outcome::kRunning;
  most_words_ = kMostWords;
  store_.take_reserve();
  winds = handlers = kNil;
  next_ = new_coroutine(procedure, {}, kFalse);
  while (outcome_ == Outcome::kRunning && next_ != nullptr) {
    current_ = std::exchange(next_, nullptr);
    sp_ = current_->words.get() + current_->used;
    current_->fiber->resume(store_.thread());  // acre: fiber: until it gives way or is done
    if (request_.function != nullptr) serve_request();
  }
  current_ = next_ = nullptr;
  has_transfer_ = false;
  const Value value = std::exchange(transfer_, Value());
  if (outcome_ == Outcome::kFailed) throw Raised{value};
  if (outcome_ == Outcome::kExited) throw Exit{exit_code_};
  return value;
}

void Machine::on_main_stack(const Primitive& primitive, uint64_t count) {
  request_ = {primitive.function, sp_ - count, static_cast<int>(count), {}, false};
  next_ = current_;
  give_way();
  if (request_.raised) throw Raised{request_.result};
}

void Machine::serve_request() {
  const PrimitiveFn function = std::exchange(request_.function, nullptr);
  try {
    request_.result = function(*this, request_.arguments, request_.count);
  } catch (const Raised& raised) {
    request_.result = raised.payload;
    request_.raised = true;
  } catch (const acre::OutOfMemory&) {
    request_.result = store_.out_of_memory();
    request_.raised = true;
  }
}

// The coroutine waits where the call returns to; in a tail position that is where its frame returns to, and in
// its first frame it is whom it returns to itself.
void Machine::call_with_continuation(uint64_t count, bool tail) {
  const Value procedure = sp_[-1];
  if (tail && fp_[-3] == kNil) {
    sp_[-2] = procedure;
    sp_[-1] = current_->returns_to;
    if (Value(sp_[-1]) == kFalse) {
      // The program's own end: a continuation that nobody waits for, made once.
      sp_[-1] = store_.tuple_of(Type::kContinuation, {kFalse, kFalse, kNil, kNil});
      current_->returns_to = sp_[-1];
    }
    return call(1, true);
  }
  // All is made first, while what is needed is on the stack; then the frame changes.
  const Value continuation =
      store_.tuple_of(Type::kContinuation, {Value::of(current_), kFalse, winds, handlers});
  Coroutine* made = new_coroutine(procedure, continuation, continuation);
  if (tail) {
    leave_frame();
  } else {
    sp_ -= count + 3;
  }
  next_ = made;
  give_way();
}

// The last `count` words of the stack, as one value.
Value Machine::pack(uint64_t count) {
  if (count == 1) return sp_[-1];
  const Value values = store_.tuple_of(Type::kValues, count, kFalse);
  for (uint64_t i = 0; i < count; ++i) tuple(values)->at(i) = *(sp_ - count + i);
  return values;
}

void Machine::throw_to(Value continuation, uint64_t count, bool tail, bool rewound) {
  Tuple* target = tuple(continuation);
  if (Value(target->at(kUsed)) != kFalse) {
    fail(store_, "this continuation was used already: continuations go on once");
  }
  if (!rewound && Value(target->at(kWinds)) != winds) {
    // %rewind runs what dynamic-wind asks for, and throws then.
    const Keep values(store_, [&] {
      ListBuilder list(store_);
      for (uint64_t i = 0; i < count; ++i) list.add(*(sp_ - count + i));
      return list.list();
    }());
    make_room(4);
    sp_ -= count + 1;
    take(store_.symbol("%rewind").as<Symbol>()->value);
    take(continuation);
    take(values);
    return call(2, tail);
  }
  store_.take_reserve();
  transfer_ = pack(count);
  target->at(kUsed) = kTrue;
  handlers = target->at(kHandlers);
  const Value waiting = target->at(kWaiting);
  if (waiting == kFalse) {
    outcome_ = Outcome::kFinished;
  } else {
    next_ = waiting.as<Coroutine>();
    has_transfer_ = true;
  }
  give_way();
}

// The coroutine's procedure has returned.
void Machine::finish(Value value) {
  const Value target = current_->returns_to;
  transfer_ = value;
  if (target == kFalse || Value(tuple(target)->at(kWaiting)) == kFalse) {
    outcome_ = Outcome::kFinished;
    return;
  }
  if (Value(tuple(target)->at(kUsed)) != kFalse) {
    fail(store_, "this call/cc has returned already: continuations go on once");
  }
  tuple(target)->at(kUsed) = kTrue;
  handlers = tuple(target)->at(kHandlers);
  next_ = Value(tuple(target)->at(kWaiting)).as<Coroutine>();
  has_transfer_ = true;
  current_ = nullptr;  // ends step_through, and the fiber
}

// Calls Scheme's %raise from where the machine is; it does not return.
void Machine::raise(Value payload) {
  transfer_ = payload;  // a root
  last_place_ = place();
  note_place(payload);
  bool has_room = true;
  try {
    make_room(8);
  } catch (const Raised&) {
    has_room = false;
  } catch (const acre::OutOfMemory&) {
    has_room = false;
  }
  if (!has_room) return uncaught(transfer_);
  take(Value::fixnum(0));
  take(Value::fixnum(0));
  take(store_.symbol("%raise").as<Symbol>()->value);
  take(transfer_);
  call(1, false);
}

void Machine::note_place(Value payload) {
  if (!payload.is(Type::kCondition) || store_.is_out_of_memory(payload) || last_place_.line == 0)
    return;
  if (Value(tuple(payload)->at(kPosition)) != kFalse) return;
  try {
    tuple(payload)->at(kPosition) = store_.string(to_string(store_, last_place_));
  } catch (const acre::OutOfMemory&) {
    // Then the error has none.
  }
}

Position Machine::place_in(Value closure, uint64_t instruction) const {
  if (!closure.is(Type::kClosure)) return {};
  const auto* code = Value(tuple(closure)->at(0)).as<Code>();
  const uint32_t* places = code->instructions.get() + code->instruction_count;
  Position found;
  for (uint32_t i = 0; i < code->position_count && places[2 * i] <= instruction; ++i) {
    found = {code->file, places[2 * i + 1] >> 12, places[2 * i + 1] & 0xfff};
  }
  return found;
}

// The innermost place that is not in the prelude.
Position Machine::place() const {
  const Value* words = current_->words.get();
  const Value* frame = fp_;
  uint64_t pc = pc_;
  for (;;) {
    const Position found = place_in(frame[-1], pc == 0 ? 0 : pc - 1);
    if (found.line != 0 && store_.file_name(found.file) != "prelude") return found;
    if (frame[-3] == kNil) return {};
    pc = static_cast<uint64_t>(frame[-3].as_fixnum());
    frame = words + frame[-2].as_fixnum();
  }
}

void Machine::uncaught(Value payload) {
  transfer_ = payload;
  const Position here = place();
  if (here.line != 0) last_place_ = here;
  outcome_ = Outcome::kFailed;
  give_way();
}

std::string Machine::place_of(Value condition) const {
  if (condition.is(Type::kCondition)) {
    const Value place = tuple(condition)->at(kPosition);
    if (place.is(Type::kString)) return to_utf8(text_of(place)) + ": ";
  }
  return last_place_.line == 0 ? "" : to_string(store_, last_place_) + ": ";
}

Value Machine::load(TextInput& input, const std::function<void(Value)>& each) {
  Keep value(store_, kUnspecified);
  try {
    for (;;) {
      places_.clear();
      Keep form(store_);
      form = Reader(store_, input, &places_).read();
      if (form.get() == kEof) return value;
      form = compile(store_, form, places_);
      form = store_.tuple_of(Type::kClosure, {form});
      value = execute(form);
      if (each) each(value);
    }
  } catch (const acre::OutOfMemory&) {
    throw Raised{store_.out_of_memory()};
  }
}

}  // namespace scheme
