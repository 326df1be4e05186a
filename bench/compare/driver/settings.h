// What a comparison is asked to do.
#pragma once

#include <string>
#include <vector>

namespace acre::bench {

struct CompareSettings {
  std::vector<std::string> workloads;  // by name, in the catalogue's order
  std::vector<std::string> systems;    // by name; the first is what the others are compared with
  unsigned rounds = 3;
  bool quick = false;
  double budget_minutes = 19;
  double timeout_seconds = 300;  // of one run
  std::string native_directory;  // where the native programs are
  std::string source_directory;  // bench/compare: has go/ and java/
  std::string work_directory;    // what Go and Java build goes there
  std::string json_path;         // empty: none
  std::string html_path;
};

}  // namespace acre::bench
