#include "bench/compare/driver/programs.h"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <optional>

#include "bench/compare/driver/toolchains.h"

namespace acre::bench {
namespace {

namespace fs = std::filesystem;

// The largest heaps hold 2 GiB, which Java's default, a quarter of the memory, need not allow. The other
// workloads run with the default.
constexpr const char* kJavaHeap = "-Xmx6g";
constexpr double kVersionSeconds = 60;

struct Preload {
  std::string_view system;
  const char* variable;
  std::array<const char*, 4> names;  // in the folders below; null: no more
};

constexpr Preload kPreloads[] = {
    {"mimalloc", "MIMALLOC_SO", {"libmimalloc.so.2", "libmimalloc.so.2.0", "libmimalloc.so"}},
    {"jemalloc", "JEMALLOC_SO", {"libjemalloc.so.2"}},
    {"tcmalloc", "TCMALLOC_SO", {"libtcmalloc_minimal.so.4"}},
};

constexpr const char* kLibraryFolders[] = {"/usr/lib/x86_64-linux-gnu",
                                           "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib",
                                           "/usr/local/lib"};

void miss(Program& program, const std::string& reason) {
  program.presence = Presence::kMissing;
  program.reason = reason;
}

void break_(Program& program, const std::string& reason) {
  program.presence = Presence::kBroken;
  program.reason = reason;
}

const char* native_name(const System& system) {
  if (system.name == "acre" || system.name == "acre_1mark") return "acre_cc";
  if (system.name == "acre_c") return "acre_c";
  if (system.name == "boehm") return "boehm";
  if (system.name.starts_with("boost")) return "boost";
  if (system.family == Family::kMalloc || system.family == Family::kRaw) return "malloc";
  return nullptr;
}

// Asks for the version, which also shows that it runs.
void ask_version(Program& program) {
  ChildCommand command;
  command.words = program.words;
  command.words.emplace_back("--version");
  command.environment = program.environment;
  command.timeout_seconds = kVersionSeconds;
  const ChildResult result = run_child(command);
  const std::string failure = failure_of(result);
  if (!failure.empty()) return break_(program, "--version: " + failure);
  program.version = last_line(result.output);
  if (program.version.empty()) return break_(program, "--version: it printed nothing");
  program.presence = Presence::kPresent;
}

// The library to preload, or nothing and the verdict in `program`.
std::optional<std::string> find_library(const Preload& preload, Program& program) {
  std::error_code error;
  if (const char* given = std::getenv(preload.variable); given != nullptr && *given != '\0') {
    if (fs::is_regular_file(given, error)) return fs::absolute(given).string();
    break_(program, fmt::format("{}={} is no file", preload.variable, given));
    return std::nullopt;
  }
  for (const char* folder : kLibraryFolders) {
    for (const char* name : preload.names) {
      if (name == nullptr) break;
      const fs::path candidate = fs::path(folder) / name;
      if (fs::is_regular_file(candidate, error)) return candidate.string();
    }
  }
  miss(program, fmt::format("no {}, and {} is not set", preload.names[0], preload.variable));
  return std::nullopt;
}

void find_native(Program& program, const CompareSettings& settings) {
  const fs::path path = fs::absolute(settings.native_directory) / native_name(*program.system);
  std::error_code error;
  if (!fs::exists(path, error)) return miss(program, fmt::format("there is no {}", path.string()));
  program.words = {path.string()};
  if (program.system->name == "acre_1mark") program.environment = {{"ACRE_MARK_THREADS", "1"}};
  for (const Preload& preload : kPreloads) {
    if (preload.system != program.system->name) continue;
    const std::optional<std::string> library = find_library(preload, program);
    if (!library) return;
    const std::string problem = preload_problem(program.words, *library);
    if (!problem.empty()) return break_(program, problem);
    program.environment = {{"LD_PRELOAD", *library}};
  }
  ask_version(program);
  if (program.system->name.starts_with("raw")) program.version = "mmap";
}

void take(Program& program, const Built& built) {
  if (built.words.empty()) {
    return built.broken ? break_(program, built.reason) : miss(program, built.reason);
  }
  program.words = built.words;
  const std::string_view name = program.system->name;
  const auto choose = [&](const char* collector) {
    program.words.insert(program.words.begin() + 1, collector);
  };
  if (name == "java_serial") choose("-XX:+UseSerialGC");
  if (name == "java_parallel") choose("-XX:+UseParallelGC");
  if (name == "java_g1") choose("-XX:+UseG1GC");
  ask_version(program);
}

bool is_java(const System& system) { return system.name.starts_with("java_"); }

}  // namespace

std::string preload_problem(const std::vector<std::string>& words, const std::string& library) {
  ChildCommand command;
  command.words = words;
  command.words.emplace_back("--version");
  command.environment = {{"LD_PRELOAD", library}, {"LD_DEBUG", "bindings"}, {"LD_BIND_NOW", "1"}};
  command.timeout_seconds = kVersionSeconds;
  command.most_output = std::size_t{64} << 20;
  const ChildResult result = run_child(command);
  const std::string said = result.errors;
  // ld.so says either, for example:
  //   ERROR: ld.so: object '/x.so' from LD_PRELOAD cannot be preloaded (file too short): ignored.
  //   binding file /bin/sh [0] to /x.so [0]: normal symbol `malloc' [GLIBC_2.2.5]
  if (said.find("to " + library + " [0]: normal symbol `malloc'") != std::string::npos) return "";
  const std::size_t error = said.find("ERROR: ld.so: object");
  if (error != std::string::npos) {
    return said.substr(error, std::min(said.find('\n', error), said.size()) - error);
  }
  const std::string failure = failure_of(result);
  if (result.timed_out || result.signal != 0 || !result.start_failure.empty()) {
    return fmt::format("with {} preloaded: {}", library, failure);
  }
  return fmt::format("{} is loaded, but malloc is not taken from it", library);
}

std::vector<Program> find_programs(const CompareSettings& settings) {
  std::optional<Built> go;
  std::optional<Built> java;
  std::vector<Program> programs;
  for (const std::string& name : settings.systems) {
    Program program;
    program.system = find_system(name);
    if (name.starts_with("go")) {
      if (!go) go = build_go(settings);
      take(program, *go);
    } else if (is_java(*program.system)) {
      if (!java) java = build_java(settings);
      take(program, *java);
    } else {
      find_native(program, settings);
    }
    programs.push_back(std::move(program));
  }
  return programs;
}

ChildCommand command_for(const Program& program, const Workload& workload,
                         const CompareSettings& settings) {
  ChildCommand command;
  command.words = program.words;
  command.environment = program.environment;
  command.timeout_seconds = settings.timeout_seconds;
  const bool holds_gigabytes =
      workload.name == "graph" || workload.name == "list" || workload.name == "grow";
  if (is_java(*program.system) && holds_gigabytes) {
    command.words.insert(command.words.begin() + 1, kJavaHeap);
  }
  std::string name(workload.name);
  if (program.system->name == "raw") name = "grow_raw";
  if (program.system->name == "raw_huge") name = "grow_raw_huge";
  if (program.system->name == "go_gosched") name = "fibers_gosched";
  if (program.system->name == "boost_protected") name = "fibers_protected";
  command.words.push_back(name);
  if (settings.quick) command.words.emplace_back("--quick");
  return command;
}

}  // namespace acre::bench
