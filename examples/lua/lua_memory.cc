#include "examples/lua/lua_memory.h"

#include <algorithm>

namespace acre::lua {

acre_status register_kind(acre_heap* heap, acre_kind* out) {
  const acre_kind_info info = {sizeof(info), "lua", nullptr, nullptr, 0, ACRE_KIND_EXPLICIT};
  return acre_kind_register(heap, &info, out);
}

void* LuaMemory::allocate(void* memory, void* object, size_t old_bytes, size_t bytes) {
  auto& self = *static_cast<LuaMemory*>(memory);
  if (object == nullptr) old_bytes = 0;  // it tells what the new object is for
  if (bytes == 0) {
    if (object != nullptr) self.free(object, old_bytes);
    return nullptr;
  }
  void* result = nullptr;
  if (self.fits(old_bytes, bytes)) result = self.resize(object, old_bytes, bytes);
  if (result == nullptr) {
    ++self.usage_.refused;
    return nullptr;
  }
  if (object == nullptr) ++self.usage_.allocations;
  self.usage_.bytes += bytes - old_bytes;
  self.usage_.peak = std::max(self.usage_.peak, self.usage_.bytes);
  return result;
}

void LuaMemory::free(void* object, size_t bytes) {
  if (by_size_) {
    acre_free_sized(thread_, object, bytes, kind_);
  } else {
    acre_free(thread_, object);
  }
  usage_.bytes -= bytes;
  ++usage_.frees;
}

void* LuaMemory::resize(void* object, size_t old_bytes, size_t bytes) {
  if (by_size_) {
    void* result = acre_realloc_sized(thread_, object, old_bytes, bytes, kind_);
    if (result != nullptr || bytes > old_bytes) return result;
    by_size_ = false;
    return object;
  }
  if (object == nullptr) return acre_alloc_uninit(thread_, bytes, kind_);
  // Smaller, and it stays what it is if there is no room for a copy.
  void* result = acre_realloc(thread_, object, bytes);
  return result == nullptr && bytes <= old_bytes ? object : result;
}

}  // namespace acre::lua
