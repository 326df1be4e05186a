/* Acre, the part of the C API on what does not keep an object alive, and on what happens when it dies: weak
 * references, ephemerons, weak tables, finalizers, cleanups. Included by acre.h, which says what the terms and the
 * rules for threads and errors are.
 *
 * What a collection does with an object that no root reaches, in this order:
 *   1. Ephemerons and the entries of weak tables keep their values alive as far as their keys are reachable
 *      otherwise. What is not reachable then is found dead.
 *   2. Weak references to it are cleared, entries that it is the key of (or the weak value) are removed.
 *   3. If it has a finalizer, that is queued, and the object with all that it refers to lives until the finalizer
 *      has returned. If the finalizer made it reachable again (stored it somewhere), it goes on living: its weak
 *      references stay cleared, it has no finalizer any more unless a new one is set. Else a later collection
 *      finds it dead again.
 *   4. Else its cleanups are queued and its memory is free.
 * What was queued runs when the embedder calls acre_run_finalizers: never by itself, never inside another call.
 *
 * Explicit freeing (acre_free, and acre_realloc when it moves) clears weak references to the object, forgets its
 * finalizer without running it, and queues its cleanups. An ephemeron or table entry of which it is the key counts
 * as a reference: remove it before. So does a queued finalizer until it has returned: it frees neither its own
 * object nor one whose finalizer is queued too.
 *
 * Pinning. Objects never move, so there is nothing to pin: an address is an identity for as long as the object
 * lives, may be hashed, and may be given to the kernel or to foreign code.
 */
#ifndef ACRE_WEAK_H_
#define ACRE_WEAK_H_

#include <acre/acre.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Weak references --------------------------------------------------------------------------- */

/* Refers to an object without keeping it alive. Not an object itself: drop it. */
typedef struct acre_weak acre_weak;

/* `object` is the address of an object, or NULL (then it is cleared from the start). NULL: ACRE_E_INVALID: not an
 * object's address; ACRE_E_NOMEM. Attached thread. */
ACRE_API acre_weak* acre_weak_new(acre_thread* thread, void* object);

/* Called by acre_run_finalizers once, after `weak` was cleared, unless it was dropped before. It may drop `weak`. */
typedef void (*acre_weak_fn)(acre_weak* weak, void* arg);
/* As acre_weak_new, with a notification. `arg` is not a reference. fn NULL: none. */
ACRE_API acre_weak* acre_weak_new_notify(acre_thread* thread, void* object, acre_weak_fn fn,
                                         void* arg);

/* The object, or NULL if it was found dead. What is returned is alive for as long as the caller keeps it as any
 * other reference: on a scanned stack, or without conservative_stacks in a root before the next safepoint. NULL
 * `weak`: NULL. Attached thread. */
ACRE_API void* acre_weak_get(acre_thread* thread, const acre_weak* weak);

/* Ends it. NULL is allowed; one that was dropped before is reported on stderr, unless a new one is in its place by
 * then. Any thread, but nobody uses it meanwhile. The end of the heap ends it, too. */
ACRE_API void acre_weak_drop(acre_weak* weak);

/* ---- Ephemerons -------------------------------------------------------------------------------- */

/* An object with a key and a value: it keeps its value alive while its key is reachable from elsewhere, that is
 * not only through the value. When the key is found dead both become NULL, also if a finalizer keeps the key; but
 * not in an ephemeron that was itself found dead then, and is kept by a finalizer (nor do entries go from such a
 * table). Chains of ephemerons, in any order, are resolved in time linear in their number; for that a collection
 * may take 20 to 40 bytes each for its time, also beyond hard_limit, and is quadratic at worst if the kernel
 * refuses. `key` and `value` may be NULL, and a key that is no address of this heap never dies; one where no
 * object is (on a fiber's stack) is dead. ACRE_E_INVALID: NULL out or thread. ACRE_E_NOMEM, ACRE_E_LIMIT as an
 * allocation. On an error *out is NULL. May collect. Attached thread. */
ACRE_API acre_status acre_ephemeron_new(acre_thread* thread, void* key, void* value, void** out);
/* NULL with acre_last_error ACRE_E_INVALID: `ephemeron` is none of this heap. Attached thread. */
ACRE_API void* acre_ephemeron_key(acre_thread* thread, void* ephemeron);
ACRE_API void* acre_ephemeron_value(acre_thread* thread, void* ephemeron);

/* ---- Weak tables ------------------------------------------------------------------------------- */

enum {
  ACRE_WEAK_KEYS = 1,   /* an entry is an ephemeron: its value lives while its key does */
  ACRE_WEAK_VALUES = 2, /* an entry is there while its value lives; it keeps its key alive */
  ACRE_WEAK_BOTH = 3    /* an entry is there while both live; it keeps neither */
};

