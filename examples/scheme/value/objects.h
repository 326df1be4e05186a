// The kinds of object that have a header. Each says in `trace` where its references are; those without one hold
// none (acre.hpp makes leaves of them). What a Tuple holds, by its type:
//
//   kVector       its elements
//   kClosure      a Code, then the values or boxes of its free variables
//   kBox          a variable that is assigned to and captured
//   kRecordType   name, list of field names          kRecord     its type, then its fields
//   kValues       what (values ...) gave, if not one value
//   kPromise      a box that chained promises share: done?, and the value or a thunk
//   kParameter    value, converter or #f
//   kContinuation see machine/coroutine.h
//   kHashTable    count, vector of buckets (lists of pairs), kind of equality
//   kCondition    what an error is: symbol of its sort, message, list of irritants, position (string) or #f
//   kMacro        the syntax-rules form, its scope number
#ifndef ACRE_EXAMPLES_SCHEME_VALUE_OBJECTS_H_
#define ACRE_EXAMPLES_SCHEME_VALUE_OBJECTS_H_

#include <string>

#include "examples/scheme/value/value.h"

namespace scheme {

struct Flonum : Object {
  double number;
};

// Interned ones live as long as the Store. An alias is what a macro's template makes of a symbol: another one,
// which means what the symbol meant where the macro was defined (compiler/scope.h).
struct Symbol : Object {
  Slot value;               // of the global variable
  Slot syntax;              // a fixnum, for a special form, or a macro; #f: neither
  Slot alias_of;            // a symbol, or no value
  uint64_t scope;           // of an alias: number of the scope where its macro was defined
  const std::string* name;  // the Store's
  void trace(acre::Visitor& visitor) {  // acre: kind: references of a symbol
    value.trace(visitor);
    syntax.trace(visitor);
    alias_of.trace(visitor);
  }
};

struct String : Object {
  acre::Member<char32_t> text;  // acre: barrier; in an object of its own; null if the length is 0
  uint64_t length;
  void trace(acre::Visitor& visitor) { visitor(text); }  // acre: kind: references of a string
};

struct Bytevector : Object {
  acre::Member<uint8_t> bytes;  // acre: barrier
  uint64_t length;
  void trace(acre::Visitor& visitor) { visitor(bytes); }  // acre: kind: references of a bytevector
};

class Machine;
using PrimitiveFn = Value (*)(Machine&, Value* arguments, int count);

struct Primitive : Object {
  const char* name;
  PrimitiveFn function;
  int16_t least, most;  // arguments; most -1: any number
  int32_t special;      // not 0: the machine does it itself (machine/machine.h)
};

struct Code : Object {
  acre::Member<uint32_t>
      instructions;  // then pairs for places: instruction, line << 12 | column; in order
  acre::Member<Slot> constants;  // acre: barrier
  Slot name;                     // symbol or #f
  uint32_t instruction_count, position_count;
  uint32_t parameters;  // without the rest
  uint32_t has_rest;
  uint32_t depth;                       // words of stack that a frame may take
  uint32_t file;                        // the Store's number of the file's name
  void trace(acre::Visitor& visitor) {  // acre: kind: references of a code object
    visitor(instructions, constants);
    name.trace(visitor);
  }
};

// A header and as many slots as that says: an array of Slot in Acre's eyes. The header is an immediate.
struct Tuple : Object {
  uint64_t length() const { return header.header_length(); }
  Slot& at(uint64_t index) { return reinterpret_cast<Slot*>(this)[1 + index]; }
};

struct Port : Object {
  uint64_t number;  // of the state that the Store keeps for it (text/ports.h)
};

inline Type type_of(Value object) { return object.as_object()->header.header_type(); }
inline Tuple* tuple(Value value) { return value.as<Tuple>(); }
inline bool is_procedure(Value value) {
  return value.is(Type::kClosure) || value.is(Type::kPrimitive) || value.is(Type::kContinuation) ||
         value.is(Type::kParameter);
}
inline bool is_symbol(Value value) { return value.is(Type::kSymbol); }
inline bool is_flonum(Value value) { return value.is(Type::kFlonum); }

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_VALUE_OBJECTS_H_
