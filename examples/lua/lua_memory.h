// Owns the memory of one Lua state: what Lua asks its allocator for comes from an Acre heap, within a budget.
//
// Lua tells its allocator the size of what it frees, and frees all that it takes. So its objects are of an explicit
// kind: the collector neither looks for references to them nor into them, and each is freed by its size, without a
// look at the heap's tables.
//
// Lua counts on it that making something smaller always works. It may take a copy, though, for which the heap may
// have no memory left: then the object stays what it is, and since Lua's sizes are not those of the objects any
// more, this state frees by address from there on.
//
// Threads: a state is run by one attached thread at a time; enter() tells by which.
#ifndef ACRE_EXAMPLES_LUA_LUA_MEMORY_H_
#define ACRE_EXAMPLES_LUA_LUA_MEMORY_H_

#include <acre/acre.h>

#include <cstddef>
#include <cstdint>
#include <lua5.4/lua.hpp>

namespace acre::lua {

// Registers the kind of Lua's objects; once a heap.
acre_status register_kind(acre_heap* heap, acre_kind* out);

struct Usage {
  size_t bytes = 0;  // by the sizes that Lua asked for
  size_t peak = 0;
  uint64_t allocations = 0;
  uint64_t frees = 0;
  uint64_t refused = 0;  // for the budget, or because the heap is full
};

class LuaMemory {
 public:
  LuaMemory(acre_thread* thread, acre_kind kind, size_t budget)
      : thread_(thread), kind_(kind), budget_(budget) {}
  LuaMemory(const LuaMemory&) = delete;
  LuaMemory& operator=(const LuaMemory&) = delete;

  // For lua_newstate, with this object as its `ud`.
  static void* allocate(void* memory, void* object, size_t old_bytes, size_t bytes);

  void enter(acre_thread* thread) { thread_ = thread; }

  const Usage& usage() const { return usage_; }

 private:
  bool fits(size_t old_bytes, size_t bytes) const {
    return bytes <= old_bytes || bytes - old_bytes <= budget_ - usage_.bytes;
  }
  void free(void* object, size_t bytes);
  void* resize(void* object, size_t old_bytes, size_t bytes);

  acre_thread* thread_;
  acre_kind kind_;
  size_t budget_;
  bool by_size_ = true;  // Lua's sizes are those that the objects were asked for with
  Usage usage_;
};

}  // namespace acre::lua

#endif  // ACRE_EXAMPLES_LUA_LUA_MEMORY_H_
