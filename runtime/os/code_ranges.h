// Owns which addresses of the process are code.

#ifndef ACRE_RUNTIME_OS_CODE_RANGES_H_
#define ACRE_RUNTIME_OS_CODE_RANGES_H_

#include <cstddef>
#include <cstdint>

namespace acre::rt {

// The mappings that can be read and executed, as they were at the last read(): generated code's, too. 4 KiB.
class CodeRanges {
 public:
  // Takes 8 KiB of stack.
  void read();
  // Whether all of [start, end) lies in one of them.
  bool contain(uintptr_t start, uintptr_t end) const;

 private:
  // Those with higher addresses are not known then.
  static constexpr size_t kMost = 256;

  struct Range {
    uintptr_t start;
    uintptr_t end;
  };
  size_t count_ = 0;
  Range ranges_[kMost];
};

}  // namespace acre::rt

#endif  // ACRE_RUNTIME_OS_CODE_RANGES_H_
