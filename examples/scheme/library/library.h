// The primitives, and the prelude: procedures that are written in Scheme. Each file of this folder installs a family
// of primitives. A primitive gets its arguments on the machine's stack, where they are roots, and so is everything
// that they lead to; what it makes it keeps with Keep until the last allocation.
#ifndef ACRE_EXAMPLES_SCHEME_LIBRARY_LIBRARY_H_
#define ACRE_EXAMPLES_SCHEME_LIBRARY_LIBRARY_H_

#include <span>

#include "examples/scheme/machine/machine.h"
#include "examples/scheme/value/arithmetic.h"

namespace scheme {

struct PrimitiveRow {
  const char* name;
  int least, most;  // arguments; most -1: any number
  PrimitiveFn function;
  Special special = kOrdinary;
};

void install(Machine& machine, std::span<const PrimitiveRow> rows);

void install_numbers(Machine& machine);
void install_lists(Machine& machine);
void install_text(Machine& machine);
void install_vectors(Machine& machine);
void install_tables(Machine& machine);
void install_weak_tables(Machine& machine);
void install_ports(Machine& machine);
void install_control(Machine& machine);

// All of these, and the prelude. Throws Raised if there is no memory even for that.
void install_library(Machine& machine);

// Arguments as C++ wants them. Throw Raised, naming the procedure.
int64_t integer_of(Machine& machine, Value value, const char* who);
// From 0 to `limit`.
uint64_t index_of(Machine& machine, Value value, uint64_t limit, const char* who);
Value check(Machine& machine, Value value, Type type, const char* who);
Value check_pair(Machine& machine, Value value, const char* who);
char32_t character_of(Machine& machine, Value value, const char* who);
// Optional arguments start and end, of something of this length.
struct Range {
  uint64_t start, end;
};
Range range_of(Machine& machine, Value* arguments, int count, int first, uint64_t length,
               const char* who);

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_LIBRARY_LIBRARY_H_
