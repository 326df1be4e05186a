/* Acre for code generators: what generated code must know to allocate, to poll for a stop and to store a reference
 * without a call. C11.
 *
 * acre_jit_facts_read tells it at run time, of the library that is loaded: a generator that goes by that is right
 * with any library that knows its ACRE_JIT_VERSION. In what follows, `thread` is the acre_thread* of the thread that runs
 * the code, best kept in a register; [x] is memory; numbers are bytes.
 *
 * Allocate `bytes` (known when the code is made, at most inline_bytes) of the kind k, which is registered:
 *
 *     gap    = thread + acre_jit_gap(&facts, bytes, k)        one offset from thread, for the code's life
 *     size   = acre_jit_object_bytes(&facts, bytes)
 *     object = [gap + gap_cursor]                             8 bytes each
 *     next   = object + size
 *     if next > [gap + gap_limit] (unsigned): object = alloc(thread, bytes, k), which may be NULL; else
 *     [gap + gap_cursor] = next
 *
 * The object is all zero, as acre_alloc's, and so its references may be written before the next call without a
 * barrier. (Where there is no room, cursor and limit are 0 and the comparison fails. An uncooperative thread's gaps
 * always look so: the same code runs on it.)
 *
 * Poll, in each loop that neither allocates nor calls:
 *
 *     if [thread + stop_requested] (4 bytes) is not 0: safepoint_slow(thread)
 *
 * Store a reference `value` into `slot`, 8 aligned bytes of the object:
 *
 *     if [thread + phase] (4 bytes) is not 0: store_slow(thread, object, slot, value); else
 *     [slot] = value                                          as a release: x86-64's store, AArch64's stlr
 *
 * The functions are called by the platform's convention, from a stack that scans know (acre_thread_attach). Any of
 * them but store_slow may collect. What then must be found as a root: with conservative_stacks each reference that is
 * needed afterwards is in a register that calls keep or at or above the stack pointer, as an address in the object (or one
 * past its end). Without, it is in an acre_local, which is pushed and popped by generated code like this:
 *
 *     [local + local_previous] = [thread + locals];  [thread + locals] = local;  [local + local_object] = object
 *     [thread + locals] = [local + local_previous]
 *
 * The names of the offsets are those of the fields of acre_jit_facts. See examples/jit for all of it as machine code.
 */
#ifndef ACRE_JIT_H_
#define ACRE_JIT_H_

#include <acre/acre.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Changes when the steps above do. Offsets and sizes may differ between libraries of one version. */
#define ACRE_JIT_VERSION 1

enum { ACRE_JIT_GRANULE = 16, ACRE_JIT_GRANULES = ACRE_INLINE_BYTES / ACRE_JIT_GRANULE };

typedef struct acre_jit_facts {
  size_t struct_size; /* set by the caller; fields behind it are not written */
  uint32_t version;   /* ACRE_JIT_VERSION of the library */

  uint32_t inline_bytes; /* the largest request for a gap */

  /* Offsets from the acre_thread. */
  uint32_t stop_requested;
  uint32_t phase;
  uint32_t locals;
  uint32_t
      gaps; /* the gap of kind k and size class c: gaps + (k * gaps_per_kind + c) * gap_bytes */

  uint32_t gaps_per_kind;
  uint32_t gap_bytes;
  uint32_t gap_cursor; /* offsets in a gap */
  uint32_t gap_limit;

  uint32_t local_previous; /* offsets in an acre_local */
  uint32_t local_object;

  /* The size class of a request of n bytes is classes[(n + 15) / 16], its objects' size class_bytes of that. */
  uint8_t classes[ACRE_JIT_GRANULES + 1];
  uint32_t class_bytes[ACRE_SIZE_CLASSES];

  void* (*alloc)(acre_thread* thread, size_t bytes, acre_kind kind);
  void (*safepoint_slow)(acre_thread* thread);
  void (*store_slow)(acre_thread* thread, void* object, void** slot, void* value);
  const uint64_t* store_phases; /* for stores without a thread at hand: see acre_store_any */
  void (*store_any_slow)(void** slot, void* value);
} acre_jit_facts;

/* Fills in *facts. ACRE_E_INVALID: NULL, or struct_size does not even reach behind `version`. Any thread. */
ACRE_API acre_status acre_jit_facts_read(acre_jit_facts* facts);

/* The bytes that an object takes for which `bytes`, at most inline_bytes, are requested. */
static inline uint32_t acre_jit_object_bytes(const acre_jit_facts* facts, size_t bytes) {
  return facts->class_bytes[facts->classes[(bytes + ACRE_JIT_GRANULE - 1) / ACRE_JIT_GRANULE]];
}

/* The offset of its gap from the acre_thread. */
static inline uint32_t acre_jit_gap(const acre_jit_facts* facts, size_t bytes, acre_kind kind) {
  const uint32_t size_class = facts->classes[(bytes + ACRE_JIT_GRANULE - 1) / ACRE_JIT_GRANULE];
  return facts->gaps + (kind * facts->gaps_per_kind + size_class) * facts->gap_bytes;
}

#ifdef __cplusplus
}
#endif

#endif /* ACRE_JIT_H_ */
