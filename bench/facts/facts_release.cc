// What gives memory back and when, and what it leaves of the mapping and of the charge.
#include <fmt/format.h>

#include <cerrno>

#include "bench/facts/facts.h"
#include "bench/facts/memory.h"
#include "bench/facts/probes.h"
#include "bench/growth/process.h"

namespace acre::bench {
namespace {

constexpr std::size_t kSize = 32 * kMiB;
constexpr std::int64_t kAll = kSize;

// A zone that was written, before and after something was done to it.
struct Look {
  RangeFigures range;
  ProcessFigures process;
  std::int64_t committed = 0;
};
Look look(const char* zone) {
  return {range_figures(zone, kSize), process_figures(), meminfo_bytes("Committed_AS")};
}

struct Change {
  Look before;
  Look after;

  std::int64_t space() const { return after.process.address_space - before.process.address_space; }
  bool address_stays() const {
    return space() == 0 && after.range.mapped == kAll && after.range.vmas == 1;
  }
  std::string rest() const {
    return fmt::format("VMAs {} and {}, address space {}, data (VmData) {}, page tables {}",
                       before.range.vmas, after.range.vmas, bench::change(space()),
                       bench::change(after.process.data - before.process.data),
                       bench::change(after.process.page_tables - before.process.page_tables));
  }
  std::string resident() const {
    return fmt::format("resident {} before, {} after", size_text(before.range.resident),
                       size_text(after.range.resident));
  }
  std::string charge() const {
    return fmt::format(
        "charged {} before, {} after (\"ac\" in smaps); Committed_AS of the whole system {}",
        size_text(before.range.charged), size_text(after.range.charged),
        bench::change(after.committed - before.committed));
  }
  Numbers numbers() const {
    return {{"resident_before_bytes", before.range.resident},
            {"resident_after_bytes", after.range.resident},
            {"charged_before_bytes", before.range.charged},
            {"charged_after_bytes", after.range.charged},
            {"lazy_free_bytes", after.range.lazy},
            {"vmas_after", after.range.vmas},
            {"page_tables_change_bytes", after.process.page_tables - before.process.page_tables}};
  }
};

char* written_zone() {
  char* zone = make_zone(kSize);
  fill(zone, kSize, 7);
  return zone;
}

template <class Action>
Change observe(char* zone, Action action) {
  look(zone);  // the first time, our own code and stack are paged in
  Change change;
  change.before = look(zone);
  action();
  change.after = look(zone);
  return change;
}

void judge_charge(Findings& findings, const char* what, const Change& change, bool stays) {
  findings.judge(
      fmt::format("{} {} the charge", what, stays ? "does not give back" : "gives back"),
      change.charge(),
      change.before.range.charged == kAll && change.after.range.charged == (stays ? kAll : 0));
}

void report_with_hole(Findings& findings) {
  char* zone = written_zone();
  protect(zone + kMiB, kMiB, PROT_NONE);
  const int error = advise(zone, kSize, MADV_DONTNEED);
  const std::int64_t left = range_figures(zone, kSize).resident;
  findings.judge("MADV_DONTNEED takes a range of which a part has no access",
                 fmt::format("{}; resident {}", result_text(error), size_text(left)),
                 error == 0 && left == 0);
}

}  // namespace

void fact_dontneed(Findings& findings) {
  small_pages_only();
  char* zone = written_zone();
  int error = 0;
  const Change change = observe(zone, [&] { error = advise(zone, kSize, MADV_DONTNEED); });
  const bool zero = all_bytes_are(zone, kSize, 0);
  findings.judge(
      "MADV_DONTNEED gives the memory back at once and keeps the address; what is read then is "
      "zero",
      fmt::format("{}; {}; reads {}", change.resident(), change.rest(), zero ? "zero" : "NOT zero"),
      error == 0 && change.before.range.resident == kAll && change.after.range.resident == 0 &&
          zero && change.address_stays(),
      change.numbers());
  judge_charge(findings, "MADV_DONTNEED", change, true);
  fill(zone, kSize, 8);
  const std::int64_t again = range_figures(zone, kSize).resident;
  findings.judge("after MADV_DONTNEED the memory comes again by writing, without another call",
                 fmt::format("resident {}", size_text(again)), again == kAll);
  report_with_hole(findings);
}

void fact_free(Findings& findings) {
  small_pages_only();
  char* zone = written_zone();
  int error = 0;
  const Change change = observe(zone, [&] { error = advise(zone, kSize, kAdviceFree); });
  const std::string claim =
      "MADV_FREE gives nothing back before the kernel is short of memory: until then pages stay "
      "resident, with their content, as LazyFree";
  if (error == EINVAL) {
    findings.not_applicable(claim, "this kernel has no MADV_FREE (Linux 4.5)");
    return;
  }
  std::int64_t old_pages = 0;
  std::int64_t zero_pages = 0;
  for (std::size_t at = 0; at < kSize; at += page_bytes()) {
    if (all_bytes_are(zone + at, page_bytes(), 7)) ++old_pages;
    if (all_bytes_are(zone + at, page_bytes(), 0)) ++zero_pages;
  }
  const std::string text =
      fmt::format("{}, LazyFree {}; {}; {} pages read the old content, {} zero", change.resident(),
                  size_text(change.after.range.lazy), change.rest(), count_text(old_pages),
                  count_text(zero_pages));
  if (zero_pages != 0) {
    findings.measured(claim + " (it was short here)", text, change.numbers());
  } else {
    // The last pages are marked lazy a few at a time.
    findings.judge(claim, text,
                   error == 0 && change.after.range.resident == kAll &&
                       change.after.range.lazy > kAll * 9 / 10 &&
                       old_pages == kAll / static_cast<std::int64_t>(page_bytes()) &&
                       change.address_stays(),
                   change.numbers());
  }
  judge_charge(findings, "MADV_FREE", change, true);
  fill(zone, kSize / 2, 8);
  const RangeFigures after = range_figures(zone, kSize);
  findings.judge("a page that is written after MADV_FREE is no longer the kernel's to take",
                 fmt::format("half written again: LazyFree {}", size_text(after.lazy)),
                 after.lazy <= kAll / 2 && all_bytes_are(zone, kSize / 2, 8),
                 {{"lazy_free_bytes", after.lazy}});
}

void fact_protect_none(Findings& findings) {
  small_pages_only();
  char* zone = written_zone();
  int error = 0;
  const Change change = observe(zone, [&] { error = protect(zone, kSize, PROT_NONE); });
  const bool closed = faults(zone);
  const int back = protect(zone, kSize, kReadWrite);
  const bool kept = back == 0 && all_bytes_are(zone, kSize, 7);
  findings.judge(
      "mprotect(PROT_NONE) gives nothing back: the pages stay resident, and are there again after "
      "mprotect(read-write)",
      fmt::format("{}; {}; meanwhile a read {}, then the content is {}", change.resident(),
                  change.rest(), closed ? "faults" : "does NOT fault",
                  kept ? "there" : "NOT there"),
      error == 0 && change.after.range.resident == kAll && closed && kept && change.address_stays(),
      change.numbers());
  judge_charge(findings, "mprotect(PROT_NONE)", change, true);
}

void fact_map_none(Findings& findings) {
  small_pages_only();
  char* zone = written_zone();
  int error = 0;
  const Change change =
      observe(zone, [&] { error = map_at(zone, kSize, PROT_NONE, MAP_NORESERVE); });
  findings.judge(
      "mmap(MAP_FIXED, PROT_NONE) over a mapping gives the memory back at once and keeps the "
      "address",
      fmt::format("{}; {}", change.resident(), change.rest()),
      error == 0 && change.before.range.resident == kAll && change.after.range.resident == 0 &&
          change.space() == 0 && change.after.range.mapped >= kAll,
      change.numbers());
  judge_charge(findings, "mmap(MAP_FIXED, PROT_NONE)", change, false);
}

void fact_locked(Findings& findings) {
  const std::size_t page = page_bytes();
  char* zone = make_zone(kMiB);
  fill(zone, kMiB, 7);
  const std::string claim = "MADV_DONTNEED refuses locked memory, which stays as it is";
  if (const int error = lock(zone, page); error != 0) {
    findings.not_applicable(claim, "mlock: " + result_text(error) + "; ulimit -l, perhaps");
    return;
  }
  const int error = advise(zone, page, MADV_DONTNEED);
  const bool kept = all_bytes_are(zone, page, 7);
  findings.judge(
      claim, fmt::format("{}; the content is {}", result_text(error), kept ? "kept" : "NOT kept"),
      error == EINVAL && kept);
}

void fact_populate(Findings& findings) {
  small_pages_only();
  const std::string claim =
      "MADV_POPULATE_WRITE makes a range resident without a touch (Linux 5.14)";
  char* touched = make_zone(kSize);
  char* populated = make_zone(kSize);
  const double start = now_seconds();
  touch_pages(touched, kSize);
  const double between = now_seconds();
  const int error = advise(populated, kSize, kAdvicePopulateWrite);
  const double end = now_seconds();
  if (error == EINVAL) {
    findings.not_applicable(claim, "this kernel does not have it");
    return;
  }
  const std::int64_t resident = range_figures(populated, kSize).resident;
  const bool zero = all_bytes_are(populated, kSize, 0);
  const std::size_t count = kSize / page_bytes();
  const auto pages = static_cast<double>(count);
  findings.judge(
      claim,
      fmt::format("{}; resident {} of 32 MiB, reads {}; {} a page, {} by writing a byte to each",
                  result_text(error), size_text(resident), zero ? "zero" : "NOT zero",
                  short_time((end - between) / pages), short_time((between - start) / pages)),
      error == 0 && resident == kAll && zero,
      {{"resident_bytes", resident},
       {"nanoseconds_a_page", static_cast<std::int64_t>((end - between) * 1e9 / pages)},
       {"nanoseconds_a_page_by_touch",
        static_cast<std::int64_t>((between - start) * 1e9 / pages)}});
}

}  // namespace acre::bench
