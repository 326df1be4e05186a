#include "runtime/page/page_cache.h"

#include <bit>

#include "runtime/base/check.h"
#include "runtime/page/page_alloc.h"
#include "runtime/page/page_bits.h"

namespace acre::rt {

PageCount PageCache::free_pages() const {
  return PageCount(static_cast<uint64_t>(std::popcount(free_)));
}

PageCount PageCache::scavenged_pages() const {
  return PageCount(static_cast<uint64_t>(std::popcount(scavenged_)));
}

PageRun PageCache::alloc(PageCount n) {
  ACRE_CHECK(n.raw != 0, "at least one page is allocated");
  if (n.raw > kPages || free_ == 0) return {};
  const uint64_t starts = runs_of(free_, static_cast<unsigned>(n.raw));
  if (starts == 0) return {};
  const int at = std::countr_zero(starts);
  const uint64_t mask = low_bits(static_cast<unsigned>(n.raw)) << at;
  const auto scavenged = static_cast<uint64_t>(std::popcount(scavenged_ & mask));
  free_ &= ~mask;
  scavenged_ &= ~mask;
  return PageRun{base_ + PageCount(static_cast<uint64_t>(at)), n, PageCount(scavenged)};
}

PageCount PageCache::take_ahead(const PageRun& run) {
  if (run.page < base_ || run.page >= base_ + PageCount(kPages)) return run.pages;
  const uint64_t first = (run.page - base_).raw;
  const uint64_t all = low_bits(static_cast<unsigned>(run.pages.raw)) << first;
  if ((backed_ & all) == all) return PageCount(0);
  const uint64_t behind = first + run.pages.raw;
  uint64_t pages = run.pages.raw;
  const uint64_t candidates = free_ & scavenged_ & ~backed_;
  for (uint64_t i = behind; pages < kAhead && i < kPages && (candidates >> i & 1) != 0; ++i) {
    backed_ |= uint64_t{1} << i;
    ++pages;
  }
  return PageCount(pages);
}

void PageCache::flush(PageAlloc& pages) {
  if (free_ != 0) pages.put_block(base_, free_, scavenged_ & ~backed_);
  *this = PageCache();
}

}  // namespace acre::rt
