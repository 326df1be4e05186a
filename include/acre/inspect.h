/* Acre, the part of the C API that looks at a heap: statistics, stops, checks, walks. Included by acre.h, which says
 * what the terms and the rules for threads and errors are. */
#ifndef ACRE_INSPECT_H_
#define ACRE_INSPECT_H_

#include <acre/acre.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { ACRE_SIZE_CLASSES = 66 };

/* Counters of one size class; entry 0 is for large objects (size 0 there). */
typedef struct acre_class_stats {
  uint64_t size;    /* bytes of an object */
  uint64_t mallocs; /* objects ever allocated */
  uint64_t frees;   /* objects freed, by the sweeper or by acre_free */
} acre_class_stats;

/* The counters of a heap, after Go's MemStats. Bytes unless said otherwise. Identities that hold in
 * every reading while no other thread allocates (else within what these threads have in their
 * caches):
 *
 *   alloc = heap_alloc = total_alloc - total_freed
 *   live_objects = mallocs - frees = sum over by_size of (mallocs - frees)
 *   sys = heap_sys + stack_sys + span_sys + cache_sys + gc_sys + other_sys
 *   heap_sys = heap_idle + heap_inuse        heap_released <= heap_idle       heap_alloc <= heap_inuse
 *   reserved >= mapped = heap_sys + stack_sys     num_forced_gc <= num_gc
 *   accounted = sys - heap_released - stack_untouched      stack_untouched <= stack_sys
 */
typedef struct acre_stats {
  size_t
      struct_size; /* set by the caller to sizeof(acre_stats); fields behind it are not written */

  uint64_t alloc;        /* objects that are allocated and not yet swept or freed */
  uint64_t total_alloc;  /* ever allocated; never falls */
  uint64_t total_freed;  /* ever freed */
  uint64_t mallocs;      /* objects ever allocated */
  uint64_t frees;        /* objects ever freed */
  uint64_t live_objects; /* mallocs - frees */

  uint64_t sys;        /* all memory mapped read-write and in use as such: the sum of the *_sys */
  uint64_t heap_alloc; /* = alloc */
  uint64_t heap_sys;   /* arenas mapped, without stacks */
  uint64_t heap_idle;  /* pages in no span */
  uint64_t heap_inuse; /* pages in spans */
  uint64_t heap_released; /* idle pages that hold no memory: given back, or never touched */
  uint64_t stack_sys;     /* stacks of fibers and coroutines, free ones that are kept included */
  uint64_t span_sys;      /* tables of spans and pages, for pages that hold memory */
  uint64_t cache_sys;     /* thread caches, central lists, the background thread's stack */
  uint64_t gc_sys;        /* mark and alloc bits, mark buffers, handles and roots */
  uint64_t
      other_sys; /* the rest of the books; where a limit is set, also tables of released pages that
                         could not go back, as the kernel says */

  uint64_t reserved;       /* address space for objects: what the ladder gave */
  uint64_t reserved_asked; /* what was asked for, rounded as acre/options.def says */
  uint64_t mapped;         /* = heap_sys + stack_sys */
  uint64_t vmas;           /* kernel mappings (VMAs) that this heap made */

  uint64_t live_after_gc; /* bytes that the last collection marked, and those of explicit kinds */
  uint64_t next_gc;       /* the goal: collect when heap_alloc comes near; UINT64_MAX: never */
  uint64_t memory_limit;  /* in effect, in bytes; ACRE_NO_LIMIT: none */
  int64_t gc_percent;
  uint64_t num_gc;         /* collections completed */
  uint64_t num_forced_gc;  /* of them, by acre_collect and acre_release_memory */
  uint64_t last_gc_ns;     /* CLOCK_MONOTONIC at the end of the last one; 0: none */
  uint64_t pause_total_ns; /* threads stopped by collections, in all */
  uint64_t pause_last_ns;
  uint64_t pause_max_ns;
  uint64_t gc_cpu_ns; /* processor time spent in marking and in sweeping under a stop */

  uint64_t threads;     /* attached now */
  uint64_t kinds;       /* registered, with the built-in ones */
  uint64_t handles;     /* in use */
  uint64_t os_calls;    /* system calls that map, protect, advise or unmap */
  uint64_t os_call_ns;  /* time in them */
  uint64_t os_failures; /* of them, refused */
  acre_class_stats by_size[ACRE_SIZE_CLASSES];

  uint64_t accounted;  /* what the limits are compared with: all that is taken and not given back */
  uint64_t hard_limit; /* as set; ACRE_NO_LIMIT: none. ACRE_LIMIT_FAIL makes memory_limit another */
  uint64_t
      retain_goal; /* pages with memory (heap_sys - heap_released) above this are given back in the
                             background; UINT64_MAX: none are */
  uint64_t limiting;            /* 1: collections for the memory limit are being put off */
  uint64_t limit_events;        /* times that the limit handler was called, or would have been */
  uint64_t num_idle_gc;         /* collections by the background thread, of num_gc */
  uint64_t released_background; /* bytes ever given back, by the background thread, */
  uint64_t released_allocating; /* by threads that allocated, */
  uint64_t released_request;    /* and by acre_release_memory */
  uint64_t background_cpu_ns; /* processor time of the background thread, collections not counted */
  uint64_t huge_pages;        /* 1: new arenas are in huge pages */
  uint64_t committed; /* mapped read-write, books too: what vm.overcommit_memory=2 charges */
  uint64_t
      strict_commit; /* 1: that mode was found at the start; memory is made writable in steps of 4 MiB */
  uint64_t process_vmas; /* mappings of the whole process when last counted; 0: never */
  uint64_t max_vmas;     /* vm.max_map_count */
  uint64_t
      os_locked_calls; /* system calls made with the page-heap lock held (debug builds, else 0) */
  uint64_t os_locked_max_ns; /* the longest of them */
  uint64_t stacks; /* in use: of fibers that are not done or dead, and of acre_stack_new */
  uint64_t
      stack_untouched; /* of stack_sys: what holds no memory, an estimate: what a suspended fiber has in
                                use is known at collections, the rest of its stack when it is given back */
  uint64_t weak_references;    /* to objects that are alive, or not yet found dead */
  uint64_t finalizers;         /* set, and not yet queued */
  uint64_t cleanups;           /* the same */
  uint64_t finalizers_waiting; /* queued: what acre_run_finalizers would run */
  uint64_t finalizers_run;     /* by it, ever */
} acre_stats;

