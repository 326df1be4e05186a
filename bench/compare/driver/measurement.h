// What a program says of its run: the one line of JSON that it prints.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace acre::bench {

// A part of the measured section that is told of its own: what one of its operations takes.
struct Phase {
  std::string name;
  double nanoseconds = 0;
};

struct Measurement {
  std::string answer;            // 16 hexadecimal digits: the same from every system
  double seconds = 0;            // of the measured section
  double cpu_seconds = 0;        // of all threads, over the same section
  double setup_seconds = 0;      // before it, where that takes long
  std::uint64_t live_bytes = 0;  // the most that the program knew to be live; 0: it does not say
  std::uint64_t collections = 0;
  std::vector<Phase> phases{};  // of few workloads
};

// The figures in `output`, or nothing and what is wrong with it in `problem`.
std::optional<Measurement> parse_measurement(const std::string& output, std::string& problem);

}  // namespace acre::bench
