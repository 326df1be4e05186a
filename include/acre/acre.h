/* Acre: a garbage-collected heap for language VMs. The C API (C11), stable ABI.
 *
 * In five lines:
 *
 *   acre_heap *heap;      acre_heap_create(NULL, &heap);
 *   acre_thread *thread;  acre_thread_attach(heap, &thread);
 *   void **cell = acre_alloc(thread, 16, ACRE_KIND_CONSERVATIVE);   // zeroed; the stack keeps it alive
 *   acre_store(thread, cell, &cell[0], cell);
 *   acre_thread_detach(thread);  acre_heap_destroy(heap);
 *
 * Terms. A *heap* owns one range of addresses and all objects in it; there may be several. A
 * *thread* must be attached to a heap to allocate from it. An *object* is what acre_alloc returns:
 * it never moves, has no header, and lives until no root reaches it. A *kind* tells the collector
 * where an object holds references. A *root* is where it starts: the stacks and registers of
 * attached threads, handles, registered ranges, root scanners. On a stack or in a register, a
 * pointer one past the end of an object keeps it alive as well; elsewhere a reference must point at
 * or into its object.
 *
 * Errors. A caller's mistake or a lack of memory is a status, or NULL / 0 with the reason in
 * acre_last_error; the heap stays usable. A bug of Acre's own prints what is known to stderr and
 * aborts.
 *
 * Threads. "Attached thread" below means: call it with the acre_thread of the calling thread,
 * outside a blocking region; calls that return a status answer ACRE_E_INVALID to NULL, those that return a
 * pointer NULL, the others do nothing. Except for acre_alloc, acre_free_sized, acre_realloc_sized,
 * acre_safepoint_slow, acre_blocking_begin and _end and what is inline: there NULL is undefined. "Any thread" means
 * attached or not, unless it says more. Every call
 * that takes an attached thread may stop there while another thread collects, so a reference that
 * only a register or the stack holds is safe (with conservative_stacks), one that only malloc'ed
 * memory holds is not.
 *
 * Fork. Any thread may fork at any time, whatever others do: all heaps are usable in the child. It has the thread
 * that forked, attached as it was, in its blocking region if it was in one; the other threads are detached there,
 * what only they held is garbage, handles and other roots stay. Acre's own threads begin anew when they are
 * needed. A fork stops the world of every heap of the process, so it waits for attached threads as a collection
 * does (posix_spawn and vfork do not); but an uncooperative thread that is outside Acre runs on, and waits when it
 * calls Acre. A lock that libc's fork takes (malloc's, stdio's), or a handler older than the first heap, must not
 * be held across a call of Acre. Acre's handlers (pthread_atfork) are registered with the first heap: an
 * embedder's own may use heaps if they are registered later; older ones must call nothing of Acre. The exception
 * is a fork from within a callback for which the world is stopped (trace function, root scanner, walk, report of
 * acre_verify), or from the watchdog's: there the child must exec or _exit and call nothing of Acre. No fork from
 * a signal handler that interrupted a call of Acre.
 *
 * Pointers. Heaps, threads and handles that a call works on must be valid; where a call says
 * nothing of NULL, NULL is undefined. A call that may collect keeps the objects that it is given
 * alive until it returns, also without conservative_stacks.
 *
 * Units: sizes are bytes unless the name says otherwise.
 */
#ifndef ACRE_ACRE_H_
#define ACRE_ACRE_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ACRE_VERSION_MAJOR 0
#define ACRE_VERSION_MINOR 1
#define ACRE_VERSION_PATCH 0

#define ACRE_API __attribute__((visibility("default")))

/* ---- Status ------------------------------------------------------------------------------------ */

typedef enum acre_status {
  ACRE_OK = 0,
  ACRE_E_INVALID,       /* an argument is not what the call documents */
  ACRE_E_NOMEM,         /* the kernel gives no more memory, or the heap's range is full */
  ACRE_E_ADDRESS_SPACE, /* no reservation fits, not even the smallest (see ulimit -v) */
  ACRE_E_LIMIT, /* a fixed number is used up (kinds, thread-specific keys), or the memory limit */
  ACRE_E_STATE, /* the call is right but not now, or not from this thread */
  ACRE_E_EXCEPTION /* a C++ exception left a fiber's function */
} acre_status;

