#include "bench/growth/idle.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/growth/units.h"

namespace acre::bench {
namespace {

// A reading walks the page tables, about a millisecond a GiB: more often, it would hinder what it watches.
constexpr double kInterval = 0.1;

}  // namespace

std::uint64_t idle_bound(std::uint64_t live) { return live + live / 5 + 32 * kMiB; }

double IdleFigures::processor_share() const { return ratio(processor_seconds, seconds); }

IdleFigures wait_idle(std::uint64_t live, double most_seconds,
                      const std::function<IdleReading()>& read,
                      const std::function<void(double seconds)>& pause) {
  IdleFigures figures;
  figures.live = live;
  figures.bound = idle_bound(live);
  const IdleReading start = read();
  figures.resident_start = start.resident;
  for (IdleReading now = start;; now = read()) {
    figures.seconds = now.seconds - start.seconds;
    figures.processor_seconds = std::max(0.0, now.processor - start.processor);
    figures.resident_end = now.resident;
    figures.met = now.resident <= static_cast<std::int64_t>(figures.bound);
    if (figures.met || figures.seconds >= most_seconds) return figures;
    pause(std::min(kInterval, most_seconds - figures.seconds));
  }
}

std::string outcome_text(const IdleFigures& idle) {
  if (idle.met) return short_time(idle.seconds);
  return fmt::format("not met: {} after {}", long_bytes(static_cast<double>(idle.resident_end)),
                     short_time(idle.seconds));
}

std::string course_text(const IdleFigures& idle) {
  return fmt::format(
      "resident {} to {}, live {}, so at most {}; processor time {}, {:.1f} % of one CPU",
      long_bytes(static_cast<double>(idle.resident_start)),
      long_bytes(static_cast<double>(idle.resident_end)),
      long_bytes(static_cast<double>(idle.live)), long_bytes(static_cast<double>(idle.bound)),
      short_time(idle.processor_seconds), 100 * idle.processor_share());
}

}  // namespace acre::bench
