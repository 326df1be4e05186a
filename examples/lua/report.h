// Owns what is printed of where memory went: a line for each state, then the heap.
#ifndef ACRE_EXAMPLES_LUA_REPORT_H_
#define ACRE_EXAMPLES_LUA_REPORT_H_

#include <acre/acre.h>

#include <string>
#include <vector>

#include "examples/lua/lua_memory.h"

namespace acre::lua {

struct StateLine {
  std::string script;
  Usage at_end;  // of the script, before its state was closed
  std::string error;
};

// To stdout.
void print_states(const std::vector<StateLine>& states);
void print_heap(acre_heap* heap);

}  // namespace acre::lua

#endif  // ACRE_EXAMPLES_LUA_REPORT_H_
