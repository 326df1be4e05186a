#include "bench/compare/driver/statistics.h"

#include <algorithm>

#include "bench/growth/units.h"

namespace acre::bench {

double median(std::vector<double> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  if (values.size() % 2 == 1) return values[middle];
  return (values[middle - 1] + values[middle]) / 2;
}

double spread(const std::vector<double>& values) {
  if (values.size() < 2) return 0;
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  return ratio(*most - *least, median(values));
}

}  // namespace acre::bench
