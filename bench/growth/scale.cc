#include "bench/growth/scale.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "bench/growth/units.h"

namespace acre::bench {
namespace {

// The smallest of 1, 2, 5 times a power of ten that is at least `value`.
double round_step(double value) {
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= value * (1 - 1e-9)) return factor * power;
  }
  return 10 * power;
}

std::string plain(double value, double step) {
  const int digits = std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
  return fmt::format("{:.{}f}", value, digits);
}

}  // namespace

Axis byte_axis(double largest, int steps) {
  const double floor_bytes = static_cast<double>(64 * kKiB);
  largest = std::max(largest, floor_bytes);
  const bool gib = largest >= static_cast<double>(kGiB);
  const bool mib = largest >= static_cast<double>(kMiB);
  const double unit = static_cast<double>(gib ? kGiB : mib ? kMiB : kKiB);
  const char* name = gib ? "GiB" : mib ? "MiB" : "KiB";
  const double step = round_step(largest / unit / steps);
  Axis axis;
  const int count = static_cast<int>(std::ceil(largest / unit / step - 1e-9));
  axis.top = count * step * unit;
  for (int i = 0; i <= count; ++i) {
    const double value = i * step;
    axis.marks.push_back({value * unit, i == 0 ? "0" : plain(value, step) + " " + name});
  }
  return axis;
}

Axis time_axis(double largest, int steps) {
  largest = std::max(largest, 1e-3);
  const double step = round_step(largest / steps);
  Axis axis;
  axis.top = largest;
  for (int i = 0; i * step <= largest * (1 + 1e-9); ++i) {
    axis.marks.push_back({i * step, i == 0 ? "0" : plain(i * step, step) + " s"});
  }
  return axis;
}

}  // namespace acre::bench
