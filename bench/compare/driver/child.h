// One child process: started with a changed environment, given a time limit, its output kept, its peak of
// resident memory taken from the kernel. It dies with us; whatever it started dies with it when its time
// is over.
//
// The kernel counts the peak from before the program is loaded, so it is never below what this process
// has: a few MiB.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace acre::bench {

// A variable to set, or, without a value, to take out.
using Variable = std::pair<std::string, std::optional<std::string>>;

struct ChildCommand {
  std::vector<std::string>
      words;  // the program's path, or its name to be found in PATH, and arguments
  std::vector<Variable>
      environment;        // changes to ours; the loader's LD_PRELOAD and LD_DEBUG are never ours
  std::string directory;  // to start in; empty: ours
  double timeout_seconds = 60;
  std::size_t most_output = std::size_t{1}
                            << 20;  // bytes kept of each stream: the first of stdout, the
                                    // last of stderr
};

struct ChildResult {
  std::string start_failure;  // it was never run; all else is as below by default
  bool timed_out = false;
  int signal = 0;
  int code = 0;
  std::string output;
  bool output_cut = false;  // there was more than is kept
  std::string errors;
  double seconds = 0;
  std::uint64_t peak_rss = 0;
};

ChildResult run_child(const ChildCommand& command);

// Empty for a child that ended with 0; else what went wrong in a line, with the last that it said.
std::string failure_of(const ChildResult& result);

// The last line of `text` that is not blank, cut to what fits a table.
std::string last_line(const std::string& text);

}  // namespace acre::bench
