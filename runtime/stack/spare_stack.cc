#include "runtime/stack/spare_stack.h"

#include <algorithm>

namespace acre::rt {

void SpareStack::init(Os* os) {
  os_ = os;
  lock_.set_rank(LockRank::kSpareStack);
}

ByteCount SpareStack::guard_bytes() const {
  return std::max(os_->page_size(), ByteCount(8 * kKiB));
}

bool SpareStack::prepare() {
  if (high().raw != 0) return true;
  LockGuard guard(lock_);
  if (high_.raw != 0) return true;
  const ByteCount size = guard_bytes() + kBytes;
  const Addr start = os_->reserve(size, os_->page_size());
  if (start == Addr{}) return false;
  if (!os_->commit(start, size) || !os_->guard(start, guard_bytes())) {
    (void)os_->unmap(start, size);
    return false;
  }
  __atomic_store_n(&high_.raw, (start + size).raw, __ATOMIC_RELEASE);
  return true;
}

void SpareStack::destroy() {
  if (high_.raw == 0) return;
  const ByteCount size = guard_bytes() + kBytes;
  (void)os_->unmap(Addr(high_.raw - size.raw), size);
  high_ = Addr{};
}

}  // namespace acre::rt
