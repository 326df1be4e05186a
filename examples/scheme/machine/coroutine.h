// A coroutine: what one strand of the program is in the middle of. It has two stacks: one of values, here, where the
// frames of Scheme's procedures lie (compiler/opcode.h), and that of a fiber, where the machine's loop runs.
//
// A continuation is a place where a coroutine waits: who throws to it lets that one go on with a value. The procedure
// that call/cc calls runs in a new coroutine, so the old one waits, unharmed, until somebody throws to its
// continuation, once: after that it has gone on.
#ifndef ACRE_EXAMPLES_SCHEME_MACHINE_COROUTINE_H_
#define ACRE_EXAMPLES_SCHEME_MACHINE_COROUTINE_H_

#include <algorithm>

#include "examples/scheme/value/store.h"

namespace scheme {

struct Coroutine : Object {
  acre::Member<acre::Fiber>
      fiber;  // acre: fiber: as long as somebody can throw to it, it lives, with its stack
  acre::Member<Value> words;  // acre: barrier; the stack of values
  uint64_t capacity;
  uint64_t used;    // words in use, while it waits
  uint64_t frame;   // fp, while it waits
  uint64_t next;    // instruction, while it waits
  Slot returns_to;  // the continuation for its procedure's value; #f: the end of the program

  // acre: kind: The words are in a leaf object, and shown here only as far as they are in use. They are written without the
  // barrier: the ones of the running coroutine are a root of their own (Machine::scan), the others are not written.
  void trace(acre::Visitor& visitor) {
    visitor(fiber, words);
    returns_to.trace(visitor);
    visit_words(visitor, words.get(), used);
  }

  static void visit_words(acre::Visitor& visitor, Value* words, uint64_t count) {
    for (uint64_t i = 0; i < count; ++i) {
      if (!words[i].is_reference()) continue;
      void*& reference = reinterpret_cast<void*&>(words[i]);
      visitor(reference);
    }
  }
};

// Parts of a kContinuation.
enum ContinuationPart { kWaiting, kUsed, kWinds, kHandlers };

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_MACHINE_COROUTINE_H_
