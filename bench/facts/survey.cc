#include "bench/facts/survey.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "bench/facts/catalogue.h"
#include "bench/facts/thp_modes.h"

namespace acre::bench {
namespace {

void show_progress(const std::string& text) {
  static const bool terminal = isatty(STDERR_FILENO) == 1;
  if (terminal) fmt::print(stderr, "\r\033[K{}", text);
}

FactRun run_and_show(const Fact& fact) {
  show_progress(fact.id);
  return run_fact(fact);
}

// first_touch under each setting.
void run_modes(Survey& survey) {
  const Fact& fact = *find_fact(kFirstTouch);
  ThpModes modes;
  for (const char* mode : {"always", "madvise", "never"}) {
    const std::string id = fmt::format("{}@{}", fact.id, mode);
    FactRun run = {id, fact.about, fact.heap_relies, {}, "", 0};
    if (!modes.refusal().empty()) {
      run.findings.push_back({fmt::format("what the first touch takes in mode {}", mode),
                              modes.refusal(),
                              Verdict::kNotApplicable,
                              {}});
    } else if (!modes.set(mode)) {
      run.failure = fmt::format("mode {} could not be set", mode);
    } else {
      run = run_and_show(fact);
      run.id = id;
    }
    survey.runs.push_back(run);
  }
}

}  // namespace

bool Survey::good() const {
  return std::all_of(runs.begin(), runs.end(), [](const FactRun& run) { return run.good(); });
}

int Survey::count(Verdict verdict) const {
  int count = 0;
  for (const FactRun& run : runs) {
    for (const Finding& finding : run.findings) count += finding.verdict == verdict ? 1 : 0;
  }
  return count;
}

int Survey::failures() const {
  return static_cast<int>(std::count_if(runs.begin(), runs.end(),
                                        [](const FactRun& run) { return !run.failure.empty(); }));
}

Survey run_survey(const FactsSettings& settings) {
  const double start = now_seconds();
  Survey survey;
  survey.machine = read_machine();
  survey.kernel = read_kernel_settings();
  survey.root = geteuid() == 0;
  for (const Fact* fact : settings.facts) survey.runs.push_back(run_and_show(*fact));
  if (settings.try_modes) run_modes(survey);
  show_progress("");
  survey.seconds = now_seconds() - start;
  return survey;
}

}  // namespace acre::bench
