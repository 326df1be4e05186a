// Primitives on procedures, continuations, conditions, records, promises and parameters; what the prelude's control
// structures are made of.
#include <cstdlib>

#include "examples/scheme/compiler/compiler.h"
#include "examples/scheme/library/library.h"

namespace scheme {

namespace {

// The machine does it: see Machine::call_special.
Value never(Machine&, Value*, int) { std::abort(); }

Value part_of_condition(Machine& machine, Value value, ConditionPart part) {
  return tuple(check(machine, value, Type::kCondition, "error object"))
      ->at(static_cast<uint64_t>(part));
}

bool has_sort(Machine& machine, Value value, std::string_view sort) {
  return value.is(Type::kCondition) &&
         part_of_condition(machine, value, kSort) == machine.store().symbol(sort);
}

Value error(Machine& machine, Value* arguments, int count) {
  Store& store = machine.store();
  ListBuilder irritants(store);
  for (int i = 1; i < count; ++i) irritants.add(arguments[i]);
  if (arguments[0].is(Type::kString)) {
    throw Raised{store.tuple_of(Type::kCondition,
                                {store.symbol("error"), arguments[0], irritants.list(), kFalse})};
  }
  // Not a message: it is the first of the irritants.
  const Keep all(store, store.cons(arguments[0], irritants.list()));
  throw Raised{store.condition("error", "", all)};
}

Value compile_form(Machine& machine, Value* arguments, int) {
  Store& store = machine.store();
  const Keep code(store, compile(store, arguments[0], machine.places()));
  return store.tuple_of(Type::kClosure, {code});
}

Value all_values(Machine& machine, Value* arguments, int count) {
  if (count == 1) return arguments[0];
  const Value made = machine.store().tuple_of(Type::kValues, static_cast<uint64_t>(count), kFalse);
  for (int i = 0; i < count; ++i) tuple(made)->at(static_cast<uint64_t>(i)) = arguments[i];
  return made;
}

Value make_record_type(Machine& machine, Value* arguments, int) {
  return machine.store().tuple_of(Type::kRecordType, {arguments[0], arguments[1]});
}

Value make_record(Machine& machine, Value* arguments, int count) {
  const Value made = machine.store().tuple_of(Type::kRecord, static_cast<uint64_t>(count), kFalse);
  for (int i = 0; i < count; ++i) tuple(made)->at(static_cast<uint64_t>(i)) = arguments[i];
  return made;
}

bool is_record_of(Value type, Value value) {
  return value.is(Type::kRecord) && Value(tuple(value)->at(0)) == type;
}

Slot& field(Machine& machine, Value* arguments, Value who) {
  if (!is_record_of(arguments[0], arguments[1])) {
    fail(machine.store(), name_of(who) + ": wrong type of record:", {arguments[1]});
  }
  return tuple(arguments[1])->at(static_cast<uint64_t>(arguments[2].as_fixnum()));
}

// A promise is a box, so that promises can be chained, of: done or how to go on, and the value or a thunk.
Value make_promise_of(Machine& machine, Value state, Value content) {
  Store& store = machine.store();
  const Keep inner(store, store.tuple_of(Type::kVector, {state, content}));
  return store.tuple_of(Type::kPromise, {inner});
}

Slot& promise_part(Machine& machine, Value promise, uint64_t part) {
  return tuple(tuple(check(machine, promise, Type::kPromise, "promise"))->at(0))->at(part);
}

// The second promise goes on with what the first is.
Value chain_promises(Machine& machine, Value* arguments, int) {
  promise_part(machine, arguments[0], 0) = promise_part(machine, arguments[1], 0);
  promise_part(machine, arguments[0], 1) = promise_part(machine, arguments[1], 1);
  tuple(arguments[1])->at(0) = tuple(arguments[0])->at(0);
  return kUnspecified;
}

Value make_parameter(Machine& machine, Value* arguments, int count) {
  return machine.store().tuple_of(Type::kParameter,
                                  {arguments[0], count > 1 ? arguments[1] : kFalse});
}

Slot& parameter_part(Machine& machine, Value parameter, uint64_t part) {
  return tuple(check(machine, parameter, Type::kParameter, "parameterize"))->at(part);
}

// How many ports there are afterwards, open or not.
Value collect_garbage(Machine& machine, Value*, int) {
  machine.store().thread().collect();
  acre_run_finalizers(machine.store().thread());  // acre: cleanup: at once, for who asked for it
  return Value::fixnum(static_cast<int64_t>(machine.ports().count()));
}

Value command_line(Machine& machine, Value*, int) {
  ListBuilder list(machine.store());
  for (const std::string& argument : machine.command_line)
    list.add(machine.store().string(argument));
  return list.list();
}

Value environment_variable(Machine& machine, Value* arguments, int) {
  const std::string name =
      to_utf8(text_of(check(machine, arguments[0], Type::kString, "get-environment-variable")));
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? kFalse : machine.store().string(std::string_view(value));
}

constexpr PrimitiveRow kControl[] = {
    {"apply", 2, -1, never, kApply},
    {"%apply-values", 2, 2, never, kApplyValues},
    {"%call/cc", 1, 1, never, kCallCc},
    {"%throw", 2, 2, never, kThrow},
    {"%uncaught", 1, 1, never, kUncaught},
    {"%exit", 0, 1, never, kExit},
    {"values", 0, -1, all_values},
    {"procedure?", 1, 1,
     [](Machine&, Value* a, int) { return Value::boolean(is_procedure(a[0])); }},
    {"%winds", 0, 0, [](Machine& m, Value*, int) { return m.winds; }},
    {"%set-winds!", 1, 1, [](Machine& m, Value* a, int) { return m.winds = a[0], kUnspecified; }},
    {"%continuation-winds", 1, 1,
     [](Machine& m, Value* a, int) {
       return tuple(check(m, a[0], Type::kContinuation, "continuation"))->at(kWinds).get();
     }},
    {"%handlers", 0, 0, [](Machine& m, Value*, int) { return m.handlers; }},
    {"%set-handlers!", 1, 1,
     [](Machine& m, Value* a, int) { return m.handlers = a[0], kUnspecified; }},
    {"%compile", 1, 1, compile_form, kOnMainStack},
    {"command-line", 0, 0, command_line},
    {"get-environment-variable", 1, 1, environment_variable},
    {"collect-garbage", 0, 0, collect_garbage},
    {"void", 0, -1, [](Machine&, Value*, int) { return kUnspecified; }},
    {"boolean?", 1, 1,
     [](Machine&, Value* a, int) { return Value::boolean(a[0] == kTrue || a[0] == kFalse); }},
};

constexpr PrimitiveRow kObjects[] = {
    {"error", 1, -1, error},
    {"raise", 1, 1, [](Machine&, Value* a, int) -> Value { throw Raised{a[0]}; }},
    {"error-object?", 1, 1,
     [](Machine&, Value* a, int) { return Value::boolean(a[0].is(Type::kCondition)); }},
    {"error-object-message", 1, 1,
     [](Machine& m, Value* a, int) { return part_of_condition(m, a[0], kMessage); }},
    {"error-object-irritants", 1, 1,
     [](Machine& m, Value* a, int) { return part_of_condition(m, a[0], kIrritants); }},
    {"error-object-position", 1, 1,
     [](Machine& m, Value* a, int) { return part_of_condition(m, a[0], kPosition); }},
    {"file-error?", 1, 1,
     [](Machine& m, Value* a, int) { return Value::boolean(has_sort(m, a[0], "file")); }},
    {"read-error?", 1, 1,
     [](Machine& m, Value* a, int) { return Value::boolean(has_sort(m, a[0], "read")); }},
    {"out-of-memory?", 1, 1,
     [](Machine& m, Value* a, int) { return Value::boolean(m.store().is_out_of_memory(a[0])); }},
    {"%record-type", 2, 2, make_record_type},
    {"%record", 1, -1, make_record},
    {"%record?", 2, 2,
     [](Machine&, Value* a, int) { return Value::boolean(is_record_of(a[0], a[1])); }},
    {"%record-ref", 4, 4, [](Machine& m, Value* a, int) { return field(m, a, a[3]).get(); }},
    {"%record-set!", 5, 5,
     [](Machine& m, Value* a, int) { return field(m, a, a[4]) = a[3], kUnspecified; }},
    {"%delay", 2, 2, [](Machine& m, Value* a, int) { return make_promise_of(m, a[1], a[0]); }},
    {"make-promise", 1, 1,
     [](Machine& m, Value* a, int) {
       return a[0].is(Type::kPromise) ? a[0] : make_promise_of(m, Value::fixnum(0), a[0]);
     }},
    {"promise?", 1, 1,
     [](Machine&, Value* a, int) { return Value::boolean(a[0].is(Type::kPromise)); }},
    {"%promise-state", 1, 1,
     [](Machine& m, Value* a, int) { return promise_part(m, a[0], 0).get(); }},
    {"%promise-content", 1, 1,
     [](Machine& m, Value* a, int) { return promise_part(m, a[0], 1).get(); }},
    {"%promise-done!", 2, 2,
     [](Machine& m, Value* a, int) {
       promise_part(m, a[0], 0) = Value::fixnum(0);
       return promise_part(m, a[0], 1) = a[1], kUnspecified;
     }},
    {"%promise-chain!", 2, 2, chain_promises},
    {"%make-parameter", 1, 2, make_parameter},
    {"%parameter-set!", 2, 2,
     [](Machine& m, Value* a, int) { return parameter_part(m, a[0], 0) = a[1], kUnspecified; }},
    {"%parameter-converter", 1, 1,
     [](Machine& m, Value* a, int) { return parameter_part(m, a[0], 1).get(); }},
};

}  // namespace

void install_control(Machine& machine) {
  install(machine, kControl);
  install(machine, kObjects);
}

}  // namespace scheme
