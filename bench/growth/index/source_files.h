// Which files an index reads: every regular file below a directory, each once, in the order of its path.
//
// Links to directories are not followed (a link to / would index the machine; loops need no thought), links
// to files are. A file that two paths lead to is taken by the first path only. What cannot be looked at is
// counted, not fatal. Whether a file is text is found when it is read (tokens.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace acre::bench {

struct SourceFile {
  std::string path;
  std::uint64_t bytes;
};

struct SourceTree {
  std::vector<SourceFile> files;
  std::uint64_t bytes = 0;
  std::uint64_t unreadable = 0;       // directories and files that the kernel refused
  std::uint64_t directory_links = 0;  // not followed
};

// Throws std::runtime_error if `directory` itself is missing, no directory, or may not be read.
SourceTree scan_directory(const std::string& directory);

// What one pass over files met.
struct FileTally {
  std::uint64_t indexed = 0;
  std::uint64_t bytes = 0;  // of the indexed ones
  std::uint64_t tokens = 0;
  std::uint64_t unreadable = 0;
  std::uint64_t binary = 0;
  std::uint64_t too_large = 0;

  FileTally& operator+=(const FileTally& other);
};

// Larger files are passed over: offsets into a file are 32 bits.
inline constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 30;

}  // namespace acre::bench
