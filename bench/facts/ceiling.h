// Filling a process with mappings until the kernel grants no more.
#pragma once

#include <cstddef>
#include <cstdint>

namespace acre::bench {

// More than this is not filled: a machine that allows it has no ceiling that one meets.
inline constexpr std::int64_t kMostMappings = 1'200'000;

// The mappings are made in two ways, for the kernel's check of the one is stricter by one: pages of one
// mapping that get another protection, in alternation, until mprotect is refused; then pages by mmap
// in a hole, until that is.
class Ceiling {
 public:
  // Takes the address space; makes no mapping yet. Throws where the kernel refuses.
  explicit Ceiling(std::int64_t max_map_count);

  // No malloc in here, nor between here and `empty`: it might not get a mapping, or one in the hole.
  void fill();
  // All but the address space goes back.
  void empty();

  std::int64_t count_by_mprotect() const { return count_by_mprotect_; }
  std::int64_t count_by_mmap() const { return count_by_mmap_; }
  int error_by_mprotect() const { return error_by_mprotect_; }
  int error_by_mmap() const { return error_by_mmap_; }

  // A place in the hole where nothing is mapped, with nothing beside it.
  char* free_place() const;

 private:
  std::size_t alternating_bytes_;
  char* alternating_;
  char* hole_;
  std::size_t mapped_in_hole_ = 0;
  std::int64_t count_by_mprotect_ = 0;
  std::int64_t count_by_mmap_ = 0;
  int error_by_mprotect_ = 0;
  int error_by_mmap_ = 0;
};

}  // namespace acre::bench
