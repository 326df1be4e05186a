#include "bench/facts/ceiling.h"

#include "bench/facts/memory.h"
#include "bench/facts/probes.h"

namespace acre::bench {
namespace {

constexpr std::size_t kPlaces = 1024;

std::size_t hole_bytes() { return (2 * kPlaces + 8) * page_bytes(); }

}  // namespace

Ceiling::Ceiling(std::int64_t max_map_count)
    : alternating_bytes_((static_cast<std::size_t>(max_map_count) + 64) * page_bytes()),
      alternating_(make_zone(alternating_bytes_, PROT_NONE, MAP_NORESERVE)),
      hole_(make_zone(hole_bytes(), PROT_NONE, MAP_NORESERVE)) {}

void Ceiling::fill() {
  unmap(hole_, hole_bytes());
  const std::size_t step = 2 * page_bytes();
  for (std::size_t at = page_bytes(); at + page_bytes() < alternating_bytes_; at += step) {
    error_by_mprotect_ = protect(alternating_ + at, page_bytes(), PROT_READ);
    if (error_by_mprotect_ != 0) break;
  }
  count_by_mprotect_ = mapping_count();
  for (mapped_in_hole_ = 0; mapped_in_hole_ < kPlaces; ++mapped_in_hole_) {
    error_by_mmap_ = map_at(hole_ + (mapped_in_hole_ + 1) * step, page_bytes(), kReadWrite);
    if (error_by_mmap_ != 0) break;
  }
  count_by_mmap_ = mapping_count();
}

char* Ceiling::free_place() const { return hole_ + (mapped_in_hole_ + 2) * 2 * page_bytes(); }

void Ceiling::empty() {
  // Both cut nothing: they take whole mappings.
  unmap(alternating_, alternating_bytes_);
  unmap(hole_, hole_bytes());
  close_zone(alternating_, alternating_bytes_);
  close_zone(hole_, hole_bytes());
}

}  // namespace acre::bench
