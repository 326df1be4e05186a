#include "bench/compare/driver/toolchains.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "bench/compare/driver/child.h"

namespace acre::bench {
namespace {

namespace fs = std::filesystem;

constexpr double kBuildSeconds = 300;

Built missing(std::string reason) { return {{}, std::move(reason), false}; }
Built broken(std::string reason) { return {{}, std::move(reason), true}; }

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool executable(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

std::optional<fs::path> in_path(const std::string& name) {
  const std::string folders = variable("PATH");
  for (std::size_t from = 0; from <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', from), folders.size());
    const fs::path candidate = fs::path(folders.substr(from, end - from)) / name;
    if (executable(candidate)) return candidate;
    from = end + 1;
  }
  return std::nullopt;
}

std::vector<fs::path> files_in(const fs::path& folder, const std::string& extension) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == extension) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

// The class of the one file that has a main; empty if it is not one.
std::string main_class(const std::vector<fs::path>& files) {
  std::string found;
  for (const fs::path& file : files) {
    std::ifstream in(file);
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    if (text.find("static void main(") == std::string::npos) continue;
    if (!found.empty()) return "";
    found = file.stem().string();
  }
  return found;
}

}  // namespace

Built build_go(const CompareSettings& settings) {
  const std::string given = variable("GO");
  if (!given.empty() && !executable(given))
    return broken(fmt::format("GO={} is no program", given));
  const std::optional<fs::path> go = given.empty() ? in_path("go") : fs::absolute(given);
  if (!go) return missing("no `go` in PATH, and GO is not set");
  const fs::path sources = fs::absolute(settings.source_directory) / "go";
  if (files_in(sources, ".go").empty()) {
    return broken(fmt::format("no Go sources in {}", sources.string()));
  }
  const fs::path work = fs::absolute(settings.work_directory);
  std::error_code error;
  fs::create_directories(work, error);
  const fs::path program = work / "compare_go";
  ChildCommand command;
  command.words = {go->string(), "build", "-o", program.string(), "."};
  command.environment = {{"GO111MODULE", "on"},
                         {"GOFLAGS", "-mod=mod"},
                         {"GOTOOLCHAIN", "local"},
                         {"GOPROXY", "off"},
                         {"GOWORK", "off"},
                         {"GOCACHE", (work / "go_cache").string()},
                         {"GOPATH", (work / "go_path").string()}};
  command.directory = sources.string();
  command.timeout_seconds = kBuildSeconds;
  const std::string failure = failure_of(run_child(command));
  if (!failure.empty()) return broken("go build: " + failure);
  return {{program.string()}, "", false};
}

Built build_java(const CompareSettings& settings) {
  const std::string home = variable("JAVA_HOME");
  std::optional<fs::path> java = in_path("java");
  std::optional<fs::path> javac = in_path("javac");
  if (!home.empty()) {
    java = fs::absolute(home) / "bin" / "java";
    javac = fs::absolute(home) / "bin" / "javac";
    if (!executable(*java) || !executable(*javac)) {
      return broken(fmt::format("JAVA_HOME={} has no bin/java or no bin/javac", home));
    }
  }
  if (!java || !javac) return missing("no `java` and `javac` in PATH, and JAVA_HOME is not set");
  const fs::path sources = fs::absolute(settings.source_directory) / "java";
  const std::vector<fs::path> files = files_in(sources, ".java");
  const std::string name = main_class(files);
  if (name.empty()) {
    return broken(fmt::format("not exactly one Java source with a main in {}", sources.string()));
  }
  // Emptied: a class whose source is gone would stay.
  const fs::path classes = fs::absolute(settings.work_directory) / "java";
  std::error_code error;
  fs::remove_all(classes, error);
  fs::create_directories(classes, error);
  ChildCommand command;
  command.words = {javac->string(), "-encoding", "UTF-8", "-d", classes.string()};
  for (const fs::path& file : files) command.words.push_back(file.string());
  command.timeout_seconds = kBuildSeconds;
  const std::string failure = failure_of(run_child(command));
  if (!failure.empty()) return broken("javac: " + failure);
  return {{java->string(), "-cp", classes.string(), name}, "", false};
}

}  // namespace acre::bench
