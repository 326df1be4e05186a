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

#define PIN_ALLOC(bytes, name, kind)                          \
  void* pin_alloc_##bytes##_##name(acre_thread* thread) {     \
    pin_begin();                                              \
    return ended(acre_alloc_inline(thread, (bytes), (kind))); \
  }
PIN_ALLOC(16, leaf, ACRE_KIND_LEAF)
PIN_ALLOC(64, leaf, ACRE_KIND_LEAF)
PIN_ALLOC(1024, leaf, ACRE_KIND_LEAF)
PIN_ALLOC(16, conservative, ACRE_KIND_CONSERVATIVE)
PIN_ALLOC(64, conservative, ACRE_KIND_CONSERVATIVE)
PIN_ALLOC(1024, conservative, ACRE_KIND_CONSERVATIVE)

#define PIN_ALLOC_ANY(bytes)                                           \
  void* pin_alloc_##bytes##_any(acre_thread* thread, acre_kind kind) { \
    pin_begin();                                                       \
    return ended(acre_alloc_inline(thread, (bytes), kind));            \
  }
PIN_ALLOC_ANY(16)
PIN_ALLOC_ANY(64)
PIN_ALLOC_ANY(1024)

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
