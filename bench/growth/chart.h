// A workload's samples as an SVG element: mapped, in use, live and resident over time, the phases as named
// bands, a tick for each collection. Colours are the page's (classes); the page's script adds the readout
// and finds the plot's corners and scales in the element's data attributes.
//
// Drawn twice, for wide and for narrow screens: one picture scaled down would have unreadable labels.
#pragma once

#include <string>

#include "bench/growth/runner.h"

namespace acre::bench {

struct ChartShape {
  const char* css_class;
  double width;
  double height;
};

inline constexpr ChartShape kWideChart = {"wide", 1040, 400};
inline constexpr ChartShape kNarrowChart = {"narrow", 400, 330};

// Empty with fewer than two samples.
std::string draw_chart(const WorkloadResult& result, const ChartShape& shape);

}  // namespace acre::bench
