#include "bench/compare/driver/bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "bench/growth/page.h"
#include "bench/growth/units.h"

namespace acre::bench {
namespace {

struct Bar {
  std::string system;
  const char* css_class;
  double value;
  std::string text;
};

const char* class_of(std::string_view system) {
  switch (find_system(system)->family) {
    case Family::kAcre: return "acre";
    case Family::kCollector: return "collector";
    case Family::kMalloc: return "malloc";
    case Family::kRaw: break;
  }
  return "raw";
}

std::string draw(const std::string& title, const std::vector<Bar>& bars, double reference) {
  double most = 0;
  for (const Bar& bar : bars) most = std::max(most, bar.value);
  std::string out = fmt::format("<div><h3>{}</h3><div class=\"bars\">", escaped(title));
  for (const Bar& bar : bars) {
    const std::string times =
        reference > 0 ? short_number(bar.value / reference) + " x" : std::string();
    out += fmt::format(
        "<code>{}</code><i class=\"{}\" style=\"width:{:.1f}%\"></i><span>{}<span "
        "class=\"mark\">{}</span></span>\n",
        escaped(bar.system), bar.css_class, 100 * ratio(bar.value, most), bar.text, times);
  }
  return out + "</div></div>";
}

}  // namespace

std::string bars_of(const Comparison& comparison, const std::string& workload) {
  std::vector<Bar> times;
  std::vector<Bar> peaks;
  for (const Result& result : comparison.results) {
    if (result.workload != workload || !result.ok) continue;
    const char* css_class = class_of(result.system);
    const auto peak = static_cast<double>(result.peak_rss);
    times.push_back({result.system, css_class, result.seconds, short_time(result.seconds)});
    peaks.push_back({result.system, css_class, peak, long_bytes(peak)});
  }
  if (times.empty()) return "";
  const Result* reference = find_good(comparison.results, workload, comparison.reference);
  return "<div class=\"legend\"><span><i class=\"acre\"></i>Acre</span><span><i "
         "class=\"collector\"></i>other collectors</span><span><i class=\"malloc\"></i>malloc and "
         "free</span><span><i class=\"raw\"></i>the limit</span></div>\n<div class=\"contest\">" +
         draw("Time", times, reference == nullptr ? 0 : reference->seconds) +
         draw("Peak resident memory", peaks,
              reference == nullptr ? 0 : static_cast<double>(reference->peak_rss)) +
         "</div>\n";
}

}  // namespace acre::bench
