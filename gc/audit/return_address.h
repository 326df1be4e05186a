// Owns telling return addresses from other words on a stack.

#ifndef ACRE_GC_AUDIT_RETURN_ADDRESS_H_
#define ACRE_GC_AUDIT_RETURN_ADDRESS_H_

#include <cstdint>

#include "runtime/os/code_ranges.h"

namespace acre::gc {

// Whether the word points into code, right behind a call. What is true of a return address may be true of another
// word, but hardly ever by chance.
bool is_return_address(const rt::CodeRanges& code, uintptr_t word);

}  // namespace acre::gc

#endif  // ACRE_GC_AUDIT_RETURN_ADDRESS_H_
