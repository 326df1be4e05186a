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
  double idle_seconds = 15;  // the most that an idle heap is watched; 0: no idle run
  bool idle_only = false;    // the idle run and nothing else
  std::uint64_t keep_bytes = std::uint64_t{64} << 20;  // live data while idle
  std::string json_path;                               // empty: none
  std::string html_path;
};

}  // namespace acre::bench
