// code_ranges.h on Linux.

#include "runtime/os/code_ranges.h"

#include <cstdlib>

#include "runtime/os/errno_keeper.h"
#include "runtime/os/proc_text.h"

namespace acre::rt {

// A line: 7f1e58000000-7f1e5a000000 r-xp and more.
void CodeRanges::read() {
  const ErrnoKeeper errno_keeper;
  count_ = 0;
  LineReader lines(open_own_file("", "maps"));
  while (const char* line = lines.next()) {
    if (count_ == kMost) return;
    char* end = nullptr;
    Range range{};
    range.start = strtoull(line, &end, 16);
    if (*end != '-') continue;
    range.end = strtoull(end + 1, &end, 16);
    if (end[0] != ' ' || end[1] != 'r' || end[2] == 0 || end[3] != 'x') continue;
    ranges_[count_++] = range;
  }
}

bool CodeRanges::contain(uintptr_t start, uintptr_t end) const {
  for (size_t i = 0; i < count_; ++i) {
    if (ranges_[i].start <= start && end <= ranges_[i].end) return start < end;
  }
  return false;
}

}  // namespace acre::rt