/* Fills in *stats. No stop; any thread. stats->struct_size must be set;
 * 0 is taken as sizeof(acre_stats). */
ACRE_API void acre_stats_read(acre_heap* heap, acre_stats* stats);

/* Bytes of the heap's range and books that are in memory, as the kernel says (mincore walks: takes
 * about a millisecond a GiB). Any thread. */
ACRE_API uint64_t acre_resident_bytes(acre_heap* heap);

/* Durations in nanoseconds, counted in buckets: 0 to 3 are the values 0 to 3, then each power of two is four
 * buckets of equal width, up to half an hour in the last one. */
enum { ACRE_HISTOGRAM_BUCKETS = 160 };
typedef struct acre_histogram {
  uint64_t count; /* the sum of the buckets */
  uint64_t total_ns;
  uint64_t max_ns;
  uint64_t buckets[ACRE_HISTOGRAM_BUCKETS];
} acre_histogram;

/* The duration that the share q (0 to 1) of all did not exceed, at most a quarter too large; q = 1: the
 * longest. 0 if there are none, or for NULL. Any thread. */
ACRE_API uint64_t acre_histogram_quantile(const acre_histogram* histogram, double q);

/* How the heap's threads were stopped: for collections, acre_verify and acre_heap_walk. */
typedef struct acre_stop_stats {
  size_t struct_size;          /* set by the caller, as in acre_stats */
  acre_histogram time_to_stop; /* from the request until the last thread had stopped */
  acre_histogram time_stopped; /* from then until all were told to go on */
  uint64_t last_to_stop_ns;
  uint64_t last_stopped_ns;
  uint64_t given_up; /* stops by the background thread that ended because some thread was late */
  uint64_t signals;  /* sent to uncooperative threads */
  uint64_t let_go;   /* times that these ran on for a while, because others could not stop */
  uint64_t watchdog_reports; /* threads named by the watchdog */
} acre_stop_stats;
/* No stop; any thread. */
ACRE_API void acre_stop_stats_read(acre_heap* heap, acre_stop_stats* stats);

/* What the watchdog says of a thread that others wait for. All that is pointed to lives during the call. */
typedef struct acre_stop_report {
  const char* thread_name;  /* the system's; "" if it has none */
  int64_t thread_number;    /* as debuggers and top show it */
  int manner;               /* ACRE_THREAD_COOPERATIVE or _UNCOOPERATIVE */
  int inside_acre;          /* not 0: in a call of Acre */
  int in_system_call;       /* not 0: in the kernel, as far as the instruction tells */
  uint64_t waited_ns;       /* since the stop was asked for */
  uint64_t program_counter; /* 0: it did not answer; does it block the signal? */
  const char* symbol;       /* the exported function at or below that; NULL: none is known */
  uint64_t offset;          /* into the symbol, else into the module */
  const char* module;       /* the program's or library's file; NULL: none is known */
} acre_stop_report;

