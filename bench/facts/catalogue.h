// All facts, in the order of the table.
#pragma once

#include <span>
#include <string_view>

#include "bench/facts/fact.h"

namespace acre::bench {

std::span<const Fact> catalogue();
const Fact* find_fact(std::string_view id);  // nullptr: there is none

// The one whose answer is the system's setting of huge pages: what is run again for each setting.
inline constexpr const char* kFirstTouch = "first_touch";

}  // namespace acre::bench