/* A sentence for a status, static, never NULL; also for values that are no status. Any thread. */
ACRE_API const char* acre_strerror(acre_status status);

/* ---- Options ----------------------------------------------------------------------------------- */

#define ACRE_NO_LIMIT SIZE_MAX

enum { ACRE_HUGE_PAGES_AUTO = 0, ACRE_HUGE_PAGES_ALWAYS = 1, ACRE_HUGE_PAGES_NEVER = 2 };
enum { ACRE_TRACE_GC = 1u << 0, ACRE_TRACE_SCAV = 1u << 1 };

/* For memory_limit and acre_set_memory_limit: a share of what the process may have, which is the least of the
 * limits of its memory cgroup and those above it (version 2: memory.max and memory.high; version 1:
 * memory.limit_in_bytes) and of physical memory. It is read again each second (not with scavenger=0). AUTO is 90
 * percent: the rest is for what the process has beside the heap. */
#define ACRE_LIMIT_AUTO (SIZE_MAX - 1)
#define ACRE_LIMIT_PERCENT(percent) (SIZE_MAX - 1 - (size_t)(percent)) /* 1 to 100 */

/* When the memory limit cannot be kept: see acre_limit_fn. */
enum { ACRE_LIMIT_KEEP_GOING = 0, ACRE_LIMIT_RAISE = 1, ACRE_LIMIT_FAIL = 2 };

/* What a heap is made with. Each field, with its default and its environment variable, is a row of
 * acre/options.def. struct_size is sizeof(acre_options) of the caller's headers, so that a program
 * built against an older header runs with a newer library. */
typedef struct acre_options {
  size_t struct_size;
#define ACRE_OPTION(type, name, format, value, doc) type name;
#include <acre/options.def>
#undef ACRE_OPTION
} acre_options;

/* Fills in the defaults, then what the environment says (ACRE_GC_PERCENT, ACRE_RESERVE_BYTES, ...):
 * each option's variable is ACRE_ and its name in capitals. A variable that does not parse is
 * reported on stderr and passed over. Any thread. */
ACRE_API void acre_options_init(acre_options* options);

/* A callback for lines of text: the line has no newline at its end and lives during the call only.
 * */
typedef void (*acre_report_fn)(const char* line, void* arg);

/* One line for each option: variable, default, documentation. Any thread. */
ACRE_API void acre_options_help(acre_report_fn report, void* arg);

/* ---- Heap -------------------------------------------------------------------------------------- */

typedef struct acre_heap acre_heap;
typedef struct acre_thread acre_thread;

/* Makes a heap and stores it in *out. options NULL: the defaults and the environment, as
 * acre_options_init gives them. Reserves address space and takes less than 1 MiB of memory. Any
 * thread; the caller is not attached by it. ACRE_E_INVALID: out is NULL, or an option is out of
 * range. ACRE_E_ADDRESS_SPACE: no reservation down to 64 MiB was granted. ACRE_E_NOMEM: the kernel
 * gave no memory for the tables. ACRE_E_LIMIT: the process has no thread-specific key left (each
 * heap takes one of the system's 1,024). ACRE_E_STATE: called from a trace function, root scanner,
 * walk or watchdog. On an error *out is NULL; which option is out of range is
 * said on stderr. */
ACRE_API acre_status acre_heap_create(const acre_options* options, acre_heap** out);

/* Ends a heap: its objects are gone, handles into it are invalid, its memory and addresses go back.
 * NULL is allowed. The caller may be attached (it is detached); ACRE_E_STATE while other threads
 * are, or in a callback, and then the heap is untouched. ACRE_E_NOMEM: the kernel refused to unmap;
 * the caller is detached, else the heap is untouched, and the call may be repeated. */
ACRE_API acre_status acre_heap_destroy(acre_heap* heap);

/* ---- Threads ----------------------------------------------------------------------------------- */

