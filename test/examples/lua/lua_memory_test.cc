// The allocator that a Lua state is given: budgets, what it counts, and a heap without room.
#include "examples/lua/lua_memory.h"

#include <random>

#include "test/gc/api/heap_fixture.h"
#include "test/runtime/base/random_seed.h"

namespace acre::test {
namespace {

using lua::LuaMemory;

constexpr size_t kNoBudget = SIZE_MAX;

struct LuaHeap : Heap {
  explicit LuaHeap(size_t reserve = kGiB) : Heap(options_for(reserve)) {
    BOOST_REQUIRE(lua::register_kind(heap, &kind) == ACRE_OK);
  }
  static acre_options options_for(size_t reserve) {
    acre_options options = precise_options();
    options.reserve_bytes = reserve;
    return options;
  }
  acre_kind kind = ACRE_KIND_NONE;
};

char* allocate(LuaMemory& memory, void* object, size_t old_bytes, size_t bytes) {
  return static_cast<char*>(LuaMemory::allocate(&memory, object, old_bytes, bytes));
}

BOOST_AUTO_TEST_SUITE(lua_memory)

BOOST_AUTO_TEST_CASE(it_counts_what_lua_asks_for) {
  LuaHeap h;
  LuaMemory memory(h.thread, h.kind, kNoBudget);
  char* object = allocate(memory, nullptr, LUA_TTABLE, 56);  // a type, not a size
  object = allocate(memory, object, 56, 1000);
  object = allocate(memory, object, 1000, 40);
  BOOST_TEST(memory.usage().bytes == 40u);
  BOOST_TEST(memory.usage().peak == 1000u);
  BOOST_TEST(allocate(memory, object, 40, 0) == nullptr);
  BOOST_TEST(allocate(memory, nullptr, LUA_TSTRING, 0) == nullptr);
  BOOST_TEST(memory.usage().bytes == 0u);
  BOOST_TEST(memory.usage().allocations == 1u);
  BOOST_TEST(memory.usage().frees == 1u);
  BOOST_TEST(memory.usage().refused == 0u);
  BOOST_TEST(h.live() == 0u);
}

BOOST_AUTO_TEST_CASE(a_budget_is_kept_to_the_byte) {
  LuaHeap h;
  LuaMemory memory(h.thread, h.kind, 1000);
  char* object = allocate(memory, nullptr, 0, 600);
  BOOST_TEST(allocate(memory, nullptr, 0, 401) == nullptr);
  BOOST_TEST(allocate(memory, object, 600, 1001) == nullptr);
  BOOST_TEST(memory.usage().refused == 2u);
  char* other = allocate(memory, nullptr, 0, 400);
  BOOST_TEST(other != nullptr);
  object = allocate(memory, object, 600, 500);
  BOOST_TEST(object != nullptr);
  other = allocate(memory, other, 400, 500);
  BOOST_TEST(other != nullptr);
  BOOST_TEST(memory.usage().bytes == 1000u);
  allocate(memory, object, 500, 0);
  allocate(memory, other, 500, 0);
  BOOST_TEST(h.live() == 0u);
}

// What Lua counts on. From there on sizes are not those of the objects.
BOOST_AUTO_TEST_CASE(shrinking_works_where_there_is_no_room_for_a_copy) {
  LuaHeap h(64 * kMiB);
  LuaMemory memory(h.thread, h.kind, kNoBudget);
  std::mt19937_64 random(random_seed());
  struct Block {
    char* object;
    size_t bytes;
  };
  std::vector<Block> blocks;
  for (const size_t bytes :
       {size_t{1 << 20}, size_t{40'000}, size_t{5000}, size_t{400}, size_t{30}}) {
    while (char* object = allocate(memory, nullptr, 0, bytes)) {
      memset(object, static_cast<int>(bytes % 251), bytes);
      blocks.push_back({object, bytes});
    }
  }
  BOOST_TEST(memory.usage().refused == 5u);
  BOOST_TEST_REQUIRE(blocks.size() > 50u);
  for (int i = 0; i < 2000 && blocks.size() > 10; ++i) {
    Block& block = blocks[random() % blocks.size()];
    const size_t smaller = 1 + random() % block.bytes;
    const char first = block.object[0];
    block.object = allocate(memory, block.object, block.bytes, smaller);
    BOOST_TEST_REQUIRE(block.object != nullptr);
    BOOST_TEST_REQUIRE(block.object[0] == first);
    BOOST_TEST_REQUIRE(block.object[smaller - 1] == first);
    block.bytes = smaller;
    if (i % 16 != 0) continue;
    const size_t larger = block.bytes + random() % 5000;
    char* grown = allocate(memory, block.object, block.bytes, larger);
    if (grown == nullptr) continue;
    BOOST_TEST_REQUIRE(grown[0] == first);
    allocate(memory, grown, larger, 0);
    block = blocks.back();
    blocks.pop_back();
  }
  for (const Block& block : blocks) allocate(memory, block.object, block.bytes, 0);
  BOOST_TEST(h.live() == 0u);
  BOOST_TEST(heap_is_whole(h.heap));
}

// Lua's own collector comes to the rescue, and the state goes on.
BOOST_AUTO_TEST_CASE(a_state_at_its_budget_gets_an_error_and_lives) {
  LuaHeap h;
  LuaMemory memory(h.thread, h.kind, 200'000);
  lua_State* state = lua_newstate(&LuaMemory::allocate, &memory);
  BOOST_REQUIRE(state != nullptr);
  luaL_openlibs(state);
  BOOST_TEST(luaL_dostring(state, "local t = {} for i = 1, 1e9 do t[i] = {} end"));
  BOOST_TEST(std::string(lua_tostring(state, -1)) == "not enough memory");
  BOOST_TEST(!luaL_dostring(state, "for i = 1, 50000 do local t = {i} end return 'well'"));
  BOOST_TEST(std::string(lua_tostring(state, -1)) == "well");
  BOOST_TEST(memory.usage().peak <= 200'000u);
  lua_close(state);
  BOOST_TEST(memory.usage().bytes == 0u);
  BOOST_TEST(h.live() == 0u);
}

BOOST_AUTO_TEST_CASE(a_state_may_go_from_thread_to_thread) {
  LuaHeap h;
  LuaMemory memory(h.thread, h.kind, kNoBudget);
  lua_State* state = lua_newstate(&LuaMemory::allocate, &memory);
  BOOST_REQUIRE(state != nullptr);
  luaL_openlibs(state);
  BOOST_TEST(!luaL_dostring(state, "kept = {} for i = 1, 9999 do kept[i] = {i} end"));
  acre_thread_detach(h.thread);
  BOOST_REQUIRE(acre_thread_attach(h.heap, &h.thread) == ACRE_OK);
  memory.enter(h.thread);
  h.collect();
  BOOST_TEST(
      !luaL_dostring(state, "local s = 0 for i = 1, 9999 do s = s + kept[i][1] end return s"));
  BOOST_TEST(lua_tointeger(state, -1) == 49'995'000);
  lua_close(state);
  BOOST_TEST(h.live() == 0u);
}

BOOST_AUTO_TEST_SUITE_END()

}  // namespace
}  // namespace acre::test
