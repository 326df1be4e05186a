// The figures as text. The cells are made once, for the terminal and for the page.
#pragma once

#include <string>
#include <vector>

#include "bench/compare/driver/comparison.h"

namespace acre::bench {

struct TableRow {
  std::string system;
  std::string failure;             // if not empty: instead of cells
  std::vector<std::string> cells;  // as many as the heading has
};

struct TableBlock {
  std::string workload;
  std::vector<std::string> heading;  // of the cells
  std::vector<TableRow> rows;
};

// What the columns mean, a sentence each, by the names in the headings.
struct ColumnHelp {
  std::string name;
  std::string meaning;
};
std::vector<ColumnHelp> column_meanings(const std::string& reference);

// One for each workload that was run.
std::vector<TableBlock> table_blocks(const Comparison& comparison);

// Rows of "system", "2 t1 / t2"; empty without both workloads of mt_alloc.
TableBlock scaling_block(const Comparison& comparison);

// Of a workload with phases: what an operation of each takes, as many times the reference's, and how many
// switches that is in a second. No rows for other workloads.
TableBlock phases_block(const Comparison& comparison, const std::string& workload);

std::string table_text(const Comparison& comparison);

}  // namespace acre::bench
