#include "examples/lua/interpreter.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <map>
#include <mutex>

namespace acre::lua {
namespace {

constexpr int kStopSignal = SIGUSR2;

// Of the calling thread: what the signal's handler works on.
thread_local lua_State* volatile running = nullptr;
thread_local acre_thread* running_on = nullptr;

std::atomic<uint64_t> hook_stops{0};

// The threads that run scripts. A signal is sent with the lock, so its thread is there.
std::mutex runners_lock;
std::map<int64_t, pthread_t> runners;

class Running {
 public:
  Running(lua_State* state, acre_thread* thread) {
    if (thread == nullptr) return;
    running_on = thread;
    running = state;
    const std::lock_guard guard(runners_lock);
    runners[gettid()] = pthread_self();
  }
  ~Running() {
    const std::lock_guard guard(runners_lock);
    runners.erase(gettid());
    running = nullptr;
  }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
};

void stop_here(lua_State* state, lua_Debug*) {
  lua_sethook(state, nullptr, 0, 0);
  hook_stops.fetch_add(1, std::memory_order_relaxed);
  acre_safepoint(running_on);
}

extern "C" void on_stop_signal(int) {
  lua_State* state = running;
  if (state == nullptr) return;
  lua_sethook(state, &stop_here, LUA_MASKCALL | LUA_MASKRET | LUA_MASKCOUNT, 1);
}

int traceback(lua_State* state) {
  const char* message = lua_tostring(state, 1);
  if (message == nullptr) {
    if (luaL_callmeta(state, 1, "__tostring") != 0 && lua_type(state, -1) == LUA_TSTRING) return 1;
    message = lua_pushfstring(state, "(error object is a %s value)", luaL_typename(state, 1));
  }
  luaL_traceback(state, state, message, 1);
  return 1;
}

// As Lua's print, but a line is written at once: those of several threads do not mix.
int print_line(lua_State* state) {
  const int count = lua_gettop(state);
  luaL_Buffer line;
  luaL_buffinit(state, &line);
  for (int i = 1; i <= count; ++i) {
    if (i > 1) luaL_addchar(&line, '\t');
    luaL_tolstring(state, i, nullptr);
    luaL_addvalue(&line);
  }
  luaL_addchar(&line, '\n');
  luaL_pushresult(&line);
  size_t length = 0;
  const char* text = lua_tolstring(state, -1, &length);
  std::fwrite(text, 1, length, stdout);
  std::fflush(stdout);
  return 0;
}

struct Request {
  const std::string& script;
  const std::vector<std::string>& arguments;
};

// All of it within one protected call, since anything may be out of memory.
int run_script(lua_State* state) {
  const auto& request = *static_cast<const Request*>(lua_touserdata(state, 1));
  luaL_checkversion(state);
  luaL_openlibs(state);
  lua_register(state, "print", &print_line);
  const auto count = static_cast<int>(request.arguments.size());
  lua_createtable(state, count, 1);
  lua_pushstring(state, request.script.c_str());
  lua_rawseti(state, -2, 0);
  for (int i = 0; i < count; ++i) {
    lua_pushstring(state, request.arguments[static_cast<size_t>(i)].c_str());
    lua_rawseti(state, -2, i + 1);
  }
  lua_setglobal(state, "arg");
  if (luaL_loadfile(state, request.script.c_str()) != LUA_OK) return lua_error(state);
  luaL_checkstack(state, count + 1, "too many arguments to script");
  for (const std::string& argument : request.arguments) {
    lua_pushstring(state, argument.c_str());
  }
  lua_call(state, count, 0);
  return 0;
}

}  // namespace

Interpreter::Interpreter(lua_Alloc allocate, void* memory, acre_thread* thread)
    : state_(memory == nullptr ? luaL_newstate() : lua_newstate(allocate, memory)),
      thread_(thread) {}

Interpreter::~Interpreter() {
  if (state_ != nullptr) lua_close(state_);
}

Outcome Interpreter::run(const std::string& script, const std::vector<std::string>& arguments) {
  if (state_ == nullptr) return {script + ": not enough memory"};
  const Running here(state_, thread_);
  Request request{script, arguments};
  // None of these three allocates.
  lua_pushcfunction(state_, &traceback);
  lua_pushcfunction(state_, &run_script);
  lua_pushlightuserdata(state_, &request);
  const int status = lua_pcall(state_, 1, 0, -3);
  if (status == LUA_OK) return {};
  const char* message = lua_tostring(state_, -1);
  // Other messages begin with the place in the script.
  if (status == LUA_ERRMEM) return {script + ": " + message};
  return {message == nullptr ? "(an error without a message)" : message};
}

void install_stop_signal() {
  struct sigaction action = {};
  action.sa_handler = &on_stop_signal;
  action.sa_flags = SA_RESTART;
  sigaction(kStopSignal, &action, nullptr);
}

bool ask_to_stop(int64_t thread_number) {
  const std::lock_guard guard(runners_lock);
  const auto at = runners.find(thread_number);
  if (at == runners.end()) return false;
  pthread_kill(at->second, kStopSignal);
  return true;
}

uint64_t stops_by_hook() { return hook_stops.load(std::memory_order_relaxed); }

}  // namespace acre::lua
