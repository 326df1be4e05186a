// Owns what the tests of fibers share: making one or failing, and numbers as words.

#ifndef ACRE_TEST_GC_API_FIBER_FIXTURE_H_
#define ACRE_TEST_GC_API_FIBER_FIXTURE_H_

#include "test/gc/api/heap_fixture.h"

namespace acre::test {

inline void* number(long n) { return reinterpret_cast<void*>(n); }
inline long number(void* n) { return reinterpret_cast<long>(n); }

inline acre_fiber* make(acre_thread* thread, acre_fiber_fn fn, void* arg = nullptr,
                        size_t stack = 0) {
  acre_fiber* fiber = nullptr;
  BOOST_TEST_REQUIRE(acre_fiber_new(thread, stack, fn, arg, &fiber) == ACRE_OK);
  BOOST_TEST_REQUIRE(fiber != nullptr);
  return fiber;
}

// Makes an object, and yields its content for as long as it is asked.
inline void* hold_object(acre_fiber* fiber, void* arg) {
  auto* object = static_cast<long*>(acre_alloc(acre_fiber_thread(fiber), 48, ACRE_KIND_LEAF));
  if (object == nullptr) return number(-1);
  object[5] = number(arg);
  while (acre_fiber_yield(fiber, number(object[5])) == nullptr) {
  }
  return object;
}

}  // namespace acre::test

#endif  // ACRE_TEST_GC_API_FIBER_FIXTURE_H_
