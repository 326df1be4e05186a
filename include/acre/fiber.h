/* Acre, the part of the C API on fibers, and on stacks for other people's coroutines. Included by acre.h, which says
 * what the terms and the rules for threads and errors are. */
#ifndef ACRE_FIBER_H_
#define ACRE_FIBER_H_

#include <acre/acre.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A coroutine whose stack belongs to the heap. It is an object: its acre_fiber* is a reference like any
 * other, may be stored in objects and handles, and while something refers to it, it lives with all that
 * its stack refers to. One that nothing refers to and that does not run is collected, with its stack: what
 * is on that is forgotten, no destructor runs (resume it to its end if some must).
 *
 * A fiber is resumed by any thread that is attached to its heap, one at a time; it runs until it yields or its
 * function returns, and the one that resumed it goes on then, on the same thread. So fibers on a thread form
 * a chain, each resumed by the one before. What passes a fiber from one thread to another must order
 * memory (a lock, a queue), as for any object.
 *
 * Inside a fiber all of Acre may be called, with the acre_thread that runs it now (acre_fiber_thread): it
 * may be another one after each yield. Not across a yield or resume: a blocking region. Not from a fiber: the
 * last detach of the thread, acre_heap_destroy. With conservative_stacks=0 a fiber has its own list of
 * acre_local, and its stack is not scanned.
 *
 * A fiber holds references to objects of its own heap. To those of another heap only while it is in a chain
 * that runs; across its suspension they need handles.
 *
 * Overflow. Below each stack lies a guard: touching it is SIGSEGV, and (option overflow_report) a line on stderr
 * says which fiber it was. It is the kernel's guard without a mapping from Linux 6.13 on; before that a
 * guard takes two of the process's mappings (vm.max_map_count), and acre_fiber_new fails with ACRE_E_LIMIT
 * when few are left: about 30,000 fibers. */
typedef struct acre_fiber acre_fiber;
/* Runs on the fiber's stack. What it returns is what the last resume returns. An exception that leaves it
 * ends the fiber: the last resume returns NULL, with acre_last_error and acre_fiber_status
 * ACRE_E_EXCEPTION (acre::Fiber hands it on to the one that resumed). */
typedef void* (*acre_fiber_fn)(acre_fiber* fiber, void* arg);

enum {
  ACRE_FIBER_STACK_MIN = 8 << 10,  /* bytes; less is taken as this */
  ACRE_FIBER_STACK_MAX = 64 << 20, /* bytes; more is ACRE_E_INVALID */
  ACRE_FIBER_STACK = 64 << 10      /* for stack_bytes 0 */
};

/* Makes a fiber that will call fn(fiber, arg) when it is first resumed, and stores it in *out. `arg` may be
 * a reference: the fiber keeps it alive until then. stack_bytes is rounded up to a power of two (and
 * a little: acre_fiber_stack_bytes); only what is touched takes memory, from the top, a page of the kernel's at
 * least. What Acre itself needs of the stack
 * (a collection runs elsewhere) is less than 4 KiB. Attached thread; may collect, and asks the OOM handler, as an
 * allocation does. ACRE_E_INVALID: NULL fn or out, or too large a stack. ACRE_E_NOMEM. ACRE_E_LIMIT: no kind,
 * mapping or hard_limit left. ACRE_E_STATE: in a blocking region or a callback. On an error *out is NULL.
 *
 * Fibers bring collections by their stacks, too: when those in use, with all of their addresses, have grown by
 * gc_percent of what they were after the last collection (at least 64 MiB), or by what is left to a limit. */
ACRE_API acre_status acre_fiber_new(acre_thread* thread, size_t stack_bytes, acre_fiber_fn fn,
                                    void* arg, acre_fiber** out);

/* Runs a fiber that is new or suspended. `value` is what its acre_fiber_yield returns; of a new one nobody
 * sees it. Returns what it yields, or what its function returns: acre_fiber_done tells which. NULL, with
 * acre_last_error, if nothing was done: ACRE_E_STATE: it runs already, or is done, or the thread is in a
 * blocking region or a callback, handlers of out of memory and limit included; else ACRE_E_INVALID: NULL, or of
 * another heap. Attached thread. */
