// A datum becomes a Code without parameters that computes it.
#ifndef ACRE_EXAMPLES_SCHEME_COMPILER_COMPILER_H_
#define ACRE_EXAMPLES_SCHEME_COMPILER_COMPILER_H_

#include "examples/scheme/text/reader.h"

namespace scheme {

// Definitions of syntax take effect as they are met, those of variables when the code runs. Throws Raised. Takes up
// to some megabytes of stack, for what is nested deep.
Value compile(Store& store, Value form, Places& places);

// Makes the names of special forms mean them.
void install_forms(Store& store);

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_COMPILER_COMPILER_H_
