// Giving back a part of huge pages, and making one of small pages.
#include <fmt/format.h>

#include <cerrno>

#include "bench/facts/facts.h"
#include "bench/facts/memory.h"
#include "bench/facts/probes.h"
#include "bench/growth/process.h"

namespace acre::bench {
namespace {

constexpr std::size_t kPages = 128;
constexpr std::size_t kZone = kPages * kHuge;

struct SystemFigures {
  std::int64_t free = system_free_bytes();
  std::int64_t split_mappings = vmstat("thp_split_pmd");
  std::int64_t put_off = vmstat("thp_deferred_split_page");
  std::int64_t split_pages = vmstat("thp_split_page");
};

std::string system_change(const SystemFigures& before, const SystemFigures& after) {
  return fmt::format(
      "free memory {}; mappings of huge pages split {}, splits of pages put off {}, pages split {} "
      "(of "
      "the whole system)",
      change(after.free - before.free), after.split_mappings - before.split_mappings,
      after.put_off - before.put_off, after.split_pages - before.split_pages);
}

// A zone of huge pages; nullptr, said so, where the kernel gave fewer.
char* huge_zone(Findings& findings, const char* claim) {
  const std::uint64_t available = memory_available();  // 0: not known
  if (available != 0 && available < 4 * kZone) {
    findings.not_applicable(claim, "less than 1 GiB of memory is available");
    return nullptr;
  }
  char* zone = make_zone(kZone);
  const int error = advise(zone, kZone, MADV_HUGEPAGE);
  fill(zone, kZone, 7);
  const std::int64_t huge = range_figures(zone, kZone).huge;
  if (huge == static_cast<std::int64_t>(kZone)) return zone;
  findings.not_applicable(claim, fmt::format("MADV_HUGEPAGE: {}; of 256 MiB {} came in huge pages",
                                             result_text(error), size_text(huge)));
  return nullptr;
}

void report_part(Findings& findings) {
  const char* const claim =
      "MADV_DONTNEED of a part of a huge page: the part is no longer resident at once, the rest "
      "stays, mapped by small pages";
  char* zone = huge_zone(findings, claim);
  if (zone == nullptr) return;
  const RangeFigures before = range_figures(zone, kZone);
  const SystemFigures system;
  int refused = 0;
  for (std::size_t at = 0; at < kZone; at += kHuge) {
    if (advise(zone + at + kHuge / 2, kHuge / 2, MADV_DONTNEED) != 0) ++refused;
  }
  const SystemFigures system_after;
  const RangeFigures after = range_figures(zone, kZone);
  bool contents = true;
  for (std::size_t at = 0; at < kZone; at += kHuge) {
    contents = contents && all_bytes_are(zone + at, kHuge / 2, 7) &&
               all_bytes_are(zone + at + kHuge / 2, kHuge / 2, 0);
  }
  findings.judge(
      claim,
      fmt::format("half of each of 128: resident {} before, {} after; in huge pages {} before, {} "
                  "after; VMAs {} and {}; the contents are {}",
                  size_text(before.resident), size_text(after.resident), size_text(before.huge),
                  size_text(after.huge), before.vmas, after.vmas, contents ? "right" : "WRONG"),
      refused == 0 && after.resident == static_cast<std::int64_t>(kZone / 2) && after.huge == 0 &&
          after.vmas == before.vmas && contents,
      {{"resident_before_bytes", before.resident}, {"resident_after_bytes", after.resident}});
  findings.measured(
      "whether others can have that part: the kernel may put off splitting the page itself until "
      "it is short of memory",
      "128 MiB no longer resident: " + system_change(system, system_after),
      {{"system_free_change_bytes", system_after.free - system.free}});
  unmap(zone, kZone);
}

void report_whole(Findings& findings) {
  const char* const claim =
      "MADV_DONTNEED of whole huge pages gives them back at once; the others stay huge";
  char* zone = huge_zone(findings, claim);
  if (zone == nullptr) return;
  const SystemFigures system;
  const int error = advise(zone + kZone / 2, kZone / 2, MADV_DONTNEED);
  const SystemFigures system_after;
  const RangeFigures after = range_figures(zone, kZone);
  const bool kept = all_bytes_are(zone, kZone / 2, 7);
  const auto half = static_cast<std::int64_t>(kZone / 2);
  findings.judge(
      claim,
      fmt::format("64 of 128: resident {} after, in huge pages {}; {}", size_text(after.resident),
                  size_text(after.huge), system_change(system, system_after)),
      error == 0 && after.resident == half && after.huge == half && kept,
      {{"resident_after_bytes", after.resident},
       {"huge_after_bytes", after.huge},
       {"system_free_change_bytes", system_after.free - system.free}});
}

}  // namespace

void fact_huge_part(Findings& findings) {
  report_part(findings);
  report_whole(findings);
}

void fact_collapse(Findings& findings) {
  const std::string claim =
      "MADV_COLLAPSE makes 2 MiB of small pages at once, content kept (Linux 6.1)";
  char* zone = make_zone(kHuge);
  if (advise(zone, kHuge, MADV_NOHUGEPAGE) != 0) {
    findings.not_applicable(claim, "this kernel has no transparent huge pages");
    return;
  }
  fill(zone, kHuge, 7);
  advise(zone, kHuge, MADV_HUGEPAGE);
  const RangeFigures before = range_figures(zone, kHuge);
  const double start = now_seconds();
  const int error = advise(zone, kHuge, kAdviceCollapse);
  const double seconds = now_seconds() - start;
  const RangeFigures after = range_figures(zone, kHuge);
  if (error != 0) {
    findings.not_applicable(claim, error == EINVAL
                                       ? "EINVAL: this kernel does not have it, or not in this mode"
                                       : "refused: " + result_text(error));
    return;
  }
  const bool kept = all_bytes_are(zone, kHuge, 7);
  const auto all = static_cast<std::int64_t>(kHuge);
  findings.judge(claim,
                 fmt::format("in huge pages {} before, {} after; {}; the content is {}",
                             size_text(before.huge), size_text(after.huge), short_time(seconds),
                             kept ? "kept" : "NOT kept"),
                 before.huge == 0 && after.huge == all && kept,
                 {{"nanoseconds", static_cast<std::int64_t>(seconds * 1e9)}});
}

}  // namespace acre::bench