/* Attaches the calling thread to the heap: from now on its stack and registers are roots (with
 * conservative_stacks), and it must come to a safepoint (any call that takes its acre_thread and may allocate, or
 * acre_safepoint) or be in a blocking region within a short time, or collections and forks wait for it. With
 * conservative_stacks it must not call Acre from another stack than its own, a fiber's or one of acre_stack_new: a
 * collection that finds it there ends the process rather than miss references. Attaching again returns the same
 * acre_thread and must be matched by as many detaches. A thread that exits attached is detached; but not one that
 * attaches in the last of the PTHREAD_DESTRUCTOR_ITERATIONS rounds of destructors of thread-specific data (4): it
 * must detach there, or collections wait for it for ever. A thread may be attached to several heaps; a blocking
 * region is one for its heap only. ACRE_E_INVALID: heap or out is NULL. ACRE_E_NOMEM: no room for its caches.
 * ACRE_E_STATE: called from a trace function, root scanner or walk. */
ACRE_API acre_status acre_thread_attach(acre_heap* heap, acre_thread** out);

/* How a thread comes to a stop when another one collects. */
enum {
  /* At its next safepoint: what acre_thread_attach means. */
  ACRE_THREAD_COOPERATIVE = 0,
  /* Wherever it is, by a signal (the option stop_signal): it need not poll, and may wait for a lock or in
   * the kernel outside blocking regions. Its allocations are never inlined: some 10 ns more each. Rules:
   * docs/threads-and-fibers.md. */
  ACRE_THREAD_UNCOOPERATIVE = 1
};

/* As acre_thread_attach, in this manner. Attached already: ACRE_E_STATE if in the other manner
 * (acre_thread_attach itself takes it as it is). ACRE_THREAD_UNCOOPERATIVE unblocks the signal for the
 * calling thread, and puts Acre's handler before the process's own, which goes on to be called for
 * signals that Acre did not send. The handler stays when no thread is attached any more, and no heap is left.
 * ACRE_E_INVALID: also for a manner that is none, and if stop_signal is no signal that can be handled (options.def).
 * ACRE_E_STATE: also without conservative_stacks, since an interrupted thread's registers say nothing
 * exact. */
ACRE_API acre_status acre_thread_attach_as(acre_heap* heap, int manner, acre_thread** out);

/* Undoes one attach. After the last one the pointer is invalid and references on this thread's
 * stack keep nothing alive. ACRE_E_STATE: called by another thread, inside a blocking region, or in
 * the OOM handler. */
ACRE_API acre_status acre_thread_detach(acre_thread* thread);

/* The calling thread's attachment to this heap, or NULL. Any thread. */
ACRE_API acre_thread* acre_thread_current(acre_heap* heap);

/* Why the last call on this thread returned NULL (or changed nothing, where a call without result
 * says so). Not reset by calls that succeed. Attached thread. */
ACRE_API acre_status acre_last_error(const acre_thread* thread);

/* The part of acre_thread that inline code reads. Fields may be added at the end only. */
struct acre_thread_inline {
  uint32_t stop_requested;   /* not 0: call acre_safepoint_slow soon */
  uint32_t phase;            /* not 0: stores of references go through acre_store_slow */
  struct acre_local* locals; /* the last one pushed, see acre_local_push */
  void* object;              /* acre.hpp: the acre::Thread by which a fiber was resumed */
};

ACRE_API void acre_safepoint_slow(acre_thread* thread);

/* Lets a collection that another thread asked for happen here. One load and one branch when there
 * is none. To be called in loops that do not allocate. Attached thread. */
static inline void acre_safepoint(acre_thread* thread) {
  const struct acre_thread_inline* fields = (const struct acre_thread_inline*)(const void*)thread;
  if (__builtin_expect(__atomic_load_n(&fields->stop_requested, __ATOMIC_RELAXED) != 0, 0)) {
    acre_safepoint_slow(thread);
  }
}

/* Between begin and end the thread may block (in a system call, in foreign code, waiting for a
 * lock): it delays no collection and is scanned as it stood at begin. It must not touch the heap's
 * objects, nor make any call with its acre_thread but these two; nor do destructors that pthread_cancel runs
 * there, which are inside the region. They nest. End waits while a
 * collection is on its way; without a begin it only sets acre_last_error to ACRE_E_STATE. */
ACRE_API void acre_blocking_begin(acre_thread* thread);
ACRE_API void acre_blocking_end(acre_thread* thread);

/* As acre_blocking_begin, by code with no references on the stack that it runs on, which may be any: the loop
 * of a scheduler that has nothing to run. The thread's own stack is scanned whole. Ended by
 * acre_blocking_end. */
