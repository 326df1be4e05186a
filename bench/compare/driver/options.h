// The command line.
#pragma once

#include <optional>

#include "bench/compare/driver/settings.h"

namespace acre::bench {

// The settings; or nothing, with the code to exit with in `code`, when help or the list was asked for
// (printed to stdout, 0) or the line is wrong (message and usage to stderr, 2).
std::optional<CompareSettings> parse_compare_options(int argc, char** argv, int& code);

}  // namespace acre::bench
