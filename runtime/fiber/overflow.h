// Owns the message that a fiber's stack has overflowed: which, how large, where.
//
// A stack ends at a guard, and touching that is a fault. The handler (runtime/os/faults.h) runs on a signal
// stack that each thread that runs fibers is given, says what happened, and the signal goes its way.

#ifndef ACRE_RUNTIME_FIBER_OVERFLOW_H_
#define ACRE_RUNTIME_FIBER_OVERFLOW_H_

#include "runtime/thread/thread.h"

namespace acre::rt {

// From now on, in this process. False: the system refuses; overflows are plain faults then.
bool report_overflows();

// The calling thread runs fibers from now on: it gets a signal stack if it has none.
void give_signal_stack_to(Thread* thread);

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_FIBER_OVERFLOW_H_
