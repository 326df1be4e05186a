// mmap_facts: what the kernel of this machine does with mappings, as far as the heap relies on it, and some
// more that one should know; a table of claims, what was measured, and whether each holds. See README.md.
//
// Exit: 0 when all that applies here holds, 1 when something does not, a child failed, or a file could not be
// written; 2 for a wrong command line.
#include <fmt/format.h>

#include <cstdio>
#include <exception>

#include "bench/facts/json.h"
#include "bench/facts/options.h"
#include "bench/facts/survey.h"
#include "bench/facts/table.h"
#include "bench/growth/report.h"

namespace acre::bench {
namespace {

int run(const FactsSettings& settings) {
  if (settings.list) {
    fmt::print("{}", list_text());
    return 0;
  }
  const Survey survey = run_survey(settings);
  fmt::print("{}", survey_text(survey));
  const bool written = write_report("mmap_facts", settings.json_path, to_json(survey));
  return survey.good() && written ? 0 : 1;
}

}  // namespace
}  // namespace acre::bench

int main(int argc, char** argv) {
  try {
    int code = 0;
    const auto settings = acre::bench::parse_facts_options(argc, argv, code);
    return settings ? acre::bench::run(*settings) : code;
  } catch (const std::exception& problem) {
    fmt::print(stderr, "mmap_facts: {}\n", problem.what());
    return 1;
  }
}
