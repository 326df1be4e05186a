#include "bench/compare/native/program.h"

#include <cerrno>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>

namespace acre::compare {
namespace {

constexpr char kUsage[] =
    "usage: %s WORKLOAD [--quick]   run a workload and print one line of JSON\n"
    "       %s --version            what is measured\n"
    "       %s --list               the workloads, one a line\n"
    "--quick takes the small sizes.\n";

void print_usage(std::FILE* file) {
  const char* name = program_invocation_short_name;
  std::fprintf(file, kUsage, name, name, name);
}

int usage_error(const char* what, std::string_view argument) {
  std::fprintf(stderr, "%s: %s%s%.*s\n", program_invocation_short_name, what,
               argument.empty() ? "" : ": ", static_cast<int>(argument.size()), argument.data());
  print_usage(stderr);
  return 2;
}

// Nobody reads a figure that did not get out.
int flushed() {
  if (std::fflush(stdout) == 0 && std::ferror(stdout) == 0) return 0;
  std::fprintf(stderr, "%s: cannot write to stdout\n", program_invocation_short_name);
  return 1;
}

int run_workload(const Workload& workload, bool quick) {
  Outcome outcome;
  try {
    outcome = workload.run(quick);
  } catch (const std::bad_alloc&) {
    out_of_memory();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s: %s\n", program_invocation_short_name, error.what());
    return 1;
  }
  std::printf(
      "{\"answer\":\"%016" PRIx64
      "\",\"seconds\":%.9f,\"cpu_seconds\":%.9f,\"setup_seconds\":%.9f,\"live_bytes\":%" PRIu64
      ",\"collections\":%" PRIu64,
      outcome.answer, outcome.elapsed.seconds, outcome.elapsed.cpu_seconds, outcome.setup_seconds,
      outcome.live_bytes, outcome.collections);
  const char* before = ",\"phases\":[";
  for (const Phase& phase : outcome.phases) {
    std::printf("%s{\"name\":\"%s\",\"ns\":%.3f}", before, phase.name, phase.nanoseconds);
    before = ",";
  }
  std::printf("%s}\n", outcome.phases.empty() ? "" : "]");
  return flushed();
}

}  // namespace

int run_program(std::span<const Workload> workloads, const std::string& version, int argc,
                char** argv) {
  if (argc < 2) return usage_error("a workload is missing", "");
  const std::string_view first = argv[1];
  const bool alone = argc == 2;
  if (first == "--help" && alone) {
    print_usage(stdout);
    return flushed();
  }
  if (first == "--version" && alone) {
    std::printf("%s\n", version.c_str());
    return flushed();
  }
  if (first == "--list" && alone) {
    for (const Workload& workload : workloads) std::printf("%s\n", workload.name);
    return flushed();
  }
  const bool quick = argc == 3 && std::string_view(argv[2]) == "--quick";
  if (!alone && !quick) return usage_error("unknown argument", argv[argc == 3 ? 2 : 3]);
  for (const Workload& workload : workloads) {
    if (first == workload.name) return run_workload(workload, quick);
  }
  return usage_error("no such workload", first);
}

void out_of_memory() {
  std::fprintf(stderr, "%s: out of memory\n", program_invocation_short_name);
  std::_Exit(1);
}

void system_failure(const char* call, int error) {
  std::fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, call, std::strerror(error));
  std::_Exit(1);
}

}  // namespace acre::compare
