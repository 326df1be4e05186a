// prelude.scm, as text: the build makes prelude.cc of it.
#ifndef ACRE_EXAMPLES_SCHEME_LIBRARY_PRELUDE_H_
#define ACRE_EXAMPLES_SCHEME_LIBRARY_PRELUDE_H_

namespace scheme {

extern const char kPrelude[];

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_LIBRARY_PRELUDE_H_
