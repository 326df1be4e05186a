// Numbers: fixnums of 62 bits and flonums. What does not fit a fixnum is an error, not a flonum: a result is exact or
// it is not given. Throws Raised for what is no number.
#ifndef ACRE_EXAMPLES_SCHEME_VALUE_ARITHMETIC_H_
#define ACRE_EXAMPLES_SCHEME_VALUE_ARITHMETIC_H_

#include "examples/scheme/value/error.h"

namespace scheme {

inline bool is_number(Value value) { return value.is_fixnum() || is_flonum(value); }
double to_double(Store& store, Value number);
Value from_integer(Store& store, int64_t number);

Value add(Store& store, Value a, Value b);
Value subtract(Store& store, Value a, Value b);
Value multiply(Store& store, Value a, Value b);
Value divide(Store& store, Value a, Value b);  // exact if it comes out even
int compare(Store& store, Value a, Value b);   // -1, 0, 1; 2: one is not a number (NaN)

enum class Division { kQuotient, kRemainder, kModulo, kFloor };
// Of integers, flonums too.
Value divide_integers(Store& store, Division what, Value a, Value b);
Value exact(Store& store, Value number);
bool is_integer(Value value);

bool eqv(Value a, Value b);
// Of structures of any size; circular ones do not end. `depth` counts how deep they are nested, but for lists' lengths.
bool equal(Store& store, Value a, Value b, int depth = 0);
uint64_t hash_eqv(Value value);
uint64_t hash_equal(Value value, int depth = 0);

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_VALUE_ARITHMETIC_H_
