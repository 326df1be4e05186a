// The conversation at the terminal.
#ifndef ACRE_EXAMPLES_SCHEME_REPL_H_
#define ACRE_EXAMPLES_SCHEME_REPL_H_

#include "examples/scheme/machine/machine.h"

namespace scheme {

// Reads, runs and writes until the end of input; returns the exit status. At a terminal with libedit: lines can be
// edited, and those of former sessions come back (in .acre_scheme_history of the home folder). An error ends the
// form, not the conversation; without a terminal the exit status says that there was one. Throws Exit.
int read_eval_print(Machine& machine);

// The error on stderr: where, what, and with what.
void report(Machine& machine, Value payload);

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_REPL_H_
