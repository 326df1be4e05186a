// Reservations: half a terabyte of addresses without access, of which parts become read-write, and how the
// read-write part grows at its border.
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "bench/facts/facts.h"
#include "bench/facts/memory.h"
#include "bench/facts/probes.h"

namespace acre::bench {
namespace {

constexpr std::size_t kReservation = 512 * kGiB;
constexpr std::size_t kPart = 64 * kMiB;
constexpr std::int64_t kPartBytes = kPart;

void report_parts(Findings& findings, char* start) {
  char* middle = start + kReservation / 2;
  const ProcessFigures before = process_figures();
  const int low = protect(start, kPart, kReadWrite);
  const int high = protect(middle, kPart, kReadWrite);
  const ProcessFigures after = process_figures();
  const RangeFigures untouched = range_figures(start, kReservation);
  if (low != 0 || high != 0) {
    findings.not_applicable(
        "parts of it become read-write by mprotect",
        fmt::format("mprotect: {}, {}: vm.overcommit_memory is {}", result_text(low),
                    result_text(high), read_kernel_settings().overcommit));
    return;
  }
  fill(start, 1, 1);
  fill(middle + kPart - 1, 1, 1);
  const std::int64_t resident = range_figures(start, kReservation).resident;
  const bool rest_faults = faults(start + kPart) && faults(middle - 1) && faults(middle + kPart);
  const std::int64_t space = after.address_space - before.address_space;
  findings.judge(
      "parts of it become read-write by mprotect: no more address space, VMAs only for what "
      "differs, memory only for what is written",
      fmt::format("64 MiB at the start and in the middle: address space {}, VMAs {}, resident {}, "
                  "after a byte written in each {}; beside them a read {}",
                  change(space), untouched.vmas, size_text(untouched.resident), size_text(resident),
                  rest_faults ? "faults" : "does NOT fault"),
      space == 0 && untouched.vmas == 4 && untouched.resident == 0 &&
          resident == 2 * static_cast<std::int64_t>(page_bytes()) && rest_faults,
      {{"vmas", untouched.vmas}, {"resident_bytes", resident}});
  const std::int64_t overcommit = read_kernel_settings().overcommit;
  const std::int64_t expected = overcommit == 2 ? 2 * kPartBytes : 0;
  findings.judge(
      "with MAP_NORESERVE what becomes read-write is charged to Committed_AS only where "
      "vm.overcommit_memory is 2",
      fmt::format("vm.overcommit_memory is {}: {} of 128 MiB charged (\"ac\" in smaps)", overcommit,
                  size_text(untouched.charged)),
      untouched.charged == expected,
      {{"charged_bytes", untouched.charged}, {"overcommit_memory", overcommit}});
}

}  // namespace

void fact_reserve(Findings& findings) {
  small_pages_only();
  const std::string claim =
      "reserving 512 GiB without access costs address space and one VMA: no memory, no page tables";
  process_figures();  // the first time, our own code and stack are paged in
  mapping_count();
  const std::int64_t vmas = mapping_count();
  const ProcessFigures before = process_figures();
  char* start = map_anywhere(kReservation, PROT_NONE, MAP_NORESERVE);
  const int error = errno;
  const ProcessFigures after = process_figures();
  const std::int64_t more_vmas = mapping_count() - vmas;
  if (start == nullptr) {
    findings.not_applicable(claim, fmt::format("mmap: {}; ulimit -v, perhaps", result_text(error)));
    return;
  }
  const RangeFigures range = range_figures(start, kReservation);
  const std::int64_t space = after.address_space - before.address_space;
  const std::int64_t tables = after.page_tables - before.page_tables;
  // It may lie beside a mapping of the same sort, and merge with it.
  findings.judge(
      claim,
      fmt::format("address space {}, VMAs +{}, page tables {}, resident {}, data (VmData) {}",
                  change(space), more_vmas, change(tables), change(range.resident),
                  change(after.data - before.data)),
      space == static_cast<std::int64_t>(kReservation) && more_vmas <= 1 && tables == 0 &&
          range.resident == 0 && after.data == before.data,
      {{"address_space_bytes", space},
       {"vmas", more_vmas},
       {"page_table_bytes", tables},
       {"resident_bytes", range.resident}});
  report_parts(findings, start);
}

void fact_border(Findings& findings) {
  small_pages_only();
  constexpr std::size_t kSize = 256 * kMiB;
  constexpr std::size_t kStep = kMiB;
  const std::string claim =
      "where the read-write front of a reservation grows by mprotect at its border, step by step, "
      "it stays one VMA";
  for (const bool touching : {false, true}) {
    char* zone = make_zone(kSize, PROT_NONE, MAP_NORESERVE);
    const int first = protect(zone, kStep, kReadWrite);
    if (touching) touch_pages(zone, kStep);
    const RangeFigures before = range_figures(zone, kSize);
    int refused = first == 0 ? 0 : 1;
    std::int64_t most = before.vmas;
    for (std::size_t at = kStep; at < kSize - kStep; at += kStep) {
      if (protect(zone + at, kStep, kReadWrite) != 0) ++refused;
      if (touching) touch_pages(zone + at, kStep);
      if (at % (16 * kStep) == 0) most = std::max(most, range_figures(zone, kSize).vmas);
    }
    const RangeFigures after = range_figures(zone, kSize);
    most = std::max(most, after.vmas);
    findings.judge(claim + (touching ? ", also when each step is written" : ""),
                   fmt::format("254 steps of 1 MiB, {} refused; VMAs of the reservation {} before, "
                               "at most {} while growing, {} after; resident {}",
                               refused, before.vmas, most, after.vmas, size_text(after.resident)),
                   refused == 0 && before.vmas == 2 && most == 2,
                   {{"vmas_before", before.vmas}, {"vmas_most", most}});
  }
}

}  // namespace acre::bench