/* Called for each thread that has not stopped `ms` after a stop was asked for, and again with twice the time
 * each, by the thread that waits for the stop. It must not call Acre, but may allocate elsewhere and print:
 * no thread is held by a signal meanwhile. */
typedef void (*acre_stop_watchdog_fn)(acre_heap* heap, const acre_stop_report* report, void* arg);
/* NULL: a line on stderr. ms 0: no watchdog. A thread that is late is asked by the signal stop_signal where
 * it is; system calls that are never begun again (poll, nanosleep) end with EINTR by that. In effect
 * from the next stop on. Any thread. */
ACRE_API acre_status acre_set_stop_watchdog(acre_heap* heap, uint64_t ms, acre_stop_watchdog_fn fn,
                                            void* arg);

/* Stops the world and checks the heap's books against each other and every reference that a root
 * reaches against the books. Each violation is a line to `report` (may be NULL). ACRE_OK or
 * ACRE_E_STATE when something is wrong: which is a bug of ours, or of a program that wrote outside
 * its objects or kept a reference to what it freed. Any thread, but not from within a
 * callback: there it is ACRE_E_STATE, too, and no line is reported. While uncooperative threads are attached, report
 * takes no lock that they may hold: malloc's, stdio's. */
ACRE_API acre_status acre_verify(acre_heap* heap, acre_report_fn report, void* arg);

/* Without conservative_stacks: which objects does only a stack hold? Stops the world, marks what roots reach, and
 * then scans the stacks and registers of attached threads, and the stacks of fibers that are reached, as if stacks
 * were roots. Each object found by that, which a root should hold if the program goes on to use it, is a line to
 * `report` (may be NULL), once for each function that holds it: with its kind (and header), the slot, and the
 * function in whose frame the slot is: the exported symbol, else file and offset (for addr2line); and its caller,
 * as the slot may be a register that the function saved for that one. *count (may be NULL) is the number of lines.
 * What a stack holds may be old, and never be used again: a line is a question. Nothing is collected. With the
 * option audit_roots collections do the same and print. ACRE_OK also if there were some. ACRE_E_INVALID: heap is
 * NULL. ACRE_E_STATE: with conservative_stacks, or within a callback. Any thread. No thread may come to a
 * safepoint in a constructor of a library that is being loaded: the loader is asked for the symbols. */
ACRE_API acre_status acre_audit_roots(acre_heap* heap, acre_report_fn report, void* arg,
                                      size_t* count);

/* With the option check_barriers: which stores of references have gone around acre_store and its like since the last
 * collection (or call of this)? Stops the world and marks, as acre_verify does. What is looked at is objects that
 * lived at that collection and live now: a reference slot of theirs (by their kind) that has another value than the
 * barrier last wrote, of which the old or the new one leads to an object. Each is a line to `report` (may be
 * NULL), which names the object, its kind, the offset of the slot, the old and the new value; the slot is right
 * from then on. *count (may be NULL) is their number. The constructor's stores into a new object need no
 * barrier and are not reported; what acre_free and acre_realloc do is not. What a program writes to
 * conservative objects by other means is, where it looks like a reference: standard containers know no barrier.
 * With the option's value 1 each collection does the same and prints; with 2 it aborts if there was any.
 * ACRE_OK also if there were some. ACRE_E_INVALID: heap is NULL. ACRE_E_STATE: without the option, or within a
 * callback. Any thread. */
ACRE_API acre_status acre_check_barriers(acre_heap* heap, acre_report_fn report, void* arg,
                                         size_t* count);
/* All that was ever found, by collections too. Any thread. */
ACRE_API uint64_t acre_barrier_violations(acre_heap* heap);

/* Calls fn for each object that is allocated (also unreachable ones that are not yet swept; collect
 * first to see the live ones), in order of address, all other threads stopped. fn returns 0 to go
 * on, else the walk ends there, with ACRE_OK; it must not allocate or call anything of Acre, nor take a lock that an
 * uncooperative thread may hold (malloc's, stdio's): that is stopped wherever it is.
 * ACRE_E_INVALID: NULL argument. ACRE_E_STATE: within a callback. */
typedef int (*acre_walk_fn)(void* object, size_t size, acre_kind kind, void* arg);
ACRE_API acre_status acre_heap_walk(acre_heap* heap, acre_walk_fn fn, void* arg);

#ifdef __cplusplus
}
#endif

#endif /* ACRE_INSPECT_H_ */
