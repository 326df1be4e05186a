// Owns what fork does to heaps: the list of all heaps of the process, and the handlers (pthread_atfork) that
// make each of them usable in the child.
//
//   before, in the thread that forks
//     1. it counts as blocking in all heaps that it is attached to, until the end
//     2. it takes the list: one fork at a time, and no heap comes or goes
//     3. of every heap: the background thread ends its work, and the world stops, as for a collection; but
//        uncooperative threads outside Acre run on (runtime/thread/registry.h)
//     4. of every heap: all locks that may be held now, by threads that are attached to nothing or block
//   after, in the parent: all of that backwards
//   after, in the child: first the threads that are not there are forgotten. What other threads had cached is
//     flushed, their counters go to the heap's, their stacks are no roots any more, and the fibers that ran on
//     them are lost; the background thread and the crew are none, and will be made when they are needed. Then
//     as in the parent.
//
// Why it cannot wait for ever. All worlds are stopped before a lock of step 4 is taken, because a thread that
// waits for a lock of one heap may be running in another. Who waits for what is held in steps 2 and 3 does
// not run: for the list and for the lock of a stop one waits as blocking everywhere, and the background thread
// is attached to nothing. In a heap, locks are taken by rank; of two heaps nobody else holds locks at once.
//
// In between the caller counts as inside the stops, so that a call from an embedder's handler that is older
// than ours is refused where a stop refuses it.
//
// A child loses the record of a thread that was just attaching: a part of the heap's books that nobody uses.
//
// From within a stop (trace function, root scanner, walk, report of verify, watchdog) fork does nothing here: the child
// must exec or exit. Stopping other heaps from there could wait for a thread that does the same the
// other way round.

#ifndef ACRE_GC_CYCLE_FORK_H_
#define ACRE_GC_CYCLE_FORK_H_

#include "gc/cycle/cycle.h"

namespace acre::gc {

// Registers the handlers, once. False: no memory.
bool handle_forks();

// Of a heap that is complete; before it comes apart. Not inside a stop.
void list_heap(acre_heap* heap);
void unlist_heap(acre_heap* heap);

}  // namespace acre::gc

#endif  // ACRE_GC_CYCLE_FORK_H_
