#include "bench/growth/checks.h"

#include <fmt/format.h>

#include <algorithm>

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

// Small sizes are below the bound before anything is given back, and then tell nothing. A wait that was cut
// short refutes nothing.
void add_idle(const WorkloadResult& result, std::vector<Check>& checks) {
  const IdleFigures& idle = *result.idle;
  std::string note =
      fmt::format("at most {}; {:.1f} % of one CPU", long_bytes(static_cast<double>(idle.bound)),
                  100 * idle.processor_share());
  Check::Verdict verdict = Check::Verdict::kNotMeasured;
  if (result.growth()->live <= idle.bound) {
    note += "; too little was grown to tell";
  } else if (idle.met || idle.seconds >= kIdleTargetSeconds) {
    verdict = verdict_of(idle.met && idle.seconds <= kIdleTargetSeconds);
  } else {
    note += fmt::format("; the target is {:.0f} s, --idle was less", kIdleTargetSeconds);
  }
  checks.push_back({result.name + ": resident <= 1.2 x live + 32 MiB, by itself",
                    outcome_text(idle), idle.seconds,
                    fmt::format("within {:.0f} s", kIdleTargetSeconds), verdict, note});
}

// A second for each 4 GiB that had grown; less than 4 have a second too.
void add_release(const WorkloadResult& result, std::vector<Check>& checks) {
  const PhaseFigures* grown = result.phase(kGrowAgain);
  const PhaseFigures* release = result.phase(kReleaseAtOnce);
  if (grown == nullptr || release == nullptr) return;
  const double most_seconds =
      std::max(1.0, static_cast<double>(grown->live) / (4 * static_cast<double>(kGiB)));
  const std::uint64_t most = idle_bound(release->live);
  const bool telling = grown->live > most;
  const bool holds =
      release->seconds < most_seconds && release->resident <= static_cast<std::int64_t>(most);
  const auto live = static_cast<double>(release->live);
  checks.push_back({result.name + ": release at once: time, and resident <= 1.2 x live + 32 MiB",
                    fmt::format("{}, {}", short_time(release->seconds),
                                long_bytes(static_cast<double>(release->resident))),
                    release->seconds,
                    fmt::format("less than {}, at most {}", short_time(most_seconds),
                                long_bytes(static_cast<double>(most))),
                    telling ? verdict_of(holds) : Check::Verdict::kNotMeasured,
                    fmt::format("{} live of {}{}", long_bytes(live),
                                long_bytes(static_cast<double>(grown->live)),
                                telling ? "" : "; too little was grown to tell")});
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
    if (result.idle) add_idle(result, checks);
    add_release(result, checks);
    if (result.course == Course::kIdle) continue;
    add_vmas(result, *growth, checks);
    add_growth(settings, result, *growth, checks);
  }
  return checks;
}

}  // namespace acre::bench
