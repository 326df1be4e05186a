#include "bench/facts/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <vector>

#include "bench/facts/catalogue.h"
#include "bench/growth/units.h"

namespace acre::bench {
namespace {

constexpr std::size_t kClaimWidth = 54;
constexpr std::size_t kMeasuredWidth = 60;

// Lines of at most `width`, broken at blanks; a word that is longer stands alone.
std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  while (text.size() > width) {
    std::size_t at = text.rfind(' ', width);
    if (at == std::string_view::npos || at == 0) at = text.find(' ', width);
    if (at == std::string_view::npos) break;
    lines.emplace_back(text.substr(0, at));
    text.remove_prefix(at + 1);
  }
  lines.emplace_back(text);
  return lines;
}

std::string row(const std::string& claim, const std::string& measured, const std::string& verdict) {
  const std::vector<std::string> left = wrapped(claim, kClaimWidth);
  const std::vector<std::string> middle = wrapped(measured, kMeasuredWidth);
  std::string text;
  for (std::size_t i = 0; i < std::max(left.size(), middle.size()); ++i) {
    std::string line =
        fmt::format("  {:<{}} | {:<{}} | {}", i < left.size() ? left[i] : "", kClaimWidth,
                    i < middle.size() ? middle[i] : "", kMeasuredWidth, i == 0 ? verdict : "");
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string verdict_word(Verdict verdict) {
  return verdict == Verdict::kDoesNotHold ? "DOES NOT HOLD" : text_of(verdict);
}

std::string run_text(const FactRun& run) {
  std::string text = fmt::format("\n{}{}: {}\n", run.id, run.heap_relies ? "*" : "", run.about);
  for (const Finding& finding : run.findings) {
    text += row(finding.claim, finding.measured, verdict_word(finding.verdict));
  }
  if (!run.failure.empty()) text += row("the child process ends well", run.failure, "FAILED");
  return text;
}

std::string intro(const Survey& survey) {
  const Machine& machine = survey.machine;
  const KernelSettings& kernel = survey.kernel;
  return fmt::format(
      "mmap_facts: {}, {}, {} cores, {} of memory, pages of {}{}\n"
      "  huge pages: {} (2 MiB: {}), defrag {}; vm.max_map_count {}; vm.overcommit_memory {}\n"
      "  * the heap relies on it\n",
      machine.kernel, machine.processor, machine.cores,
      long_bytes(static_cast<double>(machine.memory_total)),
      long_bytes(static_cast<double>(machine.page_bytes)), survey.root ? ", as root" : "",
      kernel.huge_pages, kernel.huge_pages_2m, kernel.defrag, kernel.max_map_count,
      kernel.overcommit);
}

}  // namespace

std::string survey_text(const Survey& survey) {
  std::string text = intro(survey) + "\n" + row("claim", "what was measured", "holds or not");
  for (const FactRun& run : survey.runs) text += run_text(run);
  text += fmt::format("\n{} hold, {} do not, {} measured, {} not applicable here",
                      survey.count(Verdict::kHolds), survey.count(Verdict::kDoesNotHold),
                      survey.count(Verdict::kMeasured), survey.count(Verdict::kNotApplicable));
  if (survey.failures() != 0) text += fmt::format("; {} failed", survey.failures());
  return text + fmt::format("; {}\n", short_time(survey.seconds));
}

std::string list_text() {
  std::string text;
  for (const Fact& fact : catalogue()) {
    text += fmt::format("  {:<13} {}{}\n", fact.id, fact.about, fact.heap_relies ? " *" : "");
  }
  return text + "  * the heap relies on it\n";
}

}  // namespace acre::bench
