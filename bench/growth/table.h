// The figures as text. The cells are made once, for the terminal and for the HTML.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "bench/growth/outcome.h"

namespace acre::bench {

inline constexpr std::size_t kColumns = 15;
using Row = std::array<std::string, kColumns>;

// Two lines of heading: the second continues the first.
const std::array<Row, 2>& table_heading();
// The same in a sentence each, for the reader of the HTML and of the README.
const Row& column_help();
std::vector<Row> table_rows(const WorkloadResult& result);

// One workload's part, to be printed as soon as it ended.
void print_workload(const WorkloadResult& result);
void print_checks(const Outcome& outcome);

}  // namespace acre::bench
