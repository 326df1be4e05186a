// The machine that runs Code. All of Scheme runs on fibers, one for each coroutine; the machine itself stays on
// the thread's own stack, resumes one coroutine, and when that gives control back, the next.
//
//   1. execute(code) makes a coroutine that calls it, and resumes its fiber.
//   2. On the fiber `run` takes instructions until the coroutine is done or gives way.
//   3. call/cc and a throw to a continuation leave in `next_` who is to go on, and yield.
//   4. A primitive that needs a roomy stack (reading, compiling, printing) is asked for in the same way: the machine
//      calls it on the thread's stack, and resumes the coroutine.
//
// Errors are C++ exceptions (Raised, acre::OutOfMemory) from primitives to `run`, which makes them a call of Scheme's
// %raise (library/prelude.scm). Nobody's destructor is left on a fiber that yields: a coroutine that nobody can throw
// to is collected as it stands.
#ifndef ACRE_EXAMPLES_SCHEME_MACHINE_MACHINE_H_
#define ACRE_EXAMPLES_SCHEME_MACHINE_MACHINE_H_

#include <string>
#include <utility>
#include <vector>

#include "examples/scheme/compiler/opcode.h"
#include "examples/scheme/machine/coroutine.h"
#include "examples/scheme/text/ports.h"
#include "examples/scheme/text/reader.h"

namespace scheme {

// (exit n) was called.
struct Exit {
  int code;
};

class Machine {
 public:
  Machine();
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;

  Store& store() { return store_; }
  Ports& ports() { return ports_; }
  // For the forms that are being compiled.
  Places& places() { return places_; }

  // Runs a closure or primitive without arguments to its end. Throws Raised for an error that no handler took, Exit.
  Value execute(Value procedure);
  // Reads, compiles and runs all of it; the value of the last form. `each` sees every value.
  Value load(TextInput& input, const std::function<void(Value)>& each = nullptr);

  // The procedures of dynamic-wind that are entered, innermost first, and the handlers of conditions.
  Value winds = kNil;
  Value handlers = kNil;
  std::vector<std::string> command_line;

  // Where the last error was raised, as "file:line:column: "; empty if that is not known.
  std::string place_of(Value condition) const;

  // Words of the stack of values, at most: more than a million calls deep.
  static constexpr uint64_t kMostWords = uint64_t{1} << 23;
  // What more is allowed to who handles that error.
  static constexpr uint64_t kReserveWords = uint64_t{1} << 16;

 private:
  enum class Outcome { kRunning, kFinished, kFailed, kExited };

  // machine.cc
  template <class First>
  void run(First first) {
    Value pending;
    bool begins = true;
    for (;;) {
      try {
        if (std::exchange(begins, false)) first();
        if (pending != Value()) raise(std::exchange(pending, Value()));
        return step_through();
      } catch (const Raised& raised) {
        pending = raised.payload;
      } catch (const acre::OutOfMemory&) {
        pending = store_.out_of_memory();
      }
    }
  }
  void step_through();
  void step(uint32_t word);
  void arithmetic(Op op);
  void comparison(Op op);
  void unary(Op op);
  void take(Value value) { *sp_++ = value; }
  Value pop() { return *--sp_; }
  Value constant(uint32_t number) const { return constants_[number]; }
  void load_global(Value symbol);
  void set_global(Value symbol);
  void make_closure(Value code);
  void patch(Value closure);
  void check_assigned(Value value);

  // call.cc
  void call(uint64_t count, bool tail);
  void call_closure(uint64_t count, bool tail);
  void call_primitive(uint64_t count, bool tail);
  void call_special(const Primitive& primitive, uint64_t count, bool tail);
  void call_parameter(uint64_t count, bool tail);
  void spread(Value list);
  void return_value(Value value);
  void leave_frame();
  void enter(Value closure);
  void make_room(uint64_t words);
  void arity_error(Value procedure, uint64_t count);

  // control.cc
  Coroutine* new_coroutine(Value procedure, Value argument, Value returns_to);
  void on_fiber(acre::Fiber& self);
  void give_way();
  void save();
  void restore(Coroutine* coroutine);
  void call_with_continuation(uint64_t count, bool tail);
  void throw_to(Value continuation, uint64_t count, bool tail, bool rewound);
  Value pack(uint64_t count);
  void finish(Value value);
  void on_main_stack(const Primitive& primitive, uint64_t count);
  void serve_request();
  void raise(Value payload);
  void note_place(Value payload);
  Position place() const;
  Position place_in(Value closure, uint64_t instruction) const;
  void uncaught(Value payload);
  void scan(acre::Visitor& visitor);

  Store store_;
  Ports ports_;
  Places places_;

  // The registers of the running coroutine.
  Coroutine* current_ = nullptr;
  Value* sp_ = nullptr;  // one behind the top
  Value* fp_ = nullptr;
  const uint32_t* code_ = nullptr;
  uint64_t pc_ = 0;
  const Slot* constants_ = nullptr;

  Coroutine* next_ = nullptr;  // who is to go on
  Value transfer_;             // with what
  bool has_transfer_ = false;
  acre::Fiber* fiber_ = nullptr;  // of current_

  // What a fiber wants of the machine.
  struct Request {
    PrimitiveFn function = nullptr;
    Value* arguments = nullptr;
    int count = 0;
    Value result;
    bool raised = false;
  } request_;
  Outcome outcome_ = Outcome::kRunning;
  int exit_code_ = 0;
  Position last_place_;
  uint64_t most_words_ = kMostWords;
};

}  // namespace scheme

#endif  // ACRE_EXAMPLES_SCHEME_MACHINE_MACHINE_H_
