// Primitives on pairs and lists, and the equalities.
#include "examples/scheme/library/library.h"

namespace scheme {

namespace {

Value part(Machine& machine, Value value, const char* path) {
  // The path is read from its end: cadr is the car of the cdr.
  for (const char* step = path + 3; step > path; --step) {
    if (*step != 'a' && *step != 'd') continue;
    check_pair(machine, value, "car or cdr");
    value = *step == 'a' ? car(value) : cdr(value);
  }
  return value;
}

// -1: it is none, or circular.
int64_t length_of(Value list) {
  int64_t length = 0;
  Value slow = list;
  for (; list.is_pair(); list = cdr(list), ++length) {
    if (length > 0 && slow == list) return -1;
    if (length % 2 == 1) slow = cdr(slow);  // half as fast: a circle makes them meet
  }
  return list == kNil ? length : -1;
}

Value check_list(Machine& machine, Value list, const char* who) {
  if (length_of(list) < 0) fail(machine.store(), std::string(who) + ": not a list:", {list});
  return list;
}

Value make_list_of(Machine& machine, Value* arguments, int count) {
  Keep list(machine.store(), kNil);
  for (int i = count; i-- > 0;) list = machine.store().cons(arguments[i], list);
  return list;
}

Value cons_all(Machine& machine, Value* arguments, int count) {
  Keep list(machine.store(), arguments[count - 1]);
  for (int i = count - 1; i-- > 0;) list = machine.store().cons(arguments[i], list);
  return list;
}

Value make_list(Machine& machine, Value* arguments, int count) {
  Keep list(machine.store(), kNil);
  const uint64_t length = index_of(machine, arguments[0], kFixnumMax, "make-list");
  for (uint64_t i = 0; i < length; ++i)
    list = machine.store().cons(count > 1 ? arguments[1] : kFalse, list);
  return list;
}

Value append(Machine& machine, Value* arguments, int count) {
  if (count == 0) return kNil;
  ListBuilder list(machine.store());
  for (int i = 0; i + 1 < count; ++i) {
    for (Value rest = check_list(machine, arguments[i], "append"); rest.is_pair();
         rest = cdr(rest)) {
      list.add(car(rest));
    }
  }
  list.set_tail(arguments[count - 1]);
  return list.list();
}

Value reverse(Machine& machine, Value* arguments, int) {
  Keep list(machine.store(), kNil);
  for (Value rest = check_list(machine, arguments[0], "reverse"); rest.is_pair();
       rest = cdr(rest)) {
    list = machine.store().cons(car(rest), list);
  }
  return list;
}

Value tail_of(Machine& machine, Value* arguments, const char* who) {
  Value rest = arguments[0];
  for (uint64_t i = index_of(machine, arguments[1], kFixnumMax, who); i > 0; --i) {
    rest = cdr(check_pair(machine, rest, who));
  }
  return rest;
}

using Same = bool (*)(Machine&, Value, Value);
bool same_eq(Machine&, Value a, Value b) { return a == b; }
bool same_eqv(Machine&, Value a, Value b) { return eqv(a, b); }
bool same_equal(Machine& machine, Value a, Value b) { return equal(machine.store(), a, b); }

template <Same kSame>
Value member(Machine& machine, Value* arguments, int) {
  for (Value rest = arguments[1]; rest.is_pair(); rest = cdr(rest)) {
    if (kSame(machine, arguments[0], car(rest))) return rest;
  }
  return kFalse;
}

template <Same kSame>
Value association(Machine& machine, Value* arguments, int) {
  for (Value rest = arguments[1]; rest.is_pair(); rest = cdr(rest)) {
    const Value entry = check_pair(machine, car(rest), "assoc");
    if (kSame(machine, arguments[0], car(entry))) return entry;
  }
  return kFalse;
}

template <Same kSame>
Value same(Machine& machine, Value* arguments, int) {
  return Value::boolean(kSame(machine, arguments[0], arguments[1]));
}

Value copy_list(Machine& machine, Value* arguments, int) {
  ListBuilder list(machine.store());
  Value rest = arguments[0];
  for (; rest.is_pair(); rest = cdr(rest)) list.add(car(rest));
  list.set_tail(rest);
  return list.list();
}

constexpr PrimitiveRow kRows[] = {
    {"cons", 2, 2, [](Machine& m, Value* a, int) { return m.store().cons(a[0], a[1]); }},
    {"car", 1, 1, [](Machine& m, Value* a, int) { return part(m, a[0], "ca r"); }},
    {"cdr", 1, 1, [](Machine& m, Value* a, int) { return part(m, a[0], "cd r"); }},
    {"caar", 1, 1, [](Machine& m, Value* a, int) { return part(m, a[0], "caar"); }},
    {"cadr", 1, 1, [](Machine& m, Value* a, int) { return part(m, a[0], "cadr"); }},
    {"cdar", 1, 1, [](Machine& m, Value* a, int) { return part(m, a[0], "cdar"); }},
    {"cddr", 1, 1, [](Machine& m, Value* a, int) { return part(m, a[0], "cddr"); }},
    {"caddr", 1, 1, [](Machine& m, Value* a, int) { return part(m, a[0], "cadd"); }},
    {"cdddr", 1, 1, [](Machine& m, Value* a, int) { return part(m, a[0], "cddd"); }},
    {"cadddr", 1, 1,
     [](Machine& m, Value* a, int) { return part(m, part(m, a[0], "cddd"), "ca r"); }},
    {"cddddr", 1, 1,
     [](Machine& m, Value* a, int) { return part(m, part(m, a[0], "cddd"), "cd r"); }},
    {"set-car!", 2, 2,
     [](Machine& m, Value* a, int) {
       return check_pair(m, a[0], "set-car!").as_pair()->car = a[1], kUnspecified;
     }},
    {"set-cdr!", 2, 2,
     [](Machine& m, Value* a, int) {
       return check_pair(m, a[0], "set-cdr!").as_pair()->cdr = a[1], kUnspecified;
     }},
    {"pair?", 1, 1, [](Machine&, Value* a, int) { return Value::boolean(a[0].is_pair()); }},
    {"null?", 1, 1, [](Machine&, Value* a, int) { return Value::boolean(a[0] == kNil); }},
    {"list?", 1, 1, [](Machine&, Value* a, int) { return Value::boolean(length_of(a[0]) >= 0); }},
    {"list", 0, -1, make_list_of},
    {"cons*", 1, -1, cons_all},
    {"make-list", 1, 2, make_list},
    {"length", 1, 1,
     [](Machine& m, Value* a, int) {
       return Value::fixnum(length_of(check_list(m, a[0], "length")));
     }},
    {"append", 0, -1, append},
    {"reverse", 1, 1, reverse},
    {"list-copy", 1, 1, copy_list},
    {"list-tail", 2, 2, [](Machine& m, Value* a, int) { return tail_of(m, a, "list-tail"); }},
    {"list-ref", 2, 2,
     [](Machine& m, Value* a, int) {
       return car(check_pair(m, tail_of(m, a, "list-ref"), "list-ref"));
     }},
    {"list-set!", 3, 3,
     [](Machine& m, Value* a, int) {
       return check_pair(m, tail_of(m, a, "list-set!"), "list-set!").as_pair()->car = a[2],
                                                        kUnspecified;
     }},
    {"memq", 2, 2, member<same_eq>},
    {"memv", 2, 2, member<same_eqv>},
    {"%member", 2, 2, member<same_equal>, kOnMainStack},
    {"assq", 2, 2, association<same_eq>},
    {"assv", 2, 2, association<same_eqv>},
    {"%assoc", 2, 2, association<same_equal>, kOnMainStack},
    {"eq?", 2, 2, same<same_eq>},
    {"eqv?", 2, 2, same<same_eqv>},
    {"equal?", 2, 2, same<same_equal>, kOnMainStack},
    {"not", 1, 1, [](Machine&, Value* a, int) { return Value::boolean(a[0] == kFalse); }},
};

}  // namespace

void install_lists(Machine& machine) { install(machine, kRows); }

}  // namespace scheme
