// Owns one Lua state and the run of a script in it, as the stock interpreter does it: the standard libraries, `arg`,
// a traceback on errors. Its memory is the caller's choice: an allocator for lua_newstate.
//
// Stopping. A thread that computes without allocating comes to no safepoint, and every collection of the heap
// waits for it. Lua has what is needed: a hook may be set from a signal handler. So where a script is late, the
// watchdog of the heap sends its thread a signal (ask_to_stop), whose handler sets a hook, which comes to the safepoint at
// Lua's next instruction and is gone again. Only the main coroutine is asked: one that another coroutine computes in
// is reached when that yields or returns.
#ifndef ACRE_EXAMPLES_LUA_INTERPRETER_H_
#define ACRE_EXAMPLES_LUA_INTERPRETER_H_

#include <acre/acre.h>

#include <lua5.4/lua.hpp>
#include <string>
#include <vector>

namespace acre::lua {

// What went wrong; empty: nothing did.
struct Outcome {
  std::string error;
};

class Interpreter {
 public:
  // `thread` NULL: nobody is to be stopped. Null memory: Lua's own allocator.
  Interpreter(lua_Alloc allocate, void* memory, acre_thread* thread);
  ~Interpreter();
  Interpreter(const Interpreter&) = delete;
  Interpreter& operator=(const Interpreter&) = delete;

  Outcome run(const std::string& script, const std::vector<std::string>& arguments);

 private:
  lua_State* state_;
  acre_thread* thread_;
};

// Installs the handler of the signal that asks scripts to stop. Once, before threads are started.
void install_stop_signal();

// Called by the watchdog: the thread with this number runs a script, which is to come to a safepoint. Returns
// whether such a thread was found.
bool ask_to_stop(int64_t thread_number);

// How often scripts came to a safepoint because they were asked.
uint64_t stops_by_hook();

}  // namespace acre::lua

#endif  // ACRE_EXAMPLES_LUA_INTERPRETER_H_
