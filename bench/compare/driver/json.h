// The figures for other programs. The schema is documented in bench/README.md.
#pragma once

#include <string>

#include "bench/compare/driver/comparison.h"

namespace acre::bench {

std::string to_json(const Comparison& comparison);

}  // namespace acre::bench
