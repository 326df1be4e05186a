// A Lua state with Lua's own allocator, realloc and free, for the workloads lua_*.
#pragma once

#include <cstdint>
#include <lua5.4/lua.hpp>
#include <new>

namespace acre::compare {

class MallocLua {
 public:
  MallocLua() {
    if (state_ == nullptr) throw std::bad_alloc();
  }
  ~MallocLua() { lua_close(state_); }
  MallocLua(const MallocLua&) = delete;
  MallocLua& operator=(const MallocLua&) = delete;

  lua_State* get() { return state_; }
  std::uint64_t collections() const { return 0; }

 private:
  lua_State* state_ = luaL_newstate();
};

}  // namespace acre::compare
