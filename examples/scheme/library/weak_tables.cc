// Tables that do not keep their keys alive: an entry goes with its key, found dead by a collection. They are Acre's, and
// compare keys as eq? does. Keys are objects: a number or a character never dies. The values are boxed, because a
// table of Acre's takes any word that looks like an address for one, which a fixnum may.
#include "examples/scheme/library/library.h"

namespace scheme {

namespace {

// acre: weak: entries are ephemerons: a value that refers to its key does not keep it alive
using Table = acre::WeakMap<void, void>;

Table* table_of(Machine& machine, Value value) {
  return Value(tuple(check(machine, value, Type::kWeakTable, "hash-table"))->at(0)).as<Table>();
}

void* key_of(Machine& machine, Value key) {
  if (!key.is_reference())
    fail(machine.store(), "a weak table wants keys that are objects:", {key});
  return reinterpret_cast<void*>(key.bits());
}

Value value_in(void* box) { return static_cast<Tuple*>(box)->at(0); }

Value make_table(Machine& machine, Value*, int) {
  Store& store = machine.store();
  const Keep table(
      store, Value::of(acre::make_weak_map<void, void>(store.thread())));  // acre: weak: an object
  return store.tuple_of(Type::kWeakTable, {table});
}

Value reference(Machine& machine, Value* arguments, int) {
  Table* table = table_of(machine, arguments[0]);
  void* box = table->get(machine.store().thread(), key_of(machine, arguments[1]));
  return box == nullptr ? arguments[2] : value_in(box);
}

Value set(Machine& machine, Value* arguments, int) {
  Store& store = machine.store();
  Table* table = table_of(machine, arguments[0]);
  void* key = key_of(machine, arguments[1]);
  const Keep box(store, store.tuple_of(Type::kBox, 1, arguments[2]));
  table->set(store.thread(), key, box.get().as<void>());
  return kUnspecified;
}

Value remove(Machine& machine, Value* arguments, int) {
  table_of(machine, arguments[0])->remove(machine.store().thread(), key_of(machine, arguments[1]));
  return kUnspecified;
}

Value size(Machine& machine, Value* arguments, int) {
  return Value::fixnum(
      static_cast<int64_t>(table_of(machine, arguments[0])->size(machine.store().thread())));
}

Value to_list(Machine& machine, Value* arguments, int) {
  Store& store = machine.store();
  Keep list(store, kNil);
  table_of(machine, arguments[0])->for_each(store.thread(), [&](void* key, void* box) {
    const Keep keep(store, Value::from_bits(reinterpret_cast<uint64_t>(key)));
    const Keep pair(store, store.cons(keep, value_in(box)));
    list = store.cons(pair, list);
  });
  return list;
}

constexpr PrimitiveRow kRows[] = {
    {"make-weak-hash-table", 0, 0, make_table},
    {"weak-hash-table?", 1, 1,
     [](Machine&, Value* a, int) { return Value::boolean(a[0].is(Type::kWeakTable)); }},
    {"weak-hash-table-ref", 3, 3, reference},
    {"weak-hash-table-set!", 3, 3, set},
    {"weak-hash-table-delete!", 2, 2, remove},
    {"weak-hash-table-size", 1, 1, size},
    {"weak-hash-table->alist", 1, 1, to_list},
};

}  // namespace

void install_weak_tables(Machine& machine) { install(machine, kRows); }

}  // namespace scheme
