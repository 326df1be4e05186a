// A Lua state whose memory comes from an Acre heap, for the workloads lua_*.
#pragma once

#include <acre/acre.h>

#include <cstdint>
#include <limits>
#include <new>

#include "examples/lua/lua_memory.h"

namespace acre::compare {

class AcreLua {
 public:
  AcreLua()
      : memory_(thread_, kind_, std::numeric_limits<std::size_t>::max()),
        state_(lua_newstate(&lua::LuaMemory::allocate, &memory_)) {
    if (state_ == nullptr) throw std::bad_alloc();
  }
  ~AcreLua() {
    lua_close(state_);
    acre_thread_detach(thread_);
    acre_heap_destroy(heap_);
  }
  AcreLua(const AcreLua&) = delete;
  AcreLua& operator=(const AcreLua&) = delete;

  lua_State* get() { return state_; }
  std::uint64_t collections() const {
    acre_stats stats;
    stats.struct_size = sizeof(stats);
    acre_stats_read(heap_, &stats);
    return stats.num_gc;
  }

 private:
  static void require(acre_status status) {
    if (status != ACRE_OK) throw std::bad_alloc();
  }
  static acre_heap* made() {
    acre_heap* heap = nullptr;
    require(acre_heap_create(nullptr, &heap));
    return heap;
  }
  static acre_thread* attached(acre_heap* heap) {
    acre_thread* thread = nullptr;
    require(acre_thread_attach(heap, &thread));
    return thread;
  }
  static acre_kind registered(acre_heap* heap) {
    acre_kind kind = ACRE_KIND_NONE;
    require(lua::register_kind(heap, &kind));
    return kind;
  }

  acre_heap* heap_ = made();
  acre_thread* thread_ = attached(heap_);
  acre_kind kind_ = registered(heap_);
  lua::LuaMemory memory_;
  lua_State* state_;
};

}  // namespace acre::compare