ACRE_API void acre_idle_begin(acre_thread* thread);

/* ---- Kinds ------------------------------------------------------------------------------------- */

typedef uint32_t acre_kind;

enum {
  ACRE_KIND_LEAF = 0,         /* no references: strings, numbers */
  ACRE_KIND_CONSERVATIVE = 1, /* every aligned word may be a reference */
  ACRE_MAX_KINDS = 255        /* with the two built in */
};
#define ACRE_KIND_NONE UINT32_MAX

typedef struct acre_visitor acre_visitor;

/* Tells the visitor of each reference in an object of this kind, by acre_visit and its like. `size`
 * is acre_object_size. An object may be traced as soon as it is allocated: all zero must be a valid
 * state. Runs while all threads are stopped, on any thread, also one of Acre's own that has 256 KiB of
 * stack, and on several at once for different objects: it must not allocate, block, throw, write to
 * what another one reads, or call anything of Acre but acre_visit*. */
typedef void (*acre_trace_fn)(void* object, size_t size, acre_visitor* visitor);

/* For acre_kind_info.flags. */
enum {
  /* Each object begins with one word (8 bytes) of the embedder's own that is no reference: a class, a type
   * tag. With a bitmap, the elements begin behind it. A trace function is called as ever. Reports of verify
   * and audit show the word. */
  ACRE_KIND_HAS_HEADER = 1,
  /* Objects live until they are freed (acre_free, acre_free_sized), whether anything refers to them or not: memory
   * for code that allocates and frees by itself, such as another library's allocator. Leaf kinds only: the
   * collector does not look into them, so what only they refer to is not kept alive. Limits, statistics, walks and
   * acre_object_base hold for them as for others. What waits for an object's death (a weak reference, finalizer,
   * cleanup) cannot be attached: ACRE_E_INVALID. As a key of an ephemeron or weak table, or a weak value, such an
   * object is alive; the entry goes with the first collection after it was freed, if no other object has got the
   * address by then.
   *
   * What a thread frees of them (small objects) it allocates first again. All room that was freed is for everyone
   * after the next collection. They count in what lives, so collections come when the heap has grown by
   * gc_percent, of explicit objects as of others. */
  ACRE_KIND_EXPLICIT = 1 << 1
};

typedef struct acre_kind_info {
  size_t struct_size;  /* sizeof(acre_kind_info) */
  const char* name;    /* for reports; copied (at most 31 bytes); NULL: "kind N" */
  acre_trace_fn trace; /* or NULL */
  /* If trace is NULL: an array of bits, least significant bit of the lowest byte first (so an array
   * of uint8_t, uint64_t or uintptr_t serves on a little-endian machine); bit i set: word i (8
   * bytes) of an element is a reference. Copied. The object is an array of such elements, repeated
   * to its end, where the last one may be cut off; but one, and the header, must fit: less is ACRE_E_INVALID
   * (0 bytes, no elements, get room for one). NULL with trace NULL: a leaf kind. */
  const void* pointer_bitmap;
  size_t element_words; /* the number of bits, 1 to 4096; 0 without a bitmap */
  uint64_t flags;       /* of the above, or 0 */
} acre_kind_info;

/* Registers a kind with this heap, for the heap's life, and stores its number in *out. Any thread.
 * ACRE_E_INVALID: a NULL argument, a wrong struct_size, flag or element_words, both trace and
 * bitmap, or one of them with ACRE_KIND_EXPLICIT. ACRE_E_LIMIT: ACRE_MAX_KINDS are registered. ACRE_E_NOMEM. */
ACRE_API acre_status acre_kind_register(acre_heap* heap, const acre_kind_info* info,
                                        acre_kind* out);

/* For trace functions and root scanners. *slot is NULL, a reference to an object of this heap (also
 * into its middle, or with tag bits in the low four), or points elsewhere (is ignored). */
ACRE_API void acre_visit(acre_visitor* visitor, void** slot);

/* Takes every 8-byte aligned word of [start, start + bytes) for a possible reference. */
ACRE_API void acre_visit_conservative(acre_visitor* visitor, void* start, size_t bytes);

/* ---- Allocation -------------------------------------------------------------------------------- */

