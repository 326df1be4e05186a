// Owns the process's handler of memory faults: it lets somebody explain a fault before the signal goes its
// way, to the handler that was there before or to the system's default.
//
// A fault by a stack that overflowed needs another stack for its handler: threads are given one.

#ifndef ACRE_RUNTIME_OS_FAULTS_H_
#define ACRE_RUNTIME_OS_FAULTS_H_

#include <cstdint>

#include "runtime/base/units.h"

namespace acre::rt {

// From now on explain(address) is called at SIGSEGV and SIGBUS, as part of a signal handler. Once for a
// process: later calls change nothing. False: refused.
bool install_fault_explainer(void (*explain)(Addr address));

// In a child of fork, where another thread may have been in that.
void reset_faults_in_child();

inline constexpr ByteCount kSignalStack{64 * kKiB};

// Makes kSignalStack bytes the calling thread's signal stack, if it has none. False: it has one.
bool give_signal_stack(void* memory);
// Takes it away again, if it is still that.
void take_signal_stack(void* memory);

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_OS_FAULTS_H_
