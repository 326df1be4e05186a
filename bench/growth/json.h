// The figures for other programs. The schema is documented in bench/README.md.
#pragma once

#include <string>

#include "bench/growth/outcome.h"

namespace acre::bench {

std::string to_json(const Outcome& outcome);

// One workload's samples as the page's script reads them: {"columns": [...], "rows": [[...], ...]}. Contains
// no "<", so that it may stand in a script element.
std::string samples_to_json(const WorkloadResult& result);

// `text` as a JSON string without "<", quotes included.
std::string quoted(const std::string& text);

}  // namespace acre::bench
