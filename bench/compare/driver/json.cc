#include "bench/compare/driver/json.h"

#include <nlohmann/json.hpp>

#include "bench/growth/report.h"

namespace acre::bench {
namespace {

using Json = nlohmann::ordered_json;

Json settings_of(const Comparison& comparison) {
  const CompareSettings& settings = comparison.settings;
  Json environment = Json::object();
  for (const auto& [name, value] : comparison.environment) environment[name] = value;
  return {{"workloads", settings.workloads},
          {"systems", settings.systems},
          {"rounds", settings.rounds},
          {"quick", settings.quick},
          {"budget_minutes", settings.budget_minutes},
          {"timeout_seconds", settings.timeout_seconds},
          {"reference", comparison.reference},
          {"environment", environment}};
}

Json result_of(const Result& result) {
  Json phases = Json::array();
  for (const Phase& phase : result.phases) {
    phases.push_back({{"name", phase.name}, {"ns", phase.nanoseconds}});
  }
  return {{"workload", result.workload},       {"system", result.system},
          {"version", result.version},         {"seconds", result.seconds},
          {"seconds_all", result.seconds_all}, {"spread", result.spread},
          {"cpu_seconds", result.cpu_seconds}, {"setup_seconds", result.setup_seconds},
          {"peak_rss", result.peak_rss},       {"live_bytes", result.live_bytes},
          {"collections", result.collections}, {"rounds", result.seconds_all.size()},
          {"answer", result.answer},           {"ok", result.ok},
          {"failure", result.failure},         {"phases", phases}};
}

Json target_of(const Target& target) {
  return {{"workload", target.workload},     {"what", target.what},   {"value", target.value},
          {"target", target.bound_text()},   {"bound", target.bound}, {"at_least", target.at_least},
          {"verdict", target.verdict_text()}};
}

}  // namespace

std::string to_json(const Comparison& comparison) {
  Json out = {{"schema", "acre.bench/1"},
              {"machine", machine_to_json(comparison.machine)},
              {"settings", settings_of(comparison)},
              {"wall_seconds", comparison.wall_seconds}};
  out["left_out"] = Json::array();
  for (const Program& program : comparison.programs) {
    if (program.presence == Presence::kPresent) continue;
    out["left_out"].push_back({{"system", program.system->name},
                               {"reason", program.reason},
                               {"failure", program.presence == Presence::kBroken}});
  }
  out["results"] = Json::array();
  for (const Result& result : comparison.results) out["results"].push_back(result_of(result));
  out["scaling"] = Json::array();
  for (const Program& program : comparison.programs) {
    const double value = scaling(comparison.results, program.system->name);
    if (value > 0) out["scaling"].push_back({{"system", program.system->name}, {"value", value}});
  }
  out["targets"] = Json::array();
  for (const Target& target : comparison.targets) out["targets"].push_back(target_of(target));
  out["notes"] = comparison.notes;
  return dump_json(out, 1) + "\n";
}

}  // namespace acre::bench
