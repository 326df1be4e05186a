// The arithmetic of repeated figures.
#pragma once

#include <vector>

namespace acre::bench {

// The middle one, or the mean of the two middle ones; 0 of none.
double median(std::vector<double> values);

// (largest - smallest) / median: how much the runs differ. 0 of fewer than two.
double spread(const std::vector<double>& values);

}  // namespace acre::bench