/* A new object of at least `bytes` bytes, all zero, aligned to 16. Size 0 gives a distinct object of the smallest
 * size. May collect (not with collect_at_polls). NULL (acre_last_error tells): ACRE_E_INVALID for an unknown kind,
 * or if no element of the kind's bitmap fits into the acre_object_size of such an object; ACRE_E_NOMEM when, after
 * a collection and after the OOM handler gave up, there is no room, or when `bytes` is larger than the heap can
 * ever hold; ACRE_E_LIMIT when there would be room but for hard_limit or ACRE_LIMIT_FAIL. Attached thread. */
ACRE_API void* acre_alloc(acre_thread* thread, size_t bytes, acre_kind kind);

/* The room that a thread bumps through for one kind and size class: [cursor, limit) is free and
 * zero, [limit, end) is free. Objects are taken from the front: `limit` and `end` are for Acre to
 * change. All 0: no room. */
typedef struct acre_gap {
  uintptr_t cursor;
  uintptr_t limit;
  uintptr_t end;
  void* span;
} acre_gap;

enum {
  ACRE_GAPS_OFFSET = 1152, /* of the first gap, from the acre_thread */
  ACRE_GAPS_PER_KIND = 66, /* = ACRE_SIZE_CLASSES */
  ACRE_INLINE_BYTES = 1024 /* the largest request that inline code serves */
};

/* The size class of a request of 0 to ACRE_INLINE_BYTES bytes, and the bytes that its objects take:
 * steps of 16 bytes to 256, of 32 to 512, of 64 to 768, of 128 to 1024. */
#define ACRE_INLINE_CLASS(bytes)                                        \
  ((bytes) == 0     ? 1u                                                \
   : (bytes) <= 256 ? (unsigned)(((size_t)(bytes) + 15) / 16)           \
   : (bytes) <= 512 ? 16u + (unsigned)(((size_t)(bytes)-256 + 31) / 32) \
   : (bytes) <= 768 ? 24u + (unsigned)(((size_t)(bytes)-512 + 63) / 64) \
                    : 28u + (unsigned)(((size_t)(bytes)-768 + 127) / 128))
#define ACRE_INLINE_CLASS_BYTES(bytes)                 \
  ((bytes) == 0     ? (size_t)16                       \
   : (bytes) <= 256 ? ((size_t)(bytes) + 15) / 16 * 16 \
   : (bytes) <= 512 ? ((size_t)(bytes) + 31) / 32 * 32 \
   : (bytes) <= 768 ? ((size_t)(bytes) + 63) / 64 * 64 \
                    : ((size_t)(bytes) + 127) / 128 * 128)

/* Where the thread takes objects of this kind and size class from. The same for the thread's life.
 * `kind` is registered, `size_class` below ACRE_GAPS_PER_KIND. */
static inline acre_gap* acre_gap_of(acre_thread* thread, acre_kind kind, unsigned size_class) {
  acre_gap* gaps = (acre_gap*)(void*)((char*)thread + ACRE_GAPS_OFFSET);
  return &gaps[kind * ACRE_GAPS_PER_KIND + size_class];
}

/* Takes `size` bytes, those of the gap's size class, from it; NULL: not enough are ready. */
static inline void* acre_gap_take(acre_gap* gap, size_t size) {
  const uintptr_t object = gap->cursor;
  const uintptr_t next = object + size;
  if (__builtin_expect(next > gap->limit, 0)) return NULL;
  if (object == 0) __builtin_unreachable(); /* where there is no room, limit is 0, too */
  /* Other threads read it, to know what of the gap is not yet an object. */
  __atomic_store_n(&gap->cursor, next, __ATOMIC_RELAXED);
  return (void*)object; /* NOLINT(performance-no-int-to-ptr) */
}

/* As acre_alloc, for a `bytes` that the compiler knows: up to ACRE_INLINE_BYTES it is at most ten
 * instructions in the caller (five with a constant kind), else, and when the thread has no room ready, a
 * call of acre_alloc. `kind` must be a registered one. */
