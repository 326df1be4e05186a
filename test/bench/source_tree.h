// Directories of made-up source text, and what a plain program finds in them.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace acre::bench {

// A fresh empty directory below TEST_TMPDIR, removed again at the end.
class TempDirectory {
 public:
  TempDirectory();
  ~TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  // Makes the folders on the way.
  void write(const std::string& name, const std::string& content) const;

 private:
  std::filesystem::path path_;
};

// C-like text with comments, numbers, strings, long and very frequent identifiers.
std::string source_text(unsigned seed, std::size_t words);

using Counts = std::unordered_map<std::string, std::uint64_t>;

// The identifiers of a text, by a reading of the rules in bench/growth/index/tokens.h of its own.
void count_identifiers(const std::string& text, Counts& counts);

// By count, then by name.
std::vector<std::pair<std::string, std::uint64_t>> most_frequent(const Counts& counts,
                                                                 std::size_t n);

}  // namespace acre::bench
