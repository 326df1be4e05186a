// Owns the stack that a collection runs on where its thread has none with room: the thread is on a coroutine's, of
// any size, and nobody knows how far its own is in use.
//
// One for each heap that gave stacks to others, and one at a time runs on it. What lies on it is never scanned: who
// goes there has nothing on it but the collector's own.
//
// Threads: any.

#ifndef ACRE_RUNTIME_STACK_SPARE_STACK_H_
#define ACRE_RUNTIME_STACK_SPARE_STACK_H_

#include <algorithm>
#include <cstdint>

#include "runtime/base/lock.h"
#include "runtime/base/units.h"
#include "runtime/os/os.h"

namespace acre::rt {

class SpareStack {
 public:
  // For trace functions and root scanners, too. Memory is taken for what is used only.
  static constexpr ByteCount kBytes{256 * kKiB};

  void init(Os* os);

  // There is one from now on. False: no memory, or no mapping is left.
  bool prepare();
  // The heap ends.
  void destroy();

  // Where it begins, growing down; 0: there is none.
  Addr high() const { return Addr(__atomic_load_n(&high_.raw, __ATOMIC_ACQUIRE)); }
  bool contains(uintptr_t sp) const {
    return sp <= high().raw && sp > high().raw - std::min(high().raw, kBytes.raw);
  }
  // Whoever runs on it holds this.
  Lock& lock() { return lock_; }

 private:
  ByteCount guard_bytes() const;

  Os* os_;
  Lock lock_;
  Addr high_;
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_STACK_SPARE_STACK_H_