static inline void* acre_alloc_inline(acre_thread* thread, size_t bytes, acre_kind kind) {
  if (__builtin_constant_p(bytes) && bytes <= ACRE_INLINE_BYTES) {
    acre_gap* gap = acre_gap_of(thread, kind, ACRE_INLINE_CLASS(bytes));
    void* object = acre_gap_take(gap, ACRE_INLINE_CLASS_BYTES(bytes));
    if (__builtin_expect(object != NULL, 1)) return object;
  }
  return acre_alloc(thread, bytes, kind);
}

/* As acre_alloc, aligned to `align`: a power of two up to 1 MiB, else NULL with ACRE_E_INVALID. */
ACRE_API void* acre_alloc_aligned(acre_thread* thread, size_t bytes, size_t align, acre_kind kind);

/* As acre_alloc, but the content is undefined. Leaf kinds only, else NULL with ACRE_E_INVALID. */
ACRE_API void* acre_alloc_uninit(acre_thread* thread, size_t bytes, acre_kind kind);

/* An object of at least `bytes` bytes with the kind and the content of `object`, as far as both
 * reach; what is added is zero (what the program itself wrote behind its request counts as
 * content). Shrinking zeroes what lies behind the new size. In place where it fits, else a copy:
 * the old object is then freed. NULL `object`: a new object of kind ACRE_KIND_LEAF. NULL, and
 * `object` untouched: no memory (ACRE_E_NOMEM), or `object` is not the address of an object, or `bytes`, not 0,
 * is too little for an element of its kind (ACRE_E_INVALID). Alignment above 16 is not kept by a copy. */
ACRE_API void* acre_realloc(acre_thread* thread, void* object, size_t bytes);

/* Frees an object before the collector would. Optional. The caller promises that nothing refers to
 * it. A large object's memory (above 32 KiB) is free at once, a small one's when its span is next
 * swept or, if it lies in the span that a thread allocates from, when that span is used up; of explicit kinds
 * (ACRE_KIND_EXPLICIT) at once, for the thread that frees it. NULL is
 * allowed. What is not the address of an object (foreign, interior, already freed) changes nothing
 * and sets acre_last_error to ACRE_E_INVALID; but an address that was freed and given out again is
 * that new object. Attached thread. */
ACRE_API void acre_free(acre_thread* thread, void* object);

/* As acre_free, for an object of kind `kind` that was asked for with `bytes` (or was resized to that by
 * acre_realloc_sized). Of an explicit kind nothing of that is checked: what is no such object, or was freed
 * already, damages the heap, except with clobber_free=1 or gc_every, where it is as acre_free. Attached thread,
 * not NULL. */
ACRE_API void acre_free_sized(acre_thread* thread, void* object, size_t bytes, acre_kind kind);

/* Resizes an object of an explicit kind from old_bytes, what it was asked for with, to `bytes`: in place where it
 * fits and no memory would be wasted, else a copy, and the old one is freed. What is added is undefined. NULL
 * `object`: as acre_alloc_uninit. NULL, and `object` untouched, as acre_alloc_uninit. Checked as acre_free_sized. Attached
 * thread, not NULL. */
ACRE_API void* acre_realloc_sized(acre_thread* thread, void* object, size_t old_bytes, size_t bytes,
                                  acre_kind kind);

/* The start of the object that `any` points to or into, else NULL: for any address at all. Memory
 * behind an object's acre_object_size, free room, and objects that were found dead and swept belong
 * to none. An object that is unreachable but was not yet swept still answers. Any thread; for the
 * objects of other running threads the answer may be old by the time it arrives. */
ACRE_API void* acre_object_base(acre_heap* heap, const void* any);

/* What may be used of an object: at least what was asked. 0 if `object` is not the address of an
 * object (see acre_object_base for interior pointers). Any thread. */
ACRE_API size_t acre_object_size(acre_heap* heap, const void* object);

/* The kind it was allocated with; ACRE_KIND_NONE if `object` is not the address of an object. */
ACRE_API acre_kind acre_object_kind(acre_heap* heap, const void* object);

/* ---- References -------------------------------------------------------------------------------- */

ACRE_API void acre_store_slow(acre_thread* thread, void* object, void** slot, void* value);

/* Stores a reference into an object: the write barrier. `slot` lies in `object`, `value` is NULL, a
 * reference or tagged. Today's collector stops the world, so it is a store; write every store of a
 * reference this way all the same, because collectors to come need it. Ordered as a release. */