ACRE_API void* acre_fiber_resume(acre_thread* thread, acre_fiber* fiber, void* value);

/* Gives control back to the one that resumed `fiber`, which is the fiber that calls this. Returns the value of
 * the next resume. NULL with acre_last_error ACRE_E_STATE if the fiber is not the running one, or its thread
 * is in a blocking region or a callback. */
ACRE_API void* acre_fiber_yield(acre_fiber* fiber, void* value);

/* The same two calls with all that there is to say, in registers: who looks at `status` or `done` needs to ask
 * nothing more. */
typedef struct acre_fiber_turn {
  void* value; /* as above */
  int32_t
      status; /* an acre_status: why nothing was done; with `done`, ACRE_OK or ACRE_E_EXCEPTION */
  uint32_t done; /* 1: its function has returned or thrown just now */
} acre_fiber_turn;
ACRE_API acre_fiber_turn acre_fiber_resume_turn(acre_thread* thread, acre_fiber* fiber,
                                                void* value);
ACRE_API acre_fiber_turn acre_fiber_yield_turn(acre_fiber* fiber, void* value);

/* 1: its function has returned or thrown, and its stack has gone back. */
ACRE_API int acre_fiber_done(const acre_fiber* fiber);
/* ACRE_OK; ACRE_E_EXCEPTION: done by an exception; ACRE_E_STATE: it can never be resumed, because the thread
 * that ran it has ended, or is not in this child of fork. */
ACRE_API acre_status acre_fiber_status(const acre_fiber* fiber);
/* The fiber that runs on this thread, of whatever heap; NULL: none, the thread is on its own stack. Attached
 * thread. */
ACRE_API acre_fiber* acre_fiber_current(acre_thread* thread);
/* The thread that runs it; NULL: it does not run (and is in no chain). For the fiber itself. */
ACRE_API acre_thread* acre_fiber_thread(const acre_fiber* fiber);
/* Bytes of stack that it may use, 0 when it is done: a power of two, and what the guard leaves of its page of 8 KiB
 * (so 68 KiB for ACRE_FIBER_STACK, where the kernel's page is 4 KiB). */
ACRE_API size_t acre_fiber_stack_bytes(const acre_fiber* fiber);
/* A word for the embedder (one of acre::Fiber's is that class's own), NULL at first. Not a reference. For the
 * fiber itself, or the one that resumes it. */
ACRE_API void* acre_fiber_data(const acre_fiber* fiber);
ACRE_API void acre_fiber_set_data(acre_fiber* fiber, void* data);
/* A name for the message of an overflow; copied, at most 31 bytes. NULL: none. */
ACRE_API void acre_fiber_set_name(acre_fiber* fiber, const char* name);

/* A stack of the heap for who switches by other means (acre/fiber_stack.hpp is this for Boost's coroutines).
 * Whoever runs on it may be attached and call Acre, and all of the stack is scanned conservatively, whether in
 * use or not, until it is freed; so is all of the own stack of a thread that runs on one. Needs
 * conservative_stacks. A collection does not run there. What was ever touched of such a stack counts as memory, from
 * the next collection on. The message of an overflow needs a signal stack (sigaltstack): attached threads that make
 * such stacks, or run fibers, get one if they have none. */
typedef struct acre_stack {
  void* low;  /* the lowest byte; the guard lies below */
  void* high; /* one behind the highest: where it begins */
} acre_stack;
/* stack_bytes as for acre_fiber_new. Any thread. ACRE_E_INVALID: NULL out, too large, or a heap without
 * conservative_stacks; ACRE_E_NOMEM; ACRE_E_LIMIT; ACRE_E_STATE: in a callback. */
ACRE_API acre_status acre_stack_new(acre_heap* heap, size_t stack_bytes, acre_stack* out);
/* Nobody runs on it any more. ACRE_E_INVALID: it is not one of this heap's. ACRE_E_STATE: in a
 * callback. Any thread. */
ACRE_API acre_status acre_stack_free(acre_heap* heap, const acre_stack* stack);

#ifdef __cplusplus
}
#endif

#endif /* ACRE_FIBER_H_ */
