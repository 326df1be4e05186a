// What the benchmarks' reports share: the machine's part of the JSON, and writing files.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "bench/growth/process.h"

namespace acre::bench {

// Ordered, for a person may read it too.
nlohmann::ordered_json machine_to_json(const Machine& machine);

// `indent` -1 is one line. Names from outside need not be UTF-8: what is not is replaced.
std::string dump_json(const nlohmann::ordered_json& json, int indent);

// Whether a report can be written there; missing folders are made. To be asked before the run and not
// after it: nobody wants to lose minutes to a misspelt directory. An empty path is no report, and fine.
bool can_be_written(const std::string& path);

// Writes, and says so on stdout, or on stderr in the name of `program` that it could not.
bool write_report(const char* program, const std::string& path, const std::string& content);

}  // namespace acre::bench
