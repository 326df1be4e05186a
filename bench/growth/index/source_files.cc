#include "bench/growth/index/source_files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <stdexcept>
#include <utility>

namespace acre::bench {
namespace {

namespace fs = std::filesystem;

class Scan {
 public:
  explicit Scan(SourceTree& tree) : tree_(tree) {}

  void directory(const fs::path& path) {
    std::error_code error;
    fs::directory_iterator entries(path, error);
    if (error) {
      ++tree_.unreadable;
      return;
    }
    std::vector<fs::path> names;
    for (const fs::directory_iterator end; entries != end && !error; entries.increment(error)) {
      names.push_back(entries->path());
    }
    if (error) ++tree_.unreadable;
    // The order of a directory is the file system's affair; the figures should not be.
    std::sort(names.begin(), names.end());
    for (const fs::path& name : names) entry(name);
  }

 private:
  void entry(const fs::path& path) {
    struct stat link {};
    struct stat target {};
    if (lstat(path.c_str(), &link) != 0 || stat(path.c_str(), &target) != 0) {
      ++tree_.unreadable;  // also a link that leads nowhere or in a circle
    } else if (S_ISDIR(target.st_mode)) {
      if (S_ISLNK(link.st_mode)) {
        ++tree_.directory_links;
      } else {
        directory(path);
      }
    } else if (S_ISREG(target.st_mode) && seen_.emplace(target.st_dev, target.st_ino).second) {
      const auto bytes = static_cast<std::uint64_t>(target.st_size);
      tree_.files.push_back({path.string(), bytes});
      tree_.bytes += bytes;
    }
  }

  SourceTree& tree_;
  std::set<std::pair<dev_t, ino_t>> seen_;
};

}  // namespace

SourceTree scan_directory(const std::string& directory) {
  std::error_code error;
  if (!fs::is_directory(directory, error)) {
    throw std::runtime_error(error ? error.message() : "not a directory");
  }
  if (access(directory.c_str(), R_OK | X_OK) != 0) throw std::runtime_error("may not be read");
  SourceTree tree;
  Scan(tree).directory(directory);
  return tree;
}

FileTally& FileTally::operator+=(const FileTally& other) {
  indexed += other.indexed;
  bytes += other.bytes;
  tokens += other.tokens;
  unreadable += other.unreadable;
  binary += other.binary;
  too_large += other.too_large;
  return *this;
}

}  // namespace acre::bench
