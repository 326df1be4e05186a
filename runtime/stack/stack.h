// Owns what is known of one stack that belongs to the heap: a span of its own, with a guard below.
//
//   span start                                                    span end
//   +-------+-----------------------------------------------------------+
//   | guard |  low ...  free  ...  [stack pointer, high): in use        |
//   +-------+-----------------------------------------------------------+
//    a page of the kernel's
//
// Stacks come in powers of two, 8 KiB to 64 MiB; the guard is beside that, and the rest of its page of ours is the
// stack's as well: with the kernel's page of 4 KiB, 12 KiB to 64 MiB and 4 KiB. A record lasts as long as the
// heap and is used again for other spans: that of a span is found by Span::stack.

#ifndef ACRE_RUNTIME_STACK_STACK_H_
#define ACRE_RUNTIME_STACK_STACK_H_

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "runtime/base/units.h"

struct acre_fiber;

namespace acre::rt {

inline constexpr unsigned kStackClasses = 14;
inline constexpr ByteCount kMinStack{8 * kKiB};
inline constexpr ByteCount kMaxStack{64 * kMiB};
static_assert(kMinStack.raw << (kStackClasses - 1) == kMaxStack.raw);

constexpr ByteCount stack_class_bytes(unsigned stack_class) {
  return ByteCount(kMinStack.raw << stack_class);
}

// Of the smallest stacks with so many bytes, which are at most kMaxStack.
constexpr unsigned stack_class_for(ByteCount bytes) {
  const uint64_t steps = (bytes.raw + kMinStack.raw - 1) / kMinStack.raw;
  return steps <= 1 ? 0 : static_cast<unsigned>(std::bit_width(steps - 1));
}

enum class StackUse : uint8_t {
  kNone,     // the record has no span
  kFree,     // kept for reuse, by the pool or a thread's cache
  kFiber,    // of `fiber`, or about to be
  kForeign,  // of somebody who switches stacks without Acre: it is scanned whole
};

struct alignas(64) Stack {
  // What is known of the fiber on it, beside the object (runtime/fiber).
  static constexpr size_t kFiberBytes = 128;

  Addr low;           // above the guard
  Addr high;          // where it begins, growing down
  acre_fiber* fiber;  // kFiber: an object; NULL until it is made
  Stack* next;        // in a list of free ones, or of records without a span
  uint64_t touched;   // bytes below `high` that hold memory, as far as is known
  uint8_t stack_class;
  std::atomic<StackUse> use;
  bool fiber_used;  // of_fiber is not all 0
  alignas(8) std::byte of_fiber[kFiberBytes];

  ByteCount size() const { return high - low; }
  bool contains(uintptr_t address) const { return address >= low.raw && address < high.raw; }
};
static_assert(sizeof(Stack) == 192);

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_STACK_STACK_H_
