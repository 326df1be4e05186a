// What munmap takes and what it refuses.
//
// A zone with holes must be closed before anything is put into words: the words' memory might be mapped in a
// hole.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <random>

#include "bench/facts/facts.h"
#include "bench/facts/memory.h"
#include "bench/facts/probes.h"

namespace acre::bench {
namespace {

void report_parts(Findings& findings) {
  constexpr std::size_t kSize = 4 * kMiB;
  const std::size_t page = page_bytes();
  char* zone = make_zone(kSize);
  fill(zone, kSize, 7);
  const int front = unmap(zone, kMiB);
  const int back = unmap(zone + 3 * kMiB, kMiB);
  const int middle = unmap(zone + 2 * kMiB, page);
  const RangeFigures after = range_figures(zone, kSize);
  const bool kept =
      all_bytes_are(zone + kMiB, kMiB, 7) && all_bytes_are(zone + 2 * kMiB + page, kMiB - page, 7);
  const int rounded = unmap(zone + kMiB, 1);
  const bool page_gone = faults(zone + kMiB) && !faults(zone + kMiB + page);
  close_zone(zone, kSize);
  const auto left = static_cast<std::int64_t>(2 * kMiB - page);
  findings.judge("munmap takes parts of a mapping: the front, the back, a page in the middle",
                 fmt::format("front {}, back {}, middle {}; {} mapped in {} VMAs and {} resident "
                             "are left, the content {}",
                             result_text(front), result_text(back), result_text(middle),
                             size_text(after.mapped), after.vmas, size_text(after.resident),
                             kept ? "kept" : "NOT kept"),
                 front == 0 && back == 0 && middle == 0 && after.mapped == left &&
                     after.resident == left && after.vmas == 2 && kept,
                 {{"mapped_bytes", after.mapped}, {"vmas", after.vmas}});
  findings.judge(
      "munmap rounds a length up to whole pages",
      fmt::format("length 1: {}; the page is {}", result_text(rounded),
                  page_gone ? "gone, the next one is there" : "NOT gone, or more than it"),
      rounded == 0 && page_gone);
}

void report_union(Findings& findings) {
  constexpr std::size_t kSize = 5 * kMiB;
  char* zone = make_zone(kSize);
  touch_pages(zone, kSize);
  protect(zone + kMiB, kMiB, PROT_NONE);
  unmap(zone + 3 * kMiB, kMiB);
  const RangeFigures before = range_figures(zone, kSize);
  const int error = unmap(zone, kSize);
  const RangeFigures after = range_figures(zone, kSize);
  const int again = unmap(zone, kSize);
  close_zone(zone, kSize);
  findings.judge("one munmap takes several mappings with a hole among them",
                 fmt::format("{} VMAs, {} mapped, a hole: {}; {} VMAs are left", before.vmas,
                             size_text(before.mapped), result_text(error), after.vmas),
                 error == 0 && before.vmas == 4 && after.vmas == 0);
  findings.judge("munmap of addresses where nothing is mapped succeeds", result_text(again),
                 again == 0);
}

void report_refusals(Findings& findings) {
  constexpr std::size_t kSize = kMiB;
  char* zone = make_zone(kSize);
  fill(zone, kSize, 7);
  const int unaligned = unmap(zone + 1, page_bytes());
  const int nothing = unmap(zone, 0);
  const int beyond = unmap(zone, std::size_t{1} << 63);
  const bool kept = all_bytes_are(zone, kSize, 7);
  findings.judge(
      "munmap refuses an address that is not whole pages, a length of 0, a range that leaves the "
      "address space",
      fmt::format("{}; {}; {}; the mapping is {}", result_text(unaligned), result_text(nothing),
                  result_text(beyond), kept ? "as before" : "NOT as before"),
      unaligned == EINVAL && nothing == EINVAL && beyond == EINVAL && kept);
}

void report_random(Findings& findings) {
  constexpr std::size_t kSize = 64 * kMiB;
  constexpr int kRounds = 2000;
  const std::size_t pages = kSize / page_bytes();
  char* zone = make_zone(kSize);
  std::mt19937 random(1);
  int refused = 0;
  int left_over = 0;
  for (int i = 0; i < kRounds; ++i) {
    const std::size_t from = random() % pages;
    const std::size_t count = 1 + random() % std::min<std::size_t>(pages - from, 2000);
    char* start = zone + from * page_bytes();
    const std::size_t size = count * page_bytes();
    // Between two munmaps some part is mapped again, with one access or another.
    if (unmap(start, size) != 0) ++refused;
    if (resident_by_mincore(start, page_bytes()) != -1) ++left_over;
    const std::size_t other = random() % (pages - 64);
    map_at(zone + other * page_bytes(), (1 + random() % 64) * page_bytes(),
           random() % 2 == 0 ? kReadWrite : PROT_NONE);
  }
  close_zone(zone, kSize);
  findings.judge(
      "munmap refuses no range of whole pages, whatever ordinary mappings lie in it (but see the "
      "ceiling)",
      fmt::format(
          "{} random ranges over mapped, protected and unmapped pages: {} refused, {} not gone",
          count_text(kRounds), refused, left_over),
      refused == 0 && left_over == 0, {{"ranges", kRounds}, {"refused", refused}});
}

}  // namespace

void fact_munmap(Findings& findings) {
  small_pages_only();
  report_parts(findings);
  report_union(findings);
  report_refusals(findings);
  report_random(findings);
}

}  // namespace acre::bench
