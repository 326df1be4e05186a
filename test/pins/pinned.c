#include "test/pins/pinned.h"

static void* ended(void* object) {
  pin_end(object);
  return object;
}

void* pin_nothing(void) {
  pin_begin();
  return ended(NULL);
}

void* pin_object(void** place) {
  pin_begin();
  return ended(*place);
}

void* pin_alloc_16_leaf(acre_thread* thread) {
  pin_begin();
  return ended(acre_alloc_inline(thread, 16, ACRE_KIND_LEAF));
}
void* pin_alloc_64_leaf(acre_thread* thread) {
  pin_begin();
  return ended(acre_alloc_inline(thread, 64, ACRE_KIND_LEAF));
}
void* pin_alloc_1024_leaf(acre_thread* thread) {
  pin_begin();
  return ended(acre_alloc_inline(thread, 1024, ACRE_KIND_LEAF));
}

void* pin_alloc_16_conservative(acre_thread* thread) {
  pin_begin();
  return ended(acre_alloc_inline(thread, 16, ACRE_KIND_CONSERVATIVE));
}
void* pin_alloc_64_conservative(acre_thread* thread) {
  pin_begin();
  return ended(acre_alloc_inline(thread, 64, ACRE_KIND_CONSERVATIVE));
}
void* pin_alloc_1024_conservative(acre_thread* thread) {
  pin_begin();
  return ended(acre_alloc_inline(thread, 1024, ACRE_KIND_CONSERVATIVE));
}

void* pin_alloc_16_any(acre_thread* thread, acre_kind kind) {
  pin_begin();
  return ended(acre_alloc_inline(thread, 16, kind));
}
void* pin_alloc_64_any(acre_thread* thread, acre_kind kind) {
  pin_begin();
  return ended(acre_alloc_inline(thread, 64, kind));
}
void* pin_alloc_1024_any(acre_thread* thread, acre_kind kind) {
  pin_begin();
  return ended(acre_alloc_inline(thread, 1024, kind));
}

void* pin_safepoint(acre_thread* thread) {
  pin_begin();
  acre_safepoint(thread);
  return ended(NULL);
}

void* pin_store(acre_thread* thread, void* object, void** slot, void* value) {
  pin_begin();
  acre_store(thread, object, slot, value);
  return ended(NULL);
}
