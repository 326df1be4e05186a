#include "gc/work/work_pool.h"

namespace acre::gc {

WorkBuffer* WorkPool::take_empty() {
  if (WorkBuffer* buffer = empty_.pop()) return buffer;
  if (buffers_.fetch_add(1, std::memory_order_relaxed) < max_buffers_) {
    void* memory = space_->meta_alloc(rt::ByteCount(sizeof(WorkBuffer)), alignof(WorkBuffer));
    if (memory != nullptr) return static_cast<WorkBuffer*>(memory);
  }
  buffers_.fetch_sub(1, std::memory_order_relaxed);
  return nullptr;
}

}  // namespace acre::gc
