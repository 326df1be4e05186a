// A workload as bars: the time and the peak of memory of each system, beside each other.
#pragma once

#include <string>

#include "bench/compare/driver/comparison.h"

namespace acre::bench {

// Markup; colours and shapes are the page's. Empty if no run was good.
std::string bars_of(const Comparison& comparison, const std::string& workload);

}  // namespace acre::bench
