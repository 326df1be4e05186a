#include "bench/compare/driver/comparison.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

namespace acre::bench {
namespace {

constexpr std::string_view kPrefixes[] = {"ACRE_",
                                          "GC_",
                                          "GOGC=",
                                          "GOMEMLIMIT=",
                                          "GOMAXPROCS=",
                                          "GODEBUG=",
                                          "JAVA_TOOL_OPTIONS=",
                                          "JDK_JAVA_OPTIONS=",
                                          "GLIBC_TUNABLES=",
                                          "MALLOC_",
                                          "MIMALLOC_",
                                          "TCMALLOC_",
                                          "JEMALLOC_"};

}  // namespace

std::vector<std::string> Comparison::failures() const {
  std::vector<std::string> lines;
  for (const LeftOut& each : left_out(programs)) {
    if (each.failure) lines.push_back(fmt::format("{}: {}", each.systems, each.reason));
  }
  for (const Result& result : results) {
    if (result.ok) continue;
    lines.push_back(fmt::format("{} by {}: {}", result.workload, result.system, result.failure));
  }
  return lines;
}

std::vector<LeftOut> left_out(const std::vector<Program>& programs) {
  std::vector<LeftOut> groups;
  for (const Program& program : programs) {
    if (program.presence == Presence::kPresent) continue;
    const bool failure = program.presence == Presence::kBroken;
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const LeftOut& group) {
      return group.reason == program.reason && group.failure == failure;
    });
    if (same == groups.end()) {
      groups.push_back({std::string(program.system->name), program.reason, failure});
    } else {
      same->systems += fmt::format(", {}", program.system->name);
    }
  }
  return groups;
}

std::string reference_of(const std::vector<Program>& programs) {
  std::string first;
  for (const Program& program : programs) {
    if (program.presence != Presence::kPresent) continue;
    if (program.system->name == "acre") return "acre";
    if (first.empty()) first = program.system->name;
  }
  return first;
}

std::vector<std::pair<std::string, std::string>> relevant_environment() {
  std::vector<std::pair<std::string, std::string>> found;
  for (char** each = environ; *each != nullptr; ++each) {
    const std::string_view entry = *each;
    const std::size_t equals = entry.find('=');
    const bool relevant =
        std::any_of(std::begin(kPrefixes), std::end(kPrefixes),
                    [&](std::string_view prefix) { return entry.starts_with(prefix); });
    if (!relevant || equals == std::string_view::npos) continue;
    found.emplace_back(entry.substr(0, equals), entry.substr(equals + 1));
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace acre::bench
