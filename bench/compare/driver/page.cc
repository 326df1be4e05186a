#include "bench/compare/driver/page.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/compare/driver/bars.h"
#include "bench/compare/driver/table.h"
#include "bench/growth/page.h"
#include "bench/growth/units.h"

namespace acre::bench {
namespace {

const char* kStyle = R"css(
.overview td, .overview th { text-align: right; padding: 5px 6px; }
.overview th { white-space: normal; }
.overview tr > :first-child { font-weight: 550; text-align: left; }
.overview .faster { background: color-mix(in srgb, var(--bad) 16%, transparent); }
.overview .slower { background: color-mix(in srgb, var(--good) calc(var(--much) * 1%), transparent); }
.overview .failed { color: var(--bad); font-weight: 600; }
.contest { display: grid; grid-template-columns: repeat(auto-fit, minmax(330px, 1fr)); gap: 6px 40px; }
.contest h3 { margin: 14px 0 6px; }
.contest .bars { grid-template-columns: 8.4em 1fr 9.5em; gap: 4px 10px; }
.contest .bars i { height: 13px; opacity: .85; min-width: 1px; }
.contest .bars .mark { color: var(--muted); display: inline-block; min-width: 4em; }
.bars i.acre { background: var(--live); opacity: 1; } .bars i.collector { background: var(--resident); }
.bars i.malloc { background: var(--inuse); } .bars i.raw { background: var(--mapped); }
.legend i.acre { border-color: var(--live); } .legend i.collector { border-color: var(--resident); }
.legend i.malloc { border-color: var(--inuse); } .legend i.raw { border-color: var(--mapped); }
.versions dd { overflow-wrap: anywhere; }
details { margin-top: 14px; } summary { cursor: pointer; color: var(--muted); font-size: 13px; }
)css";

std::string head(const Comparison& comparison) {
  const Machine& machine = comparison.machine;
  const CompareSettings& settings = comparison.settings;
  return fmt::format(
      "<header><h1>Acre compared</h1><p class=\"muted\">The same workloads by Acre, other garbage "
      "collectors and malloc; each run in a process of its own, all answers compared. Up to {} "
      "round{}{}; {} in all.</p>"
      "<p class=\"muted\">{} · {} cores · {} of memory · {} · huge pages: {} · {}</p></header>\n",
      settings.rounds, settings.rounds == 1 ? "" : "s",
      settings.quick ? ", with the small sizes of --quick, which measure little" : "",
      short_time(comparison.wall_seconds), escaped(machine.processor), machine.cores,
      long_bytes(static_cast<double>(machine.memory_total)), escaped(machine.kernel),
      escaped(machine.huge_pages), now_text());
}

// A cell of the overview: how many times the reference's time. The more, the deeper its colour.
std::string overview_cell(const Comparison& comparison, const std::string& workload,
                          std::string_view system) {
  const Result* result = find_result(comparison.results, workload, system);
  if (result == nullptr) return "<td></td>";
  if (!result->ok) return "<td class=\"failed\">failed</td>";
  const Result* reference = find_good(comparison.results, workload, comparison.reference);
  if (reference == nullptr) return fmt::format("<td>{}</td>", short_time(result->seconds));
  const double times = ratio(result->seconds, reference->seconds);
  if (system == comparison.reference) {
    return fmt::format("<td>{}</td>", short_time(result->seconds));
  }
  if (times < 0.995) return fmt::format("<td class=\"faster\">{}</td>", short_number(times));
  return fmt::format("<td class=\"slower\" style=\"--much:{:.0f}\">{}</td>",
                     std::clamp((times - 1) * 12, 0.0, 45.0), short_number(times));
}

std::string overview(const Comparison& comparison) {
  std::string out = fmt::format(
      "<section class=\"card\"><h2>Time, as a multiple of {0}'s</h2><p class=\"muted\">In the "
      "column of {0} its own time. Above 1 {0} is faster, below 1 the other one.</p>"
      "<div class=\"scroll\"><table class=\"overview\"><thead><tr><th></th>",
      escaped(comparison.reference));
  std::vector<std::string_view> systems;
  for (const Program& program : comparison.programs) {
    if (program.presence == Presence::kPresent) systems.push_back(program.system->name);
  }
  for (const std::string_view system : systems) {
    std::string name(system);
    if (const std::size_t at = name.find('_'); at != std::string::npos)
      name.insert(at + 1, "<wbr>");
    out += fmt::format("<th>{}</th>", name);
  }
  out += "</tr></thead><tbody>\n";
  for (const std::string& workload : comparison.settings.workloads) {
    out += fmt::format("<tr><td>{}</td>", workload);
    for (const std::string_view system : systems) {
      out += overview_cell(comparison, workload, system);
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div></section>\n";
}

std::string table(const TableBlock& block) {
  std::string out = "<div class=\"scroll\"><table class=\"figures\"><thead><tr><th></th>";
  for (const std::string& name : block.heading) out += fmt::format("<th>{}</th>", escaped(name));
  out += "</tr></thead><tbody>\n";
  for (const TableRow& row : block.rows) {
    out += fmt::format("<tr><td>{}</td>", escaped(row.system));
    if (!row.failure.empty()) {
      out += fmt::format("<td class=\"fails\" colspan=\"{}\" style=\"text-align:left\">{}</td>",
                         block.heading.size(), escaped("failed: " + row.failure));
    }
    for (const std::string& cell : row.cells) out += fmt::format("<td>{}</td>", escaped(cell));
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string sections(const Comparison& comparison) {
  std::string out;
  const TableBlock scaled = scaling_block(comparison);
  for (const TableBlock& block : table_blocks(comparison)) {
    out += fmt::format("<section class=\"card\"><h2>{}</h2><p class=\"muted\">{}</p>\n",
                       escaped(block.workload),
                       escaped(std::string(find_workload(block.workload)->what)));
    out += bars_of(comparison, block.workload) + table(block);
    if (block.workload == "mt_alloc_2" && !scaled.rows.empty()) {
      out += "<h3>Two threads: 2 x the time of mt_alloc_1 / that of mt_alloc_2; 2 at best</h3>" +
             table(scaled);
    }
    const TableBlock phases = phases_block(comparison, block.workload);
    if (!phases.rows.empty()) out += "<h3>One fiber, by phase</h3>" + table(phases);
    out += "</section>\n";
  }
  return out;
}

std::string targets(const Comparison& comparison) {
  std::string out =
      "<section class=\"card\"><h2>Targets</h2><div class=\"scroll\"><table class=\"checks\">"
      "<thead><tr><th>workload</th><th>what</th><th>measured</th><th>target</th><th>verdict</th>"
      "</tr></thead><tbody>\n";
  for (const Target& target : comparison.targets) {
    const bool holds = target.verdict == Verdict::kHolds;
    const bool fails = target.verdict == Verdict::kDoesNotHold;
    out += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td class=\"{}\">{}{}</td></tr>\n",
        escaped(target.workload), escaped(target.what),
        target.value > 0 ? short_number(target.value) : "-", escaped(target.bound_text()),
        holds ? "holds" : (fails ? "fails" : "muted"), holds ? "✓ " : (fails ? "✗ " : ""),
        target.verdict_text());
  }
  return out + "</tbody></table></div></section>\n";
}

std::string messages(const Comparison& comparison) {
  std::string out;
  for (const std::string& note : comparison.notes) {
    out += fmt::format("<p class=\"muted\">{}</p>", escaped(note));
  }
  for (const std::string& failure : comparison.failures()) {
    out += fmt::format("<p class=\"stopped\">{}</p>", escaped(failure));
  }
  return out.empty() ? "" : "<section class=\"card\">" + out + "</section>\n";
}

std::string background(const Comparison& comparison) {
  std::string out = "<section class=\"card pair\"><div><h2>Systems</h2><dl class=\"versions\">";
  for (const Program& program : comparison.programs) {
    const std::string text =
        program.presence == Presence::kPresent ? program.version : "left out: " + program.reason;
    out += fmt::format("<dt>{}</dt><dd>{}</dd>", program.system->name, escaped(text));
  }
  for (const auto& [name, value] : comparison.environment) {
    out +=
        fmt::format("<dt>{}</dt><dd>{} (in the environment)</dd>", escaped(name), escaped(value));
  }
  out += "</dl></div><div><h2>Columns</h2><dl>";
  for (const ColumnHelp& column : column_meanings(comparison.reference)) {
    out += fmt::format("<dt>{}</dt><dd>{}</dd>", escaped(column.name), escaped(column.meaning));
  }
  return out + "</dl></div></section>\n";
}

}  // namespace

std::string to_page(const Comparison& comparison) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<title>Acre compared</title><style>";
  out += kPageStyle;
  out += kStyle;
  out += "</style></head><body><main>\n" + head(comparison) + messages(comparison);
  out += overview(comparison) + sections(comparison);
  return out + targets(comparison) + background(comparison) + "</main></body></html>\n";
}

}  // namespace acre::bench
