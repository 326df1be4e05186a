#include "examples/scheme/library/library.h"

#include "examples/scheme/library/prelude.h"

namespace scheme {

void install(Machine& machine, std::span<const PrimitiveRow> rows) {
  Store& store = machine.store();
  for (const PrimitiveRow& row : rows) {
    const Value made = store.primitive(row.name, row.function, row.least, row.most, row.special);
    const Keep keep(store, made);
    store.symbol(row.name).as<Symbol>()->value = made;
  }
}

void install_library(Machine& machine) {
  install_numbers(machine);
  install_lists(machine);
  install_text(machine);
  install_vectors(machine);
  install_tables(machine);
  install_weak_tables(machine);
  install_ports(machine);
  install_control(machine);
  TextInput input(from_utf8(kPrelude), machine.store().file_number("prelude"));
  machine.load(input);
}

int64_t integer_of(Machine& machine, Value value, const char* who) {
  if (value.is_fixnum()) return value.as_fixnum();
  if (is_flonum(value) && is_integer(value)) return exact(machine.store(), value).as_fixnum();
  fail(machine.store(), std::string(who) + ": not an integer:", {value});
}

uint64_t index_of(Machine& machine, Value value, uint64_t limit, const char* who) {
  if (!value.is_fixnum() || value.as_fixnum() < 0 ||
      static_cast<uint64_t>(value.as_fixnum()) > limit) {
    fail(machine.store(), std::string(who) + ": index out of range:", {value});
  }
  return static_cast<uint64_t>(value.as_fixnum());
}

Value check(Machine& machine, Value value, Type type, const char* who) {
  if (!value.is(type))
    fail(machine.store(), std::string(who) + ": wrong type of argument:", {value});
  return value;
}

Value check_pair(Machine& machine, Value value, const char* who) {
  if (!value.is_pair()) fail(machine.store(), std::string(who) + ": not a pair:", {value});
  return value;
}

char32_t character_of(Machine& machine, Value value, const char* who) {
  if (!value.is_character())
    fail(machine.store(), std::string(who) + ": not a character:", {value});
  return value.as_character();
}

Range range_of(Machine& machine, Value* arguments, int count, int first, uint64_t length,
               const char* who) {
  Range range{0, length};
  if (count > first + 1) range.end = index_of(machine, arguments[first + 1], length, who);
  if (count > first) range.start = index_of(machine, arguments[first], range.end, who);
  return range;
}

}  // namespace scheme