/* A hash table that is an object. Keys are compared by identity: by the word. A key that was found dead takes its
 * entry with it in the same collection (mode: which entries those are). A word that is no address of this heap,
 * as key or as weak value, never dies. One where no object is counts as dead: take care that a VM's immediate
 * numbers cannot look like the heap's addresses, and take none on a fiber's stack. Like any object a table is not
 * locked: one thread at a time, or the embedder's lock. A table with n entries takes 21 to 64 n bytes; it shrinks
 * when an entry is set after a quarter of its room has gone. ACRE_E_INVALID:
 * NULL out or thread, or no such mode. ACRE_E_NOMEM, ACRE_E_LIMIT as an allocation. On an error *out is NULL. May
 * collect. Attached thread, as all of these calls: */
ACRE_API acre_status acre_weak_table_new(acre_thread* thread, int mode, void** out);

/* Sets the entry for `key`, new or not. ACRE_E_INVALID: `table` is none of this heap, `key` is NULL or UINTPTR_MAX.
 * ACRE_E_NOMEM, ACRE_E_LIMIT: no room to grow, nothing changed. May collect. */
ACRE_API acre_status acre_weak_table_set(acre_thread* thread, void* table, void* key, void* value);
/* NULL if there is no such entry (or its value is NULL: acre_weak_table_has). With acre_last_error ACRE_E_INVALID: no
 * table. */
ACRE_API void* acre_weak_table_get(acre_thread* thread, void* table, const void* key);
/* 1: there is such an entry. */
ACRE_API int acre_weak_table_has(acre_thread* thread, void* table, const void* key);
/* 1: there was such an entry, and it is removed. */
ACRE_API int acre_weak_table_remove(acre_thread* thread, void* table, const void* key);
/* Entries now: those whose keys or values died since the last collection still count. */
ACRE_API size_t acre_weak_table_count(acre_thread* thread, void* table);
/* Goes through the entries, in no order: begin with position 0, go on with what is returned until that is 0, which
 * is no entry. `key` and `value` may be NULL. Entries that are removed meanwhile are not seen; after a new one is
 * set begin again. */
ACRE_API size_t acre_weak_table_next(acre_thread* thread, void* table, size_t position, void** key,
                                     void** value);

/* ---- Finalizers and cleanups ------------------------------------------------------------------- */

/* Called by acre_run_finalizers, once, with an object that was found dead. It may allocate, collect, store
 * `object` somewhere, set a new finalizer for it, use fibers. It must not throw, nor leave by longjmp, nor detach
 * its thread or end the heap; nor may notifications and cleanups. */
typedef void (*acre_finalizer_fn)(void* object, void* arg);

/* Sets the finalizer of an object, in place of the one that it has; fn NULL: takes it away. `arg` is not a reference;
 * in particular it does not keep the object alive.
 *
 * Order. An object's finalizer runs before those of what it refers to: these are found dead by a later collection,
 * once it is gone itself. So n objects in a row need n collections. Where such objects refer to each other in a
 * circle, one of them is first. That an object refers to itself does not matter. The _unordered one asks for no
 * order: it is queued by the first collection that finds the object dead, also if other dead objects with
 * finalizers refer to it, and what it refers to does not wait for it, but is queued behind it. An object has one
 * finalizer, of either sort.
 *
 * ACRE_E_INVALID: `object` is not the address of an object, or NULL thread. ACRE_E_NOMEM. ACRE_E_STATE: in a
 * callback for which the world is stopped. Attached thread. When the heap ends no finalizer runs. */
ACRE_API acre_status acre_finalizer_set(acre_thread* thread, void* object, acre_finalizer_fn fn,
                                        void* arg);
ACRE_API acre_status acre_finalizer_set_unordered(acre_thread* thread, void* object,
                                                  acre_finalizer_fn fn, void* arg);

/* Called by acre_run_finalizers, once, after an object has gone: it cannot bring it back. */
typedef void (*acre_cleanup_fn)(void* arg);
typedef struct acre_cleanup acre_cleanup;

/* Adds a cleanup to an object, which may have several, and a finalizer too: the cleanups come when that has run
 * and the object was found dead again. `arg` is not a reference. out not NULL: *out is to be given to
 * acre_cleanup_cancel one day, whether or not it has run, before the heap ends. ACRE_E_INVALID: NULL fn or
 * thread, `object` is not the address of an object. ACRE_E_NOMEM; ACRE_E_STATE as above. On an error *out is
 * NULL. Attached thread. */
ACRE_API acre_status acre_cleanup_add(acre_thread* thread, void* object, acre_cleanup_fn fn,
                                      void* arg, acre_cleanup** out);
/* It will not run any more, if it has not. NULL is allowed; one that was cancelled before is reported on stderr.
 * Any thread. */
ACRE_API void acre_cleanup_cancel(acre_cleanup* cleanup);

/* Runs what is queued when it is called or queued meanwhile: notifications of weak references, finalizers,
 * cleanups, in the order in which they were queued. Returns how many. 0 with acre_last_error ACRE_E_STATE: in a
 * blocking region or a callback. Several threads may do so at once, each gets some; so may a finalizer. Attached
 * thread. */
ACRE_API size_t acre_run_finalizers(acre_thread* thread);
/* How many are queued: cheap enough for a VM's loop. Any thread. */
ACRE_API size_t acre_finalizers_waiting(acre_heap* heap);

#ifdef __cplusplus
}
#endif

#endif /* ACRE_WEAK_H_ */