static inline void acre_store(acre_thread* thread, void* object, void** slot, void* value) {
  const struct acre_thread_inline* fields = (const struct acre_thread_inline*)(const void*)thread;
  if (__builtin_expect(__atomic_load_n(&fields->phase, __ATOMIC_RELAXED) != 0, 0)) {
    acre_store_slow(thread, object, slot, value);
    return;
  }
  (void)object;
  __atomic_store_n(slot, value, __ATOMIC_RELEASE);
}

/* Not 0: some heap of the process is in a phase in which stores of references are more than that. For the inline
 * code below, and acre::Member. */
extern ACRE_API uint64_t acre_store_phases;
ACRE_API void acre_store_any_slow(void** slot, void* value);

#if defined(__SANITIZE_THREAD__)
#define ACRE_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define ACRE_THREAD_SANITIZER 1
#endif
#endif

static inline uint64_t acre_load_store_phases(void) {
#if defined(ACRE_THREAD_SANITIZER)
  return __atomic_load_n(&acre_store_phases, __ATOMIC_RELAXED);
#else
  /* An atomic load (or one of 32 bits) is one instruction more, as GCC does not fold it into the comparison. The
   * release store that comes with each keeps compilers from moving it out of a loop. */
  return acre_store_phases;
#endif
}

/* As acre_store, by code that has no acre_thread at hand. `slot` may also lie outside all heaps. Slower than
 * acre_store while some heap is in a phase. By a thread that is attached to the slot's heap. */
static inline void acre_store_any(void** slot, void* value) {
  if (__builtin_expect(acre_load_store_phases() != 0, 0)) {
    acre_store_any_slow(slot, value);
    return;
  }
  __atomic_store_n(slot, value, __ATOMIC_RELEASE);
}

/* As acre_store for n words from src to dst, which may overlap, as memmove. */
ACRE_API void acre_store_range(acre_thread* thread, void* object, void** dst, void* const* src,
                               size_t n);

/* ---- Roots ------------------------------------------------------------------------------------- */

/* Registers [start, start + bytes) as a root range: 8-byte aligned words that are references (NULL
 * and foreign values are passed over; tagged ones count, as in acre_visit); conservative not 0:
 * they may as well be numbers. The range must stay readable until it is removed. ACRE_E_INVALID:
 * NULL, not aligned to 8, a size not a multiple of 8 or 0, wraps around, or this start is
 * registered already. ACRE_E_NOMEM. Any thread. */
ACRE_API acre_status acre_root_add(acre_heap* heap, void* start, size_t bytes, int conservative);
/* ACRE_E_INVALID: no range was added with this start. Any thread. */
ACRE_API acre_status acre_root_remove(acre_heap* heap, void* start);

/* A handle is a root that holds one reference. It is not an object: drop it. */
typedef struct acre_handle acre_handle;
/* obj may be NULL. NULL with ACRE_E_NOMEM if there is no room. Attached thread. */
ACRE_API acre_handle* acre_handle_new(acre_thread* thread, void* object);
/* Get, set and drop: any thread, but not two at a time on one handle. Getting from and dropping
 * NULL is allowed. */
ACRE_API void* acre_handle_get(const acre_handle* handle);
ACRE_API void acre_handle_set(acre_handle* handle, void* object);
ACRE_API void acre_handle_drop(acre_handle* handle);

/* `scan` is called in each collection, all threads stopped, and visits the references that the VM
 * keeps where the collector does not look. The same rules as for acre_trace_fn. */
typedef void (*acre_root_scanner_fn)(acre_visitor* visitor, void* arg);
/* ACRE_E_INVALID: NULL, or this pair is registered already. ACRE_E_NOMEM. Any thread. */
ACRE_API acre_status acre_root_scanner_add(acre_heap* heap, acre_root_scanner_fn scan, void* arg);
/* ACRE_E_INVALID: this pair is not registered. */
ACRE_API acre_status acre_root_scanner_remove(acre_heap* heap, acre_root_scanner_fn scan,
                                              void* arg);

/* A scope-bound root on the thread's own list: acre::Local in acre.hpp is made of it. Push and pop
 * are last in, first out. The memory of `local` must live until its pop. Attached thread. */
