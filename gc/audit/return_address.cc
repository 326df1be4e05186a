#include "gc/audit/return_address.h"

#include <cstring>
#include <initializer_list>

#include "runtime/base/raw_memory.h"
#include "runtime/base/units.h"

namespace acre::gc {
namespace {

#if defined(__x86_64__)

// Bytes that a call through a register or memory takes by its second byte (and a third), without prefixes: the
// opcode is ff /2. 0: that is none.
uintptr_t indirect_call_bytes(const unsigned char* at) {
  const unsigned mode = at[1] >> 6;
  const unsigned operation = at[1] >> 3 & 7;
  const unsigned base = at[1] & 7;
  if (at[0] != 0xff || operation != 2) return 0;
  if (mode == 3) return 2;
  const uintptr_t scaled = base == 4 ? 1 : 0;
  if (mode == 1) return 3 + scaled;
  if (mode == 2) return 6 + scaled;
  if (base == 5) return 6;
  return scaled != 0 && (at[2] & 7) == 5 ? 7 : 2 + scaled;
}

bool follows_call(const unsigned char* next) {
  if (next[-5] == 0xe8) return true;
  for (const int bytes : {2, 3, 4, 6, 7}) {
    if (indirect_call_bytes(next - bytes) == static_cast<uintptr_t>(bytes)) return true;
  }
  return false;
}

#elif defined(__aarch64__)

bool follows_call(const unsigned char* next) {
  uint32_t instruction = 0;
  memcpy(&instruction, next - sizeof(instruction), sizeof(instruction));
  return instruction >> 26 == 0x25 || (instruction & 0xfffffc1f) == 0xd63f0000;  // bl, blr
}

#else
#error "say what a call looks like on this processor"
#endif

}  // namespace

bool is_return_address(const rt::CodeRanges& code, uintptr_t word) {
  // No call is longer than this.
  unsigned char before[sizeof(uintptr_t)];
  if (!code.contain(word - sizeof(before), word)) return false;
  const uintptr_t start = word - sizeof(before);
  const uintptr_t aligned = rt::align_down(start, sizeof(before));
  const uintptr_t raw[] = {rt::read_raw(aligned),
                           rt::read_raw(rt::align_down(word - 1, sizeof(before)))};
  memcpy(before, reinterpret_cast<const char*>(raw) + (start - aligned), sizeof(before));
  return follows_call(before + sizeof(before));
}

}  // namespace acre::gc
