// Numbers as text, and from text. Exact integers have 62 bits; there are no others and no fractions: 1/3 is read
// as a flonum, and an integer that does not fit is an error.
#ifndef ACRE_EXAMPLES_SCHEME_TEXT_NUMBERS_H_
#define ACRE_EXAMPLES_SCHEME_TEXT_NUMBERS_H_

#include <string>
#include <string_view>

#include "examples/scheme/value/error.h"

namespace scheme {

std::string number_to_string(Value number, int radix = 10);
// Whether text is a decimal number, of whatever size.
bool reads_as_number(std::string_view text);
// No value: it is no number. Throws Raised for an integer that is too large.
Value parse_number(Store& store, std::string_view text, int radix = 10);

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_TEXT_NUMBERS_H_
