// The command line of mmap_facts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "bench/facts/fact.h"

namespace acre::bench {

struct FactsSettings {
  std::vector<const Fact*> facts;  // in the catalogue's order
  bool list = false;
  bool try_modes = false;
  std::string json_path;
};

// Nothing, with the code to exit with in `code`, when help was asked for (0) or the line is wrong (message
// and usage to stderr, 2).
std::optional<FactsSettings> parse_facts_options(int argc, char** argv, int& code);

}  // namespace acre::bench
