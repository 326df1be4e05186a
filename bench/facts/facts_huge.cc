// Transparent huge pages: when 2 MiB come, with a touch or without, and how parts of them go.
//
// Whether the kernel has a huge page at hand depends on the machine's state: where it falls back to small
// ones, and says so in thp_fault_fallback, nothing is judged.
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>

#include "bench/facts/facts.h"
#include "bench/facts/memory.h"
#include "bench/facts/probes.h"
#include "bench/growth/process.h"

namespace acre::bench {
namespace {

constexpr std::size_t kFresh = 128 * kMiB;
constexpr std::int64_t kHugeBytes = kHuge;

// Says so and answers false where there is nothing to look at.
bool has_huge_pages(Findings& findings, const char* claim, const KernelSettings& settings) {
  if (settings.huge_bytes == kHugeBytes) return true;
  findings.not_applicable(claim, settings.huge_bytes == 0
                                     ? "this kernel has no transparent huge pages"
                                     : "huge pages are not of 2 MiB here");
  return false;
}

std::string mode_text(const KernelSettings& settings) {
  return settings.huge_pages_2m == "inherit"
             ? settings.huge_pages
             : fmt::format("{}, {} for 2 MiB", settings.huge_pages, settings.huge_pages_2m);
}

enum class Asked { kNothing, kHuge, kNone, kDisabled, kDisabledButHuge };
struct Case {
  Asked asked;
  const char* text;
};
constexpr Case kCases[] = {{Asked::kNothing, "without advice"},
                           {Asked::kHuge, "with MADV_HUGEPAGE"},
                           {Asked::kNone, "with MADV_NOHUGEPAGE"},
                           {Asked::kDisabled, "with PR_SET_THP_DISABLE"},
                           {Asked::kDisabledButHuge, "with PR_SET_THP_DISABLE and MADV_HUGEPAGE"}};

bool huge_expected(Asked asked, const std::string& mode) {
  if (asked == Asked::kNothing) return mode == "always";
  return asked == Asked::kHuge && mode != "never";
}

void ask(char* zone, Asked asked) {
  const bool disable = asked == Asked::kDisabled || asked == Asked::kDisabledButHuge;
  prctl(PR_SET_THP_DISABLE, disable ? 1 : 0, 0, 0, 0);
  if (asked == Asked::kHuge || asked == Asked::kDisabledButHuge)
    advise(zone, kFresh, MADV_HUGEPAGE);
  if (asked == Asked::kNone) advise(zone, kFresh, MADV_NOHUGEPAGE);
}

void report_touch(Findings& findings, const Case& each, const KernelSettings& settings) {
  char* zone = make_zone(kFresh);
  ask(zone, each.asked);
  const std::int64_t fallbacks = vmstat("thp_fault_fallback");
  const RangeFigures before = range_figures(zone, kFresh);
  const double start = now_seconds();
  touch_pages(zone + kFresh / 2, 1);
  const double seconds = now_seconds() - start;
  const RangeFigures after = range_figures(zone, kFresh);
  const bool fell_back = vmstat("thp_fault_fallback") > fallbacks;
  unmap(zone, kFresh);
  const bool expected = huge_expected(each.asked, settings.huge_in_effect);
  const std::string claim =
      fmt::format("mode {}: one byte written to a fresh 128 MiB mapping {} takes {}",
                  mode_text(settings), each.text, expected ? "2 MiB" : "less than 2 MiB");
  const std::string text =
      fmt::format("resident {} before, {} after; in huge pages {}; {}", size_text(before.resident),
                  size_text(after.resident), size_text(after.huge), short_time(seconds));
  const Numbers numbers = {{"resident_before_bytes", before.resident},
                           {"resident_after_bytes", after.resident},
                           {"huge_bytes", after.huge},
                           {"nanoseconds", static_cast<std::int64_t>(seconds * 1e9)}};
  if (expected && after.huge == 0 && fell_back) {
    findings.not_applicable(claim,
                            "the kernel had no huge page at hand (thp_fault_fallback); " + text);
    return;
  }
  const bool holds = expected ? after.huge == kHugeBytes && after.resident == kHugeBytes
                              : after.huge == 0 && after.resident < kHugeBytes;
  findings.judge(claim, text, before.resident == 0 && holds, numbers);
}

std::string meaning_of(const std::string& mode) {
  if (mode == "always") {
    return "all mappings may get them at a touch, but those with MADV_NOHUGEPAGE; in mode madvise "
           "only those with MADV_HUGEPAGE would, in never none";
  }
  if (mode == "madvise") {
    return "only mappings with MADV_HUGEPAGE may get them at a touch; in mode always all but those "
           "with MADV_NOHUGEPAGE would, in never none";
  }
  if (mode == "never") {
    return "no mapping gets them at a touch; in mode madvise those with MADV_HUGEPAGE would, in "
           "always all but those with MADV_NOHUGEPAGE";
  }
  return "what that means is not known here";
}

void report_settings(Findings& findings, const KernelSettings& settings) {
  findings.measured("the system's setting of huge pages",
                    fmt::format("enabled: {}; defrag: {}; {}", mode_text(settings), settings.defrag,
                                meaning_of(settings.huge_in_effect)));
  // max_ptes_none is how many of the 512 small pages may be missing.
  const std::string reach = settings.max_ptes_none >= 511
                                ? "one small page that was touched is enough to become 2 MiB"
                                : fmt::format("{} small pages of 512 must be there to become 2 MiB",
                                              512 - settings.max_ptes_none);
  findings.measured(
      "khugepaged makes 2 MiB of small pages later, without a touch, where a mapping may have huge "
      "pages (read from sysfs, not waited for)",
      fmt::format("max_ptes_none {}: {}; it looks at {} pages, then sleeps {}",
                  settings.max_ptes_none, reach, settings.khugepaged_pages,
                  short_time(static_cast<double>(settings.khugepaged_sleep_ms) / 1000)),
      {{"max_ptes_none", settings.max_ptes_none}});
}

// A mapping that merges with one before it shares the 2 MiB block at the border.
void report_neighbour(Findings& findings, const KernelSettings& settings) {
  const char* const claim =
      "memory may appear in a mapping by a touch of its neighbour: they merge, and one huge page "
      "covers the border";
  if (settings.huge_in_effect == "never") {
    findings.not_applicable(claim, "the system is in mode never");
    return;
  }
  char* zone = make_zone(2 * kHuge, PROT_NONE, MAP_NORESERVE);
  char* second = zone + kHuge / 2;
  map_at(zone, kHuge / 2, kReadWrite);
  map_at(second, kHuge, kReadWrite);
  advise(zone, kHuge / 2 + kHuge, MADV_HUGEPAGE);
  const std::int64_t before = resident_by_mincore(second, kHuge);
  const std::int64_t fallbacks = vmstat("thp_fault_fallback");
  touch_pages(zone, 1);
  const std::int64_t after = resident_by_mincore(second, kHuge);
  const std::string text = fmt::format(
      "the second mapping, never touched: resident {} before, {} after a byte was written to the "
      "first",
      size_text(before), size_text(after));
  if (after == 0 && vmstat("thp_fault_fallback") > fallbacks) {
    findings.not_applicable(claim, "the kernel had no huge page at hand (thp_fault_fallback)");
    return;
  }
  findings.judge(claim, text, before == 0 && after == kHugeBytes / 2, {{"resident_bytes", after}});
}

void report_fresh(Findings& findings) {
  for (const bool huge : {false, true}) {
    char* zone = make_zone(kFresh);
    const int error = huge ? advise(zone, kFresh, MADV_HUGEPAGE) : 0;
    const ProcessFigures before = process_figures();
    const std::int64_t at_once = range_figures(zone, kFresh).resident;
    usleep(300'000);
    const std::int64_t later = range_figures(zone, kFresh).resident;
    const std::int64_t tables = process_figures().page_tables - before.page_tables;
    const std::string claim = fmt::format(
        "a fresh read-write mapping of 128 MiB {} has nothing resident before it is touched",
        huge ? "with MADV_HUGEPAGE" : "without advice");
    if (error != 0) {
      findings.not_applicable(claim, "MADV_HUGEPAGE: " + result_text(error));
      continue;
    }
    findings.judge(claim,
                   fmt::format("resident {} at once, {} after 0.3 s; page tables {}",
                               size_text(at_once), size_text(later), change(tables)),
                   at_once == 0 && later == 0, {{"resident_bytes", later}});
  }
}

void report_populated(Findings& findings) {
  char* zone = make_zone(kFresh);
  const int error = map_at(zone, kHuge, kReadWrite, MAP_POPULATE);
  const std::int64_t resident = range_figures(zone, kHuge).resident;
  findings.judge("MAP_POPULATE makes a mapping resident without a touch",
                 fmt::format("2 MiB, {}: resident {}", result_text(error), size_text(resident)),
                 error == 0 && resident == kHugeBytes, {{"resident_bytes", resident}});
}

}  // namespace

void fact_untouched(Findings& findings) {
  const KernelSettings settings = read_kernel_settings();
  report_fresh(findings);
  report_populated(findings);
  if (has_huge_pages(findings, "what the system's setting is", settings)) {
    report_settings(findings, settings);
    report_neighbour(findings, settings);
  }
}

void fact_first_touch(Findings& findings) {
  const KernelSettings settings = read_kernel_settings();
  if (!has_huge_pages(findings, "what one byte takes", settings)) return;
  for (const Case& each : kCases) report_touch(findings, each, settings);
}

}  // namespace acre::bench
