#include "bench/facts/options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>

#include "bench/facts/catalogue.h"
#include "bench/growth/report.h"

namespace acre::bench {
namespace {

constexpr int kUsage = 2;

// What is wrong with a value that CLI11 took.
[[noreturn]] void reject(const std::string& message) {
  throw CLI::ValidationError(message, CLI::ExitCodes::ValidationError);
}

std::vector<const Fact*> chosen_facts(const std::vector<std::string>& ids) {
  for (const std::string& id : ids) {
    if (find_fact(id) == nullptr) reject(fmt::format("--only: there is no fact '{}'", id));
  }
  std::vector<const Fact*> chosen;
  for (const Fact& fact : catalogue()) {
    if (ids.empty() || std::find(ids.begin(), ids.end(), fact.id) != ids.end()) {
      chosen.push_back(&fact);
    }
  }
  return chosen;
}

}  // namespace

std::optional<FactsSettings> parse_facts_options(int argc, char** argv, int& code) {
  CLI::App app("Measures what the kernel does with mappings: what the heap relies on, and more.",
               "mmap_facts");
  FactsSettings settings;
  std::vector<std::string> only;
  CLI::Option* only_option =
      app.add_option("--only", only,
                     "these facts; several with commas or by repeating the option (default: all)")
          ->delimiter(',')
          ->type_name("ID");
  app.add_flag("--try-thp-modes", settings.try_modes,
               "also tell what the first touch takes in each of the three settings of huge pages. "
               "Changes that setting for the whole system, for some seconds, and puts it back, "
               "also on SIGINT and SIGTERM; needs root");
  app.add_option("--json", settings.json_path, "write all findings as JSON")->type_name("FILE");
  app.add_flag("--list", settings.list, "name the facts, and run none");
  try {
    app.parse(argc, argv);
    if (only_option->count() != 0 && only.empty()) reject("--only: needs a fact");
    settings.facts = chosen_facts(only);
    if (!can_be_written(settings.json_path)) {
      reject(fmt::format("--json: '{}' cannot be written", settings.json_path));
    }
    return settings;
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    code = 0;
  } catch (const CLI::ParseError& error) {
    fmt::print(stderr, "mmap_facts: {}\n\n{}", error.what(), app.help());
    code = kUsage;
  }
  return std::nullopt;
}

}  // namespace acre::bench
