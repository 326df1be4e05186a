// Owns the handler of the signal that stops threads which never poll.
//
// What the handler does on a thread, in steps:
//   1. A watchdog asked where the thread is: it is told.
//   2. Inside Acre, or where no heap catches threads: the thread runs on. (It comes to a safepoint when it
//      leaves Acre.)
//   3. On a stack that is neither the thread's own, nor the heap's, nor its alternate one, or on one whose lower end it cannot
//      tell (a handler of the embedder's that runs on the alternate stack): it runs on as well, and the
//      stopper asks again.
//   4. It spills its registers, says where a scan must look, and becomes kCaught in all heaps in which it is
//      uncooperative and runs, and waits until none of them catches.
//   5. It becomes running, and looks once more whether a new stop catches: as with blocking_end, either it sees
//      that, or the stopper sees it running and sends the signal again.
//
// The registers themselves need no copy: the kernel put them, with the vector registers, into a
// frame between the handler and the interrupted code, which a scan reads.
//
// Not here: who sends the signal, and when (stopping.cc), and how it comes in (os/signals.h).

#ifndef ACRE_RUNTIME_THREAD_SIGNAL_STOP_H_
#define ACRE_RUNTIME_THREAD_SIGNAL_STOP_H_

#include "runtime/os/signals.h"

namespace acre::rt {

// For handle_signal.
bool stop_interrupted_thread(const Interrupted& at);

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_THREAD_SIGNAL_STOP_H_
