#include "gc/work/work_pool.h"

namespace acre::gc {

void WorkPool::init(rt::Space* space, uint64_t max_buffers) {
  space_ = space;
  max_buffers_ = max_buffers;
  for (int i = 0; i < 2; ++i) {
    if (WorkBuffer* buffer = make_buffer()) put_empty(buffer);
  }
}

WorkBuffer* WorkPool::take_empty() {
  if (WorkBuffer* buffer = empty_.pop()) return buffer;
  return make_buffer();
}

WorkBuffer* WorkPool::make_buffer() {
  if (buffers_.fetch_add(1, std::memory_order_relaxed) < max_buffers_) {
    void* memory = space_->meta_alloc(rt::ByteCount(sizeof(WorkBuffer)), alignof(WorkBuffer));
    if (memory != nullptr) return static_cast<WorkBuffer*>(memory);
  }
  buffers_.fetch_sub(1, std::memory_order_relaxed);
  return nullptr;
}

}  // namespace acre::gc
