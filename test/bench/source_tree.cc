#include "test/bench/source_tree.h"

#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <random>
#include <stdexcept>

namespace acre::bench {

namespace fs = std::filesystem;

TempDirectory::TempDirectory() {
  const char* base = std::getenv("TEST_TMPDIR");
  std::string pattern = std::string(base != nullptr ? base : "/tmp") + "/heap_growth_XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
  path_ = pattern;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void TempDirectory::write(const std::string& name, const std::string& content) const {
  const fs::path file = path_ / name;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << content;
}

std::string source_text(unsigned seed, std::size_t words) {
  static const char* const kFrequent[] = {"int", "const", "return", "struct", "void", "_x", "a"};
  static const char* const kBetween[] = {" ",      "\n",     "(",    "); ",     " /* ",
                                         " */ ",   " \"",    "\" ",  "->",      " 0x1Fu ",
                                         " 10ull", " 1e5f ", "\r\n", "\xc3\xa4"};
  std::mt19937 random(seed);
  std::string text;
  for (std::size_t i = 0; i < words; ++i) {
    const unsigned choice = random() % 10;
    if (choice < 5) {
      text += kFrequent[random() % std::size(kFrequent)];
    } else if (choice < 9) {
      text += "name_" + std::to_string(random() % 5000);
    } else {
      text += std::string(1 + random() % 300, 'q') + std::to_string(random() % 10);
    }
    text += kBetween[random() % std::size(kBetween)];
  }
  return text;
}

void count_identifiers(const std::string& text, Counts& counts) {
  static const std::string kDigits = "0123456789";
  static const std::string kWord =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_" + kDigits;
  for (std::size_t at = text.find_first_of(kWord); at != std::string::npos;) {
    const std::size_t end = std::min(text.find_first_not_of(kWord, at), text.size());
    if (kDigits.find(text[at]) == std::string::npos) ++counts[text.substr(at, end - at)];
    at = text.find_first_of(kWord, end);
  }
}

std::vector<std::pair<std::string, std::uint64_t>> most_frequent(const Counts& counts,
                                                                 std::size_t n) {
  std::vector<std::pair<std::string, std::uint64_t>> all(counts.begin(), counts.end());
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  if (all.size() > n) all.resize(n);
  return all;
}

}  // namespace acre::bench
