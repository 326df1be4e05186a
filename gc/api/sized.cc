// The public calls for memory that is freed by hand, whose sizes the caller knows.

#include <algorithm>
#include <cstring>

#include "gc/cycle/cycle.h"

namespace {

using acre::rt::ByteCount;
using acre::rt::class_for;
using acre::rt::kMaxSmallBytes;

// Whether an object that was asked for with one size is what one gets for the other.
bool same_room(size_t bytes, size_t other) {
  if (bytes <= kMaxSmallBytes)
    return other <= kMaxSmallBytes && class_for(bytes) == class_for(other);
  return other > kMaxSmallBytes && pages_for(ByteCount(bytes)) == pages_for(ByteCount(other));
}

}  // namespace

extern "C" {

void acre_free_sized(acre_thread* thread, void* object, size_t bytes, acre_kind kind) {
  if (object == nullptr || thread->cache.try_free(object, bytes, kind)) return;
  acre_free(thread, object);
}

void* acre_realloc_sized(acre_thread* thread, void* object, size_t old_bytes, size_t bytes,
                         acre_kind kind) {
  if (object == nullptr) return acre_alloc_uninit(thread, bytes, kind);
  if (same_room(old_bytes, bytes)) return object;
  void* copy = acre_alloc_uninit(thread, bytes, kind);
  if (copy == nullptr) return nullptr;
  memcpy(copy, object, std::min(old_bytes, bytes));
  acre_free_sized(thread, object, old_bytes, kind);
  return copy;
}

}  // extern "C"
