#include "bench/facts/json.h"

#include <nlohmann/json.hpp>

#include "bench/growth/report.h"

namespace acre::bench {
namespace {

using Json = nlohmann::ordered_json;

// A setting that this kernel does not have is left out.
Json kernel_of(const Survey& survey) {
  const KernelSettings& kernel = survey.kernel;
  Json out = {{"root", survey.root},
              {"huge_pages", kernel.huge_pages},
              {"huge_pages_2m", kernel.huge_pages_2m},
              {"defrag", kernel.defrag},
              {"huge_page_bytes", kernel.huge_bytes}};
  const auto add = [&](const char* name, std::int64_t value) {
    if (value >= 0) out[name] = value;
  };
  add("khugepaged_max_ptes_none", kernel.max_ptes_none);
  add("khugepaged_pages_to_scan", kernel.khugepaged_pages);
  add("khugepaged_sleep_milliseconds", kernel.khugepaged_sleep_ms);
  add("max_map_count", kernel.max_map_count);
  add("overcommit_memory", kernel.overcommit);
  return out;
}

Json finding_of(const Finding& finding) {
  Json numbers = Json::object();
  for (const auto& [name, value] : finding.numbers) numbers[name] = value;
  return {{"claim", finding.claim},
          {"measured", finding.measured},
          {"verdict", text_of(finding.verdict)},
          {"numbers", numbers}};
}

Json run_of(const FactRun& run) {
  Json out = {{"id", run.id},           {"about", run.about},     {"heap_relies", run.heap_relies},
              {"seconds", run.seconds}, {"failure", run.failure}, {"findings", Json::array()}};
  for (const Finding& finding : run.findings) out["findings"].push_back(finding_of(finding));
  return out;
}

}  // namespace

std::string to_json(const Survey& survey) {
  Json out = {{"schema", "acre.mmap_facts/1"},
              {"machine", machine_to_json(survey.machine)},
              {"kernel", kernel_of(survey)},
              {"seconds", survey.seconds},
              {"good", survey.good()},
              {"counts",
               {{"hold", survey.count(Verdict::kHolds)},
                {"do_not_hold", survey.count(Verdict::kDoesNotHold)},
                {"measured", survey.count(Verdict::kMeasured)},
                {"not_applicable", survey.count(Verdict::kNotApplicable)},
                {"failed", survey.failures()}}}};
  out["facts"] = Json::array();
  for (const FactRun& run : survey.runs) out["facts"].push_back(run_of(run));
  return dump_json(out, 1) + "\n";
}

}  // namespace acre::bench
