/* Owns what is pinned, as a program would write it, and what it is compared with. It is compiled in
 * files of its own (pinned.c, pinned.cc) with the flags of a program; nothing of it is inlined into
 * the test.
 *
 * What counts runs between two markers, calls of empty functions: saving registers at the start of
 * the function is outside, and values that are needed later are in registers that calls keep, as
 * in the middle of a function of any length. A reference runs the same markers around what is not
 * the library's: passing arguments, the constructor. Where there is an object, the reference loads
 * its address from `place`, one instruction, as an allocation loads its cursor. */
#ifndef ACRE_TEST_PINS_PINNED_H_
#define ACRE_TEST_PINS_PINNED_H_

#include <acre/acre.h>

#ifdef __cplusplus
extern "C" {
#endif

void pin_begin(void);
void pin_end(void* object);

/* References: nothing; an object. */
void* pin_nothing(void);
void* pin_object(void** place);

void* pin_alloc_16_leaf(acre_thread* thread);
void* pin_alloc_64_leaf(acre_thread* thread);
void* pin_alloc_1024_leaf(acre_thread* thread);
void* pin_alloc_16_conservative(acre_thread* thread);
void* pin_alloc_64_conservative(acre_thread* thread);
void* pin_alloc_1024_conservative(acre_thread* thread);
void* pin_alloc_16_any(acre_thread* thread, acre_kind kind);
void* pin_alloc_64_any(acre_thread* thread, acre_kind kind);
void* pin_alloc_1024_any(acre_thread* thread, acre_kind kind);

void* pin_safepoint(acre_thread* thread);
void* pin_store(acre_thread* thread, void* object, void** slot, void* value);

#ifdef __cplusplus
}
#endif

#endif /* ACRE_TEST_PINS_PINNED_H_ */
