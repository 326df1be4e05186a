// lua_*: the scripts of examples/lua, each by a Lua state of its own (Debian's library, as it is) whose memory comes
// from what is measured. It is written once, for whatever can do this:
//
//   S()             a state without libraries, and with it what its memory comes from
//   get()           the lua_State
//   collections()   of that memory; Lua's own collections are work like any other
//
// All of a state's life is measured, the making and the closing too.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <lua5.4/lua.hpp>
#include <stdexcept>
#include <string>

#include "bench/compare/native/arithmetic.h"
#include "bench/compare/native/lua_scripts.h"
#include "bench/compare/native/program.h"

namespace acre::compare {

template <class S>
class Lua {
 public:
  static Outcome run(const char* script, lua_Integer size) {
    const Stopwatch watch;
    Fold answer;
    std::uint64_t collections = 0;
    {
      S state;
      answer.add(static_cast<std::uint64_t>(call(state.get(), script, size)));
      collections = state.collections();
    }
    return {answer.get(), watch.read(), 0, 0, collections};
  }

 private:
  // What the script returns.
  static lua_Integer call(lua_State* lua, const char* script, lua_Integer size) {
    luaL_openlibs(lua);
    lua_pushcfunction(lua, [](lua_State*) { return 0; });
    lua_setglobal(lua, "print");
    if (luaL_loadbuffer(lua, script, std::strlen(script), "=script") != LUA_OK) fail(lua);
    lua_pushinteger(lua, size);
    if (lua_pcall(lua, 1, 1, 0) != LUA_OK) fail(lua);
    return lua_tointeger(lua, -1);
  }
  [[noreturn]] static void fail(lua_State* lua) { throw std::runtime_error(lua_tostring(lua, -1)); }
};

template <class S>
constexpr std::array kLuaWorkloads{
    Workload{"lua_trees", [](bool quick) { return Lua<S>::run(kLuaTrees, quick ? 8 : 16); }},
    Workload{"lua_strings", [](bool quick) { return Lua<S>::run(kLuaStrings, quick ? 10 : 2000); }},
    Workload{"lua_tables", [](bool quick) { return Lua<S>::run(kLuaTables, quick ? 3 : 250); }},
    Workload{"lua_closures", [](bool quick) { return Lua<S>::run(kLuaClosures, quick ? 4 : 600); }},
    Workload{"lua_json", [](bool quick) { return Lua<S>::run(kLuaJson, quick ? 2 : 200); }},
    Workload{"lua_nbody",
             [](bool quick) { return Lua<S>::run(kLuaNbody, quick ? 1000 : 1'000'000); }},
};

}  // namespace acre::compare
