// What cuts a mapping in pieces, and what does not: advice, and guard pages of two sorts.
#include <fmt/format.h>

#include <cerrno>

#include "bench/facts/facts.h"
#include "bench/facts/memory.h"
#include "bench/facts/probes.h"

namespace acre::bench {
namespace {

constexpr std::size_t kSize = 4 * kMiB;

struct Advice {
  const char* name;
  int advice;
  int undo;  // -1: nothing to undo
  std::int64_t more_vmas;
  const char* lacking;  // what to say where the kernel answers EINVAL
};

constexpr Advice kAdvices[] = {
    {"MADV_DONTNEED", MADV_DONTNEED, -1, 0, "?"},
    {"MADV_FREE", kAdviceFree, -1, 0, "this kernel has no MADV_FREE (Linux 4.5)"},
    {"MADV_POPULATE_WRITE", kAdvicePopulateWrite, -1, 0,
     "this kernel does not have it (Linux 5.14)"},
    {"MADV_NOHUGEPAGE", MADV_NOHUGEPAGE, MADV_HUGEPAGE, 2,
     "this kernel has no transparent huge pages"},
    {"MADV_GUARD_INSTALL", kAdviceGuardInstall, kAdviceGuardRemove, 0,
     "this kernel does not have it (Linux 6.13)"}};

void report_advice(Findings& findings, const Advice& each) {
  char* zone = make_zone(kSize);
  // All as MADV_HUGEPAGE says, so that undoing MADV_NOHUGEPAGE makes all parts alike again.
  if (each.advice == MADV_NOHUGEPAGE) advise(zone, kSize, MADV_HUGEPAGE);
  touch_pages(zone, kSize);
  const std::int64_t before = range_figures(zone, kSize).vmas;
  const int error = advise(zone + kMiB, kMiB, each.advice);
  const std::int64_t during = range_figures(zone, kSize).vmas;
  const std::string claim =
      each.more_vmas == 0
          ? fmt::format("{} in the middle of a mapping costs no VMA", each.name)
          : fmt::format("{} in the middle of a mapping costs {} VMAs, until all is advised alike",
                        each.name, each.more_vmas);
  if (error == EINVAL) {
    findings.not_applicable(claim, each.lacking);
    return;
  }
  std::string text =
      fmt::format("{}; VMAs {} before, {} after", result_text(error), before, during);
  bool holds = error == 0 && before == 1 && during - before == each.more_vmas;
  if (each.undo != -1) {
    const int undone = advise(zone + kMiB, kMiB, each.undo);
    const std::int64_t after = range_figures(zone, kSize).vmas;
    text += fmt::format(", {} when undone", after);
    holds = holds && undone == 0 && after == 1;
  }
  findings.judge(claim, text, holds, {{"vmas_before", before}, {"vmas_after", during}});
}

void report_protect(Findings& findings) {
  char* zone = make_zone(kSize);
  touch_pages(zone, kSize);
  const int error = protect(zone + kMiB, kMiB, PROT_NONE);
  const std::int64_t during = range_figures(zone, kSize).vmas;
  const int undone = protect(zone + kMiB, kMiB, kReadWrite);
  const std::int64_t after = range_figures(zone, kSize).vmas;
  findings.judge(
      "mprotect in the middle of a mapping costs 2 VMAs, until all is protected alike",
      fmt::format("{}; VMAs 1 before, {} after, {} when undone", result_text(error), during, after),
      error == 0 && undone == 0 && during == 3 && after == 1, {{"vmas_after", during}});
}

constexpr std::int64_t kGuards = 100;
constexpr std::size_t kGuardStep = 64 * kKiB;
constexpr std::size_t kGuarded = kGuards * kGuardStep + kGuardStep;

// Guards of a page, one in the middle of each step.
template <class Make>
int make_guards(char* zone, Make make) {
  int error = 0;
  for (std::int64_t i = 0; i < kGuards && error == 0; ++i) {
    error = make(zone + static_cast<std::size_t>(i) * kGuardStep + kGuardStep / 2, page_bytes());
  }
  return error;
}

void report_guards_by_mprotect(Findings& findings) {
  char* zone = make_zone(kGuarded);
  fill(zone, kGuarded, 7);
  const int error =
      make_guards(zone, [](char* at, std::size_t size) { return protect(at, size, PROT_NONE); });
  const RangeFigures after = range_figures(zone, kGuarded);
  const bool guards =
      faults(zone + kGuardStep / 2) && !faults(zone + kGuardStep / 2 + page_bytes());
  findings.judge("100 guard pages by mprotect cost 200 VMAs, and keep the memory below them",
                 fmt::format("{}; VMAs {}; resident {} of {}; a read of a guard {}",
                             result_text(error), after.vmas, size_text(after.resident),
                             size_text(static_cast<std::int64_t>(kGuarded)),
                             guards ? "faults" : "does NOT fault"),
                 error == 0 && after.vmas == 1 + 2 * kGuards &&
                     after.resident == static_cast<std::int64_t>(kGuarded) && guards,
                 {{"vmas", after.vmas}, {"resident_bytes", after.resident}});
}

void report_guards_by_advice(Findings& findings) {
  const char* const claim =
      "100 guard pages by MADV_GUARD_INSTALL cost no VMA, and give the memory below them back";
  char* zone = make_zone(kGuarded);
  fill(zone, kGuarded, 7);
  const int error = make_guards(
      zone, [](char* at, std::size_t size) { return advise(at, size, kAdviceGuardInstall); });
  if (error == EINVAL) {
    findings.not_applicable(claim, "this kernel does not have it (Linux 6.13)");
    return;
  }
  const RangeFigures after = range_figures(zone, kGuarded);
  char* guard = zone + kGuardStep / 2;
  const bool guards = faults(guard) && !faults(guard + page_bytes());
  const auto left = static_cast<std::int64_t>(kGuarded - kGuards * page_bytes());
  findings.judge(claim,
                 fmt::format("{}; VMAs {}; resident {} of {}; a read of a guard {}",
                             result_text(error), after.vmas, size_text(after.resident),
                             size_text(static_cast<std::int64_t>(kGuarded)),
                             guards ? "faults" : "does NOT fault"),
                 error == 0 && after.vmas == 1 && after.resident == left && guards,
                 {{"vmas", after.vmas}, {"resident_bytes", after.resident}});
  const int released = advise(zone, kGuarded, MADV_DONTNEED);
  const bool stays = faults(guard);
  const int removed = advise(guard, page_bytes(), kAdviceGuardRemove);
  const bool zero = removed == 0 && !faults(guard) && *guard == 0;
  findings.judge(
      "such a guard outlives MADV_DONTNEED; MADV_GUARD_REMOVE makes it a page that reads zero",
      fmt::format("after MADV_DONTNEED ({}) a read {}; after removal ({}) it {}",
                  result_text(released), stays ? "faults" : "does NOT fault", result_text(removed),
                  zero ? "reads zero" : "does NOT read zero"),
      released == 0 && stays && zero);
}

void report_guards_untouched(Findings& findings) {
  char* zone = make_zone(kGuarded);
  char* other = make_zone(kGuarded, PROT_NONE, MAP_NORESERVE);
  range_figures(zone, kGuarded);
  const std::int64_t start = process_figures().page_tables;
  const int error = make_guards(
      zone, [](char* at, std::size_t size) { return advise(at, size, kAdviceGuardInstall); });
  const std::int64_t between = process_figures().page_tables;
  make_guards(other, [](char* at, std::size_t size) { return protect(at, size, PROT_READ); });
  const std::int64_t end = process_figures().page_tables;
  if (error == EINVAL) return;  // said above
  findings.measured(
      "guards by MADV_GUARD_INSTALL are entries of page tables, so that they take tables where "
      "none were; VMAs do not",
      fmt::format("100 guards in 6.3 MiB never touched: page tables {}; 100 pages by mprotect: {}",
                  change(between - start), change(end - between)),
      {{"page_table_bytes", between - start}});
}

}  // namespace

void fact_vma_advice(Findings& findings) {
  for (const Advice& each : kAdvices) report_advice(findings, each);
  report_protect(findings);
}

void fact_guards(Findings& findings) {
  small_pages_only();
  report_guards_by_mprotect(findings);
  report_guards_by_advice(findings);
  report_guards_untouched(findings);
}

}  // namespace acre::bench
