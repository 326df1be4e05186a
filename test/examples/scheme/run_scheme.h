// The example's program, run as a person does.
#pragma once

#include <string>

#include "test/bench/command.h"

namespace acre::scheme_test {

using bench::contains;
using bench::Ran;
using bench::read_file;

inline const std::string kFolder = "examples/scheme/programs/";

inline Ran run_scheme(const std::string& arguments, const std::string& environment = "") {
  return bench::run_program("SCHEME", "examples/scheme/scheme", arguments, environment);
}

// One expression, in quotation marks of the shell: it holds none of these itself.
inline Ran evaluate(const std::string& expression, const std::string& environment = "") {
  return run_scheme("-e '" + expression + "'", environment);
}

// Each program, and what it is run with in full and for tests that take long.
struct Program {
  const char* name;
  const char* full;
  const char* small;
};

inline constexpr Program kPrograms[] = {
    {"tak", "", "small"},
    {"ctak", "", "small"},
    {"nqueens", "", "small"},
    {"destruct", "", "small"},
    {"rewriter", "", "small"},
    {"pratt", "", "small"},
    {"generators", "", "small"},
    {"language", "", "small"},
    {"json", "examples/scheme/programs/heap_growth.json", "examples/scheme/programs/small.json"},
};

inline std::string expected(const Program& program, bool is_small) {
  return read_file(kFolder + program.name + (is_small ? ".small.expected" : ".expected"));
}

}  // namespace acre::scheme_test
