#include "bench/growth/checks.h"

#include <fmt/format.h>

#include "bench/growth/units.h"

namespace acre::bench {
namespace {

Check::Verdict verdict_of(bool holds) {
  return holds ? Check::Verdict::kHolds : Check::Verdict::kDoesNotHold;
}

void add_creation(const CreationFigures& creation, std::vector<Check>& checks) {
  checks.push_back({"creating a heap: time (median)", short_time(creation.median), creation.median,
                    "less than 1 ms", verdict_of(creation.median < 1e-3),
                    fmt::format("the first one {}", short_time(creation.first))});
  const auto resident = static_cast<double>(creation.resident);
  checks.push_back({"creating a heap: resident", long_bytes(resident), resident, "less than 1 MiB",
                    verdict_of(creation.resident < kMiB), ""});
}

void add_vmas(const WorkloadResult& result, const PhaseFigures& growth,
              std::vector<Check>& checks) {
  checks.push_back({result.name + ": VMAs at the end of growth, more than before the heap",
                    std::to_string(growth.vmas), static_cast<double>(growth.vmas), "at most 6",
                    verdict_of(growth.vmas <= 6),
                    fmt::format("the heap's own books say {}", growth.heap_vmas)});
}

// The wall time is judged. Processor time is beside it, because on a busy machine it is the better one.
void add_speed(const WorkloadResult& result, const PhaseFigures& growth, bool judged,
               const std::string& note, std::vector<Check>& checks) {
  if (result.raw.empty()) return;
  const RawFigures& pages = result.raw.front();
  const RawFigures& nodes = result.raw.back();
  const double slower = ratio(growth.seconds, pages.seconds);
  checks.push_back(
      {result.name + ": growing / raw mmap and touch (time)", fmt::format("{:.2f}", slower), slower,
       result.name == "small" ? "at most 3" : "-",
       judged ? verdict_of(slower <= 3) : Check::Verdict::kNotMeasured,
       fmt::format("{:.2f} by processor time; {:.2f} where raw writes every 64-byte node{}{}",
                   ratio(growth.processor_seconds, pages.processor_seconds),
                   ratio(growth.seconds, nodes.seconds), note.empty() ? "" : "; ", note)});
}

// The two targets of `small` are set for growth without collections at 2 GiB: with them, the heap rightly
// holds garbage too, and works more. The ratios of other runs are printed without a verdict.
void add_growth(const Settings& settings, const WorkloadResult& result, const PhaseFigures& growth,
                std::vector<Check>& checks) {
  const bool small = result.name == "small";
  const bool judged = small && !settings.collect_while_growing;
  const std::string note = !small   ? "no target for this workload"
                           : judged ? ""
                                    : "the target is for --gc off";
  const double resident =
      ratio(static_cast<double>(growth.resident), static_cast<double>(growth.live));
  checks.push_back({result.name + ": resident / live at the end of growth",
                    fmt::format("{:.3f}", resident), resident, small ? "at most 1.06" : "-",
                    judged ? verdict_of(resident <= 1.06) : Check::Verdict::kNotMeasured, note});
  add_speed(result, growth, judged, note, checks);
}

}  // namespace

const char* Check::verdict_text() const {
  switch (verdict) {
    case Verdict::kHolds: return "holds";
    case Verdict::kDoesNotHold: return "does not hold";
    case Verdict::kNotMeasured: break;
  }
  return "no verdict";
}

std::vector<Check> make_checks(const Settings& settings, const CreationFigures& creation,
                               const std::vector<WorkloadResult>& results) {
  std::vector<Check> checks;
  add_creation(creation, checks);
  for (const WorkloadResult& result : results) {
    const PhaseFigures* growth = result.growth();
    if (growth == nullptr) continue;
    add_vmas(result, *growth, checks);
    add_growth(settings, result, *growth, checks);
  }
  return checks;
}

}  // namespace acre::bench
