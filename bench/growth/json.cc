#include "bench/growth/json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "bench/growth/report.h"

namespace acre::bench {
namespace {

// Ordered, for a person may read it too.
using Json = nlohmann::ordered_json;

Json settings_of(const Outcome& outcome) {
  const Settings& settings = outcome.settings;
  constexpr const char* kHugePages[] = {"auto", "always", "never"};
  return {{"workloads", settings.workloads},
          {"live_bytes", settings.live_bytes},
          {"live_bytes_lowered", settings.size_lowered},
          {"directory", settings.directory},
          {"threads", settings.threads},
          {"gc_while_growing", settings.collect_while_growing},
          {"idle_seconds", settings.idle_seconds},
          {"idle_only", settings.idle_only},
          {"keep_bytes", settings.keep_bytes},
          {"heap_huge_pages", kHugePages[outcome.heap_huge_pages]}};
}

Json creation_of(const CreationFigures& creation) {
  return {{"seconds", creation.seconds},
          {"first_seconds", creation.first},
          {"median_seconds", creation.median},
          {"resident_bytes", creation.resident}};
}

Json phase_of(const PhaseFigures& phase) {
  return {{"name", phase.name},
          {"completed", phase.completed},
          {"start_seconds", phase.start},
          {"seconds", phase.seconds},
          {"processor_seconds", phase.processor_seconds},
          {"allocated_bytes", phase.allocated},
          {"allocated_bytes_per_second", phase.bytes_per_second()},
          {"reserved_bytes", phase.reserved},
          {"mapped_bytes", phase.mapped},
          {"in_use_bytes", phase.in_use},
          {"heap_alloc_bytes", phase.heap_alloc},
          {"live_bytes", phase.live},
          {"live_after_gc_bytes", phase.live_after_gc},
          {"released_bytes", phase.released},
          {"resident_bytes", phase.resident},
          {"heap_resident_bytes", phase.heap_resident},
          {"vmas", phase.vmas},
          {"heap_vmas", phase.heap_vmas},
          {"minor_faults", phase.minor_faults},
          {"collections", phase.collections},
          {"pause_total_seconds", phase.pause_total},
          {"pause_longest_seconds", phase.pause_longest}};
}

Json idle_of(const IdleFigures& idle) {
  return {{"met", idle.met},
          {"seconds", idle.seconds},
          {"live_bytes", idle.live},
          {"bound_bytes", idle.bound},
          {"resident_start_bytes", idle.resident_start},
          {"resident_end_bytes", idle.resident_end},
          {"processor_seconds", idle.processor_seconds},
          {"processor_share", idle.processor_share()}};
}

Json raw_of(const RawFigures& raw) {
  return {{"name", raw.name},
          {"write_stride_bytes", raw.stride},
          {"bytes", raw.bytes},
          {"seconds", raw.seconds},
          {"processor_seconds", raw.processor_seconds},
          {"bytes_per_second", raw.bytes_per_second()},
          {"minor_faults", raw.minor_faults},
          {"resident_bytes", raw.resident}};
}

Json samples_of(const WorkloadResult& result) {
  Json rows = Json::array();
  for (const Sample& s : result.samples) {
    const double seconds = std::round(s.seconds * 1e4) / 1e4;
    rows.push_back(Json::array({seconds, s.mapped, s.in_use, s.heap_alloc, s.live, s.released,
                                s.resident, s.collections}));
  }
  return {{"columns",
           {"seconds", "mapped_bytes", "in_use_bytes", "heap_alloc_bytes", "live_bytes",
            "released_bytes", "resident_bytes", "collections"}},
          {"rows", std::move(rows)}};
}

Json workload_of(const WorkloadResult& result) {
  Json out = {{"name", result.name},
              {"description", result.description},
              {"completed", result.failure.empty()},
              {"failure", result.failure}};
  out["phases"] = Json::array();
  for (const PhaseFigures& phase : result.phases) out["phases"].push_back(phase_of(phase));
  if (result.idle) out["idle"] = idle_of(*result.idle);
  out["raw"] = Json::array();
  for (const RawFigures& raw : result.raw) out["raw"].push_back(raw_of(raw));
  out["facts"] = Json::array();
  for (const auto& [name, value] : result.findings.facts) {
    out["facts"].push_back({{"name", name}, {"value", value}});
  }
  out["top"] = Json::array();
  for (const auto& [name, count] : result.findings.top) {
    out["top"].push_back({{"identifier", name}, {"count", count}});
  }
  out["samples"] = samples_of(result);
  return out;
}

Json check_of(const Check& check) {
  return {{"what", check.what},     {"measured", check.measured},      {"value", check.value},
          {"target", check.target}, {"verdict", check.verdict_text()}, {"note", check.note}};
}

std::string without_angle(std::string text) {
  for (std::size_t at = 0; (at = text.find('<', at)) != std::string::npos;) {
    text.replace(at, 1, "\\u003c");
  }
  return text;
}

}  // namespace

std::string to_json(const Outcome& outcome) {
  Json out = {{"schema", "acre.heap_growth/1"},
              {"machine", machine_to_json(outcome.machine)},
              {"settings", settings_of(outcome)},
              {"creation", creation_of(outcome.creation)}};
  out["workloads"] = Json::array();
  for (const WorkloadResult& result : outcome.workloads) {
    out["workloads"].push_back(workload_of(result));
  }
  out["checks"] = Json::array();
  for (const Check& check : outcome.checks) out["checks"].push_back(check_of(check));
  return dump_json(out, 1) + "\n";
}

std::string samples_to_json(const WorkloadResult& result) {
  return without_angle(dump_json(samples_of(result), -1));
}

std::string quoted(const std::string& text) { return without_angle(dump_json(Json(text), -1)); }

}  // namespace acre::bench
