#include "bench/compare/driver/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "bench/growth/process.h"
#include "bench/growth/units.h"

namespace acre::bench {

Progress::Progress(double started) : started_(started), terminal_(isatty(STDERR_FILENO) == 1) {}

void Progress::begin(unsigned round, std::string_view workload, std::string_view system) {
  const auto elapsed = static_cast<unsigned>(now_seconds() - started_);
  current_ = fmt::format("{:2}:{:02}  round {}  {:<13} {:<14}", elapsed / 60, elapsed % 60, round,
                         workload, system);
  if (terminal_) fmt::print(stderr, "\r\033[K{}", current_);
}

void Progress::end(const Run& run) {
  if (!run.failure.empty()) {
    fmt::print(stderr, "{}{} {}\n", terminal_ ? "\r\033[K" : "", current_, run.failure);
  } else if (!terminal_) {
    fmt::print(stderr, "{} {}\n", current_, short_time(run.figures.seconds));
  }
}

void Progress::clear() {
  if (terminal_) fmt::print(stderr, "\r\033[K");
}

}  // namespace acre::bench
