// From data to text: write, display, write-shared, write-simple.
#ifndef ACRE_EXAMPLES_SCHEME_TEXT_PRINTER_H_
#define ACRE_EXAMPLES_SCHEME_TEXT_PRINTER_H_

#include <string>

#include "examples/scheme/value/error.h"

namespace scheme {

enum class Style { kDisplay, kWrite, kWriteShared, kWriteSimple };

// Allocates nothing in the heap. Lists may be of any length; nested deeper than kDeepestPrinted, "..." stands for
// the rest. kWriteSimple of what is circular does not end; the others label it.
std::string print(Value value, Style style);

inline constexpr int kDeepestPrinted = 1500;

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_TEXT_PRINTER_H_
