// Owns what the tests of weak references, finalizers and cleanups share: a heap with callbacks that write down what ran.

#ifndef ACRE_TEST_GC_API_MORTAL_FIXTURE_H_
#define ACRE_TEST_GC_API_MORTAL_FIXTURE_H_

#include <string>

#include "test/gc/api/heap_fixture.h"

namespace acre::test {
// What ran, in order: a letter for the sort and the number that was given.
struct Log {
  std::string text;
  static std::string number(const void* arg) {
    return std::to_string(reinterpret_cast<uintptr_t>(arg));
  }
};
inline Log* current_log = nullptr;

struct Mortal : PreciseHeap {
  Mortal() { current_log = &log; }
  ~Mortal() { current_log = nullptr; }

  void** cell() { return static_cast<void**>(alloc(32, ACRE_KIND_CONSERVATIVE)); }
  static void refer(void** from, void* to) { from[0] = to; }
  static void* id(uintptr_t number) { return reinterpret_cast<void*>(number); }
  std::string run() {
    log.text.clear();
    acre_run_finalizers(thread);
    return log.text;
  }

  static void note_weak(acre_weak*, void* arg) { current_log->text += "w" + Log::number(arg); }
  static void note_object(void*, void* arg) { current_log->text += "f" + Log::number(arg); }
  static void note_cleanup(void* arg) { current_log->text += "c" + Log::number(arg); }

  void finalize(void* object, uintptr_t number) {
    BOOST_REQUIRE(acre_finalizer_set(thread, object, &note_object, id(number)) == ACRE_OK);
  }
  void finalize_unordered(void* object, uintptr_t number) {
    BOOST_REQUIRE(acre_finalizer_set_unordered(thread, object, &note_object, id(number)) ==
                  ACRE_OK);
  }
  void clean(void* object, uintptr_t number) {
    BOOST_REQUIRE(acre_cleanup_add(thread, object, &note_cleanup, id(number), nullptr) == ACRE_OK);
  }

  Log log;
};

}  // namespace acre::test

#endif  // ACRE_TEST_GC_API_MORTAL_FIXTURE_H_
