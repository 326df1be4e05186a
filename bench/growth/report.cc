#include "bench/growth/report.h"

#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace acre::bench {

nlohmann::ordered_json machine_to_json(const Machine& machine) {
  return {{"kernel", machine.kernel},
          {"processor", machine.processor},
          {"cores", machine.cores},
          {"page_bytes", machine.page_bytes},
          {"memory_total_bytes", machine.memory_total},
          {"memory_available_bytes", machine.memory_available},
          {"transparent_huge_pages", machine.huge_pages}};
}

std::string dump_json(const nlohmann::ordered_json& json, int indent) {
  return json.dump(indent, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

bool can_be_written(const std::string& path) {
  if (path.empty()) return true;
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::path(path).parent_path();
  if (!parent.empty()) std::filesystem::create_directories(parent, error);
  return static_cast<bool>(std::ofstream(path, std::ios::app));
}

bool write_report(const char* program, const std::string& path, const std::string& content) {
  if (path.empty()) return true;
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << content;
  file.close();
  if (!file) {
    fmt::print(stderr, "{}: {} could not be written\n", program, path);
    return false;
  }
  fmt::print("wrote {}\n", path);
  return true;
}

}  // namespace acre::bench
