#include "bench/growth/html.h"

#include <fmt/format.h>

#include <algorithm>

#include "bench/growth/chart.h"
#include "bench/growth/json.h"
#include "bench/growth/page.h"
#include "bench/growth/page_script.h"
#include "bench/growth/table.h"
#include "bench/growth/units.h"

namespace acre::bench {
namespace {

std::string tile(const std::string& figure, const std::string& meaning) {
  return fmt::format("<div class=\"tile\"><b>{}</b><span>{}</span></div>", escaped(figure),
                     escaped(meaning));
}

std::string idle_tile(const IdleFigures& idle) {
  const std::string bound = long_bytes(static_cast<double>(idle.bound));
  const std::string cost = fmt::format("{:.1f} % of one CPU", 100 * idle.processor_share());
  if (idle.met) {
    return tile(short_time(idle.seconds),
                fmt::format("idle until resident was at most {}; {}", bound, cost));
  }
  return tile(long_bytes(static_cast<double>(idle.resident_end)),
              fmt::format("resident after {} idle, and not at most {}; {}",
                          short_time(idle.seconds), bound, cost));
}

std::string tiles(const WorkloadResult& result) {
  const PhaseFigures* growth = result.growth();
  if (growth == nullptr) return "";
  double pause = 0;
  std::uint64_t collections = 0;
  for (const PhaseFigures& phase : result.phases) {
    pause = std::max(pause, phase.pause_longest);
    collections += phase.collections;
  }
  std::uint64_t peak = 0;
  for (const Sample& sample : result.samples) peak = std::max(peak, sample.resident);
  const auto live = static_cast<double>(growth->live);
  std::string out = "<div class=\"tiles\">";
  out +=
      tile(long_bytes(live), fmt::format("live after growth, in {}", short_time(growth->seconds)));
  out += tile(short_number(growth->bytes_per_second() / static_cast<double>(kGiB)) + " GiB/s",
              "allocated while growing");
  if (growth->live != 0) {
    out += tile(short_number(ratio(static_cast<double>(growth->resident), live)) + " x",
                "resident / live after growth");
  }
  out += tile(pause > 0 ? short_time(pause) : "-",
              fmt::format("longest pause, of {} collections", collections));
  const PhaseFigures& last = result.phases.back();
  out += tile(long_bytes(static_cast<double>(peak)),
              fmt::format("resident at most; {} after {}",
                          long_bytes(static_cast<double>(last.resident)), last.name));
  out += tile(long_bytes(static_cast<double>(growth->reserved)), "address space reserved");
  if (result.idle) out += idle_tile(*result.idle);
  return out + "</div>\n";
}

std::string plot(const WorkloadResult& result) {
  const std::string wide = draw_chart(result, kWideChart);
  if (wide.empty()) return "";
  std::string phases;
  for (const PhaseFigures& phase : result.phases) {
    phases += fmt::format("{}[{},{:.5f},{:.5f}]", phases.empty() ? "" : ",", quoted(phase.name),
                          phase.start, phase.start + phase.seconds);
  }
  return fmt::format(
      "<div class=\"legend\"><span><i class=\"resident\"></i>resident (kernel)</span>"
      "<span><i class=\"live\"></i>live (reachable)</span>"
      "<span><i class=\"inuse\"></i>in use (spans)</span>"
      "<span><i class=\"mapped\"></i>mapped</span>"
      "<span><i class=\"collection\"></i>collection</span></div>\n"
      "<div class=\"plot\">{}{}<div class=\"readout\" hidden></div>"
      "<script type=\"application/json\">{{\"phases\":[{}],\"samples\":{}}}</script></div>\n",
      wide, draw_chart(result, kNarrowChart), phases, samples_to_json(result));
}

std::string figures(const WorkloadResult& result) {
  std::string out = "<div class=\"scroll\"><table class=\"figures\"><thead><tr>";
  const auto& heading = table_heading();
  for (std::size_t i = 0; i < kColumns; ++i) {
    const bool broken = heading[0][i].ends_with('-');
    const std::string first =
        broken ? heading[0][i].substr(0, heading[0][i].size() - 1) : heading[0][i];
    out += fmt::format("<th title=\"{}\">{}{}{}</th>", escaped(column_help()[i]), escaped(first),
                       broken || heading[1][i].empty() ? "" : "<br>", escaped(heading[1][i]));
  }
  out += "</tr></thead><tbody>\n";
  std::size_t number = 0;
  for (const Row& row : table_rows(result)) {
    out += number++ < result.phases.size() ? "<tr>" : "<tr class=\"raw\">";
    for (const std::string& cell : row) out += fmt::format("<td>{}</td>", escaped(cell));
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string findings(const Findings& found) {
  if (found.top.empty() && found.facts.empty()) return "";
  std::string out = "<div class=\"pair\"><div>";
  if (!found.top.empty()) {
    out += "<h3>The most frequent identifiers</h3><div class=\"bars\">";
    for (const auto& [name, count] : found.top) {
      const double share =
          100 * ratio(static_cast<double>(count), static_cast<double>(found.top.front().second));
      out += fmt::format("<code>{}</code><i style=\"width:{:.1f}%\"></i><span>{}</span>",
                         escaped(name), share, grouped(count));
    }
    out += "</div></div><div>";
  }
  out += "<h3>What was in it</h3><dl>";
  for (const auto& [name, value] : found.facts) {
    out += fmt::format("<dt>{}</dt><dd>{}</dd>", escaped(name), escaped(value));
  }
  return out + "</dl></div></div>\n";
}

std::string checks(const std::vector<Check>& list) {
  std::string out =
      "<section class=\"card\"><h2>Checks</h2><div class=\"scroll\"><table "
      "class=\"checks\"><thead><tr>"
      "<th>what</th><th>measured</th><th>target</th><th>verdict</th><th></th></tr></"
      "thead><tbody>\n";
  for (const Check& check : list) {
    const bool holds = check.verdict == Check::Verdict::kHolds;
    const bool fails = check.verdict == Check::Verdict::kDoesNotHold;
    out += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td class=\"{}\">{}{}</td>"
        "<td class=\"muted\">{}</td></tr>\n",
        escaped(check.what), escaped(check.measured), escaped(check.target),
        holds   ? "holds"
        : fails ? "fails"
                : "muted",
        holds   ? "✓ "
        : fails ? "✗ "
                : "",
        check.verdict_text(), escaped(check.note));
  }
  return out + "</tbody></table></div></section>\n";
}

std::string head(const Outcome& outcome) {
  const Settings& settings = outcome.settings;
  const Machine& machine = outcome.machine;
  return fmt::format(
      "<header><h1>heap_growth</h1>"
      "<p class=\"muted\">A heap grows, works at constant size, loses half of its data, is "
      "collected, and "
      "gives its memory back, also by itself when it idles. {} thread{}, collection {} while "
      "growing.</p>"
      "<p class=\"muted\">{} · {} cores · {} of memory · {} · huge pages: {} · {}</p></header>\n",
      settings.threads, settings.threads == 1 ? "" : "s",
      settings.collect_while_growing ? "on" : "off", escaped(machine.processor), machine.cores,
      long_bytes(static_cast<double>(machine.memory_total)), escaped(machine.kernel),
      escaped(machine.huge_pages), now_text());
}

}  // namespace

std::string to_html(const Outcome& outcome) {
  std::string out =
      "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
      "<title>heap_growth</title><style>";
  out += kPageStyle;
  out += "</style></head><body><main>\n" + head(outcome);
  for (const WorkloadResult& result : outcome.workloads) {
    out += fmt::format("<section class=\"card\"><h2>{}</h2><p class=\"muted\">{}</p>\n",
                       escaped(result.name), escaped(result.description));
    if (!result.failure.empty()) {
      out += fmt::format("<p class=\"stopped\">Stopped: {}</p>\n", escaped(result.failure));
    }
    out += tiles(result) + plot(result) + figures(result) + findings(result.findings);
    out += "</section>\n";
  }
  out += checks(outcome.checks);
  out += "</main><script>";
  out += kPageScript;
  return out + "</script></body></html>\n";
}

}  // namespace acre::bench
