// Primitives on vectors and bytevectors.
#include <algorithm>
#include <cstring>

#include "examples/scheme/library/library.h"

namespace scheme {

namespace {

Tuple* vector_of(Machine& machine, Value value, const char* who) {
  return tuple(check(machine, value, Type::kVector, who));
}

Slot& slot_of(Machine& machine, Value* arguments, const char* who) {
  Tuple* vector = vector_of(machine, arguments[0], who);
  const uint64_t index = index_of(machine, arguments[1], vector->length(), who);
  if (index == vector->length())
    fail(machine.store(), std::string(who) + ": index out of range:", {arguments[1]});
  return vector->at(index);
}

Value make_vector(Machine& machine, Value* arguments, int count) {
  const uint64_t length = index_of(machine, arguments[0], kFixnumMax, "make-vector");
  return machine.store().tuple_of(Type::kVector, length, count > 1 ? arguments[1] : kFalse);
}

Value vector_of_items(Machine& machine, Value* arguments, int count) {
  const Value made = machine.store().tuple_of(Type::kVector, static_cast<uint64_t>(count), kFalse);
  for (int i = 0; i < count; ++i) tuple(made)->at(static_cast<uint64_t>(i)) = arguments[i];
  return made;
}

Value from_list(Machine& machine, Value* arguments, int) {
  uint64_t length = 0;
  Value rest = arguments[0];
  for (; rest.is_pair() && length < (uint64_t{1} << 40); rest = cdr(rest)) ++length;
  if (rest != kNil) fail(machine.store(), "list->vector: not a list:", {arguments[0]});
  const Value made = machine.store().tuple_of(Type::kVector, length, kFalse);
  rest = arguments[0];
  for (uint64_t i = 0; i < length; ++i, rest = cdr(rest)) tuple(made)->at(i) = car(rest);
  return made;
}

Value to_list(Machine& machine, Value* arguments, int count) {
  Tuple* vector = vector_of(machine, arguments[0], "vector->list");
  const Range range = range_of(machine, arguments, count, 1, vector->length(), "vector->list");
  Keep list(machine.store(), kNil);
  for (uint64_t i = range.end; i-- > range.start;) list = machine.store().cons(vector->at(i), list);
  return list;
}

Value fill(Machine& machine, Value* arguments, int count) {
  Tuple* vector = vector_of(machine, arguments[0], "vector-fill!");
  const Range range = range_of(machine, arguments, count, 2, vector->length(), "vector-fill!");
  for (uint64_t i = range.start; i < range.end; ++i) vector->at(i) = arguments[1];
  return kUnspecified;
}

Value copy(Machine& machine, Value* arguments, int count) {
  Tuple* vector = vector_of(machine, arguments[0], "vector-copy");
  const Range range = range_of(machine, arguments, count, 1, vector->length(), "vector-copy");
  const Value made = machine.store().tuple_of(Type::kVector, range.end - range.start, kFalse);
  for (uint64_t i = range.start; i < range.end; ++i)
    tuple(made)->at(i - range.start) = vector->at(i);
  return made;
}

// (vector-copy! to at from start end); they may be the same vector.
Value copy_into(Machine& machine, Value* arguments, int count) {
  Tuple* to = vector_of(machine, arguments[0], "vector-copy!");
  const uint64_t at = index_of(machine, arguments[1], to->length(), "vector-copy!");
  Tuple* from = vector_of(machine, arguments[2], "vector-copy!");
  const Range range = range_of(machine, arguments, count, 3, from->length(), "vector-copy!");
  const uint64_t length = range.end - range.start;
  if (length > to->length() - at) fail(machine.store(), "vector-copy!: no room");
  for (uint64_t i = 0; i < length; ++i) {
    const uint64_t k = at <= range.start ? i : length - 1 - i;
    to->at(at + k) = from->at(range.start + k);
  }
  return kUnspecified;
}

Value append(Machine& machine, Value* arguments, int count) {
  uint64_t length = 0;
  for (int i = 0; i < count; ++i)
    length += vector_of(machine, arguments[i], "vector-append")->length();
  const Value made = machine.store().tuple_of(Type::kVector, length, kFalse);
  uint64_t at = 0;
  for (int i = 0; i < count; ++i) {
    for (uint64_t k = 0; k < tuple(arguments[i])->length(); ++k)
      tuple(made)->at(at++) = tuple(arguments[i])->at(k);
  }
  return made;
}

uint8_t byte_of(Machine& machine, Value value, const char* who) {
  return static_cast<uint8_t>(index_of(machine, value, 255, who));
}

Bytevector* bytes_of(Machine& machine, Value value, const char* who) {
  return check(machine, value, Type::kBytevector, who).as<Bytevector>();
}

uint8_t& byte_at(Machine& machine, Value* arguments, const char* who) {
  const Bytevector* bytes = bytes_of(machine, arguments[0], who);
  const uint64_t index = index_of(machine, arguments[1], bytes->length, who);
  if (index == bytes->length)
    fail(machine.store(), std::string(who) + ": index out of range:", {arguments[1]});
  return bytes->bytes.get()[index];
}

Value make_bytevector(Machine& machine, Value* arguments, int count) {
  const uint64_t length = index_of(machine, arguments[0], kFixnumMax, "make-bytevector");
  return machine.store().bytevector(
      length, count > 1 ? byte_of(machine, arguments[1], "make-bytevector") : 0);
}

Value bytevector_of_items(Machine& machine, Value* arguments, int count) {
  for (int i = 0; i < count; ++i) (void)byte_of(machine, arguments[i], "bytevector");
  const Value made = machine.store().bytevector(static_cast<uint64_t>(count), 0);
  for (int i = 0; i < count; ++i)
    made.as<Bytevector>()->bytes.get()[i] = byte_of(machine, arguments[i], "bytevector");
  return made;
}

Value copy_bytes(Machine& machine, Value* arguments, int count) {
  const Bytevector* from = bytes_of(machine, arguments[0], "bytevector-copy");
  const Range range = range_of(machine, arguments, count, 1, from->length, "bytevector-copy");
  const Value made = machine.store().bytevector(range.end - range.start, 0);
  std::copy_n(from->bytes.get() + range.start, range.end - range.start,
              made.as<Bytevector>()->bytes.get());
  return made;
}

Value copy_bytes_into(Machine& machine, Value* arguments, int count) {
  const Bytevector* to = bytes_of(machine, arguments[0], "bytevector-copy!");
  const uint64_t at = index_of(machine, arguments[1], to->length, "bytevector-copy!");
  const Bytevector* from = bytes_of(machine, arguments[2], "bytevector-copy!");
  const Range range = range_of(machine, arguments, count, 3, from->length, "bytevector-copy!");
  const uint64_t length = range.end - range.start;
  if (length > to->length - at) fail(machine.store(), "bytevector-copy!: no room");
  if (length > 0) std::memmove(to->bytes.get() + at, from->bytes.get() + range.start, length);
  return kUnspecified;
}

Value append_bytes(Machine& machine, Value* arguments, int count) {
  uint64_t length = 0;
  for (int i = 0; i < count; ++i)
    length += bytes_of(machine, arguments[i], "bytevector-append")->length;
  const Value made = machine.store().bytevector(length, 0);
  uint8_t* to = made.as<Bytevector>()->bytes.get();
  for (int i = 0; i < count; ++i) {
    const auto* from = arguments[i].as<Bytevector>();
    to = std::copy_n(from->bytes.get(), from->length, to);
  }
  return made;
}

Value text_of_bytes(Machine& machine, Value* arguments, int count) {
  const Bytevector* bytes = bytes_of(machine, arguments[0], "utf8->string");
  const Range range = range_of(machine, arguments, count, 1, bytes->length, "utf8->string");
  return machine.store().string(std::string_view(
      reinterpret_cast<const char*>(bytes->bytes.get()) + range.start, range.end - range.start));
}

Value bytes_of_text(Machine& machine, Value* arguments, int count) {
  check(machine, arguments[0], Type::kString, "string->utf8");
  const Range range =
      range_of(machine, arguments, count, 1, text_of(arguments[0]).size(), "string->utf8");
  const std::string utf8 =
      to_utf8(text_of(arguments[0]).substr(range.start, range.end - range.start));
  const Value made = machine.store().bytevector(utf8.size(), 0);
  std::copy(utf8.begin(), utf8.end(), made.as<Bytevector>()->bytes.get());
  return made;
}

constexpr PrimitiveRow kRows[] = {
    {"vector?", 1, 1,
     [](Machine&, Value* a, int) { return Value::boolean(a[0].is(Type::kVector)); }},
    {"make-vector", 1, 2, make_vector},
    {"vector", 0, -1, vector_of_items},
    {"vector-length", 1, 1,
     [](Machine& m, Value* a, int) {
       return Value::fixnum(static_cast<int64_t>(vector_of(m, a[0], "vector-length")->length()));
     }},
    {"vector-ref", 2, 2,
     [](Machine& m, Value* a, int) { return slot_of(m, a, "vector-ref").get(); }},
    {"vector-set!", 3, 3,
     [](Machine& m, Value* a, int) { return slot_of(m, a, "vector-set!") = a[2], kUnspecified; }},
    {"list->vector", 1, 1, from_list},
    {"vector->list", 1, 3, to_list},
    {"vector-fill!", 2, 4, fill},
    {"vector-copy", 1, 3, copy},
    {"vector-copy!", 3, 5, copy_into},
    {"vector-append", 0, -1, append},
    {"bytevector?", 1, 1,
     [](Machine&, Value* a, int) { return Value::boolean(a[0].is(Type::kBytevector)); }},
    {"make-bytevector", 1, 2, make_bytevector},
    {"bytevector", 0, -1, bytevector_of_items},
    {"bytevector-length", 1, 1,
     [](Machine& m, Value* a, int) {
       return Value::fixnum(static_cast<int64_t>(bytes_of(m, a[0], "bytevector-length")->length));
     }},
    {"bytevector-u8-ref", 2, 2,
     [](Machine& m, Value* a, int) { return Value::fixnum(byte_at(m, a, "bytevector-u8-ref")); }},
    {"bytevector-u8-set!", 3, 3,
     [](Machine& m, Value* a, int) {
       return byte_at(m, a, "bytevector-u8-set!") = byte_of(m, a[2], "bytevector-u8-set!"),
                            kUnspecified;
     }},
    {"bytevector-copy", 1, 3, copy_bytes},
    {"bytevector-copy!", 3, 5, copy_bytes_into},
    {"bytevector-append", 0, -1, append_bytes},
    {"utf8->string", 1, 3, text_of_bytes},
    {"string->utf8", 1, 3, bytes_of_text},
};

}  // namespace

void install_vectors(Machine& machine) { install(machine, kRows); }

}  // namespace scheme
