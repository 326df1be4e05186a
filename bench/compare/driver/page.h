// The comparison as one self-contained page: no script, font or picture from elsewhere.
#pragma once

#include <string>

#include "bench/compare/driver/comparison.h"

namespace acre::bench {

std::string to_page(const Comparison& comparison);

}  // namespace acre::bench
