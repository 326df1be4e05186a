// What a run is asked to do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace acre::bench {

struct Settings {
  std::vector<std::string> workloads = {"index", "small"};
  std::uint64_t live_bytes = 0;  // what a workload grows to, over all its threads
  bool size_lowered = false;     // the default did not fit this machine
  std::string directory = "/usr/include";
  unsigned threads = 1;
  bool collect_while_growing = true;
  std::string json_path;  // empty: none
  std::string html_path;
};

}  // namespace acre::bench