typedef struct acre_local {
  struct acre_local* previous;
  void* object;
} acre_local;
ACRE_API void acre_local_push(acre_thread* thread, acre_local* local);
/* `thread` may also be the one that ran the fiber when `local` was pushed. ACRE_E_STATE if that is not the last
 * one pushed. */
ACRE_API acre_status acre_local_pop(acre_thread* thread, acre_local* local);

/* ---- Collection -------------------------------------------------------------------------------- */

/* A full collection: when it returns, what was unreachable at the call is swept. Attached thread.
 * */
ACRE_API void acre_collect(acre_thread* thread);

/* Collects, then gives all free pages back to the kernel, at once (MADV_DONTNEED, whatever release_lazily
 * says): about 0.03 ms a MiB. Addresses stay reserved. Attached thread. */
ACRE_API void acre_release_memory(acre_thread* thread);

/* Sets gc_percent while running and returns the old value; negative: collect only when asked or
 * near the memory limit. Any thread. */
ACRE_API int acre_set_gc_percent(acre_heap* heap, int percent);

/* Sets memory_limit and returns what was set before. ACRE_NO_LIMIT: none. ACRE_LIMIT_AUTO and
 * ACRE_LIMIT_PERCENT: see there; acre_stats.memory_limit tells what they amount to. 0 changes nothing: it
 * asks. In effect at the next allocation that takes pages. Any thread. */
ACRE_API size_t acre_set_memory_limit(acre_heap* heap, size_t bytes);

/* As acre_set_memory_limit, for hard_limit: bytes, ACRE_NO_LIMIT, or 0 to ask. A limit below what the heap
 * takes now lets no more be taken; nothing that lives is lost. */
ACRE_API size_t acre_set_hard_limit(acre_heap* heap, size_t bytes);

/* What is known when the memory limit cannot be kept: too much lives, or keeping it would take more than
 * half of the processor time. */
typedef struct acre_limit_event {
  uint64_t limit;     /* bytes, in effect */
  uint64_t accounted; /* acre_stats.accounted, after a collection */
  uint64_t live;      /* bytes of objects that this collection marked */
  int limiting;       /* not 0: collections for the limit's sake are being put off */
  int above;          /* not 0: accounted > limit although all that is free was given back */
} acre_limit_event;

/* Called after a collection for as long as the limit cannot be kept, at most once a second. Returns what to
 * do:
 *   ACRE_LIMIT_KEEP_GOING  pass the limit by what the program needs; collections for its sake go on, with
 *                          half of the processor time at most
 *   ACRE_LIMIT_RAISE       the limit becomes 5/4 of itself, or of what is accounted if that is more; with
 *                          ACRE_LIMIT_AUTO or a percentage no more than what the process may have
 *   ACRE_LIMIT_FAIL        allocations that would pass the limit fail with ACRE_E_LIMIT, after a collection
 *                          and after the OOM handler, until a collection finds the limit kept
 * Other values are taken as ACRE_LIMIT_KEEP_GOING. While collections are being put off, a failing allocation
 * does not collect first. Runs on the thread that collected, with no lock held; it may use the heap, and must
 * not throw. */
typedef int (*acre_limit_fn)(acre_heap* heap, const acre_limit_event* event, void* arg);
/* NULL: none, limit_policy decides. Any thread. */
ACRE_API void acre_set_limit_handler(acre_heap* heap, acre_limit_fn handler, void* arg);

/* Called when an allocation of `bytes` found no room even after a collection. Not 0: try once more
 * (the handler dropped references, say; a collection precedes the try). 0: the allocation returns
 * NULL. Called once for an allocation, and not for sizes above the reservation, which never fit. Also by
 * acre_fiber_new, with the stack's size, when no stack is to be had (acre_stack_new, which needs no attached thread,
 * does not call it).
 * Runs on the allocating thread with no lock held; it may use the heap, but an allocation in
 * it that fails does not call it again. */
typedef int (*acre_oom_fn)(acre_heap* heap, size_t bytes, void* arg);
/* NULL: none. Any thread. */
ACRE_API void acre_set_oom_handler(acre_heap* heap, acre_oom_fn handler, void* arg);

#ifdef __cplusplus
}
#endif

#include <acre/fiber.h>
#include <acre/inspect.h>
#include <acre/weak.h>

#endif /* ACRE_ACRE_H_ */
