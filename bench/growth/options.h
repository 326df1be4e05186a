// The command line.
#pragma once

#include <optional>

#include "bench/growth/settings.h"

namespace acre::bench {

inline constexpr int kExitUsage = 2;

// The settings; or nothing, with the code to exit with in `code`, when help was asked for (printed to stdout,
// 0) or the line is wrong (message and usage to stderr, kExitUsage).
std::optional<Settings> parse_options(int argc, char** argv, int& code);

}  // namespace acre::bench
