#include "bench/growth/creation.h"

#include <algorithm>

#include "bench/growth/mutator.h"
#include "bench/growth/process.h"

namespace acre::bench {

CreationFigures measure_creation(const acre_options& options) {
  constexpr int kTimes = 15;
  CreationFigures figures;
  for (int i = 0; i < kTimes; ++i) {
    const std::uint64_t resident = resident_exact();
    const double start = now_seconds();
    acre_heap* heap = nullptr;
    require("acre_heap_create", acre_heap_create(&options, &heap));
    figures.seconds.push_back(now_seconds() - start);
    const std::uint64_t after = resident_exact();
    if (after > resident) figures.resident = std::max(figures.resident, after - resident);
    require("acre_heap_destroy", acre_heap_destroy(heap));
  }
  figures.first = figures.seconds.front();
  std::vector<double> sorted = figures.seconds;
  std::sort(sorted.begin(), sorted.end());
  figures.median = sorted[sorted.size() / 2];
  return figures;
}

}  // namespace acre::bench
