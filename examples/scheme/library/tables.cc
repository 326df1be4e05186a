// Hash tables: a vector of lists of (key . value). By eq?/eqv? the hash is the key's address, which is for ever: objects
// do not move. Names are those of SRFI 69.
#include "examples/scheme/library/library.h"

namespace scheme {

namespace {

enum Equality : int64_t { kByEqv, kByEqual };
enum TablePart { kCount, kBuckets, kEquality };

constexpr uint64_t kFirstBuckets = 8;

Tuple* table_of(Machine& machine, Value value) {
  return tuple(check(machine, value, Type::kHashTable, "hash-table"));
}

Value make_table(Machine& machine, Value* arguments, int) {
  Store& store = machine.store();
  const Keep buckets(store, store.tuple_of(Type::kVector, kFirstBuckets, kNil));
  return store.tuple_of(Type::kHashTable, {Value::fixnum(0), buckets, arguments[0]});
}

bool by_equal(Tuple* table) { return Value(table->at(kEquality)) == Value::fixnum(kByEqual); }

Slot& bucket_of(Tuple* table, Value key) {
  Tuple* buckets = tuple(table->at(kBuckets));
  const uint64_t hash = by_equal(table) ? hash_equal(key) : hash_eqv(key);
  return buckets->at(hash % buckets->length());
}

bool same(Machine& machine, Tuple* table, Value a, Value b) {
  return eqv(a, b) || (by_equal(table) && equal(machine.store(), a, b));
}

// The pair of key and value, or no value.
Value find(Machine& machine, Tuple* table, Value key) {
  for (Value rest = bucket_of(table, key); rest.is_pair(); rest = cdr(rest)) {
    if (same(machine, table, key, car(car(rest)))) return car(rest);
  }
  return {};
}

// Twice as many buckets; the lists' pairs are used again.
void grow(Machine& machine, Tuple* table) {
  const Value old = table->at(kBuckets);
  table->at(kBuckets) = machine.store().tuple_of(Type::kVector, tuple(old)->length() * 2, kNil);
  for (uint64_t i = 0; i < tuple(old)->length(); ++i) {
    for (Value rest = tuple(old)->at(i); rest.is_pair();) {
      const Value next = cdr(rest);
      Slot& bucket = bucket_of(table, car(car(rest)));
      rest.as_pair()->cdr = bucket;
      bucket = rest;
      rest = next;
    }
  }
}

Value reference(Machine& machine, Value* arguments, int) {
  const Value entry = find(machine, table_of(machine, arguments[0]), arguments[1]);
  return entry == Value() ? arguments[2] : cdr(entry);
}

Value set(Machine& machine, Value* arguments, int) {
  Store& store = machine.store();
  Tuple* table = table_of(machine, arguments[0]);
  const Value entry = find(machine, table, arguments[1]);
  if (entry != Value()) {
    entry.as_pair()->cdr = arguments[2];
    return kUnspecified;
  }
  const int64_t count = Value(table->at(kCount)).as_fixnum();
  if (static_cast<uint64_t>(count) >= 2 * tuple(table->at(kBuckets))->length())
    grow(machine, table);
  const Keep made(store, store.cons(arguments[1], arguments[2]));
  const Value link = store.cons(made, bucket_of(table, arguments[1]));
  bucket_of(table, arguments[1]) = link;
  table->at(kCount) = Value::fixnum(count + 1);
  return kUnspecified;
}

Value remove(Machine& machine, Value* arguments, int) {
  Tuple* table = table_of(machine, arguments[0]);
  Slot* link = &bucket_of(table, arguments[1]);
  for (Value rest = *link; rest.is_pair(); rest = *link) {
    if (same(machine, table, arguments[1], car(car(rest)))) {
      *link = cdr(rest);
      table->at(kCount) = Value::fixnum(Value(table->at(kCount)).as_fixnum() - 1);
      return kUnspecified;
    }
    link = &rest.as_pair()->cdr;
  }
  return kUnspecified;
}

// A list of new pairs: the table may change while who asked looks at them.
Value to_list(Machine& machine, Value* arguments, int) {
  Store& store = machine.store();
  Tuple* buckets = tuple(table_of(machine, arguments[0])->at(kBuckets));
  const Keep keep(store, Value::of(static_cast<const void*>(buckets)));
  Keep list(store, kNil);
  for (uint64_t i = 0; i < buckets->length(); ++i) {
    for (Value rest = buckets->at(i); rest.is_pair(); rest = cdr(rest)) {
      const Keep pair(store, store.cons(car(car(rest)), cdr(car(rest))));
      list = store.cons(pair, list);
    }
  }
  return list;
}

Value clear(Machine& machine, Value* arguments, int) {
  Tuple* table = table_of(machine, arguments[0]);
  table->at(kBuckets) = machine.store().tuple_of(Type::kVector, kFirstBuckets, kNil);
  table->at(kCount) = Value::fixnum(0);
  return kUnspecified;
}

constexpr PrimitiveRow kRows[] = {
    {"%make-hash-table", 1, 1, make_table},
    {"%hash-table-ref", 3, 3, reference, kOnMainStack},
    {"hash-table-set!", 3, 3, set, kOnMainStack},
    {"hash-table-delete!", 2, 2, remove, kOnMainStack},
    {"hash-table->alist", 1, 1, to_list},
    {"hash-table-clear!", 1, 1, clear},
    {"hash-table-size", 1, 1,
     [](Machine& m, Value* a, int) { return table_of(m, a[0])->at(kCount).get(); }},
    {"hash-table?", 1, 1,
     [](Machine&, Value* a, int) { return Value::boolean(a[0].is(Type::kHashTable)); }},
    {"hash", 1, 2,
     [](Machine& m, Value* a, int n) {
       const auto bound = n > 1 ? index_of(m, a[1], kFixnumMax, "hash") : 1000000007;
       return Value::fixnum(static_cast<int64_t>(hash_equal(a[0]) % (bound == 0 ? 1 : bound)));
     }},
};

}  // namespace

void install_tables(Machine& machine) { install(machine, kRows); }

}  // namespace scheme
