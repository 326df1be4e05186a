// How Scheme's errors travel through C++: a primitive throws, the machine catches and raises in Scheme.
#ifndef ACRE_EXAMPLES_SCHEME_VALUE_ERROR_H_
#define ACRE_EXAMPLES_SCHEME_VALUE_ERROR_H_

#include <initializer_list>
#include <string>
#include <string_view>

#include "examples/scheme/value/store.h"

namespace scheme {

// `payload` is in no root: who catches it must put it into one before anything is allocated.
struct Raised {
  Value payload;
};

// Where something stands in a source.
struct Position {
  uint32_t file = 0;
  uint32_t line = 0;  // 0: not known
  uint32_t column = 0;
};

std::string to_string(const Store& store, const Position& position);

// Throws Raised, with a condition.
[[noreturn]] void fail(Store& store, std::string_view message,
                       std::initializer_list<Value> irritants = {});
[[noreturn]] void fail_as(Store& store, std::string_view sort, std::string_view message,
                          std::initializer_list<Value> irritants = {});
// The same, with a place in a source: a condition that has one keeps it.
[[noreturn]] void fail_at(Store& store, const Position& position, std::string_view message,
                          std::initializer_list<Value> irritants = {});

// Parts of a condition.
enum ConditionPart { kSort, kMessage, kIrritants, kPosition };

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_VALUE_ERROR_H_
