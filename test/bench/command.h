// Running a program as a person does, and reading what it wrote.
#pragma once

#include <filesystem>
#include <string>

namespace acre::bench {

struct Ran {
  int code;            // 128 and the signal for one that was killed
  std::string output;  // of both streams
};

// `variable` of the environment says where the program is, if the test does not run under Bazel, where it
// is at `path`. Arguments and environment are the shell's.
Ran run_program(const char* variable, const std::string& path, const std::string& arguments,
                const std::string& environment = "");

std::string read_file(const std::filesystem::path& path);

bool contains(const std::string& text, const std::string& part);

}  // namespace acre::bench
